"""Rows of a data set that a hub has by name, as a file that stage data reads: recipe.train_texts=hub:owner/name@train.

    hub:NAME[:CONFIGURATION][@SPLIT]      NAME as the library `datasets` takes it, or a folder; SPLIT: else train

Columns that are or hold bytes, times or what else JSON has not (audio, pictures) are left out and named; NaN is null.
A column of recordings that is asked for by its name becomes files, as the data set holds them, beside the rows.
The file is kept; the data set is not asked for again.
"""

import math
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech.files import whole_file, write_jsonl

if TYPE_CHECKING:  # the builder of the default runs in the reward's environment, which has none
    import pyarrow as pa

_NAME = re.compile(r"hub:(?P<name>[^:@]+)(?::(?P<config>[^:@]+))?(?:@(?P<split>[^:@]+))?")


def local(source: str, folder: str, recordings: str | None = None) -> str:
    """The path of `source`: itself, or for a data set of a hub a JSONL of its rows in `folder`.

    Args:
        source: a path, or hub:NAME.
        folder: of what is kept.
        recordings: a column {"bytes", "path"} of audio files; in the JSONL a file's path, from the JSONL's folder.

    Raises:
        ValueError: a name of another form, or a data set that cannot be had, with the library's reason, or one without
            that column.
    """
    if not source.startswith("hub:"):
        return source
    found = _NAME.fullmatch(source)
    if not found:
        raise ValueError(f"{source}: expected hub:NAME, hub:NAME:CONFIGURATION or one of them and @SPLIT")
    name = re.sub(r"[^\w.-]+", "_", source.removeprefix("hub:")).strip("_")
    path = Path(folder) / (f"{name}.{recordings}.jsonl" if recordings else f"{name}.jsonl")
    if not path.exists():
        rows = _rows(found["name"], found["config"], found["split"] or "train", source, recordings)
        write_jsonl(path, rows if recordings is None else _filed(rows, recordings, path.with_suffix(""), source))
    return str(path)


def _rows(
    name: str, config: str | None, split: str, source: str, recordings: str | None = None
) -> Iterator[dict[str, Any]]:
    from datasets import Audio, load_dataset  # here: it takes long

    try:
        rows = load_dataset(name, config, split=split)
    except Exception as error:  # of many kinds: no network, no such name, no such split
        raise ValueError(f"{source} cannot be had: {type(error).__name__}: {error}") from error
    if recordings and recordings not in rows.column_names:
        raise ValueError(f"{source} has no column {recordings}; it has {', '.join(rows.column_names)}")
    if recordings and isinstance(rows.features[recordings], Audio):
        rows = rows.cast_column(recordings, Audio(decode=False))
    fields = [field for field in rows.features.arrow_schema if field.name != recordings]
    left_out = [field.name for field in fields if not _is_json(field.type)]
    if left_out:
        print(f"{source}: columns {', '.join(left_out)} hold what JSON has not, and are left out", flush=True)
    yield from map(_finite, rows.remove_columns(left_out))


def _filed(rows: Iterator[dict[str, Any]], column: str, folder: Path, source: str) -> Iterator[dict[str, Any]]:
    """The rows with the recordings in files of `folder`, which are called by what they hold: the same one is once."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, row in enumerate(rows):
        value = row[column]
        if not isinstance(value, dict) or not (value.get("bytes") or value.get("path")):
            raise ValueError(f"{source}: row {place}: {column} is no recording ({type(value).__name__})")
        data = value.get("bytes") or Path(value["path"]).read_bytes()
        ending = Path(value.get("path") or "").suffix or ".wav"
        file = folder / f"{blake2b(data, digest_size=8).hexdigest()}{ending}"
        if not file.exists():
            with whole_file(file) as temporary:
                temporary.write_bytes(data)
        yield row | {column: f"{folder.name}/{file.name}"}


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
