"""GLM-TTS's `speech_tokenizer` directory as released, small."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperFeatureExtractor

from models.glm_tts.encoder import _Encoder

CONFIG = {
    "model_type": "whisper",
    "d_model": 32,
    "encoder_layers": 4,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_layers": 1,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 64,
    "num_mel_bins": 80,
    "vocab_size": 100,
    "max_source_positions": 1500,
    "pooling_kernel_size": 2,
    "pooling_type": "avg",
    "pooling_position": 2,
    "quantize_vocab_size": 64,
    "quantize_position": 3,
    "quantize_causal_block_size": 20,
    "encoder_causal_convolution": True,
}


def numbers(name: str, shape: torch.Size) -> torch.Tensor:
    """Weights that follow from their name, so that any program can make the same."""
    seed = sum(map(ord, name))
    values = 0.35 * np.sin(np.arange(1, shape.numel() + 1) * (0.37 + 0.01 * (seed % 29)) + seed)
    weights = torch.from_numpy(values.astype(np.float32)).reshape(shape)
    if "layer_norm.weight" in name:
        return 1 + 0.1 * weights
    return 6 * weights if name.startswith("codebook") else weights


def write_tokenizer(folder: Path) -> Path:
    """The encoder under its released names, and something of the decoder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    shapes = _Encoder(WhisperConfig(**CONFIG, quantize_causal_encoder=False)).state_dict()
    weights = {f"model.encoder.{name}": numbers(name, old.shape) for name, old in shapes.items()}
    weights |= {"model.encoder.layers.3.fc1.weight": torch.zeros(64, 32), "model.decoder.x": torch.zeros(1)}
    save_file(weights, folder / "model.safetensors")
    return folder
