"""Speech codes on disk, in the layout of the Inworld TTS trainer: for a split (train, val)

    <split>_codes.npy          codes of all recordings one after another: int32 without a header, as numpy.memmap reads
                               it (their loader does), whatever the name says
    <split>_codes_index.npy    int64 [recordings], a NumPy file: where each begins
    <split>_samples.jsonl      the recordings' lines, in the same order

and the same with _{i} before the suffix for the shard that worker i made.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from speech.files import whole_file

SPLITS = ("train", "val")
MERGED = (
    "merged.json"  # beside merged files: {"settings": what they were made with, "recordings": how many of each split}
)


def names(folder: str | Path, split: str, shard: int | None = None) -> tuple[Path, Path, Path]:
    """Paths of codes, index and samples."""
    end = "" if shard is None else f"_{shard}"
    root = Path(folder)
    files = (f"{split}_codes{end}.npy", f"{split}_codes_index{end}.npy", f"{split}_samples{end}.jsonl")
    return root / files[0], root / files[1], root / files[2]


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
