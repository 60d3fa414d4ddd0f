"""What a row's fields may hold, texts above all; the reader itself is speech/jsonl.py."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from speech.jsonl import BadField
from speech.texts import normalise_text
from speech.tokens import TOKEN_FIELDS

_MARKUP = re.compile(r"<\|[^|]*\|>")
_JOINERS = "\u200c\u200d"  # between letters they are spelling: Persian, the scripts of India
_NO_TEXT = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Co": "which means nothing outside one font",
}
_FILLERS = "\u115f\u1160\u3164\uffa0"  # Hangul's: letters that show nothing
_PRINTABLE_MARKS = re.compile(f"[\ufe00-\ufe0f{_FILLERS}]")  # what str.isprintable does not tell from letters


def without_marks(text: str) -> str:
    """The text without what cannot be seen: marks of direction, zero-width spaces, soft hyphens, byte order marks,
    variation selectors. Tokenizers read them, nobody speaks them.

    >>> without_marks("\\u200e你\\u200b好\\ufeff。"), without_marks("می\\u200cخواهم") == "می\\u200cخواهم"
    ('你好。', True)
    """
    if text.isprintable() and not _PRINTABLE_MARKS.search(text):  # nearly every text of millions
        return text
    kept = []
    for place, character in enumerate(text):
        if character in _JOINERS:
            around = text[place - 1 : place] + text[place + 1 : place + 2]
            if len(around) < 2 or not all(unicodedata.category(one)[0] in "LM" for one in around):
                continue
        elif unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f" or character in _FILLERS:
            continue
        kept.append(character)
    return "".join(kept)


def spoken_part(text: str) -> str:
    """Letters, their marks and digits, without case: texts that differ in nothing else are the same to an ear.

    >>> spoken_part("Hi, Anna!") == spoken_part("hi anna")
    True
    """
    same = normalise_text(text).casefold()
    return "".join(map(_SPOKEN.__getitem__, same)) or same


class _Spoken(dict[str, str]):
    """Of each character seen, itself, or nothing if it is no letter, mark or digit."""

    def __missing__(self, char: str) -> str:
        self[char] = char if unicodedata.category(char)[0] in "LMN" else ""
        return self[char]


_SPOKEN = _Spoken()


def check_text(
    row: Mapping[str, Any], max_length: int | None, normalise: Callable[[str], str], field: str = "text"
) -> str:
    """The row's text, or another field that is one, normalised. Raises BadField;
    `max_length` is in characters after normalisation."""
    if field not in row:
        raise BadField(field, f"is missing; the row has {sorted(row)[:10]}")
    if not isinstance(row[field], str):
        raise BadField(field, f"is no string but {type(row[field]).__name__}")
    if "\ufffd" in row[field]:
        raise BadField(field, "holds U+FFFD, which stands for characters that were lost when it was decoded")
    text = normalise(without_marks(row[field]))
    if not text:
        raise BadField(field, "is empty")
    if max_length is not None and len(text) > max_length:
        raise BadField(field, f"has {len(text)} characters, more than prepare.max_text_length={max_length}")
    for character in text if not text.isprintable() else ():
        if unicodedata.category(character) in _NO_TEXT:
            what = _NO_TEXT[unicodedata.category(character)]
            raise BadField(field, f"holds U+{ord(character):04X}, {what}")
    if markup := _MARKUP.search(text):
        raise BadField(field, f"holds {markup[0]}, which the tokenizer would read as a control token")
    return text


def check_words(text: str, field: str = "text") -> str:
    """What a voice says, or is described by, as prompts may hold it: without what cannot be seen, and a space for the
    end of a line; else as it stands. Raises BadField."""
    return check_text({field: text}, None, lambda one: one if one.isprintable() else " ".join(one.split()), field)


def tokens_of(row: Mapping[str, Any]) -> tuple[str, Any]:
    """The field of the row that holds speech tokens, and what stands there, unchecked."""
    field = next((name for name in TOKEN_FIELDS if row.get(name) is not None), TOKEN_FIELDS[0])
    return field, row.get(field)


def check_speech_tokens(row: dict[str, Any], codebook_size: int, max_length: int) -> list[int]:
    """The row's speech tokens. Raises BadField."""
    field, tokens = tokens_of(row)
    if not isinstance(tokens, list) or not tokens:
        raise BadField(field, "is missing, empty or no list")
    if len(tokens) > max_length:
        raise BadField(field, f"has {len(tokens)} tokens, more than prepare.max_speech_tokens={max_length}")
    for place, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token < codebook_size:  # bool is an int, and no token
            raise BadField(field, f"item {place} is no integer from 0 to {codebook_size - 1}: {str(token)[:60]!r}")
    return tokens


class SeenTexts:
    """Remembers keys by 64-bit hashes, 8 bytes each: ten million are 80 MB, and by chance two of them are one in 1 of
    400 000 such sets."""

    def __init__(self, recent_limit: int = 1 << 17):
        """`recent_limit`: how many new hashes wait in a Python set before they join the sorted array."""
        self._sorted, self._recent, self._limit = np.empty(0, np.uint64), set[int](), recent_limit

    def add(self, *key: str | None) -> bool:
        """Remembers the key; False if it was there."""
        value = _hash(key)
        if self._has(value):
            return False
        self._recent.add(value)
        if len(self._recent) >= self._limit:
            fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, fresh]))
            self._recent.clear()
        return True

    def __contains__(self, key: tuple[str | None, ...]) -> bool:
        return self._has(_hash(key))

    def _has(self, value: int) -> bool:
        if value in self._recent or not len(self._sorted):
            return value in self._recent
        place = int(np.searchsorted(self._sorted, np.uint64(value)))
        return place < len(self._sorted) and int(self._sorted[place]) == value


def _hash(key: tuple[str | None, ...]) -> int:
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "little")
