"""What all measures of speaker similarity share: the reference voices, each embedded once, and the cosine with them."""

from pathlib import Path
from typing import Any

import numpy as np

from data_prep.voices import wave_files
from reward_tts.measures import Row
from reward_tts.prompt_wave import read_wave


class SpeakerSimilarity:
    """The cosine between a wave's voice and the voice that its row asked for: the same for all rollouts of a text.

    A subclass has `sample_rate` and `embed`.

    Args:
        voices: {name: wave file} of the reference voices, mono; or the JSONL of recipe.voices, of which those with a
            wav count.
        default: name of the recipe's own voice, of rows that name none; None where every row names one.

    Raises:
        FileNotFoundError: a reference is missing.
        ValueError: `default` is not among the voices.
    """

    provides = ("speaker_similarity",)
    sample_rate: int

    def __init__(self, voices: dict[str, str] | str, default: str | None):
        if isinstance(voices, str):
            voices = wave_files(voices)
        if default is not None and default not in voices:
            raise ValueError(f"the default voice {default!r} is none of {sorted(voices)[:10]}")
        missing = [path for path in voices.values() if not Path(path).is_file()]
        if missing:
            raise FileNotFoundError(f"{', '.join(missing[:10])} is missing: the recording of a voice")
        self.voices, self.default = dict(voices), default
        self.references: dict[str, np.ndarray] = {}  # filled as rows ask for them: there may be thousands of voices

    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        raise NotImplementedError

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """speaker_similarity in [-1, 1].

        Raises:
            ValueError: a row's voice is unknown, or it names none and there is no default; a recording that cannot be
                used.
        """
        asked = [row.voice or self.default for row in rows]
        if unknown := sorted({str(voice) for voice in asked if voice not in self.voices}):
            raise ValueError(f"no reference for the voice {unknown}; there are {sorted(self.voices)[:10]}")
        for name in asked:
            if name not in self.references:
                self.references[name] = self.embed([read_wave(self.voices[name], self.sample_rate)])[0]
        references = np.stack([self.references[name] for name in asked])
        cosines = np.clip((self.embed(waves) * references).sum(axis=1), -1.0, 1.0)
        return [{"speaker_similarity": float(cosine)} for cosine in cosines]
