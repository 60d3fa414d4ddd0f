"""Text as it is compared: what is written in two ways but spoken in one becomes the same string.

Chinese: Unicode NFKC, lower case, traditional -> simplified characters, digits -> reading, no punctuation, no space.
English: Whisper's own normaliser, as the field's word error rates use it (numbers to digits, contractions to words).
Other languages: NFKC, lower case, no punctuation, single spaces.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import cn2an
import zhconv
from pypinyin import Style, lazy_pinyin

_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CLOCK = re.compile(r"(?<!\d)(?<!\d:)(\d{1,2}):(\d{2})(?![\d:])")
# Read digit by digit: what starts with 0 (room 007) and what is long (telephone numbers).
_DIGIT_BY_DIGIT = re.compile(r"(?<![\d.])0\d+|\d{9,}")
# 2 is 两, not 二, before a measure word.
_TWO = re.compile(r"(?<![\d.第月])2(?=[个点块张只条位本杯瓶次件种岁斤天]|小时|分钟|百|千|万|亿)")


def normalise(text: str, language: str) -> str:
    """Text without what is not spoken; empty if nothing is left.

    >>> normalise("他說：12:30 見，共105塊！", "zh")
    '他说十二点三十分见共一百零五块'
    >>> normalise("It's twenty-one dollars, Mr. Smith!", "en")
    'it is $21 mister smith'
    >>> normalise("Où est-il ?", "fr")
    'où estil'
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    if language == "en":
        spoken = _english()(text)
        return spoken if any(c.isalnum() for c in spoken) else ""  # it leaves the last of several full stops
    if language == "zh":
        text = read_numbers(zhconv.convert(text, "zh-hans").replace("〇", "零"))
    spoken = "".join(c if unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in text)
    return "".join(spoken.split()) if language == "zh" else " ".join(spoken.split())


@lru_cache(maxsize=1)
def _english() -> Callable[[str], str]:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer  # slow to import

    return EnglishTextNormalizer({})  # without the table of British spellings, which comes with Whisper's weights


def read_numbers(text: str) -> str:
    """Arabic numerals -> Chinese reading; cn2an knows integers, decimals, dates, fractions, percentages, degrees.

    >>> read_numbers("12:30见，共105块")
    '十二点三十分见，共一百零五块'
    """
    text = _THOUSANDS.sub("", text).replace("°c", "℃")
    text = _CLOCK.sub(lambda m: f"{m[1]}点" + ("" if m[2] == "00" else f"{m[2]}分"), text)
    text = _TWO.sub("两", text)
    text = _DIGIT_BY_DIGIT.sub(lambda m: m[0].translate(_DIGITS), text)
    return cn2an.transform(text, "an2cn")


def syllables(text: str, tones: bool) -> list[str]:
    """Pinyin of normalised Chinese text: one syllable for each character, any other character as it stands.

    With tones: number at the end, 5 for the neutral tone, third-tone and 一/不 sandhi applied. A character with several
    readings takes the one of its word (pypinyin's phrases), so the same character may be read in two ways in two texts.

    >>> syllables("你好吗ok", tones=True)
    ['ni2', 'hao3', 'ma5', 'o', 'k']
    >>> syllables("你好吗ok", tones=False)
    ['ni', 'hao', 'ma', 'o', 'k']
    """
    style = Style.TONE3 if tones else Style.NORMAL
    spoken = lazy_pinyin(text, style=style, errors=list, tone_sandhi=tones, neutral_tone_with_five=tones)
    if len(spoken) != len(text):
        raise ValueError(f"{len(text)} characters of {text!r} gave {len(spoken)} syllables")
    return spoken
