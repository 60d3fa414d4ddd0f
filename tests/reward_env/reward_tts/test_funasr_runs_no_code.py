"""A FunASR directory is weights and settings: whatever its config.yaml says, none of its code runs."""

import shutil
from pathlib import Path

import pytest

from reward_tts.asr.sensevoice import SenseVoiceASR


@pytest.fixture
def folder(built_recipe: Path, tmp_path: Path) -> Path:
    """The small reward ASR with code of its own, requirements, and a further model, each wanted by its config.yaml."""
    copy = tmp_path / "asr"
    shutil.copytree(built_recipe / "reward_asr", copy)
    (copy / "own.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')\n")
    (copy / "requirements.txt").write_text(f"{tmp_path}/no-such-package\n")
    wants = f"trust_remote_code: true\nremote_code: {copy / 'own.py'}\nvad_model: {copy / 'no-such-model'}\n"
    (copy / "config.yaml").write_text((copy / "config.yaml").read_text() + wants)
    return copy


def test_code_requirements_and_further_models_that_a_folder_wants_are_left(folder, capfd):
    assert SenseVoiceASR(str(folder)).family == "sensevoice"
    assert not (folder.parent / "made").exists()
    assert "begin to install" not in capfd.readouterr().out


def test_a_model_of_another_class_is_refused(folder):
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("model: SenseVoiceSmall", "model: GLMASR", 1))
    with pytest.raises(ValueError, match=r"config.yaml: model is 'GLMASR', not one of \['SenseVoiceSmall'\]"):
        SenseVoiceASR(str(folder))
