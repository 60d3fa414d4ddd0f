"""Rules for numbers and what belongs to them. A rule: (text, start) -> the span that begins there, or None."""

import re
from functools import lru_cache
from itertools import product

from speech.readings.span import Span
from speech.readings.zh.numbers import DIGITS, by_digit, cardinals, decimals
from speech.readings.zh.tables import (
    CURRENCIES,
    DIGITS_TOO,
    ER,
    FRACTIONS,
    LIANG,
    MEASURES,
    NAMED,
    RATIOS,
    SCORED,
    SPELT,
    SPOKEN_BY_DIGIT,
    TEMPERATURES,
    UNITS,
)

MOST = 48  # readings of a span
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?)"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_SCALE = "万亿|[万亿千百十]"
_BLANK = r"[ \u3000]?"
_TO = rf"{_BLANK}(?:--|—+|[-−–~～〜])[ \u3000]?"
_YEARS = re.compile(rf"(\d{{4}}|\d\d)(?:{_TO}(\d{{4}}|\d\d))?(?={_BLANK}(?:年|学年|届))")
_DATE = re.compile(r"(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})(?![\d.])")
_CLOCK = re.compile(
    rf"(\d{{1,2}}){_BLANK}:{_BLANK}([0-5]\d)(?:{_BLANK}:{_BLANK}([0-5]\d))?(?!\d|:)"
    rf"(?:{_TO}(\d{{1,2}}){_BLANK}:{_BLANK}([0-5]\d)(?!\d|:))?"
)
_PHONE = re.compile(r"(?:\+\d{1,3}[- ]?)?(?:\(\d{3,4}\)\s?)?\d{3,4}(?:[- ]\d{3,8})+(?![\d-])")
_VERSION = re.compile(r"\d+(?:\.\d+){2,}(?!\d)")
_EQUATION = re.compile(rf"-?{_NUMBER}(?:\s?[-−+×xX*÷/]\s?{_NUMBER})+(?=\s?=)")
_TIMES = re.compile(rf"{_NUMBER}(?:\s?[×xX*]\s?{_NUMBER})+(?![A-Za-z\d])")
_FRACTION = re.compile(r"(\d{1,6})\s?/\s?(\d{1,6})(?![\d/])")
_MIXED = re.compile(r"(\d{1,6})?\s?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_SCORE = re.compile(r"(\d{1,5})\s?([:∶-])\s?(\d{1,7})(?:\s?\2\s?(\d{1,7}))?(?![\d:.-])")
_MONEY = re.compile(
    rf"([-−]?){_BLANK}({'|'.join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))}){_BLANK}({_NUMBER})"
    rf"(?:{_TO}({_NUMBER}))?{_BLANK}({_SCALE})?{_BLANK}(元|块钱|块|美元)?"
)
_QUANTITY = re.compile(
    rf"([-−–+±~]?){_BLANK}({_NUMBER})(?:{_BLANK}({_SCALE}))?(?:{_BLANK}({_UNIT}|%|‰)(?![A-Za-z]))?"
    rf"(?:{_TO}([-−]?)({_NUMBER})(?:{_BLANK}({_SCALE}))?(?:{_BLANK}({_UNIT}|%|‰)(?![A-Za-z]))?)?"
)
_CENTS = re.compile(r"(元|块钱|块)")


def _make(start: int, end: int, kind: str, said: list[str], sure: bool = True) -> Span:
    return Span(start, end, kind, tuple(dict.fromkeys(said))[:MOST], sure)


def _joined(*parts: list[str]) -> list[str]:
    return ["".join(way) for way in product(*(part[:12] for part in parts))][:MOST]


def date(text: str, start: int) -> Span | None:
    """2025-09-28, 2023/11/05, 2026.03.31."""
    found = _DATE.match(text, start)
    if found and 1 <= int(found[3]) <= 12 and 1 <= int(found[4]) <= 31:
        month, day = cardinals(found[3])[0], cardinals(found[4])[0]
        ways = [f"{by_digit(found[1])}年{month}月{day}{name}" for name in "日号"]
        if found[2] == ".":
            ways.append("点".join(map(by_digit, found.group(1, 3, 4))))
        return _make(start, found.end(), "date", ways)
    return None


def _clock(hour: str, minute: str, second: str | None) -> list[str]:
    hours = ["两"] if int(hour) == 2 else cardinals(hour)[:1]
    hours += [by_digit(hour)] if len(hour) == 2 and hour[0] == "0" else []
    m = int(minute)
    if second is not None:
        told = [f"点{_minute(minute)}分{_minute(second)}秒"]
        if not int(second):
            told += [f"点{way}" for way in ([f"{_minute(minute)}分", "整"] if m else ["整", ""])]
    elif m == 0:
        told = ["点", "点整", "点零零分", "点零零", "点钟"]
    else:
        spoken = _minute(minute)
        told = [f"点{spoken}分", f"点{spoken}"]
        told += {15: ["点一刻"], 30: ["点半"], 45: ["点三刻"]}.get(m, [])
        told += [f"点{spoken[1:]}分"] if m < 10 else []
    return [f"{a}{b}" for a in hours for b in told]


def _minute(digits: str) -> str:
    return ("零" if len(digits) == 2 and digits[0] == "0" else "") + cardinals(digits)[0]


def time(text: str, start: int) -> Span | None:
    """12:30, 08:30:00, 9:00-21:30; with a word of sport or proportion before or behind it is a score."""
    found = _CLOCK.match(text, start)
    if not found or int(found[1]) > 24 or _scored(text, start, found.end()):
        return None
    ways = _clock(found[1], found[2], found[3])
    if found[4] is not None and int(found[4]) <= 24:
        ways = _joined(ways, ["到", "至"], _clock(found[4], found[5], None))
        return _make(start, found.end(), "time", ways)
    return _make(start, found.end(3) if found[3] else found.end(2), "time", ways)


def _scored(text: str, start: int, end: int) -> bool:
    before, behind = text[max(0, start - 8) : start], text[end : end + 6]
    return any(word in before + "\n" + behind for word in SCORED) or any(word in before for word in RATIOS)


def phone(text: str, start: int) -> Span | None:
    """400-820-8820, 010-62345678, 138 0013 8000: digit by digit."""
    found = _PHONE.match(text, start)
    if not found or sum(map(str.isdigit, found[0])) < 7:
        return None
    groups = re.findall(r"\d+", found[0])
    if len(groups) == 2 and all(len(group) == 4 and group[:2] in ("19", "20", "18") for group in groups):
        return None  # years
    digits = by_digit("".join(groups))
    ways = [f"加{digits}", digits] if found[0][0] == "+" else [digits, "杠".join(map(by_digit, groups))]
    return _make(start, found.end(), "phone", ways)


def version(text: str, start: int) -> Span | None:
    """14.0.2, 192.168.1.1."""
    found = _VERSION.match(text, start)
    if not found:
        return None
    groups = found[0].split(".")
    each = [
        list(dict.fromkeys([cardinals(group)[0] if group[0] != "0" else by_digit(group), by_digit(group)]))
        for group in groups
    ]
    ways = ["点".join(way) for way in product(*each)][:MOST]
    return _make(start, found.end(), "version", ways)


_OPERATORS = {"+": ["加"], "=": ["等于"]} | dict.fromkeys("-−", ["减"]) | dict.fromkeys("×xX*", ["乘", "乘以"])
_OPERATORS |= dict.fromkeys("÷/", ["除以", "除"])


def equation(text: str, start: int) -> Span | None:
    """3+5 before =, and 1920x1080."""
    found = _EQUATION.match(text, start) or _TIMES.match(text, start)
    if not found:
        return None
    parts = []
    for part in re.findall(rf"{_NUMBER}|[^\s\d.,]", found[0]):
        parts.append(_OPERATORS[part] if part in _OPERATORS else decimals(part)[:4])
    if parts[0] == ["减"]:
        parts[0] = ["负"]
    if "x" in found[0].lower():
        parts = [[*part, "x"] if part[0] == "乘" else part for part in parts]
    return _make(start, found.end(), "sign", _joined(*parts))


def fraction(text: str, start: int) -> Span | None:
    """2/3, ½, 1½."""
    if mixed := _MIXED.match(text, start):
        over, under = FRACTIONS[mixed[2]]
        part = f"{cardinals(str(under))[0]}分之{cardinals(str(over))[0]}"
        ways = [part, "半"] if mixed[2] == "½" else [part]
        if mixed[1]:
            ways = _joined(cardinals(mixed[1]), ["又", ""], [part]) + _joined(
                cardinals(mixed[1]), ["点五"] if mixed[2] == "½" else []
            )
        return _make(start, mixed.end(), "fraction", ways)
    found = _FRACTION.match(text, start)
    if not found:
        return None
    over, under = cardinals(found[1]), cardinals(found[2])
    ways = [f"{b}分之{a}" for b in under[:3] for a in over[:3]] if int(found[2]) else []
    ways += _joined(over[:2], ["斜杠", "杠"], under[:2])
    if int(found[1]) > int(found[2]):
        ways += _joined(over[:2], ["比", "除以"], under[:2])
    month = int(found[1]) <= 12 and int(found[2]) <= 31 and "日" in text[found.end() : found.end() + 3]
    return _make(start, found.end(), "fraction", ways, sure=not month and int(found[1]) < int(found[2]))


def score(text: str, start: int) -> Span | None:
    """3:1, 16:9, 21-19 in sport: X比Y."""
    found = _SCORE.match(text, start)
    if not found or (found[2] == "-" and not _scored(text, start, found.end())):
        return None
    parts: list[list[str]] = []
    for group in (found[1], found[3], found[4]):
        if group:
            parts += [["比"], cardinals(group)]
    return _make(start, found.end(), "score", _joined(*parts[1:]))


def money(text: str, start: int) -> Span | None:
    """￥199.9, $5万, HK$8,000."""
    found = _MONEY.match(text, start)
    if not found:
        return None
    names = list(CURRENCIES[found[2]])
    if found[6]:
        names = [found[6], *names] if found[2] in ("￥", "¥", "RMB", "CNY") else names
    return _money(start, found, names)


def _money(start: int, found: re.Match[str], names: list[str]) -> Span:
    scale = found[5] or ""
    end = found.end()
    two = ("两", "二")
    values = _scaled(found[3], scale, two)
    ways = _joined(values, names)
    if found[4]:
        ways = _joined(decimals(found[3], two), ["到", "至"], _scaled(found[4], scale, two), names)
        ways += _joined(decimals(found[3], two), names, ["到", "至"], _scaled(found[4], scale, two), names)
    elif not scale and found[2] in ("￥", "¥", "RMB"):
        ways += _coins(found[3])
    if found[1]:
        ways = _joined(["负"], ways)
    return _make(start, end, "money", ways)


def _coins(number: str) -> list[str]:
    """3.5 as 三块五 and 三元五角, 3.05 as 三块零五分."""
    whole, _, cents = number.replace(",", "").partition(".")
    if not 1 <= len(cents) <= 2 or not int(cents) or int(whole) == 0:
        return []
    tenth, hundredth = cents[0], cents[1:]
    ways = []
    for value in cardinals(whole, ("两",)):
        for unit, ten in (("块", "毛"), ("元", "角")):
            said = f"{value}{unit}" + (f"{by_digit(tenth)}{ten}" if tenth != "0" else "零")
            if hundredth not in ("", "0"):
                ways.append(f"{said}{by_digit(hundredth)}分")
                ways.append(f"{said}{by_digit(hundredth)}")
            else:
                ways += [said, *([f"{value}块{by_digit(tenth)}"] if unit == "块" else [])]
    return ways


def _scaled(number: str, scale: str, two: tuple[str, ...]) -> list[str]:
    """12.5万 and the like."""
    if not scale:
        return decimals(number, two)
    return [f"{way}{scale}" for way in decimals(number, ("二",) if scale == "十" else ("两", "二"))]


@lru_cache(maxsize=4096)
def _english(digits: str) -> tuple[str, ...]:
    """English words of a number that stands at a Latin word (A4, iPhone 15)."""
    from num2words import num2words  # slow to import

    words = num2words(int(digits)).replace("-", " ").replace(" and ", " ").replace(",", "")
    each = " ".join(num2words(int(digit)) for digit in digits)
    return tuple(dict.fromkeys((words, each)))


def _whole(text: str, start: int, end: int, digits: str) -> tuple[list[str], str]:
    """Ways to read a whole number by what stands around it, and the kind of span it is."""
    before, behind = text[max(0, start - 8) : start].rstrip(), text[end : end + 8].lstrip()
    letter = before.rstrip("-–")[-1:]
    latin = letter.isascii() and letter.isalpha()
    first, ordinal = behind[:1], before.endswith(("第", "初", "周", "星期", "礼拜"))
    if ordinal:
        return cardinals(digits), "ordinal"
    if behind.startswith("年代") and len(digits) in (2, 4) and digits[-1] == "0":
        decade = by_digit(digits[:2]) + cardinals(digits[2:])[0] if len(digits) == 4 else cardinals(digits)[0]
        return [decade, by_digit(digits)], "year"
    if (
        len(digits) == 4
        and (first in "年届" if first else False)
        and not re.match(r"年(?:前|来|之久|以来|历史|的历史|间的)", behind)
    ):
        return [
            by_digit(digits),
            *(cardinals(digits) if "2000" <= digits <= "2009" or digits[1:] == "000" else []),
        ], "year"
    if len(digits) == 2 and first == "年" and not before.endswith(("近", "约", "了", "过", "整", "共")):
        return [*cardinals(digits), by_digit(digits)], "year"
    if re.match(r"[后後](?![面来悔背边])", behind) and len(digits) == 2:
        return [by_digit(digits), *cardinals(digits)], "year"
    if latin:
        ways = [*cardinals(digits), by_digit(digits)] if len(digits) < 3 else [by_digit(digits), *cardinals(digits)]
        return [*ways, *(_english(digits) if len(digits) <= 4 else ())], "letters"
    if digits[0] == "0" and len(digits) > 1:
        return [by_digit(digits), *(cardinals(digits) if len(digits) == 2 else [])], "digits"
    measured = bool(first) and first in MEASURES and not (len(digits) >= 7 and first in "个打对")
    if measured and not (first in DIGITS_TOO and len(digits) >= 3) and not (len(digits) == 11 and digits[0] == "1"):
        return cardinals(digits, _two(behind)), "cardinal"
    if len(digits) >= 8 or (len(digits) >= 3 and any(name in before for name in NAMED)):
        return [by_digit(digits), *(cardinals(digits) if len(digits) < 7 else [])], "phone"
    if digits in SPOKEN_BY_DIGIT:
        return [by_digit(digits), *cardinals(digits)], "phone"
    if len(digits) == 4 and "1900" <= digits <= "2099" and first not in LIANG:
        return [by_digit(digits), *cardinals(digits)], "year"
    if len(digits) >= 3 and first and first in DIGITS_TOO:
        return [
            *([by_digit(digits)] if len(digits) > 3 or digits[1] == "0" else []),
            *cardinals(digits),
            by_digit(digits),
        ], "digits"
    if len(digits) >= 3 and (not first or not "\u4e00" <= first <= "\u9fff" or first not in MEASURES):
        return [*cardinals(digits, _two(behind)), by_digit(digits)], "cardinal"
    return cardinals(digits, _two(behind)), "cardinal"


def _two(behind: str) -> tuple[str, ...]:
    """What a 2 alone is called before these words."""
    first = behind[:1]
    if (
        not first
        or not "\u4e00" <= first <= "\u9fff"
        or re.match(r"月|日|号|级|路|线(?!索)|年级|年代", behind)
        or first in ER
    ):
        return ("二",)
    return ("两",) if first in LIANG else ("两", "二")


def quantity(text: str, start: int) -> Span | None:
    """A number with its sign, scale and unit, or two with "to" between."""
    found = _QUANTITY.match(text, start)
    if not found:
        return None
    sign, one, scale, unit, _, other, _, _ = found.groups()
    end = found.end()
    if sign and not _is_sign(text, start, found, unit):
        return None
    if other and not _is_range(text, start, found):
        end, other = _first_end(found), None
    if not other and unit is None and scale is None and "." not in one and "," not in one:
        return _bare(text, start, end, sign, one)
    if other:
        return _range(text, start, end, found)
    values = _scaled(one, scale or "", _two_of(text, end, unit, scale))
    if "." in one and not scale and len(one.partition(".")[2]) > 1:
        tail = one.partition(".")[2]
        if (
            text[:start].rstrip()[-1:].isascii() and text[:start].rstrip()[-1:].isalpha() and tail[0] != "0"
        ):  # Python 3.11
            values = values + [f"{cardinals(one.partition('.')[0])[0]}点{way}" for way in cardinals(tail)]
    ways = _with_unit(values, one, unit)
    kind = "percent" if unit in ("%", "‰") else "unit" if unit else "cardinal"
    if unit is None and (coin := _CENTS.match(text, end)) and "." in one and not scale:
        ways = _joined(values, [coin[1], "块" if coin[1] == "元" else "元"]) + _coins(one)
        end, kind = coin.end(), "money"
    return _make(start, end, kind, _signed(ways, sign, unit or text[end : end + 1]))


def _first_end(found: re.Match[str]) -> int:
    return max(found.end(2), found.end(3), found.end(4))


def _is_sign(text: str, start: int, found: re.Match[str], unit: str | None) -> bool:
    """Whether - or + before a number belongs to it: nothing that it could join stands before it."""
    before = text[start - 1 : start]
    if found[1] == "~":
        return True
    spaced = found.start(2) > start + 1
    if before.isspace():
        earlier = text[:start].rstrip()[-1:]
        if earlier.isascii() and earlier.isalnum():
            return False
    if spaced and not (unit in TEMPERATURES or text[_first_end(found) :].lstrip()[:1] in "度摄℃"):
        return False
    return not (before.isascii() and before.isalnum()) and before not in ("%", ")", "℃", "°")


def _is_range(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether the two numbers are a range: not those of 5-3=2, nor with a third behind."""
    behind = text[found.end() :]
    return not re.match(r"\s?[-=]\s?\d|\d", behind)


def _bare(text: str, start: int, end: int, sign: str, digits: str) -> Span:
    number_start = start + len(sign) + (text[start + len(sign) : start + len(sign) + 1] in " \u3000" if sign else 0)
    approximate = re.compile(r"(\d)\s?[,、]\s?(\d)(0?)(?=\s?[\u4e00-\u9fff])").match(text, number_start)
    if approximate and int(approximate[2]) == int(approximate[1]) + 1 and not sign and digits == approximate[1]:
        a, b, ten = DIGITS[int(approximate[1])], DIGITS[int(approximate[2])], "十" if approximate[3] else ""
        ways = [f"{a}{b}{ten}"] + ([f"两{b}{ten}"] if a == "二" else [])
        return _make(start, approximate.end(), "range", ways)
    ways, kind = _whole(text, number_start, end, digits)
    return _make(start, end, kind, _signed(ways, sign, text[end:].lstrip()[:1]))


def _signed(ways: list[str], sign: str, unit: str) -> list[str]:
    if not sign:
        return ways
    if sign == "~":
        return [*ways, *_joined(["约", "大约"], ways)]
    if sign == "±":
        return _joined(["正负"], ways)
    if sign == "+":
        return _joined(["加", "正"] + (["零上"] if unit in TEMPERATURES else []), ways)
    if unit in TEMPERATURES or unit == "摄":
        return _joined(["零下", "负"], ways)
    parts = [f"百分之负{way[3:]}" for way in ways if way.startswith("百分之")]
    return [*_joined(["负"], ways), *parts]


def _two_of(text: str, end: int, unit: str | None, scale: str | None) -> tuple[str, ...]:
    if unit in ("%", "‰"):
        return ("二",)
    return ("两", "二") if unit else _two(text[end:].lstrip())


def _with_unit(values: list[str], number: str, unit: str | None) -> list[str]:
    if unit is None:
        return values
    if unit in ("%", "‰"):
        ways = [f"{'百' if unit == '%' else '千'}分之{value}" for value in values]
        return ["百分之百", "百分之一百"] if unit == "%" and number == "100" else ways
    names = list(UNITS[unit])
    if unit in SPELT:
        names = [unit.lower(), *names]
    elif unit.isascii() and unit.isalnum():
        names.append(unit.lower())
    ways = _joined(values, names)
    if unit == "km/h":
        ways += _joined(["每小时", "时速"], values, ["公里", "千米"])
    return ways


def _range(text: str, start: int, end: int, found: re.Match[str]) -> Span:
    sign, one, scale, unit, minus, other, scale2, unit2 = found.groups()
    behind = text[end:].lstrip()
    shared = unit2 or behind[:1]
    years = len(one) == 4 and len(other) == 4 and one.isdigit() and other.isdigit() and one[:1] in "12" and not unit2
    if years and (behind[:1] in "年学财赛)）" or not behind or not "\u4e00" <= behind[:1] <= "\u9fff"):
        lefts, rights = [by_digit(one)], [by_digit(other)]
        ways = _joined(lefts, ["到", "至"], rights) + _joined(lefts, ["年到", "年至"], rights)
        return _make(start, end, "year", ways)
    two = _two_of(text, end, unit2, scale2)
    lefts = _scaled(one, scale or "", ("二", "两") if "两" in two else two)
    rights = _scaled(other, scale2 or "", two)
    full = [_signed(_with_unit(lefts, one, mine), sign, shared) for mine in dict.fromkeys((unit or unit2, unit))]
    right = _signed(_with_unit(rights, other, unit2), minus, shared)
    words = ["到", "至"]
    if not unit and not unit2 and re.search(r"[图表例题附式章]\s?$", text[:start]):
        words += ["杠", "之"]
    ways = [way for left in reversed(full) for way in _joined(left[:6], words, right[:6])]
    if unit2 in ("%", "‰") and not unit:
        plain = _signed(_with_unit(lefts, one, unit2), sign, shared)
        bare = _scaled(other, scale2 or "", two)
        ways = _joined(plain, words, right) + _joined(plain, words, bare)
    elif not scale and scale2:
        ways += _joined(_signed(_with_unit(_scaled(one, scale2, two), one, unit2), sign, shared), words, right)
    return _make(start, end, "range", ways, sure=text[start - 1 : start] not in ("-",))
