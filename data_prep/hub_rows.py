"""Rows of a data set that a hub has by name, as a file that stage data reads: recipe.train_texts=hub:owner/name@train.

    hub:NAME[:CONFIGURATION][@SPLIT]      NAME as the library `datasets` takes it, or a folder; SPLIT: else train

What is no text, number or list (audio, pictures) is left out. The file is kept; the data set is not asked for again.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speech.files import write_jsonl

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
    from datasets import Audio, Image, Video, load_dataset  # here: it takes long

    try:
        rows = load_dataset(name, config, split=split)
    except Exception as error:  # of many kinds: no network, no such name, no such split
        raise ValueError(f"{source} cannot be had: {type(error).__name__}: {error}") from error
    media = [column for column, kind in rows.features.items() if isinstance(kind, Audio | Image | Video)]
    yield from rows.remove_columns(media)
