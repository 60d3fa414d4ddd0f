"""Text as it is compared: what is written in two ways but spoken in one becomes the same string.

Chinese (zh, yue): Unicode NFKC, traditional -> simplified characters, what is written with digits -> its reading by
WeText's grammars (package wetext, which carries them), lower case, no punctuation, no space.
English: Whisper's own normaliser, as the field's word error rates use it (numbers to digits, contractions to words).
Other languages: NFKC, numbers in words where spell_numbers() knows them, lower case, no punctuation, single spaces; no
space in Japanese and Korean, which are compared by characters.

What was normalised or spelt lately is remembered: in GRPO all rollouts of a group have the same reference.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import zhconv
from pypinyin import Style, lazy_pinyin

CHINESE = frozenset({"zh", "yue"})
CHARACTER_LANGUAGES = CHINESE | {"ja", "ko"}  # compared by characters, not words
_REMEMBERED = 16_384  # texts, and as many readings: some megabytes
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
# WeText needs milliseconds for a long sentence, so it is shown digits with what belongs to them: a word before (第,
# 负), a unit behind (平方公里, km/h), numbers that stand close to each other together (2024年3月12日).
_WITH_DIGITS = re.compile(r"[^\d\s]{0,3}[0-9](?:\D{0,6}[0-9])*\D{0,6}(?:(?<=[A-Za-z])[A-Za-z]*)?")
# Where WeText does not do: it reads the 2 of 第2个 and of 2点半 as in 2个 and 12点, commas one by one, and what has
# more digits than a telephone number as several numbers; and a hyphen before digits as minus, also that of GPT-4.
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SECOND = re.compile(r"第2(?!\d)")
_TWO_O_CLOCK = re.compile(r"(?<![\d.:第月])2(?=点(?:\d+分|(?!\d)))")
_ESCAPED = re.compile(r'\\(["\\])')  # as WeText gives quotes and backslashes back
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=\d)")
_TOO_LONG = re.compile(r"(?<![\d.])\d{12,}")
# num2words knows Korean too, but not whether a counter wants 삼 or 세.
_SPELT = frozenset({"es", "fr", "de", "it", "pt", "ru", "nl", "pl"})
_ORDINALS = frozenset({"de", "pl"})  # am 25. März
_ALONE = re.compile(r"(?<![\w.,:/+\-−–])(?:0|[1-9][0-9]{0,5})(?:,[0-9]+)?(?!\w|[.,:/\-−–]\w)")


@lru_cache(maxsize=_REMEMBERED)
def normalise(text: str, language: str) -> str:
    """Text without what is not spoken; empty if nothing is left.

    >>> normalise("他說：12:30 見，共105塊！", "zh")
    '他说十二点三十分见共一百零五块'
    >>> normalise("It's twenty-one dollars, Mr. Smith!", "en")
    'it is $21 mister smith'
    >>> normalise("Où est-il ?", "fr")
    'où estil'
    """
    text = unicodedata.normalize("NFKC", text)
    if language == "en":
        spoken = _english()(text.casefold())
        return spoken if any(c.isalnum() for c in spoken) else ""  # it leaves the last of several full stops
    if language in CHINESE:
        # A 1 of a telephone number is said as 一 or 幺.
        text = read_numbers(zhconv.convert(text, "zh-hans").replace("〇", "零")).replace("幺", "一")
    text = spell_numbers(text, language).casefold()
    spoken = "".join(c if unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in text)
    return ("" if language in CHARACTER_LANGUAGES else " ").join(spoken.split())


@lru_cache(maxsize=1)
def _english() -> Callable[[str], str]:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer  # slow to import

    return EnglishTextNormalizer({})  # without the table of British spellings, which comes with Whisper's weights


def read_numbers(text: str) -> str:
    """Arabic numerals -> Chinese reading: integers, decimals, dates, times, fractions, ranges, money, units, telephone
    numbers.

    >>> read_numbers("12:30见，共105块")
    '十二点三十分见，共一百零五块'
    """
    if not any(c in "0123456789" for c in text):
        return text
    text = _SECOND.sub("第二", _THOUSANDS.sub("", _HYPHEN.sub("", text)).replace("\u2044", "/"))  # NFKC makes 1⁄2 of ½
    text = _TOO_LONG.sub(lambda m: m[0].translate(_DIGITS), _TWO_O_CLOCK.sub("两", text))
    return _WITH_DIGITS.sub(lambda m: by_wetext(m[0], "zh"), text)


def spell_numbers(text: str, language: str) -> str:
    """Whole numbers of up to six digits and decimals with a comma in the words of es, fr, de, it, pt, ru, nl or pl, by
    num2words, which inflects nothing. Times, dates, ordinals, ranges, thousands apart (1.000) and what touches a letter
    stay as they are, and so does any other language.

    >>> spell_numbers("Tengo 25 años y 3,5 euros, a las 12:30.", "es")
    'Tengo veinticinco años y tres coma cinco euros, a las 12:30.'
    """
    if language not in _SPELT or not any(c in "0123456789" for c in text):
        return text
    from num2words import num2words  # slow to import

    def words(found: re.Match[str]) -> str:
        if language in _ORDINALS and re.match(r"\.\s*\S", text[found.end() :]):
            return found[0]
        value = float(found[0].replace(",", ".")) if "," in found[0] else int(found[0])
        return num2words(value, lang=language).replace(" punto ", " coma ")  # Spanish, of what is written with a comma

    return _ALONE.sub(words, text)


@lru_cache(maxsize=_REMEMBERED)
def by_wetext(text: str, language: str) -> str:
    """Text as WeText's grammar of zh, en or ja reads all of it. Raises AssertionError where it does not, as ^2 in en.

    >>> by_wetext('At 12:30 he said "no".', "en")
    'At twelve thirty he said "no".'
    """
    return _ESCAPED.sub(r"\1", _reader(language)(text))


@lru_cache
def _reader(language: str) -> Callable[[str], str]:
    from wetext import Normalizer  # slow to import: it loads the grammars of all its languages

    return Normalizer(lang=language, operator="tn").normalize


def syllables(text: str, tones: bool) -> list[str]:
    """Pinyin of normalised Chinese text: one syllable for each character, any other character as it stands.

    With tones: number at the end, 5 for the neutral tone, third-tone and 一/不 sandhi applied. A character with several
    readings takes the one of its word (pypinyin's phrases), so the same character may be read in two ways in two texts.

    >>> syllables("你好吗ok", tones=True)
    ['ni2', 'hao3', 'ma5', 'o', 'k']
    >>> syllables("你好吗ok", tones=False)
    ['ni', 'hao', 'ma', 'o', 'k']
    """
    return list(_syllables(text, tones))


@lru_cache(maxsize=_REMEMBERED)
def _syllables(text: str, tones: bool) -> tuple[str, ...]:
    style = Style.TONE3 if tones else Style.NORMAL
    spoken = lazy_pinyin(text, style=style, errors=list, tone_sandhi=tones, neutral_tone_with_five=tones)
    if len(spoken) != len(text):
        raise ValueError(f"{len(text)} characters of {text!r} gave {len(spoken)} syllables")
    return tuple(spoken)
