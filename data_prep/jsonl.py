"""Reads texts from JSON Lines, or from one JSON array, a row at a time, and says of each row what is wrong with it."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from data_prep.text import has_speech, normalise_text

KNOWN = ("text", "language", "voice", "speech_tokens")
RESERVED = ("index", "split")  # data preparation itself puts these beside a row's further keys
_CHUNK = 1 << 20  # characters read at a time from a JSON array
_TAIL = 8  # an error in the last characters may be a word, number or escape that goes on in the next chunk


class RawRow(NamedTuple):
    """One row as it stands in the file; `error` says why `value` is missing."""

    line: int
    raw: str
    value: object
    error: str | None


class Problem(NamedTuple):
    """Why a row cannot be used."""

    file: str
    line: int
    field: str
    message: str
    raw: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


@dataclass
class Row:
    """A row that can be used: its text normalised, its messages made, `extra` its further keys."""

    line: int
    text: str
    language: str
    voice: str | None
    speech_tokens: list[int] | None
    messages: list[dict[str, str]]
    extra: dict[str, object]
    raw: str


@dataclass(frozen=True)
class Rules:
    """What a row has to be.

    Attributes:
        template: the recipe's prompt template.
        language: of rows that name none.
        max_text_length: characters of the normalised text.
        forbidden: pattern of what the tokenizer would read as a control token.
        codebook_size: None: speech tokens are not looked at; else each row needs some, all below it.
        max_speech_tokens: of one row.
    """

    template: Callable[..., list[dict[str, str]]]
    language: str
    max_text_length: int
    forbidden: str
    codebook_size: int | None
    max_speech_tokens: int


class FieldError(ValueError):
    """What is wrong with which field."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name


@dataclass
class ExtraTypes:
    """The parquet type of each further key, widened as rows come: whole numbers become real ones, null becomes all."""

    types: dict[str, pa.DataType] = field(default_factory=dict)

    def add(self, extra: dict[str, object]) -> None:
        """Raises FieldError if parquet cannot hold a value, or not together with those of earlier rows."""
        widened = {name: self._widen(name, value) for name, value in extra.items()}
        self.types.update(widened)

    def _widen(self, name: str, value: object) -> pa.DataType:
        if name in RESERVED:
            raise FieldError(name, "this name is given by data preparation, rename the key")
        try:
            new = pa.array([value]).type
        except (pa.ArrowException, OverflowError, UnicodeError) as error:
            raise FieldError(name, f"parquet cannot hold it: {error}") from error
        if "struct<>" in str(new):
            raise FieldError(name, "parquet cannot hold an empty object; leave the key out")
        known = self.types.get(name, new)
        if new == known:
            return known
        try:
            schemas = [pa.schema([(name, known)]), pa.schema([(name, new)])]
            return pa.unify_schemas(schemas, promote_options="permissive").field(name).type
        except pa.ArrowException as error:
            raise FieldError(name, f"is {new} here but {known} in the rows before") from error

    def fields(self) -> list[pa.Field]:
        """In the order in which the keys were met; a key that was always null becomes a string."""
        return [pa.field(name, pa.string() if pa.types.is_null(t) else t) for name, t in self.types.items()]


def read_rows(path: str | Path) -> Iterator[RawRow]:
    """The rows of a file, which is a JSON array if it begins with `[` and JSON Lines otherwise; empty lines are none.

    Holds one line, or about two chunks of an array.

    Raises:
        ValueError: a JSON array that is broken: where its next row begins cannot be known.
    """
    with open(path, "rb") as file:
        start = file.read(3)
        file.seek(3 if start == b"\xef\xbb\xbf" else 0)  # a byte order mark
        while (byte := file.read(1)).isspace():
            pass
    return _array_rows(path) if byte == b"[" else _line_rows(path)


def _line_rows(path: str | Path) -> Iterator[RawRow]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.isspace():
                continue
            raw = text.decode("utf-8", errors="replace").strip()
            try:
                yield RawRow(number, raw, json.loads(text.decode("utf-8")), None)
            except UnicodeDecodeError as error:
                yield RawRow(number, raw, None, f"not UTF-8 at byte {error.start + 1}")
            except json.JSONDecodeError as error:
                yield RawRow(number, raw, None, f"not JSON: {error.msg} at character {error.pos + 1}")
            except RecursionError:
                yield RawRow(number, raw, None, "not JSON that can be read: nested too deeply")


def _array_rows(path: str | Path) -> Iterator[RawRow]:
    decoder, line, buffer, at, ended = json.JSONDecoder(), 1, "", 0, False
    with open(path, encoding="utf-8-sig") as file:

        def fill() -> None:
            nonlocal buffer, at, ended
            chunk = file.read(_CHUNK)
            buffer, at, ended = buffer[at:] + chunk, 0, not chunk

        def skip_space() -> str:
            nonlocal at, line
            while True:
                while at < len(buffer) and buffer[at].isspace():
                    line += buffer[at] == "\n"
                    at += 1
                if at < len(buffer) or ended:
                    return buffer[at : at + 1]
                fill()

        def broken(message: str) -> ValueError:
            return ValueError(f"{path}:{line}: not a JSON array: {message}; nothing after it can be read")

        skip_space()
        at += 1  # the bracket by which read_rows knew it
        if skip_space() == "]":
            at += 1
        else:
            while True:
                skip_space()
                try:
                    value, end = decoder.raw_decode(buffer, at)
                except json.JSONDecodeError as error:
                    cut = error.msg.startswith("Unterminated") or error.pos > len(buffer) - _TAIL
                    if cut and not ended:
                        fill()
                        continue
                    raise broken(error.msg) from error
                yield RawRow(line, buffer[at:end], value, None)
                line += buffer.count("\n", at, end)
                at = end
                mark = skip_space()
                at += 1
                if mark == "]":
                    break
                if mark != ",":
                    raise broken(f"expected , or ] but found {mark or 'the end of the file'!r}")
        if rest := skip_space():
            raise broken(f"{rest!r} after its end")


def _text(value: dict, rules: Rules) -> str:
    if "text" not in value:
        raise FieldError("text", "missing")
    if not isinstance(value["text"], str):
        raise FieldError("text", f"not a string but {json.dumps(value['text'], ensure_ascii=False)[:80]}")
    text = normalise_text(value["text"])
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FieldError("text", f"half of a character (surrogate) at {error.start + 1}") from error
    if not has_speech(text):
        raise FieldError("text", f"nothing to speak is left of {value['text'][:80]!r}")
    if len(text) > rules.max_text_length:
        raise FieldError("text", f"{len(text)} characters, more than max_text_length={rules.max_text_length}")
    if found := re.search(rules.forbidden, text):
        raise FieldError("text", f"holds {found[0]!r}, which the model would read as a control token")
    return text


def _speech_tokens(value: dict, codebook_size: int, longest: int) -> list[int]:
    tokens = value.get("speech_tokens")
    if not isinstance(tokens, list) or not tokens:
        raise FieldError("speech_tokens", "missing or empty; a list of whole numbers is needed")
    for place, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token < codebook_size:
            shown = json.dumps(token)[:80]
            raise FieldError("speech_tokens", f"[{place}] is {shown}, not a whole number from 0 to {codebook_size - 1}")
    if len(tokens) > longest:
        raise FieldError("speech_tokens", f"{len(tokens)} tokens, more than max_speech_tokens={longest}")
    return tokens


def check_row(raw: RawRow, rules: Rules) -> Row:
    """The row, normalised and templated.

    Raises:
        FieldError: the first thing that is wrong with it.
    """
    if raw.error is not None:
        raise FieldError("row", raw.error)
    value = raw.value
    if not isinstance(value, dict):
        raise FieldError("row", f"not an object but {raw.raw[:80]}")
    text = _text(value, rules)
    language, voice = value.get("language"), value.get("voice")
    for name, given in (("language", language), ("voice", voice)):
        if given is not None and (not isinstance(given, str) or not given.strip()):
            raise FieldError(name, f"not a name but {json.dumps(given, ensure_ascii=False)[:80]}")
    tokens = None
    if rules.codebook_size is not None:
        tokens = _speech_tokens(value, rules.codebook_size, rules.max_speech_tokens)
    try:
        messages = rules.template(text, voice=voice)
    except ValueError as error:
        raise FieldError("text" if voice is None else "voice", str(error)) from error
    extra = {name: given for name, given in value.items() if name not in KNOWN}
    return Row(raw.line, text, language or rules.language, voice, tokens, messages, extra, raw.raw)


def checked_rows(path: str | Path, rules: Rules, types: ExtraTypes) -> Iterator[Row | Problem]:
    """Every row of a file, in order: a Row, or the Problem with it. `types` takes in the further keys of the Rows.

    The same file, rules and fresh `types` give the same again, so that a file can be checked first and written later.
    """
    for raw in read_rows(path):
        try:
            row = check_row(raw, rules)
            types.add(row.extra)
        except FieldError as error:
            yield Problem(str(path), raw.line, error.name, str(error), raw.raw)
        else:
            yield row
