"""Letters, units, money and signs as Korean says them; the tables are in tables/ko.yaml."""

from itertools import product

from speech.readings.cjk import tables

_TABLES = tables("ko")
LETTERS: dict[str, str] = _TABLES["letters"]
_ALSO: dict[str, str] = _TABLES["letters_also"]
ENGLISH: list[str] = _TABLES["english"]
WORDS: dict[str, list[str]] = _TABLES["words"]
UNITS: dict[str, list[str]] = _TABLES["units"]
VERSIONED: list[str] = _TABLES["versioned"]
NUMBERED: list[str] = _TABLES["numbered"]
MONEY: dict[str, list[str]] = _TABLES["money"]
JAMO: dict[str, list[str]] = _TABLES["jamo"]
JAMO_LAUGHS: dict[str, list[str]] = _TABLES["jamo_laughs"]
SIGNS: dict[str, list[str]] = _TABLES["signs"]
BETWEEN_LETTERS: dict[str, list[str]] = _TABLES["between_letters"]


def spelled(letters: str) -> tuple[str, ...]:
    """Letters by their names, at most 8 ways.

    >>> spelled("TV")
    ('티브이', '티비')
    """
    ways, double = [], 0
    for letter in letters.lower():
        also = [_ALSO[letter]] if letter in _ALSO and double < 3 else []
        double += len(also)
        ways.append([LETTERS[letter], *also])
    return tuple(map("".join, product(*ways)))
