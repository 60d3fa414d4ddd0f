"""Audio -> speech tokens by GLM-TTS's speech tokenizer: the lower half of Whisper's encoder and a codebook.

The released class (WhisperVQEncoder, utils/whisper_models of zai-org/GLM-TTS) is in no package beside the server's, so
this is one of the same structure on transformers' Whisper layers, under the released names of its parameters. It was
compared with theirs on random weights: see tests/reward_env/models/test_codec_glm.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, gelu, max_pool1d, pad
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

from speech.loading import there

_SEGMENT_S = 30  # longer waves are read in parts, as published: Whisper has positions for no more
_POOLING = {"avg": avg_pool1d, "max": max_pool1d}
_PREFIX = "model.encoder."  # of the released checkpoint
_DEFAULTS = {  # WhisperVQConfig's, of what config.json need not name
    "pooling_kernel_size": None,
    "pooling_type": "max",
    "pooling_position": 0,
    "quantize_position": 16,
    "quantize_causal_block_size": None,
    "quantize_causal_encoder": False,
    "encoder_causal_attention": False,
    "encoder_causal_convolution": False,
}


class _Encoder(nn.Module):
    """The layers up to the codebook. `config`: Whisper's, with _DEFAULTS and quantize_vocab_size."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        self.config = config
        width, at_side = config.d_model, 0 if config.encoder_causal_convolution else 1
        self.conv1 = nn.Conv1d(config.num_mel_bins, width, kernel_size=3, padding=at_side)
        self.conv2 = nn.Conv1d(width, width, kernel_size=3, stride=2, padding=at_side)
        self.embed_positions = nn.Embedding(config.max_source_positions, width)
        self.layers = nn.ModuleList([WhisperEncoderLayer(config) for _ in range(config.quantize_position)])
        self.codebook = nn.Embedding(config.quantize_vocab_size, width)

    def forward(self, mel: Tensor, heard: Tensor) -> Tensor:
        """Log-mel float32 [1, bins, frames] and which of its frames are no padding, bool [frames] -> tokens int64."""
        before = (2, 0) if self.config.encoder_causal_convolution else (0, 0)
        x = gelu(self.conv1(pad(mel, before)))
        x = gelu(self.conv2(pad(x, before))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        heard, block = heard[::2], self.config.quantize_causal_block_size
        for number, layer in enumerate(self.layers, 1):
            x = layer(x, self._mask(heard, block))
            if number == self.config.pooling_position and self.config.pooling_kernel_size:
                size = self.config.pooling_kernel_size
                x = _POOLING[self.config.pooling_type](x.transpose(1, 2), size).transpose(1, 2)
                heard, block = heard[::size], block and block // size
        book = self.codebook.weight
        distances = book.square().sum(1) - 2 * x[0] @ book.T  # the frame's own square is the same for all
        return distances.argmin(1)[heard]

    def _mask(self, heard: Tensor, block: int | None) -> Tensor:
        """What each place looks at, bool [1, 1, places, places]: what was heard, up to itself or to its block's end."""
        place = torch.arange(len(heard), device=heard.device)
        end = torch.full_like(place, len(heard))
        if block:
            end = (place // block + 1) * block
        elif self.config.quantize_causal_encoder or self.config.encoder_causal_attention:
            end = place + 1
        return ((place[None] < end[:, None]) & heard[None])[None, None]


class GlmEncoder:
    """GLM-TTS's speech tokenizer.

    Args:
        model_dir: `speech_tokenizer` of the release: config.json, preprocessor_config.json, model*.safetensors.
        device: torch device.

    Raises:
        FileNotFoundError: one of them is missing. ValueError: weights of another structure.
    """

    def __init__(self, model_dir: str, device: str = "cpu"):
        folder = Path(model_dir)
        for name in ("config.json", "preprocessor_config.json"):
            there(folder / name, "bash run.sh --recipe glm_tts models fetches it")
        config = WhisperConfig(**(_DEFAULTS | json.loads((folder / "config.json").read_text(encoding="utf-8"))))
        config._attn_implementation = "sdpa"
        self.extractor = WhisperFeatureExtractor.from_pretrained(folder)
        self.sample_rate, self.device = self.extractor.sampling_rate, torch.device(device)
        self._samples = 2 * (config.pooling_kernel_size or 1) * self.extractor.hop_length  # of a token
        self.token_rate, self.codebook_size = self.sample_rate / self._samples, config.quantize_vocab_size
        self.model = _with_weights(_Encoder(config), folder).to(self.device).eval()

    @torch.inference_mode()
    def encode(self, waves: list[np.ndarray]) -> list[np.ndarray]:
        """Mono waves float32 [samples] at 16 kHz -> tokens int32 each, in order."""
        return [np.concatenate([np.empty(0, np.int32), *map(self._encode, self._parts(wave))]) for wave in waves]

    def _parts(self, wave: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(wave), _SEGMENT_S * self.sample_rate):
            yield wave[start : start + _SEGMENT_S * self.sample_rate]

    def _encode(self, wave: np.ndarray) -> np.ndarray:
        features = self.extractor(
            wave,
            sampling_rate=self.sample_rate,
            padding="longest",
            pad_to_multiple_of=self._samples,
            return_attention_mask=True,
            return_tensors="pt",
        ).to(self.device)
        return self.model(features.input_features, features.attention_mask[0].bool()).to(torch.int32).cpu().numpy()


def _with_weights(model: _Encoder, folder: Path) -> _Encoder:
    """Of the checkpoint only what the encoder up to the codebook has; its upper layers and its decoder are not read."""
    wanted, found = set(model.state_dict()), {}
    for path in sorted(folder.glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.removeprefix(_PREFIX) in wanted]  # noqa: SIM118  no mapping
            found |= {name.removeprefix(_PREFIX): file.get_tensor(name) for name in names}
    if not found:
        raise FileNotFoundError(f"{folder}/model.safetensors is missing, or holds no {_PREFIX}*")
    try:
        model.load_state_dict(found)
    except RuntimeError as error:
        raise ValueError(f"{folder} does not fit the speech tokenizer: {error}") from error
    return model.float()
