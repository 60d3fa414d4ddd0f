"""What a row's labels may be: optional strings, such as an emotion or a voice."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from speech.jsonl import BadField


def check_string(row: Mapping[str, Any], field: str, default: str | None) -> str | None:
    """An optional string field: missing or null gives the default. Raises BadField."""
    value = row.get(field)
    if value is None:
        return default
    if not isinstance(value, str) or not value.strip():
        raise BadField(field, f"is no string with something in it: {str(value)[:60]!r}")
    if not value.isprintable() and any(unicodedata.category(character) == "Cs" for character in value):
        raise BadField(field, "holds half of a surrogate pair")
    return value


def check_choice(row: Mapping[str, Any], field: str, known: Collection[str] | None) -> str | None:
    """An optional string field, of which `known` are the values, in lower case (None: any, as it stands); missing, or
    "unknown", is None. An emotion is always so: classifiers name them in lower case. Raises BadField."""
    value = check_string(row, field, None)
    if value is None or (known is None and field != "emotion"):
        return value
    if value.lower() == "unknown":
        return None
    if known is not None and value.lower() not in known:
        raise BadField(field, f"is {value!r}, known are {', '.join(known)}")
    return value.lower()
