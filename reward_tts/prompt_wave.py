"""Recordings of voices, as the parts that compare with them or continue them want them."""

from pathlib import Path

import numpy as np
import soundfile
import soxr


def read_wave(path: str | Path, rate: int) -> np.ndarray:
    """A mono recording float32 [samples] at `rate` Hz.

    Raises:
        FileNotFoundError: no such file. ValueError: it has several channels or no sample.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing: the recording of a voice")
    wave, found = soundfile.read(path, dtype="float32")
    if wave.ndim != 1 or not len(wave):
        raise ValueError(f"{path}: shape {wave.shape}: needed is one channel with something in it")
    return wave if found == rate else soxr.resample(wave, found, rate).astype(np.float32)
