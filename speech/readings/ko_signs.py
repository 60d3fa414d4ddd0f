"""Letters, units, money and signs as Korean says them; the tables are in ko.yaml."""

from speech.readings.cjk import tables

_TABLES = tables("ko")
LETTERS: dict[str, str] = _TABLES["letters"]
_ALSO: dict[str, str] = _TABLES["letters_also"]
ENGLISH: list[str] = _TABLES["english"]
WORDS: dict[str, list[str]] = _TABLES["words"]
UNITS: dict[str, list[str]] = _TABLES["units"]
MONEY: dict[str, list[str]] = _TABLES["money"]
SIGNS: dict[str, list[str]] = _TABLES["signs"]
BETWEEN_LETTERS: dict[str, list[str]] = _TABLES["between_letters"]


def spelled(letters: str) -> tuple[str, ...]:
    """Letters by their names.

    >>> spelled("KBS")
    ('케이비에스',)
    """
    plain = "".join(LETTERS[c] for c in letters.lower())
    other = "".join(_ALSO.get(c, LETTERS[c]) if c != "v" else LETTERS[c] for c in letters.lower())
    last = "".join(_ALSO.get(c, LETTERS[c]) if c in "vcz" else LETTERS[c] for c in letters.lower())
    return tuple(dict.fromkeys([plain, other, last]))
