"""Audio -> speech codes by X-codec2's own encoder and its semantic model, w2v-bert-2.0."""

from itertools import groupby

import numpy as np
import torch
from torch.nn.functional import pad
from transformers import AutoFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

from models.xcodec2.package import (
    CODEBOOK_SIZE,
    ENCODER,
    HOP,
    SAMPLE_RATE,
    SEMANTIC,
    filled,
    linear,
    make_encoder,
    make_quantizer,
    part,
    read_weights,
)
from speech.loading import pretrained, whole


class XCodec2Encoder:
    """X-codec2's encoder; `encode` computes what XCodec2Model.encode_code does, for several waves.

    Args:
        model_dir: directory of HKUSTAudio/xcodec2.
        semantic_dir: directory of facebook/w2v-bert-2.0; its weights are read only if those of the codec hold no
            `semantic_model.*`.
        device: torch device.
        dtype: float32, bfloat16 or float16, of the semantic model; the codec's own part is float32.
        semantic_layer: whose output the codec reads; the layers behind it are not computed.

    Raises:
        FileNotFoundError, ValueError: one of the directories is not what it should be.
    """

    sample_rate = SAMPLE_RATE
    token_rate = SAMPLE_RATE / HOP
    codebook_size = CODEBOOK_SIZE

    def __init__(
        self,
        model_dir: str,
        semantic_dir: str,
        device: str = "cpu",
        dtype: str = "float32",
        semantic_layer: int = 16,
    ):
        files = ("config.json", "preprocessor_config.json")
        whole(semantic_dir, files, "download facebook/w2v-bert-2.0 (stage models)")
        weights = read_weights(model_dir, ENCODER + SEMANTIC)
        self.device, self.dtype, self.layer = torch.device(device), getattr(torch, dtype), semantic_layer
        self.extractor = pretrained(AutoFeatureExtractor, semantic_dir)
        self.semantic = _semantic_model(semantic_dir, weights, model_dir, semantic_layer).to(self.device, self.dtype)
        acoustic, semantic = make_encoder(weights, model_dir)
        self.acoustic, self.after_semantic = acoustic.to(self.device), semantic.to(self.device)
        self.fc_prior = linear(part(weights, "fc_prior.", model_dir), model_dir).to(self.device)
        self.quantizer = make_quantizer(weights, model_dir).to(self.device)

    def encode(self, waves: list[np.ndarray]) -> list[np.ndarray]:
        """Mono waves float32 [samples] at 16 kHz -> codes int32 [samples // 320 + 1] each, in order.

        Waves of the same number of codes are computed together, so that no padding is ever read.

        Raises:
            ValueError: a wave without samples.
        """
        if not all(len(wave) for wave in waves):
            raise ValueError("a wave has no samples")
        order = sorted(range(len(waves)), key=lambda i: len(waves[i]) // HOP)
        codes: dict[int, np.ndarray] = {}
        for frames, rows in groupby(order, key=lambda i: len(waves[i]) // HOP + 1):
            chosen = list(rows)
            batch = np.stack([np.pad(waves[i], (0, frames * HOP - len(waves[i]))) for i in chosen])
            codes |= zip(chosen, self._encode(torch.from_numpy(batch)), strict=True)
        return [codes[i] for i in range(len(waves))]

    @torch.inference_mode()
    def _encode(self, waves: torch.Tensor) -> np.ndarray:
        """Waves float32 [batch, frames x 320] -> codes int32 [batch, frames]."""
        heard = [wave.numpy() for wave in pad(waves, (HOP // 2, HOP // 2))]
        features = self.extractor(heard, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_features
        states = self.semantic(features.to(self.device, self.dtype), output_hidden_states=True).hidden_states
        semantic = self.after_semantic(states[self.layer].float().transpose(1, 2))
        acoustic = self.acoustic(waves[:, None].to(self.device)).transpose(1, 2)
        both = self.fc_prior(torch.cat([semantic, acoustic], dim=1).transpose(1, 2))
        _, codes = self.quantizer(both)
        return codes[..., 0].to(torch.int32).cpu().numpy()


def _semantic_model(folder: str, weights: dict[str, torch.Tensor], model_dir: str, layers: int) -> Wav2Vec2BertModel:
    own = {name.removeprefix(SEMANTIC[0]): tensor for name, tensor in weights.items() if name.startswith(SEMANTIC)}
    if own:
        model = filled(Wav2Vec2BertModel(Wav2Vec2BertConfig.from_pretrained(folder)), own, model_dir)
    else:
        model = Wav2Vec2BertModel.from_pretrained(folder, dtype=torch.float32)
    if len(model.encoder.layers) < layers:
        raise ValueError(f"{folder} has {len(model.encoder.layers)} layers, semantic_layer={layers}")
    model.encoder.layers = model.encoder.layers[:layers]
    return model.eval()
