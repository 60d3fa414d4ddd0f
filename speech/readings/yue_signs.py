"""Units, currencies and signs as Cantonese says them, from tables/yue.yaml."""

from speech.readings.cjk import tables

_TABLES = tables("yue")
ENGLISH: list[str] = _TABLES["english"]
UNITS: dict[str, list[str]] = _TABLES["units"]
CURRENCIES: dict[str, list[str]] = _TABLES["currencies"]
SIGNS: dict[str, list[str]] = _TABLES["signs"]
BETWEEN_LETTERS: dict[str, list[str]] = _TABLES["between_letters"]
