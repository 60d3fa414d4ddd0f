"""SenseVoiceSmall under its released file names."""

import numpy as np
import pytest
import torch
import yaml

from reward_tts.asr import funasr_directory
from reward_tts.asr.sensevoice import SenseVoiceASR
from tests.helpers.cosyvoice_release import write_sensevoice


def test_sensevoice_loads_with_the_released_name_of_its_vocabulary(tmp_path):
    write_sensevoice(tmp_path / "asr")
    names = {path.name for path in (tmp_path / "asr").iterdir()}
    assert "chn_jpn_yue_eng_ko_spectok.bpe.model" in names and "bpe.model" not in names
    (transcript,) = SenseVoiceASR(str(tmp_path / "asr")).transcribe([np.zeros(16_000, np.float32)], ["zh"])
    assert len(transcript.char_times) == len(transcript.text)
    (tmp_path / "asr" / "configuration.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"bpe\.model"):
        SenseVoiceASR(str(tmp_path / "asr"))


def test_a_wave_is_heard_twice_as_the_same_where_the_release_is_silent_about_dither(tmp_path):
    """FunASR's front end then adds noise of one 16-bit step; it would change what a rollout is worth."""
    write_sensevoice(tmp_path)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    del config["frontend_conf"]["dither"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    asr = SenseVoiceASR(str(tmp_path))
    first, second = (funasr_directory.features(asr.frontend, np.zeros(16_000, np.float32)) for _ in range(2))
    assert first.equal(second)


def test_loading_leaves_the_number_of_threads_alone(tmp_path):
    """It is the server's (server.torch_threads); FunASR sets 4 if it is not told."""
    write_sensevoice(tmp_path)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        SenseVoiceASR(str(tmp_path))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
