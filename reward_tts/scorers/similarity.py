"""What all measures of speaker similarity share: the reference voices, each embedded once, and the cosine with them."""

from pathlib import Path
from typing import Any

import numpy as np

from speech.interfaces import Row
from speech.voices import read_voices
from speech.waves import read_wave


class SpeakerSimilarity:
    """The cosine between a wave's voice and the voice that its row asked for: the same for all rollouts of a text.

    A subclass has `sample_rate` and `embed`.

    Args:
        voices: {name: wave file} of the reference voices, mono; or the JSONL of recipe.voices, of which those with a
            wav count.
        default: name of the recipe's own voice, of rows that name none; None: every row names one.

    Raises:
        FileNotFoundError: a reference is missing.
        ValueError: `default` is none of the voices, or a reference has more channels.
    """

    provides = ("speaker_similarity",)
    sample_rate: int

    def __init__(self, voices: dict[str, str] | str, default: str | None):
        if isinstance(voices, str):
            voices = {name: voice.wav for name, voice in read_voices(voices).items() if voice.wav}
        if default is not None and default not in voices:
            raise ValueError(f"the default voice {default!r} is none of {sorted(voices)[:10]}")
        if missing := [path for path in voices.values() if not Path(path).is_file()]:
            raise FileNotFoundError(
                f"{missing[0]} is missing: the recording of a voice; {len(missing)} of `voices` are"
            )
        self.default, self.voices = default, dict(voices)
        self.references: dict[str, np.ndarray] = {}  # filled as rows ask for them: there may be thousands of voices

    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        raise NotImplementedError

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """speaker_similarity in [-1, 1].

        Raises:
            ValueError: a row's voice is unknown.
        """
        asked = [row.voice or self.default for row in rows]
        if unknown := sorted({str(voice) for voice in asked} - set(self.voices)):
            raise ValueError(f"no reference for the voice {unknown}; there are {sorted(self.voices)[:10]}")
        for voice in set(asked) - set(self.references):
            self.references[voice] = self.embed([read_wave(self.voices[voice], self.sample_rate)])[0]
        references = np.stack([self.references[voice] for voice in asked])
        cosines = np.clip((self.embed(waves) * references).sum(axis=1), -1.0, 1.0)
        return [{"speaker_similarity": float(cosine)} for cosine in cosines]
