"""One reader of the JSON and JSONL that users bring, with one form of error: file:line: field 'NAME': reason."""

import json
import math
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError
from tqdm import tqdm

from speech.faults import UserError
from speech.paths import input_file

Named = Annotated[str, StringConstraints(pattern=r"\S")]  # a string with something in it
# A name that need not be there; rows of rewards, which have strings only, say "" for none.
Unnamed = Annotated[Named | None, BeforeValidator(lambda given: None if given == "" else given)]
Token = Annotated[int, Field(ge=0)]  # a speech token, of whatever codebook
Model = TypeVar("Model", bound=BaseModel)
Made = TypeVar("Made")
Make = Callable[[int, dict[str, Any]], Made]  # (number, object) of a row -> what it is; raises BadField
Row = tuple[int, str, "dict[str, Any] | BadField"]  # number from 1, what stands there, the object or why it is none

DEPTH = 64  # of lists and objects in each other
_SUSPECT = re.compile(r"\\u[dD][89a-fA-F]|\d{19}|[eE]\+?\d{3}")  # of what `_check` finds
_CHUNK = 1 << 16  # bytes of a .json file that are read at once
_BLANK = (" ", "\t", "\r", "\n")
_NUMBERS = json.JSONDecoder(parse_int=len, parse_float=len)  # to find where an item ends


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be used. `field` is None when the row as a whole is bad."""

    file: str
    line: int  # from 1; in a .json file the number of the list's item
    field: str | None
    reason: str
    row: str  # what stands there

    def __str__(self) -> str:
        return BadField(self.field, self.reason).at(f"{self.file}:{self.line}")


class BadField(ValueError):
    """A check's verdict: field and reason."""

    def __init__(self, field: str | None, reason: str):
        super().__init__(reason)
        self.field, self.reason = field, reason

    def at(self, where: str) -> str:
        """The error of what stands there."""
        return f"{where}: " + (f"field '{self.field}': " if self.field else "") + self.reason


class BadRows(UserError):
    """Rows of a user's that cannot be used: all of them, with file, line and field.

    Args:
        faults: what is wrong with each.
        shown: how many are listed.
        then: what follows from it.
        unlisted: how many more there are than `faults`, which a long file may have by the million.
    """

    def __init__(self, faults: Sequence[object], shown: int = 20, then: str = "", unlisted: int = 0):
        count = len(faults) + unlisted
        more = [f"and {count - min(shown, len(faults))} more"] if unlisted or count > shown else []
        head = f"{count} bad rows" + (f"; {then}:" if then else ":")
        super().__init__("\n  ".join([head, *map(str, faults[:shown]), *more]))

    @classmethod
    def of(cls, report: str) -> "BadRows":
        """With a report that is made already."""
        error = cls([])
        error.args = (report,)
        return error


def read_rows(
    path: str | Path, begin: int = 0, end: int | None = None, expected: str = "one JSON object with a text on each line"
) -> Iterator[Row]:
    """The rows of a .jsonl file or a .json file with one list, in order.

    Both are UTF-8 and streamed; blank lines of JSONL are passed over. A line ends at a line feed and nowhere else
    (a text may hold U+2028). What strict JSON does not have (NaN, a field that is there twice) or nothing after us can
    take (half a surrogate pair, an integer of more than 64 bits, 64 lists in each other) makes a row bad.

    Args:
        path: of the file.
        begin, end: of JSONL, only lines from `begin`, counted from 0, to before `end` are parsed.
        expected: what the file should hold, for the message where it is none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the path is no file, or ends in neither, or the .json file is no JSON list.
    """
    path = Path(path)
    if path.suffix not in (".json", ".jsonl"):
        raise ValueError(f"{path}: {expected} is expected, in a .jsonl file, or a list of them in a .json file")
    with input_file(path, expected).open("rb") as file:
        yield from _read_lines(file, path, begin, end) if path.suffix == ".jsonl" else _read_list(file, path)


def made_of(rows: Iterable[Row], file: str | Path, make: Make[Made]) -> Iterator[Made | Fault]:
    """What `make` makes of the number and the object of each row, in order; a Fault in place of a row that is none, or
    of which it raises BadField. `file`: as the fault names it."""
    for number, raw, row in rows:
        try:
            if isinstance(row, BadField):
                raise row
            made: Made | Fault = make(number, row)
        except BadField as bad:
            made = Fault(str(file), number, bad.field, bad.reason, raw)
        yield made


def read_all(path: str | Path, make: Make[Made], expected: str, faults: list[Fault] | None = None) -> list[Made]:
    """What `make` makes of each row of a file that is small and must be good, see `made_of`. Raises as read_rows, and
    BadRows with the first 20 bad rows; where `faults` are given they are put there instead."""
    made, bad = [], [] if faults is None else faults
    for one in made_of(read_rows(path, expected=expected), path, make):
        (bad if isinstance(one, Fault) else made).append(one)
    if bad and faults is None:
        raise BadRows.of("\n  ".join([f"{len(bad)} bad rows in {path}:", *map(str, bad[:20])]))
    return made


def parse(raw: str) -> dict[str, Any]:
    """The object that stands there. Raises BadField."""
    try:
        value = json.loads(raw, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except BadField:
        raise
    except RecursionError:
        raise BadField(None, f"is nested more than {DEPTH} deep") from None
    except json.JSONDecodeError as error:
        raise BadField(None, f"is no JSON: {error}") from None
    except ValueError:  # Python converts no more than 4300 digits
        raise BadField(None, "holds an integer of more than 64 bits") from None
    if not isinstance(value, dict):
        raise BadField(None, f"is no JSON object but {type(value).__name__}")
    if _SUSPECT.search(raw) or raw.count("[") + raw.count("{") > DEPTH:  # else there is nothing to find
        for name, one in value.items():
            _check(name, name, 1)
            _check(one, name, 2)
    return value


def check(model: type[Model], row: dict[str, Any]) -> Model:
    """A row as a pydantic model, strictly (no "1" for 1). Raises BadField for the first of what is wrong."""
    try:
        return model.model_validate(row, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
    if isinstance(bad := first.get("ctx", {}).get("error"), BadField):
        raise bad
    field, *inside = first["loc"] or (None,)
    if first["type"] == "missing":
        raise BadField(field, f"is missing; the row has {sorted(row)[:10]}")
    if first["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        raise BadField(field, f"is not known here; known are {known}")
    place = f"item {inside[0]}: " if inside and isinstance(inside[0], int) else ""
    raise BadField(field, f"{place}{first['msg'][0].lower()}{first['msg'][1:]}, got {str(first['input'])[:60]!r}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadField(next(name for name in names if names.count(name) > 1), "is there twice")
    return found


def _refuse_constant(name: str) -> None:
    raise BadField(None, f"is no JSON: {name} is no number of it")


def _check(value: Any, field: str, depth: int) -> None:
    if depth > DEPTH:
        raise BadField(field, f"is nested more than {DEPTH} deep")
    if isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(one, field, depth + 1)
    elif isinstance(value, str):
        if half := next((c for c in value if "\ud800" <= c <= "\udfff"), None):
            raise BadField(
                field.encode(errors="replace").decode(), f"holds half of a surrogate pair, U+{ord(half):04X}"
            )
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadField(field, "is an integer of more than 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadField(field, "is a number too large to be one")


def _made(raw: str) -> "dict[str, Any] | BadField":
    try:
        return parse(raw)
    except BadField as bad:
        return bad


def _read_lines(file: BinaryIO, path: Path, begin: int, end: int | None) -> Iterator[Row]:
    with tqdm(total=path.stat().st_size, desc=str(path), unit="B", unit_scale=True, mininterval=5, delay=5) as bar:
        for number, line in enumerate(islice(file, end), 1):
            bar.update(len(line))
            if number <= begin:
                continue
            raw = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
            if not raw:
                continue
            try:
                line.decode()
            except UnicodeDecodeError as error:
                yield number, raw, BadField(None, f"is no UTF-8: {error.reason} at byte {error.start}")
            else:
                yield number, raw, _made(raw)


def _read_list(file: BinaryIO, path: Path) -> Iterator[Row]:
    items = _Items(file)
    try:
        with tqdm(desc=str(path), mininterval=5, delay=5) as bar:
            for raw in items:
                bar.update()
                yield items.number, raw, _made(raw)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no UTF-8: {error.reason} after item {items.number}") from None
    except _NoList as error:
        raise UserError(f"{path} {error}") from None


class _NoList(UserError):
    """Of a .json file as a whole."""


class _Items:
    """What stands in a list, item by item: what is read of the file waits in `text` until an item is whole."""

    def __init__(self, file: BinaryIO):
        self._file, self._decoder = file, getincrementaldecoder("utf-8-sig")()
        self._text, self._place, self._ended = "", 0, False
        self.number = 0  # of the item, from 1

    def __iter__(self) -> Iterator[str]:
        if (sign := self._sign()) != "[":
            raise _NoList(f"holds no list of objects but begins with {sign!r}; one object per line is .jsonl")
        self._place += 1
        sign = self._sign() if self._sign() == "]" else ","
        self._place += sign == "]"
        while sign == ",":
            self.number += 1
            yield self._item()
            sign = self._sign()
            self._place += 1
        if sign != "]":
            raise _NoList(f"is no JSON: after item {self.number} stands {sign!r}")
        if sign := self._sign():
            raise _NoList(f"is no JSON: after the list stands {sign!r}")

    def _item(self) -> str:
        self._sign()
        while True:
            try:
                _, end = _NUMBERS.raw_decode(self._text, self._place)
                if end < len(self._text) or self._ended:
                    raw, self._place = self._text[self._place : end], end
                    return raw
            except RecursionError:
                raise _NoList(f"is no JSON that can be read: item {self.number} is nested too deeply") from None
            except json.JSONDecodeError as error:
                if self._ended:
                    raise _NoList(f"is no JSON: item {self.number}: {error.msg}") from None
            self._more()

    def _sign(self) -> str:
        """What stands next after white space; nothing at the end of the file."""
        while True:
            while self._text[self._place : self._place + 1] in _BLANK:
                self._place += 1
            if self._place < len(self._text) or self._ended:
                return self._text[self._place : self._place + 1]
            self._more()

    def _more(self) -> None:
        data = self._file.read(max(_CHUNK, len(self._text) - self._place))  # twice as much for a longer item
        self._ended = not data
        self._text = self._text[self._place :] + self._decoder.decode(data, final=self._ended)
        self._place = 0
