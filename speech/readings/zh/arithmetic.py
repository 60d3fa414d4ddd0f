"""Rules for arithmetic (3+5 before =, 1920x1080) and for fractions. A rule: (text, start) -> Span or None."""

import re

from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals, decimals, shortened
from speech.readings.zh.shared import BLANK, NUMBER, joined, make
from speech.readings.zh.tables import FRACTIONS, MEASURES, OF_DAY, ON_DAY, UNITS

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_EQUATION = re.compile(
    rf"-?{NUMBER}(?:\s?[-−+×xX*÷/]\s?{NUMBER}){{1,24}}(?=\s?=|\)\s?[=×÷*/])|\d+/\d+(?:\s?[-−+×÷~～]\s?\d+/\d+){{1,24}}"
)
_TIMES = re.compile(rf"{NUMBER}(?:\s?[×xX*]\s?{NUMBER}){{1,24}}(?![A-Za-z\d]|\.\d)")
_FRACTION = re.compile(r"(\d{1,6})\s?/\s?(\d{1,6})(?![\d/])")
_MIXED = re.compile(r"(\d{1,6})?\s?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_SHARE = re.compile(r"(?:[占剩达近约足乘除加减了掉余下过到=×+-]|只有|概率[为是]|等于|剩下的)\s?$")
_PRESSURE = re.compile("(?:血压|高压)[^。;!?]*$")
_FEAST = re.compile("[\u4e00-\u9fff]{1,4}节")
_UNIT_BEHIND = re.compile(rf"({_UNIT})(?![A-Za-z])")
_SAID_OF = {"+": "加", "-−": "减", "×xX*": "乘 乘以", "÷/": "除以 除", "~～": "到 至"}
_OPERATORS = {sign: said.split() for signs, said in _SAID_OF.items() for sign in signs}


def _may_be_day(before: str, behind: str) -> bool:
    """Whether M/D without a word of time beside it may be a day: nothing that it counts follows, no share is told."""
    counted = behind.lstrip()[:1] in MEASURES or behind.startswith(("的", "以上", "左右", "层", "楼"))
    return not counted and not _SHARE.search(before)


def equation(text: str, start: int) -> Span | None:
    """3+5 before =, and 1920x1080."""
    found = _EQUATION.match(text, start) or _TIMES.match(text, start)
    if not found:
        return None
    parts = []
    for part in re.findall(rf"\d+/\d+|{NUMBER}|[^\s\d.,]", found[0]):
        over, _, under = part.partition("/")
        if over and under:
            a, b = cardinals(over)[0], cardinals(under)[0]
            parts.append([f"{b}分之{a}", f"{a}除以{b}", f"{a}除{b}"])
            continue
        plain = decimals(part)[:4] if part not in _OPERATORS else _OPERATORS[part]
        long = len(part) > (1 if "X" in found[0] else 2)  # 88X20 is a plate
        parts.append([*plain, by_digit(part)] if part.isdigit() and long else plain)
    if parts[0] == ["减"]:
        parts[0] = ["负"]
    if "x" in found[0].lower():
        parts = [[*part, "x"] if part[0] == "乘" else part for part in parts]
    name = "X" in found[0] and re.search("[A-Za-z][·・.]?$", text[:start]) is not None  # 京A·88X20
    return make(start, found.end(), "sign", joined(*parts), sure=not name)


def fraction(text: str, start: int) -> Span | None:
    """2/3, ½, 1½."""
    if mixed := _MIXED.match(text, start):
        over, under = FRACTIONS[mixed[2]]
        part = f"{cardinals(str(under))[0]}分之{cardinals(str(over))[0]}"
        ways = [part, "半"] if mixed[2] == "½" else [part]
        if mixed[1]:
            ways = joined(cardinals(mixed[1]), ["又", ""], [part]) + joined(
                cardinals(mixed[1]), ["点五"] if mixed[2] == "½" else []
            )
        return make(start, mixed.end(), "fraction", ways)
    found = _FRACTION.match(text, start)
    if not found:
        return None
    over, under = cardinals(found[1]), cardinals(found[2])
    ways = [f"{b}分之{a}" for b in under[:3] for a in over[:3]] if int(found[2]) else []
    ways += joined(over[:2], ["斜杠", "杠"], under[:2])
    ways += {"1/2": ["一半"], "24/7": ["二十四七"]}.get(f"{found[1]}/{found[2]}", [])
    if int(found[1]) > int(found[2]):
        ways += joined(over[:2], ["比", "除以"], under[:2])
    if int(found[1]) > int(found[2]) and _PRESSURE.search(text, max(0, start - 24), start):  # 120/80
        unit = re.compile(rf"{BLANK}(mmHg|毫米汞柱)").match(text, found.end())
        names = ["毫米汞柱", "mmhg"] if unit else [""]
        ways = joined([*over[:2], *shortened(found[1])], ["", "比", "斜杠", "杠", "到"], under[:2], names)
        return make(start, unit.end() if unit else found.end(), "fraction", ways, sure=False)
    behind = text[found.end() : found.end() + 6]
    if behind[:1] in ("层", "楼"):  # 12/18层
        ways += joined(over[:2], [""], under[:2])
    if behind[:1] == "拍":  # 4/4拍
        ways += joined(over[:1], under[:1])
    if found[0] == "1/2" and behind[:1] in MEASURES:  # 1/2杯
        ways += ["半"]
    size = len(found[1]) == 3 and len(found[2]) == 2  # 185/75, and 175/92A of clothes
    if (unit := _UNIT_BEHIND.match(text, found.end())) and not (size and unit[1] in "ABCY"):  # 50/60Hz
        names = [*UNITS[unit[1]], unit[1].lower()]
        ways = joined(over[:2], ["", "或", "和", "斜杠"], under[:2], names) + joined(ways[:2], names)
        return make(start, unit.end(), "unit", ways, sure=False)
    if size:
        ways += ["".join(map(by_digit, found.groups())), *joined(over[:1], under[:1])]
    if len(found[1]) >= 3 and len(found[2]) >= 3:  # 985/211, 880/1280元
        ways += ["".join(map(by_digit, found.groups()))]
        ways += joined([*over, *shortened(found[1])], ["", "和", "或"], [*under, *shortened(found[2])])
    month = 1 <= int(found[1]) <= 12 and 1 <= int(found[2]) <= 31
    in_brackets = text[:start].endswith("(") and behind[:1] == ")"
    if month and (in_brackets or text[:start].endswith(ON_DAY) or behind.startswith(OF_DAY) or _FEAST.match(behind)):
        ways += [f"{cardinals(found[1])[0]}月{cardinals(found[2])[0]}{name}" for name in "日号"]
        if _FEAST.match(behind):  # 3/8妇女节, 6/1儿童节
            ways += joined(over[:1], under[:1])
    elif month and _may_be_day(text[:start], behind):
        days = [f"{cardinals(found[1])[0]}月{cardinals(found[2])[0]}{name}" for name in "日号"]
        month = int(found[2]) > 12  # 3/15开会, 日期:3/18
        ways = [*days, *ways] if month else [*ways, *days]
    else:
        month = month and "日" in behind[:3]
    return make(start, found.end(), "fraction", ways, sure=not month and int(found[1]) < int(found[2]))
