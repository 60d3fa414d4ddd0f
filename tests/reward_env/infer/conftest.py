"""The evaluation's ASR of the default."""

import pytest
from omegaconf import OmegaConf

from reward_tts.asr.faster_whisper import WhisperEar
from tests.helpers.evaluation import configuration


@pytest.fixture(scope="session")
def ear() -> WhisperEar:
    options = OmegaConf.to_container(configuration().ear)
    del options["_target_"]
    return WhisperEar(**options)
