"""Numbers, signs and letters of a Japanese text, with what may be said for each."""

import re
from itertools import product

from speech.readings import ja_words
from speech.readings.cjk import (
    CIRCLED,
    FRACTIONS,
    HALF_DAY_BEFORE,
    LATIN_ROMAN,
    LOWERED,
    RAISED,
    ROMAN,
    SCHEME,
    any_of,
    between_letters,
    charge_at,
    comparison,
    face,
    lowered,
    one_of,
    power_at,
    right_behind,
    span_of,
    walk,
    with_until,
)
from speech.readings.ja_counted import counter_at, number
from speech.readings.ja_forms import average, dashed, phone, ratio, slashed, version
from speech.readings.ja_numbers import digits, read, whole
from speech.readings.ja_signs import (
    ASIDES,
    BETWEEN_LETTERS,
    ENGLISH,
    LOAN_WORDS,
    MONEY,
    NUMBERED,
    PHRASES,
    SIGNS,
    UNITS,
    spelled,
)
from speech.readings.ja_times import HALVES, clock, date, weekday
from speech.readings.ja_values import KANJI_DIGITS, SMALL
from speech.readings.span import Span

_RATE = re.compile("(?:ドル|ユーロ|ポンド|元|ウォン) ?$")
_PHRASE = re.compile(one_of(PHRASES))
_TYPE = re.compile("型(?![番式紙])")
_NUMBERED = re.compile(r"\. ?(?=\d)")
_ASIDE = re.compile(r"\((笑|爆笑|泣|汗|爆)\)")  # said by some
_WEEKDAYS = re.compile(
    "[月火水木金土日][〜~–-][月火水木金土日](?![一-龥])|曜[〜~–-][月火水木金土日]曜|曜日?[〜~–-]|日[〜~–-][月火水木金土日]曜"
)
_KANJI_AROUND = re.compile("[一-龥ァ-ー][〜~][一-龥ァ-ー]")
_KATAKANA_AROUND = re.compile("[ァ-ー]=[ァ-ヴ]")  # ジャン＝ポール
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:['-][A-Za-z]{1,20})?")
_LAUGHTER = re.compile("[^\x00-\x7f][wｗ]+(?![A-Za-z.])")  # 笑ったwww
_SIGNS = any_of(SIGNS, RAISED, LOWERED, ROMAN, CIRCLED, FRACTIONS, (phrase[0] for phrase in PHRASES))
_START = re.compile(rf"[(\d〇零○一二三四五六七八九十百千A-Za-zÀ-ÖØ-öø-ÿ¥$€£₩+\-−±▲第〜~–.:/_{_SIGNS}<=>ヾ]")


def find(text: str) -> list[Span]:
    """Ascending spans of what is to be read in words; all else is words."""
    return with_until(text, walk(text, _START, _READERS), "まで")


def _aside(text: str, at: int, found: list[Span]) -> Span | None:
    """(笑)."""
    if match := _ASIDE.match(text, at):
        said = ASIDES[match[1]]
        return span_of(at, match.end(), "variant", ("", f"かっこ{said}", said, match[1]))
    return None


def _between(text: str, at: int, found: list[Span]) -> Span | None:
    """A sign between what is read: から of 10時〜18時, ドット of a host."""
    char, behind = text[at], right_behind(text, at, found)
    ahead = text[at + 1 : at + 3].lstrip(" ")[:1]
    number_ahead = ahead.isdigit() or ahead in KANJI_DIGITS or ahead in SMALL or ahead in MONEY or ahead in ("第", "午")
    if char in "〜~–-−" and behind and ahead and number_ahead:
        return span_of(at, at + 1, "range", ("から", "ないし", *(() if char in "〜~" else ("ひく", "マイナス"))))
    if char in "〜~–-" and _WEEKDAYS.match(text, max(0, at - 1)):  # 月〜金
        return span_of(at, at + 1, "range", ("から",), False)
    if char in "〜~" and _KANJI_AROUND.match(text, max(0, at - 1)):  # 東京〜大阪
        return span_of(at, at + 1, "variant", ("", "から"))
    if (
        char in "〜~"
        and behind
        and (
            found[-1].kind in ("time", "date", "year", "money")
            or (found[-1].kind in ("unit", "counter") and not ahead.isalnum())  # 59,800円〜, 18歳〜
        )
    ):
        return span_of(at, at + 1, "range", ("から", ""))
    if char in BETWEEN_LETTERS and between_letters(text, at):
        return span_of(at, at + 1, "address", BETWEEN_LETTERS[char], sure=False)
    return None


def _phrase(text: str, at: int, found: list[Span]) -> Span | None:
    match = _PHRASE.match(text, at)
    return span_of(at, match.end(), "variant", [*PHRASES[match[0]], match[0]]) if match else None


def _power(text: str, at: int, found: list[Span]) -> Span | None:
    """x², 10^8: じょう; Ca²⁺, Cl⁻: プラス, マイナス."""
    if charge := charge_at(text, at):
        sign = "マイナス" if charge[2] else "プラス"
        return span_of(at, charge[0], "sign", [(whole(int(charge[1])) if charge[1] else "") + sign])
    power = power_at(text, at)
    if not power:
        return None
    said = ("マイナス" if power[1] < 0 else "") + whole(abs(power[1])) + "じょう"
    return span_of(at, power[0], "sign", [f"の{said}", said, *(["じじょう", "のじじょう"] if power[1] == 2 else [])])


def _letters(text: str, at: int, found: list[Span]) -> Span | None:
    if scheme := SCHEME.match(text, at):
        name = scheme[0][:-3].lower()
        return span_of(
            at, scheme.end(), "letters", [f"{spelled(name)[0]}コロンスラッシュスラッシュ", "", spelled(name)[0]]
        )
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if half := HALF_DAY_BEFORE.match(text, at):  # AM9:00
        return span_of(at, half.end(), "letters", [*HALVES[half[1].lower()], *spelled(half[1] + "m"), word])
    if word.lower() == "c" and text.startswith("++", match.end()):
        return span_of(at, match.end() + 2, "letters", ("シープラスプラス", "シープラプラ"))
    if _LAUGHTER.match(text, max(0, at - 1)):
        return span_of(at, match.end(), "letters", ("", "わら", "くさ", *spelled(word)))
    if len(word) < 3 and _TYPE.match(text, match.end()):  # B型
        kinds = [f"{way}{name}" for way in (word, *spelled(word)) for name in ("がた", "型")] if word.isascii() else []
        return span_of(at, match.end() + 1, "letters", kinds) if kinds else None
    if word.lower() in NUMBERED and _NUMBERED.match(text, match.end()):  # Vol.3
        return span_of(at, match.end() + 1, "letters", [*_loan_word(word), word], sure=False)
    ways = [word]
    if text[max(0, at - 1) : at] == "何":  # 何cm
        ways += UNITS.get(word.lower(), [])
    if value := LATIN_ROMAN.get(word):  # ファイナルファンタジーVII
        ways += [ENGLISH[value], *read(value)]
    if word.isascii() and word.isalpha() and (word.isupper() or len(word) <= 3) and len(word) <= 6:
        ways += spelled(word)
    parts = word.split("-")
    if len(parts) == 2 and all(parts) and word.lower() not in LOAN_WORDS:  # G-SHOCK
        each = [[*_loan_word(part), *(spelled(part) if len(part) <= 4 else ())][:4] for part in parts]
        ways += map("".join, product(*each))
    return span_of(at, match.end(), "letters", ways + _loan_word(word))


def _loan_word(word: str) -> list[str]:
    if word.lower() in LOAN_WORDS:
        return LOAN_WORDS[word.lower()]
    reading = "".join(found.reading for found in ja_words.words(word.lower()))
    return [reading] if reading and all("ァ" <= char <= "ー" for char in reading) else []


def _signs(text: str, at: int, found: list[Span]) -> Span | None:
    char = text[at]
    if char in ROMAN or char in CIRCLED:
        value = ROMAN.get(char) or CIRCLED[char]
        end, counter = counter_at(text, at + 1)
        if counter and counter != "分の" and not (char in CIRCLED and counter in "名番住"):
            return span_of(at, end, "cardinal", read(value, counter))
        also = (
            ["まる" + way for way in read(value)] if char in CIRCLED else [ENGLISH[value]]  # ドラゴンクエストⅤ
        )
        title = char in ROMAN and "ァ" <= text[max(0, at - 1) : at] <= "ー"  # ドラゴンクエストⅤ
        return span_of(at, at + 1, "cardinal", [*also, *read(value)] if title else [*read(value), *also])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return span_of(at, at + 1, "fraction", [f"{whole(below)}ぶんの{whole(above)}"])
    if char not in SIGNS or (char == "=" and _KATAKANA_AROUND.match(text, max(0, at - 1))):
        return None
    if char == "=" and _RATE.search(text, max(0, at - 4), at) and text[at + 1 : at + 3].strip()[:1].isdigit():
        return span_of(at, at + 1, "sign", (*SIGNS["="], ""))  # 1ドル=151円
    if char == "×" and right_behind(text, at, found) and found[-1].kind in ("unit", "counter"):  # 500ml×24本
        return span_of(at, at + 1, "sign", (*SIGNS["×"], ""))
    counts = char != "×" or text[max(0, at - 1) : at].isdigit()  # ○× is no product
    return span_of(at, at + 1, "sign", SIGNS[char], counts)


_READERS = (
    face,
    _aside,
    weekday,
    average,
    phone,
    date,
    version,
    clock,
    ratio,
    dashed,
    slashed,
    _between,
    _phrase,
    _power,
    lowered(read, ENGLISH, digits),
    number,
    _letters,
    comparison(SIGNS),
    _signs,
)
