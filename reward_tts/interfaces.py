"""The two parts that a recipe brings to the reward server; server.yaml names their classes by `_target_`."""

from typing import Protocol

import numpy as np

from reward_tts.measures import Row, Transcript


class Token2Wav(Protocol):
    """Speech tokens -> waves.

    Attributes:
        sample_rate: of the waves, Hz.
        token_rate: speech tokens per second.
        codebook_size: tokens are 0 <= N < codebook_size.
    """

    sample_rate: int
    token_rate: float
    codebook_size: int

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """One mono wave float32 [samples] per row, in the same order; rows come sorted by length."""
        ...


class ASR(Protocol):
    """Waves -> text.

    Attributes:
        sample_rate: of the waves that it takes, Hz.
        family: such as "sensevoice"; the evaluation's ASR must be of another one.
    """

    sample_rate: int
    family: str

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Mono waves float32 [samples], one language each -> transcripts in the same order."""
        ...
