"""Dates and times of a Japanese text, with what may be said for each."""

import re
from itertools import product

from speech.readings.cjk import CLOCK, DATE, HALF_DAY, compared, span_of, with_half_day
from speech.readings.ja_counted import MOST
from speech.readings.ja_numbers import read
from speech.readings.ja_signs import WEEKDAYS, spelled
from speech.readings.span import Span

_WEEKDAY = re.compile(r"\(([月火水木金土日])([・,]?祝)?\)")
HALVES = {"a": ("ごぜん", "あさ"), "p": ("ごご", "よる", "ゆうがた")}
_COMPARED = re.compile("比[率はが]|の比|スコア|[勝敗]|[下破](?:し|っ|り)|セット|リード|引き分け")


def date(text: str, at: int, found: list[Span]) -> Span | None:
    if match := DATE.match(text, at):
        parts = product(read(int(match[1]), "年"), read(int(match[3]), "月"), read(int(match[4]), "日"))
        return span_of(at, match.end(), "date", map("".join, parts))
    return None


def clock(text: str, at: int, found: list[Span]) -> Span | None:
    if half := HALF_DAY.match(text, at):  # 9:00AM
        times = _times(half[1], half[2] or "00", None)
        letters = [way + name for name in spelled(half[3] + "m") for way in times]
        return span_of(
            at, half.end(), "time", with_half_day(text, at, HALVES, times, "午前 午後 朝 夜 夕方") + letters, most=MOST
        )
    match = CLOCK.match(text, at)
    if match and not (match[3] is None and compared(_COMPARED, text, at, match.end())):
        return span_of(at, match.end(), "time", _times(*match.groups()), most=MOST)
    return None


def _times(hour: str, minute: str, second: str | None) -> list[str]:
    minutes = list(read(int(minute), "分")) if int(minute) else ["", "ちょうど", *read(0, "分")]
    minutes += ["はん"] * (minute == "30")
    if minute[0] == "0" and int(minute):
        minutes += [zero + way for zero in ("れい", "ぜろ") for way in minutes[:2]]
    seconds = read(int(second), "秒") if second else ("",)
    return ["".join(parts) for parts in product(read(int(hour), "時"), minutes, seconds)]


def weekday(text: str, at: int, found: list[Span]) -> Span | None:
    """12月24日(火): かようび, or か."""
    match = _WEEKDAY.match(text, at)
    if not match or not found or found[-1].end != at or found[-1].kind not in ("date", "variant", "fraction"):
        return None
    day = WEEKDAYS[match[1]]
    holiday = ("しゅくじつ", "しゅく") if match[2] else ("",)
    return span_of(at, match.end(), "variant", (a + b for b in holiday for a in (f"{day}ようび", day, f"{day}よう")))
