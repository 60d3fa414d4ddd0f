"""Rules for a span of months or days: 2024.01-2026.12, 12.1-12.10, 10/1-10/7. A rule: (text, start) -> Span or None."""

import re

from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals
from speech.readings.zh.shared import TO, joined, make
from speech.readings.zh.tables import DUE, MEASURES, UNITS

_MONTHS = re.compile(rf"((?:19|20)\d\d)[./](0[1-9]|1[0-2])(?:至|到|{TO})((?:19|20)\d\d)[./](0[1-9]|1[0-2])(?![\d./])")
_MONTH, _DAY = "(1[0-2]|0?[1-9])", r"(3[01]|[12]\d|0?[1-9])"
_DAYS = re.compile(rf"{_MONTH}([./]){_DAY}(?:至|到|{TO}){_MONTH}\2{_DAY}(?![\d./]|\s?[=×÷*+])")
_LASTS = re.compile("[\u4e00-\u9fff\\d]{0,2}天|期间|[放休]假|日")
_PLANNED = re.compile("(?:假|日期|时间|安排|档期|排在|定在|预售|[展会工刊花租]期|期间|期限|活动|报名)[^,。;!?]{0,4}$")
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_MEASURED = re.compile(
    rf"\s?(?:[%‰]|(?:{_UNIT})(?![A-Za-z])|[{''.join(sorted(MEASURES))}](?![庆间休末一二三四五六日]))"
)  # 报名费3.5-4.5元, not 10.1-10.7国庆
_SLASHED = re.compile(rf"{_MONTH}/{_DAY}(?![\d/])")
_NAMED = re.compile(r"(?:\A|[,。;!?:]|日期|时间|生日|截止|ddl|deadline|是)\s?是?$", re.IGNORECASE)
_SHARE = re.compile("[占剩达近约有足余]$")


def months(text: str, start: int) -> Span | None:
    """2024.01-2026.12."""
    found = _MONTHS.match(text, start)
    if not found:
        return None
    one, other = (f"{by_digit(found[i])}年{cardinals(found[i + 1])[0]}月" for i in (1, 3))
    return make(start, found.end(), "date", joined([one], ["到", "至"], [other]))


def days(text: str, start: int) -> Span | None:
    """12.1-12.10 where days are planned, 10/1-10/7 unless these are fractions."""
    found = _DAYS.match(text, start)
    if not found:
        return None
    first, last = (int(found[1]), int(found[3])), (int(found[4]), int(found[5]))
    planned = _LASTS.match(text, found.end()) or _PLANNED.search(text, max(0, start - 12), start)
    proper = first[0] < first[1] <= 12 and last[0] < last[1] <= 12
    if _MEASURED.match(text, found.end()) and not _LASTS.match(text, found.end()):
        return None
    if not planned and (found[2] == "." or proper or first >= last):
        return None
    one, other = (f"{cardinals(str(month))[0]}月{cardinals(str(day))[0]}" for month, day in (first, last))
    ways = joined([one], ["日", "号", ""], ["到", "至"], [other], ["日", "号", ""])
    return make(start, found.end(), "date", ways, sure=found[2] == "/")


def named(text: str, start: int) -> Span | None:
    """11/30截止, 日期：3/18: a day that words around it name; 3/4报名 may be a share, too."""
    found = _SLASHED.match(text, start)
    if not found or _SHARE.search(text, max(0, start - 4), start):
        return None
    called = int(found[2]) > 12 and _NAMED.search(text, max(0, start - 10), start)
    if not called and not text.startswith(DUE, found.end()):
        return None
    month, day = cardinals(found[1])[0], cardinals(found[2])[0]
    ways = [f"{month}月{day}日", f"{month}月{day}号", *(f"{month}{sign}{day}" for sign in ("斜杠", "杠", ""))]
    share = int(found[1]) < int(found[2]) <= 12
    return make(start, found.end(), "date", [*ways, f"{day}分之{month}"] if share else ways, sure=not share)
