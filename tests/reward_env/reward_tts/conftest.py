"""The parts of the default's reward server with the small models, in this process."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.tiny_mandarin.teacher import SAMPLE_RATE as TEACHER_RATE
from models.tiny_mandarin.teacher import Teacher, Vocoder
from models.tiny_mandarin.token2wav import MelToken2Wav
from models.tiny_mandarin.vocoder import TorchVocoder
from reward_tts.asr.sensevoice import SenseVoiceASR
from reward_tts.server.pipeline import SpeechPipeline
from speech.interfaces import Row
from speech.waves import resample

SAMPLE_RATE, MEL_FRAME_RATE = 24000, 80
RATE = 16_000  # of what scorers hear


@pytest.fixture(scope="session")
def token2wav(built_recipe: Path) -> MelToken2Wav:
    return MelToken2Wav(str(built_recipe / "token2wav"), TorchVocoder(), SAMPLE_RATE, MEL_FRAME_RATE)


@pytest.fixture(scope="session")
def asr(built_recipe: Path) -> SenseVoiceASR:
    return SenseVoiceASR(str(built_recipe / "reward_asr"), batch_size=4)


@pytest.fixture(scope="module")
def texts_and_rows(built_recipe: Path) -> list[tuple[str, Row]]:
    lines = (built_recipe / "data/test_teacher.jsonl").read_text(encoding="utf-8").splitlines()[:9]
    spoken = [json.loads(line) for line in lines]
    return [(s["text"], Row(np.array(s["speech_tokens"], np.int32), None, "zh")) for s in spoken]


@pytest.fixture
def rows(texts_and_rows) -> list[Row]:
    return [row for _, row in texts_and_rows]


@pytest.fixture
def pipeline(token2wav, asr) -> SpeechPipeline:
    return SpeechPipeline(token2wav, asr, "tiny_mandarin", max_tokens=200)


@pytest.fixture(scope="session")
def speech() -> list[np.ndarray]:
    """Three sentences of one voice and of different length at 16 kHz."""
    teacher, vocoder = Teacher(num_threads=1), Vocoder(num_threads=1)
    said = (vocoder(teacher.mel(text)) for text in ("今天天气很好", "我们明天去上海", "三点半"))
    return [resample(wave, TEACHER_RATE, RATE) for wave in said]


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
