"""The parts that a recipe brings to the reward server; server.yaml names their classes by `_target_`."""

from typing import Any, Protocol

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
        provides: what it measures beside the text: ("confidence",), or () as if it were missing.
    """

    sample_rate: int
    family: str
    provides: tuple[str, ...]

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Mono waves float32 [samples], one language each -> transcripts in the same order."""
        ...


class Scorer(Protocol):
    """Waves -> measures, which the reward function turns into terms.

    Attributes:
        provides: names of its measures.
        sample_rate: of the waves that it takes, Hz.
    """

    provides: tuple[str, ...]
    sample_rate: int

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """Mono waves float32 [samples] and the rows they speak -> {measure: number, or numbers by name}, in order.

        Nothing is missing and nothing is NaN: what cannot be measured raises.
        """
        ...
