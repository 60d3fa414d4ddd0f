"""What all measures of speaker similarity share: the reference voices, each embedded once, and the cosine with them."""

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
        default: name of the recipe's own voice, of rows that name none; None where every row names one.

    Raises:
        FileNotFoundError: a reference is missing.
        ValueError: `default` is none of the voices, or a reference has another rate or more channels.
    """

    provides = ("speaker_similarity",)
    sample_rate: int

    def __init__(self, voices: dict[str, str], default: str | None):
        if default is not None and default not in voices:
            raise ValueError(f"the default voice {default!r} is none of {sorted(voices)[:10]}")
        missing = [path for path in voices.values() if not Path(path).exists()]
        if missing:
            raise FileNotFoundError(f"speaker similarity needs the reference waves {missing}: name them in `voices`")
        self.default = default
        for path in voices.values():
            self._check(path)
        self.voices = dict(voices)
        self.references: dict[str, np.ndarray] = {}  # filled as rows ask for them: there may be thousands of voices

    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        raise NotImplementedError

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """speaker_similarity in [-1, 1].

        Raises:
            ValueError: a row's voice is unknown, or it names none and there is no default.
        """
        names = [row.voice or self.default for row in rows]
        if unknown := list(dict.fromkeys(name for name in names if name not in self.voices)):
            raise ValueError(f"no reference for the voice {unknown}; there are {sorted(self.voices)[:10]}")
        for name in names:
            if name not in self.references:
                self.references[name] = self.embed([soundfile.read(self.voices[name], dtype="float32")[0]])[0]
        references = np.stack([self.references[name] for name in names])
        cosines = np.clip((self.embed(waves) * references).sum(axis=1), -1.0, 1.0)
        return [{"speaker_similarity": float(cosine)} for cosine in cosines]

    def _check(self, path: str) -> None:
        found = soundfile.info(path)
        if (found.samplerate, found.channels) != (self.sample_rate, 1):
            heard = f"{found.samplerate} Hz, {found.channels} channels"
            raise ValueError(f"{path} is of {heard}: needed are {self.sample_rate} Hz, mono")
