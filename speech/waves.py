"""Waves: read from files, brought to another rate."""

import numpy as np
import soundfile
import soxr


def read_wave(path: str, sample_rate: int) -> np.ndarray:
    """The file as float32 [samples] at `sample_rate` Hz, the mean of its channels.

    Raises:
        ValueError: it cannot be read, or holds no or no finite sample.
    """
    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    mono = wave.mean(axis=1)
    if not len(mono) or not np.isfinite(mono).all():
        raise ValueError(f"{path} holds {len(mono)} samples, not all finite")
    return resample(mono, rate, sample_rate)


def resample(wave: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """float32 [samples] at another rate, Hz, by soxr: nothing above half the new rate is left to alias."""
    if rate == new_rate or not len(wave):
        return wave
    return soxr.resample(wave, rate, new_rate).astype(np.float32)
