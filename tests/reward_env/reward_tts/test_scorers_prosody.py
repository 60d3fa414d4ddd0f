"""Pitch, silence and pauses of sounds that are known exactly."""

from threading import Barrier

import numpy as np
import pytest

from reward_tts.scorers.prosody import Prosody, pauses
from speech.interfaces import Row

RATE = 16_000
ROW = Row(np.zeros(0, np.int32), None, "zh", "")


def tone(hertz: np.ndarray) -> np.ndarray:
    """A voice-like wave (ten harmonics) whose pitch is hertz[sample]."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 11))).astype(np.float32)


@pytest.mark.parametrize("f0_speed", [1, 4])
def test_prosody_of_a_known_pitch_and_silence(f0_speed):
    options = {"f0_floor": 71.0, "f0_ceil": 500.0, "f0_period_ms": 10.0, "f0_speed": f0_speed}
    scorer = Prosody(**options, silence_db=40.0, frame_seconds=0.025)
    steady = tone(np.full(2 * RATE, 200.0))
    half_silent = np.concatenate([steady[:RATE], np.zeros(RATE, np.float32)])
    sweep = tone(np.exp(np.linspace(np.log(120.0), np.log(240.0), 2 * RATE)))
    flat, silent, rising, nothing = scorer.measure([steady, half_silent, sweep, np.zeros(RATE, np.float32)], [ROW] * 4)
    assert flat["log_f0_mean"] == pytest.approx(np.log(200.0), abs=0.02) and flat["log_f0_std"] < 0.02
    assert silent["silence_ratio"] == pytest.approx(0.5, abs=0.02)
    assert (silent["pauses_per_second"], silent["pause_ratio"]) == (0.0, 0.0)  # silence at the end is no pause
    assert rising["log_f0_std"] == pytest.approx(np.log(2.0) / np.sqrt(12), rel=0.1)  # of a uniform distribution
    assert silent["energy_variance"] > 100 * flat["energy_variance"]
    assert (nothing["voiced_ratio"], nothing["log_f0_std"], nothing["silence_ratio"]) == (0.0, 0.0, 1.0)
    assert nothing["loudness_db"] == pytest.approx(-120.0)
    assert all(set(one) == set(scorer.provides) for one in (flat, silent, rising, nothing))


def test_waves_are_measured_at_once_as_they_are_one_by_one(monkeypatch):
    options = {"f0_floor": 71.0, "f0_ceil": 500.0, "silence_db": 40.0, "frame_seconds": 0.025}
    waves = [tone(np.full(RATE // 4, hertz)) for hertz in (120.0, 200.0, 90.0, 300.0, 150.0)]
    alone, together = (Prosody(**options, threads=threads).measure(waves, [ROW] * 5) for threads in (1, 4))
    assert alone == together
    both = Barrier(2)
    monkeypatch.setattr(Prosody, "_one", lambda self, wave: both.wait(60) or {})
    assert len(Prosody(**options, threads=2).measure(waves[:2], [ROW] * 2)) == 2


def test_pauses_are_silences_between_sounds_that_last_long_enough():
    wave = np.repeat([0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], 100).astype(np.float32)  # frames of 0.1 s
    # Between sounds: 0.2, 0.1 and 0.3 s of 1.5 s.
    assert pauses(wave, 100, 40.0, min_frames=2) == (2, pytest.approx(5 / 15))
    assert pauses(wave, 100, 40.0, min_frames=1) == (3, pytest.approx(6 / 15))
    assert pauses(wave, 100, 40.0, min_frames=4) == (0, 0.0)
    assert pauses(np.zeros(1000, np.float32), 100, 40.0, min_frames=1) == (0, 0.0)
    assert pauses(np.zeros(50, np.float32), 100, 40.0, min_frames=1) == (0, 0.0)
    options = {"f0_floor": 71.0, "f0_ceil": 500.0, "silence_db": 40.0, "frame_seconds": 0.025}
    second = tone(np.full(RATE, 200.0))
    said = np.concatenate([second, np.zeros(RATE // 2, np.float32), second])
    (found,) = Prosody(**options, pause_seconds=0.2).measure([said], [ROW])
    assert found["pauses_per_second"] == pytest.approx(1 / 2.5)
    assert found["pause_ratio"] == pytest.approx(0.5 / 2.5, abs=0.02)
