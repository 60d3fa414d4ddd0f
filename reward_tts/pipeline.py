"""Rows -> waves -> transcripts -> measures, for one batch; a bad row fails alone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import gcd
from typing import TypeVar

import numpy as np
from scipy.signal import resample_poly

from reward_tts.interfaces import ASR, Token2Wav
from reward_tts.measures import Measures, Row, Status, Transcript

log = logging.getLogger(__name__)
Item, Result = TypeVar("Item"), TypeVar("Result")


class SpeechPipeline:
    """Speaks rows and hears them; not for several threads at once.

    Args:
        token2wav: speech tokens -> waves.
        asr: waves -> text.
        recipe: name written into each measure.
        max_tokens: a longer row is refused.
    """

    def __init__(self, token2wav: Token2Wav, asr: ASR, recipe: str, max_tokens: int):
        self.token2wav, self.asr, self.recipe, self.max_tokens = token2wav, asr, recipe, max_tokens
        divisor = gcd(asr.sample_rate, token2wav.sample_rate)
        self._up, self._down = asr.sample_rate // divisor, token2wav.sample_rate // divisor

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
        """One measure per row, in the order given; status and message tell of a row that could not be measured."""
        measures = [self._measures(row, Status.BAD_ROW, self.problem(row.tokens)) for row in rows]
        good = [i for i, m in enumerate(measures) if not m.message]
        good.sort(key=lambda i: len(rows[i].tokens))
        waves = _each(self._speak, [rows[i] for i in good])
        spoken = [(i, wave) for i, wave in zip(good, waves, strict=True) if not isinstance(wave, Exception)]
        heard = _each(self._hear, [(wave, rows[i].language) for i, wave in spoken])
        results = {i: wave for i, wave in zip(good, waves, strict=True) if isinstance(wave, Exception)}
        results |= {i: (wave, text) for (i, wave), text in zip(spoken, heard, strict=True)}
        for i, result in results.items():
            measures[i] = self._finish(rows[i], result)
        return measures

    def _measures(self, row: Row, status: Status, message: str) -> Measures:
        rate = float(self.token2wav.token_rate)
        return Measures(self.recipe, int(status), message, num_tokens=len(row.tokens), token_rate=rate)

    def _finish(self, row: Row, result: Exception | tuple[np.ndarray, Transcript | Exception]) -> Measures:
        error = result if isinstance(result, Exception) else result[1]
        if isinstance(error, Exception):
            return self._measures(row, Status.FAILED, f"{type(error).__name__}: {error}")
        wave, transcript = result
        return replace(
            self._measures(row, Status.OK, ""),
            transcript=transcript.text,
            char_times=transcript.char_times,
            duration_s=len(wave) / self.token2wav.sample_rate,
        )

    def _speak(self, rows: list[Row]) -> list[np.ndarray]:
        waves = self.token2wav.decode(rows)
        for row, wave in zip(rows, waves, strict=True):
            if len(wave) == 0 or not np.isfinite(wave).all():
                raise ValueError(f"token2wav gave {len(wave)} samples, not all finite, for {len(row.tokens)} tokens")
        return waves

    def _hear(self, spoken: list[tuple[np.ndarray, str]]) -> list[Transcript]:
        waves = [wave for wave, _ in spoken]
        if self._up != self._down:
            waves = [resample_poly(wave, self._up, self._down).astype(np.float32) for wave in waves]
        transcripts = self.asr.transcribe(waves, [language for _, language in spoken])
        if len(transcripts) != len(spoken):
            raise RuntimeError(f"the ASR gave {len(transcripts)} transcripts for {len(spoken)} waves")
        return transcripts


def _each(function: Callable[[list[Item]], list[Result]], items: list[Item]) -> list[Result | Exception]:
    """function(items); if it raises, each item alone, and the exception in place of an item that makes it raise."""
    if not items:
        return []
    try:
        return list(function(items))
    except Exception as error:
        log.warning("a batch of %d failed", len(items), exc_info=True)
        if len(items) == 1:
            return [error]
        return [result for item in items for result in _each(function, [item])]
