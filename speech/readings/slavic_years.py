"""Years of a stretch of time whose noun stands behind the second: с 1941 по 1945 год, od 1939 do 1945 roku."""

import re
from collections.abc import Callable

from speech.readings.european import BLANK, DASH, Rule, Said, ways

_YEAR = r"(?:1\d|20)\d\d"


def year_rules(
    nth: Callable[[int], list[str]], counted: Callable[[int], list[str]], links: str, noun: str
) -> list[Rule]:
    """Args:
    nth: the year as an ordinal, in each case, best first (the same order of cases for every year).
    counted: as a number.
    links: pattern of the words between two years.
    noun: pattern of the word for years behind the second.
    """
    end = rf"{BLANK}?(?:{noun})"

    def first(match: re.Match[str]) -> Said:
        number = int(match["n"])
        return "year", [*nth(number), *counted(number)], True

    def both(match: re.Match[str]) -> Said:
        one, two = int(match["n"]), int(match["m"])
        pairs = [f"{a}{link}{b}" for a, b in zip(nth(one), nth(two), strict=False) for link in (" ", " тире ")]
        return "range", [*pairs, *ways(counted(one)[:2], ("", *links.split("|")), counted(two)[:2])], True

    ahead = rf"(?={BLANK}(?:{links}){BLANK}{_YEAR}{end})"
    return [
        Rule("0", re.compile(rf"(?<![\d.,])(?P<n>{_YEAR}){ahead}"), first),
        Rule("0", re.compile(rf"(?<![\d.,])(?P<n>{_YEAR}){BLANK}?{DASH}{BLANK}?(?P<m>{_YEAR})(?={end})"), both),
    ]
