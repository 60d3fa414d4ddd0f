"""Pitch, energy and silence: what flattens first when a model is trained on errors alone."""

from typing import Any

import numpy as np

from reward_tts.measures import Row
from reward_tts.prosody import energy_variance, loudness_db, prosody


class Prosody:
    """WORLD's F0 and the energy of frames.

    Args: of `reward_tts.prosody.prosody`: f0_floor and f0_ceil (Hz), f0_period_ms, f0_speed, silence_db,
    frame_seconds.
    """

    provides = ("log_f0_mean", "log_f0_std", "voiced_ratio", "silence_ratio", "energy_variance", "loudness_db")
    sample_rate = 16_000

    def __init__(self, **options: float):
        self.options = options

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """Without a voiced frame the mean and spread of log F0 are 0.0, as voiced_ratio then is; a wave shorter than a
        frame is silent."""
        return [self._one(wave) for wave in waves]

    def _one(self, wave: np.ndarray) -> dict[str, float]:
        found = prosody(wave, self.sample_rate, **self.options)
        found["silence_ratio"] = 1.0 if found["silence_ratio"] is None else found["silence_ratio"]
        frame = round(self.options["frame_seconds"] * self.sample_rate)
        found |= {"energy_variance": energy_variance(wave, frame), "loudness_db": loudness_db(wave)}
        return {name: found[name] or 0.0 for name in self.provides}
