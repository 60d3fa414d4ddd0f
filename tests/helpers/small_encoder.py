"""An encoder of voices as small as can be: how loud each twenty-fifth of a second is."""

import numpy as np


class LoudnessEncoder:
    """As models.xcodec2.encoder.XCodec2Encoder has it."""

    sample_rate = 16_000

    def encode(self, waves: list[np.ndarray]) -> list[np.ndarray]:
        """int32 [tokens] of each wave."""
        step = self.sample_rate // 25
        frames = [wave[: len(wave) // step * step].reshape(-1, step) for wave in waves]
        return [np.minimum(np.abs(one).mean(axis=1) * 1000, 1023).astype(np.int32) for one in frames]
