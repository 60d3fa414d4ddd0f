"""Waves: read from files within bounds, brought to another rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import soundfile

from speech.paths import input_file

_UNKNOWN = 1 << 62  # frames, as libsndfile has them of a stream whose header does not say


@dataclass(frozen=True)
class AudioLimits:
    """What a recording may be. Its header is asked first, and what it says is not believed while reading.

    Attributes:
        seconds: at most.
        lowest_rate, highest_rate: Hz. Telephones have 8000, studios 192 000.
        channels: at most.
        key: the setting that `seconds` is of, for the message.
    """

    seconds: float = 600.0
    lowest_rate: int = 4000
    highest_rate: int = 384_000
    channels: int = 16
    key: str = ""

    def check(self, path: str, seconds: float, rate: int, channels: int) -> None:
        """Raises ValueError: the recording is too much."""
        if not self.lowest_rate <= rate <= self.highest_rate:
            raise ValueError(f"{path} has {rate} samples a second, {self.lowest_rate} to {self.highest_rate} are read")
        if channels > self.channels:
            raise ValueError(f"{path} has {channels} channels, at most {self.channels} are read")
        if seconds > self.seconds:
            key = f" ({self.key})" if self.key else ""
            raise ValueError(f"{path} lasts {seconds:.1f} s, at most {self.seconds:g} s are read{key}")


@contextmanager
def _opened(path: str, limits: AudioLimits) -> Iterator[soundfile.SoundFile]:
    """The file, of which the header is within the limits."""
    with soundfile.SoundFile(str(input_file(path, "a recording"))) as file:
        if file.frames >= _UNKNOWN:
            raise ValueError(f"{path}: its header does not say how long it is: write it again, to a file")
        limits.check(path, file.frames / file.samplerate, file.samplerate, file.channels)
        yield file


def check_header(path: str, limits: AudioLimits | None = None) -> None:
    """What can be said of a recording without reading it. Raises ValueError as `read_wave`."""
    try:
        with _opened(path, limits or AudioLimits()):
            pass
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def read_wave(path: str, sample_rate: int, limits: AudioLimits | None = None) -> np.ndarray:
    """The file as float32 [samples] at `sample_rate` Hz, the mean of its channels. Arguments, errors: read_mono."""
    return resample(*read_mono(path, limits), sample_rate)


def read_mono(path: str, limits: AudioLimits | None = None) -> tuple[np.ndarray, int]:
    """The mean of the file's channels, float32 [samples], and its own rate, Hz; one second in memory at a time is all
    that is read of a file beyond `limits` (those of the class, if none are given).

    Raises:
        ValueError: it cannot be read, is beyond the limits, or holds no or no finite sample.
    """
    limits = limits or AudioLimits()
    try:
        with _opened(path, limits) as file:
            rate, channels = file.samplerate, file.channels
            blocks, read = [], 0
            while len(block := file.read(rate, dtype="float32", always_2d=True)):
                read += len(block)
                limits.check(path, read / rate, rate, channels)
                blocks.append(block.mean(axis=1))
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    mono = np.concatenate(blocks or [np.empty(0, np.float32)])
    if not len(mono) or not np.isfinite(mono).all():
        raise ValueError(f"{path} holds {len(mono)} samples, not all finite")
    return mono, rate


def at_least(wave: np.ndarray, samples: int) -> np.ndarray:
    """The wave [samples], with silence behind it up to so many: networks that look at frames need one, or several.

    >>> at_least(np.ones(2, np.float32), 3).tolist()
    [1.0, 1.0, 0.0]
    """
    return np.pad(wave, (0, max(0, samples - len(wave))))


def resample(wave: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """float32 [samples] at another rate, Hz, by soxr: nothing above half the new rate is left to alias."""
    if rate == new_rate or not len(wave):
        return wave
    import soxr  # the reward's environment has it; the trainer's reads waves, and resamples none

    return soxr.resample(wave, rate, new_rate).astype(np.float32)
