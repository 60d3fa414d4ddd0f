"""Waves that the page decoded and will need again."""

import threading
from typing import Any

import numpy as np

from speech.interfaces import Row, Token2Wav


class Remembering:
    """A token2wav, for one thread after another, that keeps the last waves: what was heard first and is measured then,
    and the pairs that several listeners judge, are decoded once.

    Args:
        token2wav: that decodes.
        seconds: of sound that is kept.
    """

    def __init__(self, token2wav: Token2Wav, seconds: float):
        self._token2wav, self._most = token2wav, seconds * token2wav.sample_rate
        self._kept, self._lock = dict[tuple, np.ndarray](), threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._token2wav, name)

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        with self._lock:
            keys = [self._key(row) for row in rows]
            new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._kept}
            if new:
                self._kept |= zip(new, self._token2wav.decode(list(new.values())), strict=True)
            found = [self._kept[key] for key in keys]
            self._drop()
            return found

    def keep(self, row: Row, wave: np.ndarray) -> None:
        """What is measured of this row now: it was heard, and perhaps joined of parts."""
        with self._lock:
            self._kept.pop(self._key(row), None)  # the newest again
            self._kept[self._key(row)] = wave

    def _drop(self) -> None:
        samples = sum(map(len, self._kept.values()))
        while samples > self._most:
            samples -= len(self._kept.pop(next(iter(self._kept))))

    @staticmethod
    def _key(row: Row) -> tuple:
        return row.tokens.tobytes(), row.voice, row.language, row.text
