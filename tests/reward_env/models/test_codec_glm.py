"""GLM-TTS's speech tokenizer: a directory of the released layout, small, against what the released class gave.

TOKENS are those of WhisperVQEncoder and SpeechTokenizer of zai-org/GLM-TTS, commit c5dc7ae, run outside this repository
on the same weights. Of 775 tokens of 31 s three differed, and none in float64: theirs round more, because they add the
square of the frame to each distance.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.glm_tts.encoder import GlmEncoder
from tests.helpers.glm_tokenizer import write_tokenizer

TOKENS = [14, 53, 42, 53, 51, 53, 5, 6, 24, 6, 43, 15, 15, 24, 62, 11, 62, 58, 34, 22, 6, 23, 6, 33, 53]


def tone(samples: int) -> np.ndarray:
    """A tone of 150 Hz that rises, with four overtones, at 16 kHz."""
    time = np.arange(samples) / 16000
    parts = (np.sin(2 * np.pi * 150 * k * time * (1 + 0.3 * time)) / k for k in range(1, 6))
    return sum(parts).astype(np.float32) * 0.2


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tokenizer(tmp_path_factory.mktemp("speech_tokenizer"))


@pytest.fixture(scope="module")
def encoder(tokenizer_dir: Path) -> GlmEncoder:
    return GlmEncoder(str(tokenizer_dir))


def test_a_second_becomes_the_25_tokens_of_the_released_class(encoder):
    (tokens,) = encoder.encode([tone(16000)])
    assert tokens.dtype == np.int32 and tokens.tolist() == TOKENS
    assert (encoder.sample_rate, encoder.token_rate, encoder.codebook_size) == (16000, 25.0, 64)


def test_the_released_names_are_whispers(encoder):
    names = set(encoder.model.state_dict())
    assert {"conv1.weight", "conv2.bias", "embed_positions.weight", "codebook.weight"} <= names
    assert {"layers.2.self_attn.q_proj.weight", "layers.0.fc2.bias", "layers.1.final_layer_norm.weight"} <= names
    assert not any(name.startswith("layers.3.") for name in names)  # behind quantize_position


def test_waves_of_several_lengths_and_one_beyond_whispers_30_seconds(encoder):
    """16701 samples are 26.1 tokens; the one begun counts, as published. Parts of 30 s are read one by one."""
    short, long = encoder.encode([tone(16701), tone(31 * 16000)])
    assert (len(short), len(long)) == (27, 775)
    np.testing.assert_array_equal(encoder.encode([tone(31 * 16000)[30 * 16000 :]])[0], long[750:])
    assert encoder.encode([np.zeros(0, np.float32)])[0].tolist() == []


def test_missing_and_foreign_files_are_named(tokenizer_dir, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing: bash run\.sh --recipe glm_tts models"):
        GlmEncoder(str(tmp_path))
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_text((tokenizer_dir / name).read_text())
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing"):
        GlmEncoder(str(tmp_path))
    save_file({"model.encoder.codebook.weight": torch.zeros(64, 32)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="does not fit the speech tokenizer"):
        GlmEncoder(str(tmp_path))
