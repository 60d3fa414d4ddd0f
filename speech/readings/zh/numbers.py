"""Chinese numerals: digits -> the ways to say them, best first."""

import re
from itertools import product

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_MYRIADS = ("", "万", "亿", "万亿", "亿亿")
MOST = 16  # ways that one number may have
_SHORTENED = re.compile(r"[1-9]\d{0,3}?[1-9]0{1,3}")
LONGEST = 20  # digits; longer ones are read digit by digit


def by_digit(digits: str) -> str:
    """
    >>> by_digit("2050")
    '二零五零'
    """
    return "".join(DIGITS[int(digit)] for digit in digits)


def cardinals(digits: str, two: tuple[str, ...] = ("二",)) -> list[str]:
    """A whole number in words; `two`: what a 2 alone is called (两 before a measure word).

    >>> cardinals("1005"), cardinals("2200"), cardinals("2", ("两",))
    (['一千零五'], ['两千二百', '两千两百', '二千二百', '二千两百'], ['两'])
    """
    digits = digits.lstrip("0") or "0"
    if len(digits) > LONGEST:
        return [by_digit(digits)]
    if digits == "0":
        return ["零"]
    if digits == "2":
        return list(two)
    groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)][::-1]
    slots: list[tuple[str, ...]] = []
    skipped = False
    for i, group in enumerate(groups):
        value, myriad = int(group), _MYRIADS[len(groups) - 1 - i]
        if not value:
            skipped = bool(slots)
            continue
        if slots and (skipped or value < 1000):
            slots.append(("零",))
        slots += _group(str(value), bool(myriad), first=not slots)
        slots.append((myriad,))
        skipped = False
    ways = ["".join(way) for way in _some(slots)]
    if len(digits) == 2 and digits[0] == "1":
        ways.append("一" + ways[0])
    return ways


def _group(digits: str, before_myriad: bool, first: bool) -> list[tuple[str, ...]]:
    """Up to four digits, in slots of one or two words."""
    if digits == "2" and before_myriad:
        return [("两", "二") if first else ("二", "两")]
    slots: list[tuple[str, ...]] = []
    for i, digit in enumerate(digits):
        place = _PLACES[len(digits) - 1 - i]
        if digit == "0":
            if slots and slots[-1] != ("零",) and digits[i:].strip("0"):
                slots.append(("零",))
            continue
        if digit == "1" and place == "十" and i == 0 and first:
            slots.append(("十",))
        elif digit == "1" and place == "十" and i == 0:
            slots.append(("一十", "十"))
        elif digit == "2" and place == "千":
            slots.append(("两千", "二千") if first and not i else ("二千", "两千"))
        elif digit == "2" and place == "百":
            slots.append(("二百", "两百"))
        else:
            slots.append((DIGITS[int(digit)] + place,))
    return slots


def _some(slots: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """All ways through the slots, or of many the first MOST."""
    while (count := _ways(slots)) > MOST:
        last = max(i for i, slot in enumerate(slots) if len(slot) > 1)
        slots = [slot[:1] if i == last else slot for i, slot in enumerate(slots)]
        assert _ways(slots) < count
    return list(product(*slots))


def _ways(slots: list[tuple[str, ...]]) -> int:
    count = 1
    for slot in slots:
        count *= len(slot)
    return count


def shortened(digits: str) -> list[str]:
    """The place of the last digit left out, as people do where nothing is counted.

    >>> shortened("750"), shortened("1500"), shortened("705")
    (['七百五'], ['一千五'], [])
    """
    known = _SHORTENED.fullmatch(digits)
    ways = cardinals(digits, ("两", "二")) if known else []
    return [way[:-1] for way in ways if way[-1] in "十百千"]


def decimals(number: str, two: tuple[str, ...] = ("二",)) -> list[str]:
    """A number of digits, with thousands apart or a decimal point or neither.

    >>> decimals("1,200.50")[0], decimals("2.5")
    ('一千二百点五零', ['二点五', '两点五'])
    """
    whole, _, fraction = number.replace(",", "").partition(".")
    if not fraction:
        return cardinals(whole, two)
    ways = [f"{way}点{by_digit(fraction)}" for way in cardinals(whole or "0", ("二", "两"))]
    if fraction.strip("0") and fraction != fraction.rstrip("0"):
        ways += [f"{way}点{by_digit(fraction.rstrip('0'))}" for way in cardinals(whole or "0", ("二", "两"))]
    return ways


def scaled(number: str, scale: str, two: tuple[str, ...] = ("二",)) -> list[str]:
    """A number of 万, 亿 and the like; also in full.

    >>> scaled("23.8", "万"), scaled("3", "亿")
    (['二十三点八万', '二十三万八千'], ['三亿'])
    >>> scaled("140,967", "万")[0]
    '十四亿零九百六十七万'
    """
    if not scale:
        return decimals(number, two)
    ways = [f"{way}{scale}" for way in decimals(number, ("二",) if scale == "十" else ("两", "二"))]
    whole, _, fraction = number.replace(",", "").partition(".")
    if scale == "万" and len(whole.lstrip("0")) > 4 and len(fraction) <= 4:  # 140,967万
        return [*cardinals(whole + fraction.ljust(4, "0"), two), *ways]
    if (
        fraction.strip("0")
        and scale in ("万", "亿")
        and whole.strip("0")
        and len(fraction) <= (4 if scale == "万" else 8)
    ):
        ways += cardinals(whole + fraction.ljust(4 if scale == "万" else 8, "0"))
    return ways


def neighbours(one: str, other: str) -> list[str]:
    """Two numbers in a row as people join them.

    >>> neighbours("3", "4"), neighbours("30", "40"), neighbours("3", "5")
    (['三四'], ['三四十'], [])
    """
    ten = "十" if len(one) == len(other) == 2 and one[1] == other[1] == "0" else ""
    if (not ten and not len(one) == len(other) == 1) or int(other[0]) != int(one[0]) + 1 or one == "0":
        return []
    said = f"{DIGITS[int(one[0])]}{DIGITS[int(other[0])]}{ten}"
    return [said, said.replace("二", "两", 1)] if one[0] == "2" else [said]
