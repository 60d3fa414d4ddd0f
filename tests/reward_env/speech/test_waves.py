"""Recordings are bounded before they are decoded and while they are."""

import os
import struct

import numpy as np
import pytest
import soundfile

from speech.waves import AudioLimits, read_wave

FIVE = AudioLimits(seconds=5.0, key="my.seconds")


@pytest.fixture
def recording(tmp_path):
    """A FLAC of 8 s at 16 kHz, and what its header says of its length, to be changed."""

    def made(samples: int | None = None) -> str:
        path = tmp_path / "a.flac"
        soundfile.write(path, np.full(8 * 16_000, 0.1, np.float32), 16_000)
        content = bytearray(path.read_bytes())
        if samples is not None:  # 36 bits of STREAMINFO, which begins at byte 8
            content[21] = content[21] & 0xF0 | samples >> 32
            content[22:26] = struct.pack(">I", samples & 0xFFFFFFFF)
        path.write_bytes(content)
        return str(path)

    return made


def test_a_recording_within_the_limits_is_the_mean_of_its_channels(tmp_path):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.array([[0.5, 0.25]] * 1600, np.float32), 16_000, subtype="FLOAT")
    assert read_wave(path, 16_000).tolist() == [0.375] * 1600
    assert len(read_wave(path, 24_000)) == 2400


def test_one_that_is_too_long_by_its_header_is_named_and_not_decoded(recording):
    with pytest.raises(ValueError, match=r"a\.flac lasts 8\.0 s, at most 5 s are read \(my\.seconds\)"):
        read_wave(recording(), 16_000, FIVE)


def test_one_whose_header_says_nothing_of_its_length_is_refused(recording):
    with pytest.raises(ValueError, match=r"a\.flac: its header does not say how long it is"):
        read_wave(recording(samples=0), 16_000, FIVE)


def test_a_header_that_promises_hours_costs_nothing(recording):
    with pytest.raises(ValueError, match=r"a\.flac lasts 4294967\.3 s, at most 600 s are read$"):
        read_wave(recording(samples=2**36 - 1), 16_000)


@pytest.mark.parametrize(
    ("rate", "channels", "reason"), [(2000, 1, "has 2000 samples"), (16_000, 20, "has 20 channels")]
)
def test_rates_and_channels_that_nobody_records_with_are_refused(tmp_path, rate, channels, reason):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.zeros((100, channels), np.float32), rate)
    with pytest.raises(ValueError, match=rf"a\.wav {reason}"):
        read_wave(path, 16_000)


def test_what_is_no_recording_is_called_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "text.wav").write_text("no sound")
    for name, reason in [
        ("pipe", "is a pipe"),
        ("text", "cannot be read"),
        ("none", "cannot be read: .*is missing: a recording is expected there"),
    ]:
        with pytest.raises(ValueError, match=rf"{name}\.wav {reason}"):
            read_wave(str(tmp_path / f"{name}.wav"), 16_000)
