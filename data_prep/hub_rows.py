"""Rows of a data set that a hub has by name, as a file that stage data reads: recipe.train_texts=hub:owner/name@train.

    hub:NAME[:CONFIGURATION][@SPLIT]      NAME as the library `datasets` takes it, or a folder; SPLIT: else train

Columns that are or hold bytes, times or what else JSON has not (audio, pictures) are left out and named; NaN is null.
The file is kept; the data set is not asked for again.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech.files import write_jsonl

if TYPE_CHECKING:  # the builder of the default runs in the reward's environment, which has none
    import pyarrow as pa

_NAME = re.compile(r"hub:(?P<name>[^:@]+)(?::(?P<config>[^:@]+))?(?:@(?P<split>[^:@]+))?")


def local(source: str, folder: str) -> str:
    """The path of `source`: itself, or for a data set of a hub a JSONL of its rows in `folder`.

    Raises:
        ValueError: a name of another form, or a data set that cannot be had, with the library's reason.
    """
    if not source.startswith("hub:"):
        return source
    found = _NAME.fullmatch(source)
    if not found:
        raise ValueError(f"{source}: expected hub:NAME, hub:NAME:CONFIGURATION or one of them and @SPLIT")
    path = Path(folder) / (re.sub(r"[^\w.-]+", "_", source.removeprefix("hub:")).strip("_") + ".jsonl")
    if not path.exists():
        write_jsonl(path, _rows(found["name"], found["config"], found["split"] or "train", source))
    return str(path)


def _rows(name: str, config: str | None, split: str, source: str) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset  # here: it takes long

    try:
        rows = load_dataset(name, config, split=split)
    except Exception as error:  # of many kinds: no network, no such name, no such split
        raise ValueError(f"{source} cannot be had: {type(error).__name__}: {error}") from error
    left_out = [field.name for field in rows.features.arrow_schema if not _is_json(field.type)]
    if left_out:
        print(f"{source}: columns {', '.join(left_out)} hold what JSON has not, and are left out", flush=True)
    yield from map(_finite, rows.remove_columns(left_out))


def _is_json(kind: "pa.DataType") -> bool:
    """Whether all that a column of this type holds is text, number, list or object."""
    from pyarrow import types

    kind = getattr(kind, "storage_type", kind)
    if types.is_nested(kind):
        return all(_is_json(kind.field(place).type) for place in range(kind.num_fields))
    known = ("string", "large_string", "integer", "floating", "boolean", "null")
    return any(getattr(types, f"is_{name}")(kind) for name in known)


def _finite(value: Any) -> Any:
    """The value with null for numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
