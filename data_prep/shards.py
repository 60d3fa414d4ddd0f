"""Speech codes on disk, in the layout of the Inworld TTS trainer: for a split (train, val)

    <split>_codes.npy          codes of all recordings one after another: int32 without a header, as numpy.memmap reads
                               it (their loader does), whatever the name says
    <split>_codes_index.npy    int64 [recordings], a NumPy file: where each begins
    <split>_samples.jsonl      the recordings' lines, in the same order

and the same with _{i} before the suffix for the shard that worker i made. Beside ours are records of what they were
made with, worker_{i}.json and merged.json; codes without any are another trainer's, and none are encoded beside them.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from speech.files import changed_keys, whole_file

SPLITS = ("train", "val")
MERGED = (
    "merged.json"  # beside merged files: {"settings": what they were made with, "recordings": how many of each split}
)
RECORDS = "worker_*.json"  # beside shards: {"settings", "finished"}
FILE = "file "  # begins the keys of settings that are files of the encoder's
FOREIGN = {"made by": "another trainer"}  # the settings in MERGED of shards that had no record


def names(folder: str | Path, split: str, shard: int | None = None) -> tuple[Path, Path, Path]:
    """Paths of codes, index and samples."""
    end = "" if shard is None else f"_{shard}"
    root = Path(folder)
    files = (f"{split}_codes{end}.npy", f"{split}_codes_index{end}.npy", f"{split}_samples{end}.jsonl")
    return root / files[0], root / files[1], root / files[2]


def is_foreign(folder: str | Path) -> bool:
    """Whether the codes in a folder, merged or in shards, are another trainer's."""
    root = Path(folder)
    if (merged := root / MERGED).exists():
        return bool(json.loads(merged.read_text())["settings"] == FOREIGN)
    return any(root.glob("*_codes*.npy")) and not any(root.glob(RECORDS))


def is_merged(folder: str | Path, settings: dict[str, Any]) -> bool:
    """Whether merged files of these settings are there, all of them.

    Raises:
        ValueError: those that are there are of other settings.
    """
    record = Path(folder) / MERGED
    if not record.exists():
        return False
    check_same(record, json.loads(record.read_text())["settings"], settings)
    return all(path.exists() for split in SPLITS for path in names(folder, split))


def check_same(record: Path, found: dict[str, Any], settings: dict[str, Any]) -> None:
    """Nothing is said by a record from before files and `duration_off` were told, nor of files that came since."""
    came = {key for key in settings.keys() - found.keys() if key == "duration_off" or key.startswith(FILE)}
    keys = (settings.keys() - came) | {key for key in found if key.startswith(FILE)}
    was, now = ({key: side.get(key) for key in keys} for side in (found, settings))
    if other := changed_keys(was, now):
        was, now = ({key: side[key] for key in other} for side in (was, now))
        raise ValueError(
            f"{record} is of other settings: {was}, now {now}. Go back to these, delete {record.parent} and encode all "
            "again, or name another folder (recipe.codes_dir)"
        )


class Codes:
    """The codes and samples of a merged split, read as they are asked for.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: codes, index and samples do not fit together.
    """

    def __init__(self, folder: str | Path, split: str):
        codes, index, self._samples = names(folder, split)
        for path in (codes, index, self._samples):
            if not path.exists():
                raise FileNotFoundError(f"{path} is missing: data_prep.vectorize and data_prep.merge_shards make it")
        self.starts = np.load(index)
        size = codes.stat().st_size // 4
        self.codes = np.memmap(codes, np.int32, "r") if size else np.empty(0, np.int32)
        if len(self.starts) and (self.starts[0] != 0 or (np.diff(self.starts) <= 0).any() or self.starts[-1] >= size):
            raise ValueError(f"{index} does not fit {codes}: {len(self.starts)} beginnings, {size} codes")

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        """(sample, codes int32 [n]) of each recording, in order."""
        ends = np.append(self.starts[1:], len(self.codes))
        with open(self._samples, encoding="utf-8") as lines:
            count = 0
            for count, line in enumerate(lines, 1):
                if count > len(self):
                    break
                yield json.loads(line), self.codes[self.starts[count - 1] : ends[count - 1]]
        if count != len(self):
            raise ValueError(f"{self._samples} has not as many lines as there are codes of recordings: {len(self)}")


class ShardWriter:
    """Writes a shard, or with shard=None what shards are merged into; its six files appear together, at the end.

    Example:
        with ShardWriter("codes", 0) as shard:
            shard.add("train", '{"transcript": "Hi."}', np.array([7, 8], np.int32))
    """

    def __init__(self, folder: str | Path, shard: int | None):
        self._targets = {split: names(folder, split, shard) for split in SPLITS}
        self._starts: dict[str, list[int]] = {split: [] for split in SPLITS}
        self._ends = dict.fromkeys(SPLITS, 0)

    def __enter__(self) -> Self:
        self._outputs, self._files = ExitStack(), ExitStack()
        self._paths = {
            split: [self._outputs.enter_context(whole_file(path)) for path in paths]
            for split, paths in self._targets.items()
        }
        keep = self._files.enter_context
        self._codes = {split: keep(paths[0].open("wb")) for split, paths in self._paths.items()}
        self._samples = {split: keep(paths[2].open("w", encoding="utf-8")) for split, paths in self._paths.items()}
        return self

    def add(self, split: str, sample: str, codes: np.ndarray) -> None:
        """One recording: its line of JSON and its codes int32 [n]. Raises ValueError without a code."""
        if not len(codes):
            raise ValueError(f"a recording without codes: {sample[:200]}")
        self._starts[split].append(self._ends[split])
        self._ends[split] += len(codes)
        self._codes[split].write(np.ascontiguousarray(codes, np.int32).tobytes())
        self._samples[split].write(sample + "\n")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._files.close()
        if kind is None:
            for split, paths in self._paths.items():
                with open(paths[1], "wb") as file:
                    np.save(file, np.array(self._starts[split], np.int64))
        self._outputs.__exit__(kind, error, trace)
