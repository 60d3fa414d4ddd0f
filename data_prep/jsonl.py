"""Reads texts from JSON and JSONL, checks and writes them. A bad row becomes a Fault: file, line, field."""

import json
import re
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np
from tqdm import tqdm

from speech.files import whole_file

_MARKUP = re.compile(r"<\|[^|]*\|>")


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be used. `field` is None when the row as a whole is bad."""

    file: str
    line: int  # from 1; in a .json file the number of the list's item
    field: str | None
    reason: str
    row: str  # what stands there

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: " + (f"field '{self.field}': " if self.field else "") + self.reason


class BadField(ValueError):
    """A check's verdict: field and reason."""

    def __init__(self, field: str | None, reason: str):
        super().__init__(reason)
        self.field, self.reason = field, reason


def check_text(row: Mapping[str, Any], max_length: int | None, normalise: Callable[[str], str]) -> str:
    """The row's text, normalised. Raises BadField; `max_length` is in characters after normalisation."""
    if "text" not in row:
        raise BadField("text", f"is missing; the row has {sorted(row)[:10]}")
    if not isinstance(row["text"], str):
        raise BadField("text", f"is no string but {type(row['text']).__name__}")
    text = normalise(row["text"])
    if not text:
        raise BadField("text", "is empty")
    if max_length is not None and len(text) > max_length:
        raise BadField("text", f"has {len(text)} characters, more than prepare.max_text_length={max_length}")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise BadField("text", f"holds the control character or half of a pair U+{ord(character):04X}")
    if markup := _MARKUP.search(text):
        raise BadField("text", f"holds {markup[0]}, which the tokenizer would read as a control token")
    return text


def check_string(row: Mapping[str, Any], field: str, default: str | None) -> str | None:
    """An optional string field: missing or null gives the default. Raises BadField."""
    value = row.get(field)
    if value is None:
        return default
    if not isinstance(value, str) or not value.strip():
        raise BadField(field, f"is no string with something in it: {str(value)[:60]!r}")
    if any(unicodedata.category(character) == "Cs" for character in value):
        raise BadField(field, "holds half of a surrogate pair")
    return value


def check_speech_tokens(row: dict[str, Any], codebook_size: int, max_length: int) -> list[int]:
    """The row's speech tokens. Raises BadField."""
    field, tokens = "speech_tokens", row.get("speech_tokens")
    if not isinstance(tokens, list) or not tokens:
        raise BadField(field, "is missing, empty or no list")
    if len(tokens) > max_length:
        raise BadField(field, f"has {len(tokens)} tokens, more than prepare.max_speech_tokens={max_length}")
    for place, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token < codebook_size:  # bool is an int, and no token
            raise BadField(field, f"item {place} is no integer from 0 to {codebook_size - 1}: {str(token)[:60]!r}")
    return tokens


def read_rows(
    path: str | Path, begin: int = 0, end: int | None = None
) -> Iterator[tuple[int, str, dict[str, Any] | BadField]]:
    """(line from 1, what stands there, the object or why it is none) of a .jsonl file or a .json file with one list.

    Both are UTF-8 and streamed; blank lines of JSONL are passed over. Of JSONL, only lines from `begin`, counted from
    0, to before `end` are parsed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the path ends in neither, or the .json file is no JSON list.
    """
    path = Path(path)
    if path.suffix not in (".json", ".jsonl"):
        raise ValueError(f"{path}: texts come from .jsonl or .json files")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: one JSON object with a text on each line is expected there")
    with path.open("rb") as file:
        yield from _read_lines(file, path, begin, end) if path.suffix == ".jsonl" else _read_list(file, path)


def _read_lines(
    file: BinaryIO, path: Path, begin: int, end: int | None
) -> Iterator[tuple[int, str, dict[str, Any] | BadField]]:
    with tqdm(total=path.stat().st_size, desc=str(path), unit="B", unit_scale=True, mininterval=5) as bar:
        for number, line in enumerate(islice(file, end), 1):
            bar.update(len(line))
            if number <= begin:
                continue
            raw = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
            if not raw:
                continue
            try:
                line.decode()
                value = json.loads(raw)
            except UnicodeDecodeError as error:
                yield number, raw, BadField(None, f"is no UTF-8: {error.reason} at byte {error.start}")
            except (ValueError, RecursionError) as error:  # not JSON, an endless number, nested too deeply
                yield number, raw, BadField(None, f"is no JSON: {error}")
            else:
                yield number, raw, _object(value)


def _read_list(file: BinaryIO, path: Path) -> Iterator[tuple[int, str, dict[str, Any] | BadField]]:
    if file.read(3) != BOM_UTF8:
        file.seek(0)
    start = file.tell()
    first = file.read(1 << 16).lstrip()[:1]
    if first not in (b"[", b""):
        raise ValueError(f"{path} holds no list of objects but begins with {first!r}; one object per line is .jsonl")
    file.seek(start)
    try:
        with tqdm(desc=str(path), mininterval=5) as bar:
            for number, value in enumerate(ijson.items(file, "item", use_float=True), 1):
                bar.update()
                yield number, json.dumps(value, ensure_ascii=False), _object(value)
    except (ijson.JSONError, ValueError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from error


def _object(value: Any) -> dict[str, Any] | BadField:
    return value if isinstance(value, dict) else BadField(None, f"is no JSON object but {type(value).__name__}")


def write_rows(path: str | Path, rows: Iterable[dict[str, Any]]) -> None:
    """A JSONL file of the rows, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class SeenTexts:
    """Remembers keys by 64-bit hashes, 8 bytes each: ten million are 80 MB, and by chance two of them are one in 1 of
    400 000 such sets."""

    def __init__(self, recent_limit: int = 1 << 17):
        """`recent_limit`: how many new hashes wait in a Python set before they join the sorted array."""
        self._sorted, self._recent, self._limit = np.empty(0, np.uint64), set[int](), recent_limit

    def add(self, *key: str | None) -> bool:
        """Remembers the key; False if it was there."""
        if key in self:
            return False
        self._recent.add(_hash(key))
        if len(self._recent) >= self._limit:
            fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, fresh]))
            self._recent.clear()
        return True

    def __contains__(self, key: tuple[str | None, ...]) -> bool:
        value = _hash(key)
        if value in self._recent:
            return True
        place = int(np.searchsorted(self._sorted, np.uint64(value)))
        return place < len(self._sorted) and int(self._sorted[place]) == value


def _hash(key: tuple[str | None, ...]) -> int:
    return int.from_bytes(blake2b(json.dumps(key).encode(), digest_size=8).digest(), "little")
