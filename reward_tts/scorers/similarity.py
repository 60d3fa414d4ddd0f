"""What all measures of speaker similarity share: the reference voices, embedded once, and the cosine with them."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from reward_tts.measures import Row


class SpeakerSimilarity:
    """The cosine between a wave's voice and the voice that its row asked for: the same for all rollouts of a text.

    A subclass has `sample_rate` and `embed`.

    Args:
        voices: {name: wave file} of the reference voices, mono, at the embedder's rate.
        default: name of the recipe's own voice, of rows that name none.

    Raises:
        FileNotFoundError: a reference is missing.
        ValueError: `default` is none of the voices, or a reference has another rate or more channels.
    """

    provides = ("speaker_similarity",)
    sample_rate: int

    def __init__(self, voices: dict[str, str], default: str):
        if default not in voices:
            raise ValueError(f"the default voice {default!r} is none of {sorted(voices)}")
        missing = [path for path in voices.values() if not Path(path).exists()]
        if missing:
            raise FileNotFoundError(f"speaker similarity needs the reference waves {missing}: name them in `voices`")
        self.default = default
        self.references = {name: self.embed([self._read(path)])[0] for name, path in voices.items()}

    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        raise NotImplementedError

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """speaker_similarity in [-1, 1].

        Raises:
            ValueError: a row's voice is unknown.
        """
        unknown = sorted({row.voice for row in rows if row.voice} - set(self.references))
        if unknown:
            raise ValueError(f"no reference for the voice {unknown}; there are {sorted(self.references)}")
        references = np.stack([self.references[row.voice or self.default] for row in rows])
        cosines = np.clip((self.embed(waves) * references).sum(axis=1), -1.0, 1.0)
        return [{"speaker_similarity": float(cosine)} for cosine in cosines]

    def _read(self, path: str) -> np.ndarray:
        wave, rate = soundfile.read(path, dtype="float32")
        if rate != self.sample_rate or wave.ndim != 1:
            raise ValueError(f"{path} is of {rate} Hz, shape {wave.shape}: needed are {self.sample_rate} Hz, mono")
        return wave
