"""What of a stage's output a person sees: a line for each step of a training, and warnings, each kind now and then.

All of it is in the stage's log. A stage of stages/standard.yaml without `console` is shown as it is.
"""

import os
import re
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import BinaryIO

from omegaconf import DictConfig, OmegaConf

from speech.verl_log import metrics_of
from stages.config import ROOT
from stages.misfits import planned_steps

_RAY = re.compile(r"^(?:\x1b\[[\d;]*m)?\([\w.:]+ pid=\d+(?:, ip=[\d.]+)?\)(?:\x1b\[[\d;]*m)? ?")  # (TaskRunner pid=7)
_REPEATED = re.compile(r"(?:\x1b\[[\d;]*m)? ?\[repeated \d+x across cluster\].*")
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")
_BAR_S = 15  # between two lines of a progress bar, beside other stages
_OF_LAST = 10  # steps, whose mean time tells when the training will end; validations, which are few, count of all


def duration(seconds: float) -> str:
    """For people: 95 s, 12.3 min, 4.5 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def show_result(file: Path, hint: str | None) -> None:
    """Prints what a stage has made for people to read, and a line below it."""
    title = f"\n{os.path.relpath(file, ROOT)}:\n\n" if file.suffix == ".md" else ""
    print(title + file.read_text(encoding="utf-8").rstrip("\n"))
    if hint is not None:
        print(f"\n{hint}")


def options_of(own: DictConfig | None, standard: DictConfig | None) -> DictConfig | None:
    """`own`, the `console` of a stage's entry, with the table's for keys that it lacks: one of somebody's own may be
    older than they are."""
    return None if own is None else OmegaConf.create({**(standard or {}), **own})


class Console:
    """Takes a command's output and writes what is to be seen of it.

    Args:
        options: `console` of the stage's entry: `seconds` (metric: of a step), `validation_seconds` (metric: of a
            validation after it, in steps that have one), `metrics` ({what a person reads: regular expressions of
            metrics of verl's, the first that is there}), `warnings` (regular expressions of lines that are shown, each
            kind once in `again_s` seconds), `noise` (of those that are not, though they look like one). None: all is
            shown.
        cfg: the stage's configuration.
        out: where to.
        beside_others: where other stages write, too: whole lines, a progress bar as one now and then.
    """

    def __init__(
        self,
        options: DictConfig | None,
        cfg: DictConfig | None,
        out: BinaryIO | None = None,
        beside_others: bool = False,
    ):
        self._out, self._options = out or sys.stdout.buffer, options
        self._whole_lines, self._bar_at = beside_others, -float(_BAR_S)
        self._rest, self._seen, self._seconds = b"", Counter[str](), deque[float](maxlen=_OF_LAST)
        self._told = dict[str, tuple[float, int]]()  # of each kind of warning: when it was shown, and which one it was
        if options is not None:
            self._total = planned_steps(cfg)
            self._steps, self._validating = 0, 0.0  # seconds
            self._metrics = {name: [re.compile(one) for one in patterns] for name, patterns in options.metrics.items()}
            self._warnings, self._noise = (
                re.compile("|".join(options[key]) or r"\b\B") for key in ("warnings", "noise")
            )

    def write(self, chunk: bytes) -> None:
        """A piece of the output, which may end within a line."""
        if self._options is None:
            self._say(self._lines(chunk) if self._whole_lines else chunk)
            return
        *lines, self._rest = (self._rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if shown := self.shown(line.decode(errors="replace")):
                self._say(f"{shown}\n".encode())

    def _lines(self, chunk: bytes) -> bytes:
        """The lines that end in this piece; of a bar, which begins each of its states with a return, one in _BAR_S."""
        *lines, self._rest = re.split(rb"(?<=[\r\n])", self._rest + chunk)
        shown = []
        for line in lines:
            now = time.monotonic()
            if line.strip() and (line.endswith(b"\n") or now - self._bar_at >= _BAR_S):
                self._bar_at = self._bar_at if line.endswith(b"\n") else now
                shown.append(line.strip(b"\r\n") + b"\n")
        return b"".join(shown)

    def close(self) -> None:
        """At the end: how often the warnings came that were not shown each time."""
        self.write(b"\n" if self._rest else b"")
        for kind, count in self._seen.items():
            if count > 1:
                self._say(f"{count} times in all: {kind[:100]}\n".encode())

    def shown(self, line: str) -> str | None:
        """What a person sees of a line, None if nothing."""
        line = _REPEATED.sub("", _RAY.sub("", line)).strip()
        if told := metrics_of(line):
            return self.step(*told)
        if not self._warnings.search(line) or self._noise.search(line):
            return None
        kind = _NUMBERS.sub("#", line)
        self._seen[kind] += 1
        now, count = time.monotonic(), self._seen[kind]
        told_at, told = self._told.get(kind, (None, 0))
        if told_at is not None and now - told_at < self._options.again_s:
            return None
        self._told[kind] = now, count
        return line if told_at is None else f"{line} ({count - told} times since it was last shown)"

    def step(self, number: int, metrics: dict[str, float]) -> str:
        """step 12/40, reward 0.71, ..., left 14 min"""
        parts = [f"step {number}" + (f"/{self._total}" if self._total else "")]
        for name, patterns in self._metrics.items():
            found = (value for one in patterns for metric, value in metrics.items() if one.fullmatch(metric))
            value = next(found, None)
            if value is not None:
                parts.append(f"{name} {value:.3g}")
        if (seconds := metrics.get(self._options.seconds)) is not None:
            self._seconds.append(seconds)
            self._steps += 1
            self._validating += metrics.get(self._options.validation_seconds, 0.0)
            parts.append(f"seconds {seconds:.3g}")
            if self._total:
                mean = sum(self._seconds) / len(self._seconds) + self._validating / self._steps
                parts.append(f"left {duration(mean * (int(self._total) - number))}")
        return ", ".join(parts)

    def _say(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()
