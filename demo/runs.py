"""What a run left, for the page: the evaluation's utterances side by side, the training's curves, rollouts to hear."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from infer.records import Utterance, read_utterances
from speech.files import growing_lines, read_jsonl
from speech.verl_log import Curve, go_on, metrics_of

KINDS = ("substitutions", "deletions", "insertions")
ORDERS = ("largest gain", "largest loss", "largest difference", "worst")


@dataclass(frozen=True)
class Comparison:
    """One text by two systems.

    Attributes:
        index, text: of the evaluation.
        gain: error of the baseline less that of the candidate.
        baseline, candidate: their lines of utterances.jsonl.
    """

    index: int
    text: str
    gain: float
    baseline: dict[str, Any]
    candidate: dict[str, Any]

    def has(self, kind: str) -> bool:
        """Whether one of both has such an error; "none": neither has any; "any": always."""
        if kind == "any":
            return True
        rows = (self.baseline, self.candidate)
        if kind == "none":
            return not any(row[one] for row in rows for one in KINDS)
        return any(row[kind] for row in rows)


def compared(eval_dir: str, decoding: str, baseline: str, candidate: str, order: str) -> list[Comparison]:
    """All texts that both spoke, in one of ORDERS. Empty where nothing was evaluated yet."""
    path = Path(eval_dir, "utterances.jsonl")
    if not path.is_file():
        return []
    found: dict[int, dict[str, dict]] = {}
    for row in read_jsonl(path):
        if row["decoding"] == decoding and row["system"] in (baseline, candidate) and row["sample"] == 0:
            found.setdefault(row["index"], {})[row["system"]] = row
    both = {index: rows for index, rows in found.items() if {baseline, candidate} <= rows.keys()}
    mandarin = all(row.get("pinyin_error") is not None for rows in both.values() for row in rows.values())
    measure = "pinyin_error" if mandarin else "error_rate"
    result = [
        Comparison(i, r[baseline]["text"], r[baseline][measure] - r[candidate][measure], r[baseline], r[candidate])
        for i, r in both.items()
    ]
    by = {
        "largest gain": lambda one: -one.gain,
        "largest loss": lambda one: one.gain,
        "largest difference": lambda one: -abs(one.gain),
        "worst": lambda one: -one.candidate[measure],
    }[order]
    return sorted(result, key=lambda one: (by(one), one.index))


def spoken_tokens(eval_dir: str, system: str, decoding: str, language: str) -> dict[int, Utterance]:
    """{text index: utterance} of the first samples of an evaluated system."""
    path = Path(eval_dir, "tokens", f"{system}.{decoding}.jsonl")
    if not path.is_file():
        return {}
    return {u.index: u for u in read_utterances(str(path), language) if u.sample == 0}


class Curves:
    """The metrics of a training's log, which is read on from where it was read to: after 25 000 steps it has 200 MB.
    Of verl's 200 metrics those that are wanted are kept.

    Args:
        log: file; it need not be there yet, and may be another training's the next time.
        wanted: {title: regular expressions, each of a metric's whole name}.
    """

    def __init__(self, log: str, wanted: Mapping[str, Sequence[str]]):
        self._log, self._wanted, self._lock = Path(log), wanted, Lock()  # each visitor's page asks in a thread
        self._file, self._read_to, self._found = 0, 0, dict[str, dict[int, float]]()
        self._titles, self._changes = dict[str, list[str]](), 0

    def read(self) -> dict[str, dict[str, Curve]]:
        """{title: {metric: curve}}, as far as whole lines have come; titles without a metric are left out, and
        steps from which a resumed run went back."""
        return self.read_new(None)[1]

    def read_new(self, seen: int | None) -> tuple[int, dict[str, dict[str, Curve]] | None]:
        """A number that tells what is there now, and `read`, or None where `seen` is that number."""
        with self._lock:
            self._go_on()
            if seen == self._changes:
                return self._changes, None
            found = {
                title: {key: list(values.items()) for key, values in self._found.items() if title in self._titles[key]}
                for title in self._wanted
            }
            return self._changes, {title: several for title, several in found.items() if several}

    def _go_on(self) -> None:
        if not self._log.is_file():
            self._begin(0)
            return
        with open(self._log, "rb") as file:
            now = os.fstat(file.fileno())
            if now.st_ino != self._file or now.st_size < self._read_to:
                self._begin(now.st_ino)
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                if told := metrics_of(line.decode(errors="replace")):
                    self._take(*told)

    def _begin(self, file: int) -> None:
        self._changes += bool(self._found)
        self._file, self._read_to, self._found = file, 0, {}

    def _take(self, step: int, metrics: Mapping[str, float]) -> None:
        self._changes += 1
        for values in self._found.values():
            go_on(values, step)
        for key, value in metrics.items():
            if key not in self._titles:
                self._titles[key] = [
                    t for t, several in self._wanted.items() if any(re.fullmatch(p, key) for p in several)
                ]
            if self._titles[key]:
                self._found.setdefault(key, {})[step] = value


def thinned(curve: Curve, most: int) -> Curve:
    """About `most` points of it, evenly, the last one with them.

    >>> thinned([(step, 0.5) for step in range(1, 8)], 3)
    [(1, 0.5), (4, 0.5), (7, 0.5)]
    """
    each = -(-len(curve) // most)
    return [point for place, point in enumerate(curve, 1) if place % each == 1 or each == 1 or place == len(curve)]


class Rollouts:
    """Those of a training that were written to be heard (RolloutAudio of the trainer), read on as the log is.

    Args:
        folder: with rollouts.jsonl, which need not be there yet.
    """

    def __init__(self, folder: str):
        self._path, self._lock = Path(folder, "rollouts.jsonl"), Lock()
        self._file, self._read_to, self._found = 0, 0, dict[int, dict[str, dict[str, Any]]]()

    def read(self) -> dict[int, list[dict[str, Any]]]:
        """{step: rows}, the newest first. A row that the training is writing just now is left for the next time. A
        resumed run writes waves again, under the same names: the last row of each is its own, and later steps are of a
        life that is gone."""
        with self._lock:
            now = self._path.stat() if self._path.exists() else None
            file, size = (now.st_ino, now.st_size) if now else (0, 0)
            if file != self._file or size < self._read_to:
                self._file, self._read_to, self._found = file, 0, {}
            rows, self._read_to = growing_lines(self._path, self._read_to)
            for row in rows:
                go_on(self._found, row["step"])
                self._found.setdefault(row["step"], {})[Path(row["path"]).name] = row
            return {step: list(rows.values()) for step, rows in reversed(self._found.items())}
