"""What every room speaks of: a row to be spoken, what an ASR heard, the parts that a recipe brings by `_target_`."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Passing(Exception):
    """No row is at fault: what was asked is away, not yet ready or busy, or memory was short. Ask again."""


class NoMemory(Passing):
    """Memory was short. A row that meets it again and again, alone, may be what it is too short for."""


@dataclass(frozen=True)
class Row:
    """One utterance to be spoken.

    Attributes:
        tokens: speech tokens int32 [n], not padded.
        voice: name of the voice, None for the recipe's only or default one.
        language: code that the ASR knows, such as "zh".
        text: what it should say; empty where nobody asks for a measure of it.
    """

    tokens: np.ndarray
    voice: str | None
    language: str
    text: str = ""


@dataclass(frozen=True)
class Transcript:
    """What an ASR heard.

    Attributes:
        text: as the ASR wrote it.
        char_times: seconds, one for each character of text (its CTC peak); empty if the ASR gives no times.
        confidence: mean probability of the symbols that it wrote, in [0, 1], 0.0 where it wrote none; None if the ASR
            gives none.
    """

    text: str
    char_times: list[float]
    confidence: float | None = None

    def __post_init__(self):
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"a confidence is in [0, 1], got {self.confidence} for {self.text!r}")
        if self.char_times and len(self.char_times) != len(self.text):
            raise ValueError(f"{len(self.char_times)} times for {len(self.text)} characters of {self.text!r}")


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

    One that knows some languages only takes an argument `languages`, a list or a mapping: what the configuration names
    there is asked for before anything is spoken (infer/ears.py).
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
