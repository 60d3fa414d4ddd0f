"""SenseVoiceSmall under its released file names."""

import numpy as np
import pytest
from cosyvoice_release import write_sensevoice

from reward_tts.asr_sensevoice import SenseVoiceASR


def test_sensevoice_loads_with_the_released_name_of_its_vocabulary(tmp_path):
    write_sensevoice(tmp_path / "asr")
    names = {path.name for path in (tmp_path / "asr").iterdir()}
    assert "chn_jpn_yue_eng_ko_spectok.bpe.model" in names and "bpe.model" not in names
    (transcript,) = SenseVoiceASR(str(tmp_path / "asr")).transcribe([np.zeros(16_000, np.float32)], ["zh"])
    assert len(transcript.char_times) == len(transcript.text)
    (tmp_path / "asr" / "configuration.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"bpe\.model"):
        SenseVoiceASR(str(tmp_path / "asr"))
