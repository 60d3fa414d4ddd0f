"""Numbers of a Japanese text in a form of their own: telephones, averages, scores, addresses, fractions, versions."""

import re
from itertools import product

from speech.readings.cjk import BLOOD_PRESSURE, DASHED, SEASON, SLASHED, VERSION, is_day, span_of
from speech.readings.ja_counted import MOST, is_counted
from speech.readings.ja_numbers import ZEROS, digits, read, whole
from speech.readings.span import Span

_PHONE = re.compile(
    r"(?:\+81[- ]?\d{1,3}|\(?0\d{1,4}\)?)[- ]?\d{2,4}[- ]\d{3,4}(?![-\d])|0\d{9,10}(?!\d)"
    r"|\d{4}-\d{3}-\d{3}(?![-\d])|\d{3}-\d{4}(?![-\d])"
)
_AVERAGE = re.compile(r"(?<![0-9A-Za-z.])\.(\d{3})(?!\d)")
_PARTS = ("わり", "ぶ", "りん")
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})(?![\d:])")


def phone(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _PHONE.match(text, at):
        groups = [_digits(group) for group in re.findall(r"\d+", match[0])]
        ways = [sign.join(way) for sign in ("の", "") for way in zip(*groups, strict=True)]
        ways += [way.replace("に", "にい").replace("ご", "ごお") for way in ways]  # two and five are drawn out
        if len(groups) == 2 and len(match[0]) == 8:  # 150-0002, a postal code
            ways += [f"{whole(int(match[0][:3]))}の{last}" for last in groups[1]]
        plus = "ぷらす" if match[0][0] == "+" else ""
        return span_of(at, match.end(), "phone", (plus + way for way in ways))
    return None


def _digits(group: str) -> tuple[str, ...]:
    """Always as many ways as there are for 0."""
    return digits(group) if "0" in group else digits(group) * 3


def average(text: str, at: int, found: list[Span]) -> Span | None:
    """.310 of a batter: さんわりいちぶ."""
    match = _AVERAGE.match(text, at)
    if not match:
        return None
    named = ((whole(int(digit)) + name) if digit != "0" else "" for digit, name in zip(match[1], _PARTS, strict=False))
    points = [zero + "てん" + way for zero in (*ZEROS, "") for way in digits(match[1])]
    return span_of(at, match.end(), "percent", ["".join(named), *points] if int(match[1]) else points)


def ratio(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _RATIO.match(text, at):
        pairs = product(read(int(match[1])), read(int(match[2])))
        return span_of(at, match.end(), "score", (f"{one}たい{other}" for one, other in pairs))
    return None


def dashed(text: str, at: int, found: list[Span]) -> Span | None:
    """2-1: a score, an address or a range; 4-2-8: an address. With a counter (3-5日) it is two numbers."""
    if season := SEASON.match(text, at):  # 2023-24シーズン
        parts = product(read(int(season[1])), ("", "から", "の"), (*read(int(season[2])), *digits(season[2])))
        return span_of(at, season.end(), "year", map("".join, parts))
    match = DASHED.match(text, at)
    if not match or (match[0].count("-") == 1 and (is_counted(text, match.end()) or text.startswith("=", match.end()))):
        return None
    parts = match[0].split("-")
    if len(parts) == 2:
        pairs = list(product(*(read(int(part)) for part in parts)))
        ways = [sign.join(pair) for sign in ("たい", "の", "から") for pair in pairs]
        ways.append(_address(parts, ("丁目", "番地")))
    else:
        plain = [whole(int(part)) for part in parts]
        ways = ["の".join(plain), "".join(plain)]
        if len(parts) == 3:
            ways += [_address(parts, ("丁目", "番", "号")), _address(parts, ("丁目", "番地", ""))]
            ways.append(f"{read(int(parts[0]), '丁目')[0]}{plain[1]}の{plain[2]}")
    ways += ["の".join(way) for way in zip(*map(_digits, parts), strict=True)]
    return span_of(at, match.end(), "score" if len(parts) == 2 else "address", ways, sure=len(parts) > 2)


def _address(parts: list[str], names: tuple[str, ...]) -> str:
    return "".join(read(int(part), name)[0] for part, name in zip(parts, names, strict=True))


def slashed(text: str, at: int, found: list[Span]) -> Span | None:
    match = SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    if BLOOD_PRESSURE.search(text, max(0, at - 8), at):  # 120/80
        return span_of(
            at,
            match.end(),
            "fraction",
            [a + sign + b for sign in ("", "たい", "の") for a, b in product(read(one), read(other))],
            most=20,
        )
    ways = [f"{below}ぶんの{above}" for below, above in product(read(other)[:2], read(one)[:2])]
    if 1 <= one <= 12 and 1 <= other <= 31:
        days = list(map("".join, product(read(one, "月"), read(other, "日"))))
        ways = days + ways if is_day(one, other) else ways + days
    ways += [f"{whole(one)}スラッシュ{whole(other)}", f"{whole(one)}わる{whole(other)}"]
    return span_of(at, match.end(), "fraction", ways, most=MOST)


def version(text: str, at: int, found: list[Span]) -> Span | None:
    if match := VERSION.match(text, at):
        *heads, last = map(int, match[0].split("."))
        ways = list(map("てん".join, product(*(read(part)[:2] for part in (*heads, last)))))[: MOST // 2]
        changed = product(*(read(part, "点")[:2] for part in heads), read(last)[:2])  # じゅっ of 3.10.4, さんてん
        return span_of(at, match.end(), "version", ways + list(map("".join, changed)), most=MOST)
    return None
