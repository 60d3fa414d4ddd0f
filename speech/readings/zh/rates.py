"""Rules for what is counted in a time or with a sign between: 72次/min, 300+ms, 10x. A rule: (text, start) -> Span or
None."""

import re

from speech.readings.span import Span
from speech.readings.zh.numbers import decimals
from speech.readings.zh.shared import BLANK, NUMBER, joined, make
from speech.readings.zh.tables import MEASURES, SPELT, UNITS
from speech.readings.zh.whole import two_before

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_TIMES = {
    "min": ("分钟", "分"), "分": ("分钟", "分"), "分钟": ("分钟",), "h": ("小时",), "s": ("秒",), "秒": ("秒",),
    "d": ("天",),
}  # fmt: skip
_PER = "|".join(sorted(_TIMES, key=len, reverse=True))
_RATE = re.compile(rf"({NUMBER}){BLANK}([{''.join(sorted(MEASURES))}]){BLANK}/{BLANK}({_PER})(?![A-Za-z钟])")
_MORE = re.compile(rf"({NUMBER})\+({_UNIT})(?![A-Za-z])")
_MULTIPLE = re.compile(r"([1-9]\d?(?:\.\d+)?|0\.\d+)[xX](?![A-Za-z\d]|\s?[-−+*/=<>≤≥≠×÷²³^(])")
_TERM_BEFORE = re.compile(r"[A-Za-z\d]$|[=+\-−×÷*/(]\s?$|号[是为:]?$")


def rate(text: str, start: int) -> Span | None:
    """72次/min: 每分钟七十二次, too."""
    found = _RATE.match(text, start)
    if not found:
        return None
    values = joined(decimals(found[1], two_before(found[2])), [found[2]])
    times = list(_TIMES[found[3]])
    ways = joined(values, ["每", "一", "斜杠"], times) + joined(["每", "一"], times, values)
    return make(start, found.end(), "unit", ways)


def more(text: str, start: int) -> Span | None:
    """300+ms."""
    found = _MORE.match(text, start)
    if not found:
        return None
    names = [found[2].lower(), *UNITS[found[2]]] if found[2] in SPELT else [*UNITS[found[2]], found[2].lower()]
    return make(start, found.end(), "unit", joined(decimals(found[1], ("两", "二")), ["加", "多"], names))


def multiple(text: str, start: int) -> Span | None:
    """10x, 2X: a multiple, or letters."""
    found = _MULTIPLE.match(text, start)
    if not found or _TERM_BEFORE.search(text, max(0, start - 2), start):
        return None
    ways = joined(decimals(found[1], ("两", "二")), ["倍", "x"])
    return make(start, found.end(), "unit", ways, sure=False)
