"""Cantonese: what may be said for numbers, dates, times, money, units, signs and letters. Its units are syllables of
Jyutping."""

import re

from speech.readings.cjk import (
    BLOOD_PRESSURE,
    CIRCLED,
    DASHED,
    DATE,
    FRACTIONS,
    HALF_DAY,
    LOWERED,
    RAISED,
    ROMAN,
    SCHEME,
    SEASON,
    SLASHED,
    VERSION,
    any_of,
    between_letters,
    charge_at,
    compared,
    comparison,
    face,
    is_day,
    lowered,
    power_at,
    right_behind,
    span_of,
    walk,
    with_half_day,
)
from speech.readings.span import Span
from speech.readings.with_english import with_english
from speech.readings.yue_counted import is_counted, number
from speech.readings.yue_numbers import cardinal, clock, digits, plain
from speech.readings.yue_signs import BETWEEN_LETTERS, ENGLISH, SIGNS
from speech.readings.yue_sounds import has_several, units

__all__ = ["has_several", "spans", "units"]

_PHONE = re.compile(
    r"(?:\+?85[23][- ]?)?\d{4}[- ]\d{4}(?![-\d])|\+\d{1,3}[- ]\d{2,4}(?:[- ]\d{3,4}){1,2}(?!\d)"
    r"|0\d{1,4}-\d{5,8}(?!\d)|\d{3}-\d{3}-\d{3,4}(?![-\d])"
)
_CLOCK = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d)分?|[點点] ?([0-5]?\d) ?分(?![鐘钟]))(?![\d:])")
_RATIO = re.compile(r"(\d{1,4})(?::| ?比 ?)(\d{1,4})(?![\d:])")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:['’][A-Za-z]{1,20})?")
_START = re.compile(
    rf"[\dA-Za-zÀ-ÖØ-öø-ÿ$€£¥₩+\-−±第廿卅兩两二~〜–.:/_*({RAISED}{LOWERED}=ヾ"
    rf"{any_of(SIGNS, ROMAN, CIRCLED, FRACTIONS)}]"
)
_SHORTENED = re.compile(r"(?<![A-Za-z])[A-Za-z]{1,4}$")
_HALVES = {"a": ("朝早", "上晝", "上午", "凌晨"), "p": ("下晝", "夜晚", "下午", "晏晝", "中午")}
_COMPARED = re.compile("比[例率數数分]|之比|[擊击]敗|[擊击]败|[賽赛打]和|領先|领先|落後|落后|[贏赢勝胜輸输]")
_EACH = re.compile("小時|[個个]|鐘|月|日|人|斤|磅|呎|晚|次|年|位|件|分鐘|kg|km|L")
_STARS = re.compile(r"(?<=\d)\*{1,2}(?![\d*])")  # 5**, a mark
_IN_WORDS = {"廿": ("廿", "二十"), "卅": ("卅", "三十"), "二十": ("二十", "廿")}


def spans(text: str) -> list[Span]:
    """Ascending spans of what is to be read in words, or may be read in other words (廿 二十); all else is words."""
    return with_english(text, walk(text, _START, _READERS))


def _phone(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _PHONE.match(text, at):
        said = digits(re.sub(r"\D", "", match[0]))
        return span_of(at, match.end(), "phone", ["加" + said, said] if match[0][0] == "+" else [said])
    return None


def _date(text: str, at: int, found: list[Span]) -> Span | None:
    if match := DATE.match(text, at):
        before = f"{digits(match[1])}年{plain(int(match[3]))}月"
        return span_of(
            at, match.end(), "date", (before + day + name for name in "日號" for day in cardinal(int(match[4])))
        )
    return None


def _clock(text: str, at: int, found: list[Span]) -> Span | None:
    if half := HALF_DAY.match(text, at):  # 9:00am
        times = clock(int(half[1]), int(half[2] or 0))
        ways = with_half_day(text, at, _HALVES, times[:8], "朝 早 上晝 上午 凌晨 下晝 夜晚 晚 下午 晏晝 中午")
        heads = times[:6] if half[2] else [*times[:6], plain(int(half[1]))]
        letters = [f"{way} {half[3]}{gap}m" for way in heads for gap in ("", " ")]
        return span_of(at, half.end(), "time", ways[:1] + letters + ways[1:], most=60)
    match = _CLOCK.match(text, at)
    if match and not (":" in match[0] and compared(_COMPARED, text, at, match.end())):
        return span_of(at, match.end(), "time", clock(int(match[1]), int(match[2] or match[3])))
    return None


def _ratio(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _RATIO.match(text, at):
        return span_of(at, match.end(), "score", [f"{plain(int(match[1]))}比{plain(int(match[2]))}"])
    return None


def _dashed(text: str, at: int, found: list[Span]) -> Span | None:
    """2-1: a score or a range; 4-2-8: an address. With a counter (3-5日) it is a range of that."""
    if season := SEASON.match(text, at):  # 2023-24年度
        ways = [f"{digits(season[1])}{sign}{digits(season[2])}" for sign in ("", "至", "到")]
        return span_of(at, season.end(), "year", ways)
    match = DASHED.match(text, at)
    if not match or (match[0].count("-") == 1 and is_counted(text, match.end())):
        return None
    parts = match[0].split("-")
    if text[match.end() :].lstrip()[:1] == "=":  # 10-2=8
        return span_of(at, match.end(), "sign", ["減".join(plain(int(part)) for part in parts)])
    said = [plain(int(part)) for part in parts]
    ways = [sign.join(said) for sign in (("比", "至", "到", "之") if len(parts) == 2 else ("之", "", "杠"))]
    ways += [" seven eleven ", "七十一"] if match[0] == "7-11" else []
    kind = "score" if len(parts) == 2 else "address"
    return span_of(at, match.end(), kind, [*ways, "之".join(map(digits, parts))], sure=False)


def _slashed(text: str, at: int, found: list[Span]) -> Span | None:
    match = SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    if BLOOD_PRESSURE.search(text, max(0, at - 8), at):  # 120/80
        return span_of(
            at, match.end(), "fraction", [f"{plain(one)}{sign}{plain(other)}" for sign in ("", "對", "比")], most=20
        )
    ways = [f"{plain(other)}分之{plain(one)}", *["一半"] * (match[0] == "1/2"), f"{plain(one)} slash {plain(other)}"]
    days = [
        f"{plain(month)}月{said}{name}"
        for month, day in ((one, other), (other, one))  # 5/12 is in May or in December
        if 1 <= month <= 12 and 1 <= day <= 31
        for said in cardinal(day)
        for name in "號日"
    ]
    return span_of(at, match.end(), "fraction", days + ways if is_day(one, other) else ways + days)


def _version(text: str, at: int, found: list[Span]) -> Span | None:
    if match := VERSION.match(text, at):
        return span_of(at, match.end(), "version", ["點".join(plain(int(part)) for part in match[0].split("."))])
    return None


def _between(text: str, at: int, found: list[Span]) -> Span | None:
    """A sign between what is read: 9:00-18:00 (至, 到), a point in a host."""
    char = text[at]
    if char in "~〜–-−" and right_behind(text, at, found) and re.match(r"[~〜–−-] ?[\d$第]", text[at : at + 3]):
        return span_of(at, at + 1, "range", ("至", "到"))
    if char in "~〜" and re.fullmatch("[一-鿿][~〜][一-鿿]", text[max(0, at - 1) : at + 2]):  # 中環~尖沙咀
        return span_of(at, at + 1, "variant", ("至", "到", ""))
    if char == "/" and right_behind(text, at, found) and _EACH.match(text, at + 1):  # $60/小時
        return span_of(at, at + 1, "unit", ("每", "一", " slash "))
    if char in BETWEEN_LETTERS and between_letters(text, at):
        silent = ("",) if char == "." and _SHORTENED.search(text, max(0, at - 5), at) and text[at + 1].isdigit() else ()
        return span_of(at, at + 1, "address", [*BETWEEN_LETTERS[char], *silent], sure=False)  # Lv.99
    return None


def _power(text: str, at: int, found: list[Span]) -> Span | None:
    """x², 10^8: 次方; Ca²⁺, Cl⁻: 加, 減."""
    if charge := charge_at(text, at):
        number = plain(int(charge[1])) if charge[1] else ""
        return span_of(at, charge[0], "sign", [f"{number}{sign}" for sign in ("減負" if charge[2] else "加正")])
    power = power_at(text, at)
    if not power:
        return None
    said = ("負" if power[1] < 0 else "") + plain(abs(power[1]))
    names = {2: ["平方", "嘅平方", "二次方"], 3: ["立方", "嘅立方"]}.get(power[1], [])
    return span_of(at, power[0], "sign", [*names, *(f"{of}{said}次方" for of in ("嘅", "的", ""))])


def _letters(text: str, at: int, found: list[Span]) -> Span | None:
    if scheme := SCHEME.match(text, at):
        name = scheme[0][:-3].lower()
        return span_of(
            at,
            scheme.end(),
            "letters",
            [
                f" {name} 冒號 slash slash ",
                f" {' '.join(name)} colon slash slash ",
                "",
                f" {name} ",
                f" {' '.join(name)} ",
            ],
        )
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if word.lower() == "c" and text.startswith("++", match.end()):
        return span_of(at, match.end() + 2, "letters", ("c加加", "c plus plus"))
    spelled = [" ".join(word)] if word.isascii() and word.isalpha() and 1 < len(word) <= 6 else []
    return span_of(at, match.end(), "letters", [word, *spelled])


def _in_words(text: str, at: int, found: list[Span]) -> Span | None:
    """廿 and 二十, 兩百 and 二百 where the text has words already."""
    for written in (text[at], text[at : at + 2]):
        if written in _IN_WORDS:
            return span_of(at, at + len(written), "variant", _IN_WORDS[written])
    if text[at] in "兩两二" and text[at + 1 : at + 2] and text[at + 1] in "百千萬万億亿":
        return span_of(at, at + 1, "variant", ("兩", "二"))
    return None


def _signs(text: str, at: int, found: list[Span]) -> Span | None:
    char = text[at]
    if stars := _STARS.match(text, at):
        return span_of(at, stars.end(), "sign", ["星" * len(stars[0])])
    if char in ROMAN or char in CIRCLED:
        return span_of(at, at + 1, "cardinal", [plain(ROMAN.get(char) or CIRCLED[char])])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return span_of(at, at + 1, "fraction", [f"{plain(below)}分之{plain(above)}", *["半", "一半"] * (char == "½")])
    if char not in SIGNS:
        return None
    if char == "#" and text[max(0, at - 1) : at].encode().isalpha():  # C#
        return span_of(at, at + 1, "sign", (" sharp ", " hashtag ", "井號"))
    return span_of(at, at + 1, "sign", (f" {said} " if said.isascii() else said for said in SIGNS[char]))


_READERS = (
    face,
    _phone,
    _date,
    _version,
    _clock,
    _ratio,
    _dashed,
    _slashed,
    _between,
    _power,
    lowered(lambda number: [plain(number)], [f" {word} " for word in ENGLISH], lambda number: [digits(number)]),
    number,
    _letters,
    _in_words,
    comparison(SIGNS),
    _signs,
)
