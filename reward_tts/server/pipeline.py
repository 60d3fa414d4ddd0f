"""Rows -> waves -> transcripts and scores -> measures, for one batch: decoded once, and a bad row fails alone."""

import logging
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch

from reward_tts.measures import Measures, Status
from reward_tts.server.metrics import Counts
from speech.interfaces import ASR, Passing, Row, Scorer, Token2Wav
from speech.waves import resample

log = logging.getLogger(__name__)
Item, Result = TypeVar("Item"), TypeVar("Result")
# What CUDA and CTranslate2, cuBLAS, cuFFT and cuDNN 8, cuDNN 9, cuDNN where no plan has its room, cuBLAS at its start,
# ONNX Runtime and torch on a CPU write, each in an error of no special kind.
_NO_ENGINE = "GET was unable to find an engine to execute"
_NO_MEMORY = re.compile(
    rf"out of memory|ALLOC_FAILED|(DEVICE|HOST)_ALLOCATION_FAILED|{_NO_ENGINE}"
    r"|CUBLAS_STATUS_NOT_INITIALIZED when calling .?cublasCreate"
    r"|not enough memory|(can't|cannot|failed to) allocate memory",
    re.I,
)


class DeviceLost(RuntimeError):
    """Nothing can be computed on a device any more, as after an illegal access in CUDA: a new process alone helps."""


class Spoken:
    """A row and its wave, float32 [samples]; at other sampling rates computed once."""

    def __init__(self, row: Row, wave: np.ndarray, sample_rate: int):
        self.row, self.duration_s, self.sample_rate = row, len(wave) / sample_rate, sample_rate
        self._waves = {sample_rate: wave}

    def at(self, rate: int) -> np.ndarray:
        """The wave at `rate` Hz."""
        if rate not in self._waves:
            self._waves[rate] = resample(self._waves[self.sample_rate], self.sample_rate, rate)
        return self._waves[rate]


class SpeechPipeline:
    """Speaks rows, hears and scores them; not for several threads at once.

    Args:
        token2wav: speech tokens -> waves.
        asr: waves -> text.
        recipe: name written into each measure.
        max_tokens: a longer row is refused.
        scorers: by name; those that the recipe asks for.
        device: where its models are.

    Attributes:
        counts: what it has done so far; the rows' statuses are counted by who calls it.
        lost: why nothing can be computed on its device any more; empty while something can.
    """

    def __init__(
        self,
        token2wav: Token2Wav,
        asr: ASR,
        recipe: str,
        max_tokens: int,
        scorers: Mapping[str, Scorer] | None = None,
        device: str = "cpu",
    ):
        self.token2wav, self.asr, self.recipe, self.max_tokens = token2wav, asr, recipe, max_tokens
        self.scorers = dict(scorers or {})
        self._by_asr = tuple(getattr(asr, "provides", ()))
        provided = Counter(self._by_asr) + Counter(name for s in self.scorers.values() for name in s.provides)
        if twice := [name for name, times in provided.items() if times > 1]:
            raise ValueError(f"two parts of server.yaml provide {twice}: leave one of them out")
        self.counts, self.lost = Counts(device), ""

    @property
    def offers(self) -> list[str]:
        """Measures of the scorers, and those of the ASR beside its text."""
        return sorted([*self._by_asr, *(name for scorer in self.scorers.values() for name in scorer.provides)])

    def problem(self, tokens: np.ndarray) -> str:
        """Why these tokens cannot be spoken; empty if they can."""
        if len(tokens) == 0:
            return "no speech token"
        if len(tokens) > self.max_tokens:
            return f"{len(tokens)} speech tokens, the server's max_tokens is {self.max_tokens}"
        for outside in (int(tokens.min()), int(tokens.max())):
            if not 0 <= outside < self.token2wav.codebook_size:
                return f"speech token {outside} is not in 0..{self.token2wav.codebook_size - 1}"
        return ""

    def measure(self, rows: Sequence[Row]) -> list[Measures]:
        """One measure per row, in the order given; status and message tell of a row that could not be measured.

        Raises:
            Passing: as a part does that asks another process.
            DeviceLost: no row is at fault, and none can be measured here.
        """
        measures = [self._measures(row, Status.BAD_SPEECH, self.problem(row.tokens)) for row in rows]
        good = sorted((i for i, m in enumerate(measures) if not m.message), key=lambda i: len(rows[i].tokens))
        self._count([len(rows[i].tokens) for i in good])
        results: dict[int, dict[str, Any] | Exception] = {}
        with self.timed("token2wav"):
            waves = _each(self._speak, [rows[i] for i in good], self.check_device)
        for i, wave in zip(good, waves, strict=True):
            spoken = wave if isinstance(wave, Exception) else Spoken(rows[i], wave, self.token2wav.sample_rate)
            results[i] = spoken if isinstance(spoken, Exception) else {"spoken": spoken}
        for name, part in self._parts():
            alive = [i for i, result in results.items() if isinstance(result, dict)]
            with self.timed(name):
                found = _each(part, [results[i]["spoken"] for i in alive], self.check_device)
            for i, one in zip(alive, found, strict=True):
                results[i] = one if isinstance(one, Exception) else {**results[i], name: one}
        for i, result in results.items():
            measures[i] = self._finish(rows[i], result)
        return measures

    def check_device(self, error: Exception) -> None:
        """After an error of a part: raises DeviceLost, and keeps why, unless the device still computes. One that only
        lacks memory does."""
        try:
            torch.zeros(1, device=self.counts.device).add(1).item()  # which waits for what was begun there
        except Exception as still:
            if lacks_memory(still):
                return
            first, second = (f"{type(one).__name__}: {one}" for one in (error, still))
            self.lost = f"nothing can be computed on {self.counts.device} any more: {first}; then {second}"
            raise DeviceLost(self.lost) from error

    def _parts(self) -> list[tuple[str, Callable[[list[Spoken]], list]]]:
        """What listens to a wave: the ASR, then the scorers."""

        def scoring(scorer: Scorer) -> Callable[[list[Spoken]], list]:
            return lambda spoken: scorer.measure([s.at(scorer.sample_rate) for s in spoken], [s.row for s in spoken])

        return [("asr", self._hear), *((name, scoring(scorer)) for name, scorer in self.scorers.items())]

    def _measures(self, row: Row, status: Status, message: str) -> Measures:
        rate = float(self.token2wav.token_rate)
        return Measures(self.recipe, int(status), message, num_tokens=len(row.tokens), token_rate=rate)

    def _finish(self, row: Row, result: Exception | dict[str, Any]) -> Measures:
        if isinstance(result, Exception):
            status = Status.OUT_OF_MEMORY if lacks_memory(result) else Status.FAILED
            return self._measures(row, status, in_words(result))
        measures = replace(
            self._measures(row, Status.OK, ""),
            transcript=result["asr"].text,
            char_times=result["asr"].char_times,
            confidence=result["asr"].confidence,
            duration_s=result["spoken"].duration_s,
            scores={key: value for name in self.scorers for key, value in result[name].items()},
        )
        wrong = [*measures.not_finite(), *set(self.offers).symmetric_difference(measures.named)]
        if wrong:
            return self._measures(row, Status.FAILED, f"measured no finite {wrong}: {measures.named}")
        return measures

    def _speak(self, rows: list[Row]) -> list[np.ndarray]:
        waves = self.token2wav.decode(rows)
        for row, wave in zip(rows, waves, strict=True):
            if len(wave) == 0 or not np.isfinite(wave).all():
                raise ValueError(f"token2wav gave {len(wave)} samples, not all finite, for {len(row.tokens)} tokens")
        return waves

    def _hear(self, spoken: list[Spoken]) -> list:
        return self.asr.transcribe([s.at(self.asr.sample_rate) for s in spoken], [s.row.language for s in spoken])

    def _count(self, lengths: list[int]) -> None:
        if lengths:
            self.counts.batch_sizes[len(lengths)] += 1
            self.counts.tokens += sum(lengths)
            self.counts.padded_tokens += max(lengths) * len(lengths)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Adds the seconds of what is done within to those of a part: in the metrics and in the server's last words."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.counts.seconds[part] += time.monotonic() - begin


def lacks_memory(error: Exception) -> bool:
    """Whether memory is what was missing. An error of another kind may quote a row, so only what libraries raise about
    themselves is read; ONNX Runtime's are no RuntimeErrors.

    >>> lacks_memory(RuntimeError("CUDA failed with error out of memory")), lacks_memory(ValueError("out of memory"))
    (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    own = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime.")
    return own and _NO_MEMORY.search(str(error)) is not None


def in_words(error: Exception) -> str:
    """The error in words, those of cuDNN with what they may mean: it has the same for two faults."""
    what = f"{type(error).__name__}: {error}"
    if _NO_ENGINE not in what:
        return what
    return (
        f"{what} (cuDNN's words where memory is short, and for what it cannot compute at all: where memory is free and "
        "the row ends so each time, it is the latter)"
    )


def _each(
    function: Callable[[list[Item]], Sequence[Result]], items: list[Item], check: Callable[[Exception], None]
) -> list[Result | Exception]:
    """function(items); if it raises, each item alone, and the exception in place of an item that makes it raise: not
    what is Passing, or what `check` raises of it, of which no item is the cause."""
    if not items:
        return []
    try:
        results = list(function(items))
        if len(results) != len(items):
            raise RuntimeError(f"{len(results)} results for {len(items)} utterances")
        return results
    except Passing:
        raise
    except Exception as error:
        log.warning("a batch of %d failed", len(items), exc_info=True)
        check(error)
        failure = error
        _let_go(error)
    # Behind the block above, so that what the batch had on the device is free before its rows are tried.
    if len(items) == 1:
        return [failure]
    return [result for item in items for result in _each(function, [item], check)]


def _let_go(error: BaseException | None) -> None:
    """Frees what the frames of an error hold, and of those that it came of: an exception that is kept keeps them. On a
    GPU for other processes, too, such as vLLM that wakes there: torch keeps what is freed for itself."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
    torch.cuda.empty_cache()  # nothing where CUDA was not begun
