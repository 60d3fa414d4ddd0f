"""Cantonese numbers in characters: 25 二十五 or 廿五, 1500 一千五百 or 千五, $12.5 十二個半, 3:15 三點三個字."""

import re
from functools import lru_cache

from speech.readings.cjk import tables

LARGEST = 10**16 - 1
_TWO = re.compile("(?<!十)二(?=[百千萬億兆])")  # but 十二萬
DIGITS = "零一二三四五六七八九"


def plain(number: int) -> str:
    """A whole number in its plainest words.

    >>> plain(1205), plain(12), plain(10_500)
    ('一千二百零五', '十二', '一萬零五百')
    """
    if number == 0:
        return "零"
    said, gap = "", False
    for size, name in ((10**12, "兆"), (10**8, "億"), (10**4, "萬"), (1, "")):
        count, number = divmod(number, size)
        if count:
            said += ("零" if said and (gap or count < 1000) else "") + _to_9999(count) + name
            gap = False
        elif said:
            gap = True
    return said[1:] if said.startswith("一十") else said


def _to_9999(number: int) -> str:
    said, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + name
            gap = False
        else:
            gap = True
    return said


@lru_cache(maxsize=16_384)
def cardinal(number: int) -> tuple[str, ...]:
    """All ways to say a whole number: with 廿 and 卅, 兩 before 百 千 萬 億, and cut short (千五, 三百五)."""
    base = plain(number)
    ways = [base]
    if 20 <= number % 100 < 40:
        tens = {2: ("二十", "廿"), 3: ("三十", "卅")}[number % 100 // 10]
        at = base.rfind(tens[0])
        ways.append(base[:at] + tens[1] + base[at + 2 :])
    text = str(number)
    if len(text) > 2 and text[1] != "0" and not text[2:].strip("0") and number < 100_000:
        unit = {3: "百", 4: "千", 5: "萬"}[len(text)]
        ways.append(DIGITS[int(text[0])] + unit + DIGITS[int(text[1])])
        if text[0] == "1":
            ways.append(unit + DIGITS[int(text[1])])
    ways += [_TWO.sub("兩", way) for way in ways if _TWO.search(way)]
    if base[0] == "十" and number >= 100_000:
        ways.append("一" + base)
    return tuple(dict.fromkeys(ways))


# Counters, each with what two of it are: 兩, 二 or either (tables/yue.yaml).
_TAKES: dict[str, str] = {counter: two for two, counters in tables("yue")["counters"].items() for counter in counters}
COUNTERS = tuple(_TAKES)


def counted(number: int, counter: str) -> tuple[str, ...]:
    """Ways to say a number before a counter of COUNTERS ("" for none): 2個 兩個, 2號 二號, 2元 兩元 or 二元."""
    return tuple(_TAKES[counter]) if number == 2 and counter in _TAKES else cardinal(number)


def digits(number: str) -> str:
    """Digit by digit (1 is 一, never 幺)."""
    return "".join(DIGITS[int(digit)] for digit in number)


def clock(hour: int, minute: int) -> list[str]:
    """3:15: 三點十五分, 三點三個字, 三點三; 3:30: 三點半."""
    head = "兩點" if hour == 2 else plain(hour) + "點"
    if minute == 0:
        return [head, head + "正", head + "鐘", head + "零零分"]
    minutes = cardinal(minute)
    ways = [head + way + "分" for way in minutes] + [head + way for way in minutes if minute > 10]
    if minute < 10:
        ways = [f"{head}零{plain(minute)}分", f"{head}零{plain(minute)}", *ways]
    if minute % 5 == 0 and minute != 30:
        count = minute // 5
        word = plain(count)
        ways += [head + ("兩" if count == 2 else word) + "個字", head + word, f"{head}搭{word}", f"{head}踏{word}"]
    if minute == 30:
        ways += [head + "半", head + "搭半", head + "踏半"]
    if minute in (15, 45):
        ways += [head + {15: "一", 45: "三"}[minute] + "個骨"]
    return ways


def _without_places(digits_of: str) -> list[str]:
    """$1280 as 千二八."""
    if not re.fullmatch("[1-9]{3}0", digits_of):
        return []
    heads = {"1": ("", "一"), "2": ("兩",)}.get(digits_of[0], (DIGITS[int(digits_of[0])],))
    return [f"{head}千{digits(digits_of[1:3])}" for head in heads]


def money(number: int, fraction: str) -> list[str]:
    """Hong Kong dollars: 20 二十蚊, 二十元; 12.5 十二個半; 1.2 個二; 15.90 十五個九."""
    tenths = fraction.rstrip("0")
    if not tenths:
        short = [way for way in cardinal(number) if number > 100 and number % 10 == 0 and way[-1] in DIGITS]  # 兩千五
        short += _without_places(str(number))
        pairs = [(name, counted(number, "元" if name == "元" else "蚊")) for name in ("蚊", "元", "塊", "文")]
        return [way + name for name, ways in pairs for way in ways] + short
    ways = [f"{way}點{digits(fraction)}{name}" for name in "蚊元" for way in cardinal(number)]
    if len(tenths) > 1:
        return ways
    tenth, said = digits(tenths), "半" if tenths == "5" else digits(tenths)
    if not number:
        return ways + [("兩" if tenths == "2" else tenth) + cent for cent in ("毫", "毫子", "角")]
    heads = ["兩", "二"] if number == 2 else list(cardinal(number))
    ways += [f"{head}個{said}" for head in (["", "一"] if number == 1 else heads)] + [
        f"{head}蚊{said}" for head in heads
    ]
    ways += [f"{head}蚊{tenth}" for head in heads]
    coins = (("元", "角"), ("蚊", "毫"), ("蚊", "毫子"), ("元", "毫"))
    return ways + [f"{head}{name}{tenth}{cent}" for head in heads for name, cent in coins]
