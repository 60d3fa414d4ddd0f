"""Pitch, energy, silence and pauses: what flattens first when a model is trained on errors alone."""

from typing import Any

import numpy as np

from reward_tts.measures import Row
from reward_tts.prosody import energy_variance, loudness_db, pauses, prosody


class Prosody:
    """WORLD's F0 and the energy of frames.

    Speaking rate needs the text: the reward function logs it (speaking_rate, characters or words a second).

    Args:
        pause_seconds: a silence between sounds is a pause from this length on.
        options: of `reward_tts.prosody.prosody`: f0_floor and f0_ceil (Hz), f0_period_ms, f0_speed,
            silence_db, frame_seconds.
    """

    provides = ("log_f0_mean", "log_f0_std", "voiced_ratio", "silence_ratio", "pauses_per_second", "pause_ratio")
    provides += ("energy_variance", "loudness_db")
    sample_rate = 16_000

    def __init__(self, pause_seconds: float = 0.2, **options: float):
        self.pause_seconds, self.options = pause_seconds, options

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """log_f0_mean, log_f0_std: of ln(F0 / Hz) over voiced frames; voiced_ratio, silence_ratio, pause_ratio: shares
        of the frames; pauses_per_second: of the whole wave; energy_variance: of the frames' RMS; loudness_db: dB of
        full scale.

        Without a voiced frame the mean and spread of log F0 are 0.0, as voiced_ratio then is; a wave shorter than a
        frame is silent."""
        return [self._one(wave) for wave in waves]

    def _one(self, wave: np.ndarray) -> dict[str, float]:
        found = prosody(wave, self.sample_rate, **self.options)
        found["silence_ratio"] = 1.0 if found["silence_ratio"] is None else found["silence_ratio"]
        frame = round(self.options["frame_seconds"] * self.sample_rate)
        count, share = pauses(
            wave, frame, self.options["silence_db"], round(self.pause_seconds / self.options["frame_seconds"])
        )
        found |= {"pauses_per_second": count * self.sample_rate / len(wave), "pause_ratio": share}
        found |= {"energy_variance": energy_variance(wave, frame), "loudness_db": loudness_db(wave)}
        return {name: found[name] or 0.0 for name in self.provides}
