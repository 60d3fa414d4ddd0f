"""Readings that a row gives to single characters of its text, where a dictionary of words is too coarse:

    {"text": "长大的校长", "readings": [{"at": 4, "pinyin": "zhang3"}]}     the last character, counted from 0

Read by recipes whose prompts hold phonemes (recipe.phoneme_in).
"""

import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from speech.jsonl import BadField, check

FIELD = "readings"
GivenReadings = tuple[tuple[int, str], ...]  # (place in a text, pinyin)


class _Reading(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at: Annotated[int, Field(ge=0)]
    pinyin: str


def given_readings(row: Mapping[str, Any], text: str) -> GivenReadings:
    """A row's readings, at the places of its checked `text`. They are a list, or, as a parquet has them, its JSON.

    Raises:
        BadField: no such list, a place behind the text's end, or twice.
    """
    given = row.get(FIELD)
    try:
        given = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise BadField(FIELD, f"is no JSON: {error}") from None
    if not given:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadField(FIELD, 'is no list of {"at", "pinyin"}')
    try:
        found = {reading.at: reading.pinyin for one in given for reading in [check(_Reading, one)]}
    except BadField as bad:
        raise BadField(FIELD, f"{bad.field} {bad.reason}") from None
    if len(found) < len(given) or max(found) >= len(row["text"]):
        raise BadField(FIELD, f"name a place twice, or behind the {len(row['text'])} characters of the text")
    return moved(tuple(sorted(found.items())), row["text"], text)


def moved(readings: GivenReadings, before: str, after: str) -> GivenReadings:
    """The readings of a text in another form of it, such as one whose numbers are words.

    >>> moved(((2, "hang2"),), "3 行", "三行")
    ((1, 'hang2'),)

    Raises:
        BadField: a character is none of the other form.
    """
    if not readings or before == after:
        return readings
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    places = {block.a + i: block.b + i for block in blocks for i in range(block.size)}
    for at, _ in readings:
        if at not in places:
            raise BadField(FIELD, f"{before[at]!r} at {at} is none of the text as it is read: {after}")
    return tuple((places[at], pinyin) for at, pinyin in readings)


def as_field(readings: GivenReadings) -> list[dict[str, Any]]:
    """As a row has them."""
    return [{"at": at, "pinyin": pinyin} for at, pinyin in readings]
