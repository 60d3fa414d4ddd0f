"""Letters, units and signs as Japanese says them, in kana; the tables are in tables/ja.yaml."""

from itertools import product

from speech.readings.cjk import tables

_TABLES = tables("ja")
LETTERS: dict[str, str] = _TABLES["letters"]
_ALSO: dict[str, str] = _TABLES["letters_also"]
ENGLISH: list[str] = _TABLES["english"]
LOAN_WORDS: dict[str, list[str]] = _TABLES["words"]
UNITS: dict[str, list[str]] = _TABLES["units"]
MONEY: dict[str, str] = _TABLES["money"]
SIGNS: dict[str, list[str]] = _TABLES["signs"]
BETWEEN_LETTERS: dict[str, list[str]] = _TABLES["between_letters"]
PHRASES: dict[str, list[str]] = _TABLES["phrases"]
WEEKDAYS: dict[str, str] = _TABLES["weekdays"]
COUNTED_IN_ENGLISH: list[str] = _TABLES["counted_in_english"]
ASIDES: dict[str, str] = _TABLES["asides"]
NUMBERED: list[str] = _TABLES["numbered"]
ORDINALS: dict[str, str] = _TABLES["ordinals"]
ALONE: dict[str, list[str]] = _TABLES["alone"]


def spelled(letters: str) -> tuple[str, ...]:
    """Letters by their names, at most 8 ways.

    >>> spelled("NHK")
    ('エヌエイチケー', 'エヌエッチケー')
    """
    ways = [(LETTERS[c], _ALSO[c]) if c in _ALSO else (LETTERS[c],) for c in letters.lower()]
    doubles = 0
    for place, way in enumerate(ways):
        doubles += len(way) > 1
        if doubles > 3:
            ways[place] = way[:1]
    return tuple("".join(way) for way in product(*ways))
