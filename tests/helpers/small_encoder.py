"""An encoder and an ASR as small as can be: how loud each twenty-fifth of a second is, and how long all is."""

import numpy as np

from speech.interfaces import Transcript


class LoudnessEncoder:
    """As models.xcodec2.encoder.XCodec2Encoder has it."""

    sample_rate = 16_000

    def __init__(self, device: str = "cpu", model_dir: str | None = None):
        pass

    def encode(self, waves: list[np.ndarray]) -> list[np.ndarray]:
        """int32 [tokens] of each wave."""
        step = self.sample_rate // 25
        frames = [wave[: len(wave) // step * step].reshape(-1, step) for wave in waves]
        return [np.minimum(np.abs(one).mean(axis=1) * 1000, 1023).astype(np.int32) for one in frames]


class SaysByLength:
    """Knows what is said by how many tenths of a second a recording lasts; `heard`: recordings of all instances."""

    sample_rate, heard = 16_000, 0

    def __init__(self, said: dict[int, str]):
        self._said = said

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Raises ValueError: another language than zh and en."""
        if unknown := set(languages) - {"zh", "en"}:
            raise ValueError(f"no language of this ASR: {sorted(unknown)}")
        SaysByLength.heard += len(waves)
        return [Transcript(self._said[round(10 * len(wave) / self.sample_rate)], []) for wave in waves]
