"""What Japanese, Korean and Cantonese texts share: how numbers, dates and signs are written, the walk over a text."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from speech.readings.span import Span

Reader = Callable[[str, int, list[Span]], Span | None]

GROUPED = r"\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d{1,40}"
DATE = re.compile(r"(\d{4})([/.-]) ?(1[0-2]|0?[1-9])\2 ?([12]\d|3[01]|0?[1-9])(?!\d)")
CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
DASHED = re.compile(r"\d{1,5}(?:-\d{1,5}){1,4}(?![-\d])")
HALF_DAY = re.compile(r"(1[0-2]|0?[1-9])(?::([0-5]\d))? ?([ap])\.?m(?:\.|(?![A-Za-z]))", re.IGNORECASE)  # 9am, 9:30 PM
HALF_DAY_BEFORE = re.compile(r"([ap])\.?m\.? ?(?=\d)", re.IGNORECASE)  # AM 9:00
FACE = re.compile(  # (^_^), m(_ _)m, T_T: not said
    r"[mヾ]?\((?=[^()]{0,10}[_^;´`･・ω▽Д≧≦>＿￣°¯ᴗ])[^()\w]{0,4}[_ωДoO▽ᴗ∀]?[^()\w]{0,6}[_ωДoO]?[^()\w]{0,4}\)[mノﾉツ]{0,2}"
    r"|(?<![A-Za-z])(?:T[_.^]+T|QAQ|[Qq]_[Qq]|[oO]_[oO]|>[_.]?<|\^[_.o]?\^|-_+-|=_=|orz|OTL)[;']?(?![A-Za-z\d])"
)
BLOOD_PRESSURE = re.compile("[血혈][壓压圧압]|혈압")
SEASON = re.compile(r"(\d{4}|\d\d)[-/–](\d\d)(?= ?(?:シーズン|시즌|年度|學年|学年|학년도|球季))")
SCHEME = re.compile("https?://", re.IGNORECASE)
SLASHED = re.compile(r"(\d{1,4})/(\d{1,4})(?![/\d])")
VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){2,4}(?!\d)")
_POWER = re.compile(r"([⁻-])?([⁰¹²³⁴-⁹]{1,3})(?![A-Za-z\d])|\^([-−])?(\d{1,3})(?!\d)")
_CHARGE = re.compile("([¹²³⁴-⁹]?)([⁺⁻])(?![⁰¹²³⁴-⁹])")
_NAME = re.compile(r"(?<![A-Za-z\d])[A-Za-z]\d{1,4}$")
_COMPARED = re.compile(r"([<>]=)(?=\s?[\w.\-−])")
_TO_HALF = re.compile("[午前後翌朝夜오전후 ]{0,4}")  # 9時〜午後6時
LOWERED = "₀₁₂₃₄₅₆₇₈₉"
_LOWERED = re.compile(f"[{LOWERED}]{{1,4}}")
RAISED = "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹^"
ROMAN = {letter: number for number, letter in enumerate("ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ", 1)}
LATIN_ROMAN = {"II": 2, "III": 3, "IV": 4, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "XI": 11, "XII": 12, "XIII": 13}
CIRCLED = {chr(0x2460 + n): n + 1 for n in range(20)}
FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8)}
_CAPITAL_UNITS = "WVLA"  # capitals that are units by themselves; 5G is no weight
_NAMED_BEHIND = re.compile(  # 12A室, 3A組, 2Lサイズ, 3A 반
    "[室座班組组號号席路棟栋巴](?![内內外溫温])|(?<=A)[級级]|番(?!茶)|サイズ|ゲート|クラス|"
    " ?(?:호|반|실|동|번|사이즈|좌석|게이트)"
    "(?:은|는|이|가|을|를|의|에서?|으?로|과|와|도|만|까지|부터|이?고|이?야|인|입니다|이?에요|예요|이다|이?었다"
    "|이?라고)?[는은도]?(?![가-힣])"  # but 2L 번들, 100W 동시, 2L 실온
)
_NAMED_BEFORE = re.compile(
    "(?:(?<![教議蔵凍浴])室|[房搭坐席]|座位|單位|单位|部屋|ゲート|クラス|サイズ|バス|좌석|호실|게이트|탑승구|사이즈)"
    "[は은는: ]{0,2}$"
)
_LIT = re.compile("(?:部屋|房)[は的: ]?$")
_ELECTRIC = re.compile(
    r"[電电]|전[기류압원]|アンペア|ブレーカー|ヒューズ|コンセント|プラグ|契約|계약|USB|충전|퓨즈|차단기|배터리|"
    r"콘센트|어댑터|케이블|멀티탭|모터|출력|암페어|保險絲|保险丝|"
    r"アダプタ|出力|モーター|ケーブル|パネル|安培|插[頭头座]|\d ?(?:V|W|mA|Ω)"
)


@cache
def tables(language: str) -> dict[str, Any]:
    """The tables of words of a language, tables/<language>.yaml."""
    return yaml.safe_load((Path(__file__).parent / "tables" / f"{language}.yaml").read_text(encoding="utf-8"))


def span_of(start: int, end: int, kind: str, said: Iterable[str], sure: bool = True, most: int = 40) -> Span:
    """A span of at most `most` different readings."""
    return Span(start, end, kind, tuple(dict.fromkeys(said))[:most], sure)


def walk(text: str, start: re.Pattern[str], readers: Iterable[Reader]) -> list[Span]:
    """Spans that the first reader to know what to make of a place gives, at each place where `start` matches."""
    found: list[Span] = []
    at = 0
    while place := start.search(text, at):
        at = place.start()
        span = next((span for reader in readers if (span := reader(text, at, found))), None)
        if span:
            found.append(span)
        at = span.end if span else at + 1
    return found


def with_until(text: str, found: list[Span], until: str) -> list[Span]:
    """The spans, those behind the sign of a range also with the word that may close it: 9時〜18時 九時から十八時まで"""
    ways = list(found)
    for place, (sign, last) in enumerate(pairwise(found), 1):
        spanned = sign.kind == "range" and sign.end == sign.start + 1
        if not spanned or not _TO_HALF.fullmatch(text, sign.end, last.start):
            continue
        while last.kind == "date" and place + 1 < len(found) and _follows(text, last, found[place + 1]):  # 8月 and 5日
            last, place = found[place + 1], place + 1
        if last.kind not in ("letters", "variant", "sign") and not text.startswith(until.strip(), last.end):
            said = (*last.said[:32], *(f"{way}{until}" for way in last.said[:32] if way))
            ways[place] = replace(last, said=said)
    return ways


def _follows(text: str, span: Span, other: Span) -> bool:
    return other.kind in ("date", "time") and not text[span.end : other.start].strip()


def lowered(
    number: Callable[[int], Iterable[str]], english: Sequence[str], digits: Callable[[str], Iterable[str]]
) -> Reader:
    """Reads digits under the line, the ₂ of CO₂: as a number, by its English name where it has one, digit by digit."""

    def read(text: str, at: int, found: list[Span]) -> Span | None:
        if not (match := _LOWERED.match(text, at)):
            return None
        below = unicodedata.normalize("NFKC", match[0])
        ways = [*number(int(below)), *english[int(below) :][:1], *digits(below)]
        return span_of(at, match.end(), "letters", ways)

    return read


def power_at(text: str, at: int) -> tuple[int, int] | None:
    """Where the exponent of x², 10⁻³, 2^10 ends, and what it is."""
    found = _POWER.match(text, at)
    if not found or not text[max(0, at - 1) : at].isalnum():
        return None
    exponent = int(unicodedata.normalize("NFKC", found[2] or found[4]))
    return found.end(), -exponent if found[1] or found[3] else exponent


def charge_at(text: str, at: int) -> tuple[int, str, bool] | None:
    """Where the charge of Ca²⁺, Cl⁻ ends, its number ("" for one alone), and whether it is a negative one."""
    found = _CHARGE.match(text, at)
    if not found or not text[max(0, at - 1) : at].isalnum():
        return None
    return found.end(), unicodedata.normalize("NFKC", found[1]), found[2] == "⁻"


def comparison(signs: dict[str, list[str]]) -> Reader:
    """Reads >= and <= as ≥ and ≤ of a table of signs."""

    def read(text: str, at: int, found: list[Span]) -> Span | None:
        match = _COMPARED.match(text, at)
        return span_of(at, match.end(), "sign", signs["≥" if match[1] == ">=" else "≤"]) if match else None

    return read


def with_half_day(text: str, at: int, names: dict[str, tuple[str, ...]], times: list[str], there: str) -> list[str]:
    """Times with what their a.m. or p.m. is in words, or without where such words (`there`) stand before them."""
    found = HALF_DAY.match(text, at)
    words = names[found[3].lower()]
    if text[:at].rstrip().endswith(tuple(there.split())):
        return times
    return [f"{word}{time}" for time in times for word in words]


def compared(words: re.Pattern[str], text: str, start: int, end: int) -> bool:
    """Whether words of proportion or sport stand near text[start:end], so that 1:12 is no time."""
    return bool(words.search(text, max(0, start - 10), start) or words.search(text, end, end + 10))


def face(text: str, at: int, found: list[Span]) -> Span | None:
    """A face made of signs."""
    match = FACE.match(text, at)
    return span_of(at, match.end(), "variant", ("",)) if match else None


def is_day(one: int, other: int) -> bool:
    """Whether 12/24 is a day rather than a fraction."""
    return other > 12 or one >= other


def unit_at(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str] | None:
    """A unit (the pattern's first group) at a place, unless it is a letter that only looks like one."""
    unit = pattern.match(text, at)
    if unit and len(unit[1]) == 1 and unit[1].isascii() and unit[1].isupper() and unit[1] not in _CAPITAL_UNITS:
        return None
    if unit and len(unit[1]) == 1 and unit[1].isascii() and _NAME.search(text, max(0, at - 12), at):  # A6L
        return None
    return unit


def is_label(text: str, start: int, unit: re.Match[str]) -> bool:
    """Whether a capital behind the number at `start` belongs to a name and is no unit: 12A室. An A is a current
    only where something electric stands near it."""
    if len(unit[1]) != 1 or unit[1] not in _CAPITAL_UNITS or not text[start : unit.start(1)].isdecimal():
        return False
    if unit[1] in "VW" and (int(text[start : unit.start(1)]) >= 12 or _LIT.search(text, max(0, start - 4), start)):
        return False  # 100V, 部屋は8W
    if _NAMED_BEHIND.match(text, unit.end()) or _NAMED_BEFORE.search(text, max(0, start - 8), start):
        return True
    return unit[1] == "A" and not _ELECTRIC.search(text, max(0, start - 16), unit.end() + 16)


def beside_letters(text: str, start: int, end: int) -> bool:
    """Whether a number belongs to a name in Latin letters: 5G, MP3, iPhone 15, Python 3.11."""
    before, after = text[max(0, start - 3) : start].rstrip(" -.")[-1:], text[end : end + 1]
    return (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())


def between_letters(text: str, at: int) -> bool:
    """Whether a sign stands inside of an address: between Latin letters or digits, at least one of them a letter."""
    around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return len(around) == 2 and around.isascii() and around.isalnum() and not around.isdigit()


def right_behind(text: str, at: int, found: list[Span]) -> bool:
    """Whether, blanks aside, a place is right behind the last span, and that is one of numbers."""
    return bool(found) and found[-1].kind != "letters" and not text[found[-1].end : at].strip()


def one_of(words: Iterable[str]) -> str:
    """The pattern of any of these words, longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def any_of(*groups: Iterable[str]) -> str:
    """The characters of tables of signs, for a class of a pattern."""
    return "".join(re.escape(char) for group in groups for char in group if len(char) == 1)
