"""Speaker similarity as papers report it (SIM of seed-tts-eval, also GLM-TTS's and Inworld's): WavLM-large whose layers
are weighted and read by an ECAPA-TDNN (arXiv 2005.07143; ECAPA_TDNN_SMALL of UniSpeech's speaker verification).

The checkpoint wavlm_large_finetune.pth holds both networks in one file: {"model": {name: tensor}}, WavLM below
feature_extract.model. by its authors' names (arXiv 2110.13900), which `NAMES` turns into those of transformers.
"""

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import WavLMConfig, WavLMModel

from reward_tts.scorers.similarity import SpeakerSimilarity
from speech.loading import there, weights_of

_ADVICE = (
    "wavlm_large_finetune.pth, to which the README of seed-tts-eval links; or scorers=similarity, a model that hubs "
    "have"
)
_WAVLM = "feature_extract.model."
# Rules for a name of the checkpoint, the first that fits; r"" leaves a tensor out that only pretraining needs.
NAMES = (
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.(.*)", r"feature_extractor.conv_layers.\1.conv.\2"),
    (r"feature_extractor\.conv_layers\.(\d+)\.2(?:\.1)?\.(.*)", r"feature_extractor.conv_layers.\1.layer_norm.\2"),
    (r"post_extract_proj\.(.*)", r"feature_projection.projection.\1"),
    (r"layer_norm\.(.*)", r"feature_projection.layer_norm.\1"),
    (r"encoder\.pos_conv\.0\.weight_g", r"encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
    (r"encoder\.pos_conv\.0\.weight_v", r"encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
    (r"encoder\.pos_conv\.0\.bias", r"encoder.pos_conv_embed.conv.bias"),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_linear\.(.*)", r"encoder.layers.\1.attention.gru_rel_pos_linear.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_a", r"encoder.layers.\1.attention.gru_rel_pos_const"),
    (
        r"encoder\.layers\.(\d+)\.self_attn\.relative_attention_bias\.(.*)",
        r"encoder.layers.\1.attention.rel_attn_embed.\2",
    ),
    (r"encoder\.layers\.(\d+)\.self_attn\.([kvq]|out)_proj\.(.*)", r"encoder.layers.\1.attention.\2_proj.\3"),
    (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.(.*)", r"encoder.layers.\1.layer_norm.\2"),
    (r"encoder\.layers\.(\d+)\.fc1\.(.*)", r"encoder.layers.\1.feed_forward.intermediate_dense.\2"),
    (r"encoder\.layers\.(\d+)\.fc2\.(.*)", r"encoder.layers.\1.feed_forward.output_dense.\2"),
    (r"(encoder\.layers\.\d+\.final_layer_norm\..*)", r"\1"),
    (r"(encoder\.layer_norm\..*)", r"\1"),
    (r"mask_emb", r"masked_spec_embed"),
    (r"(?:final_proj|label_embs_concat|quantizer|project_q)\b.*", r""),
)


class SeedTTSEval(SpeakerSimilarity):
    """Embeddings of wavlm_large_finetune.pth; each wave alone and whole.

    Args:
        checkpoint: the file.
        voices, default: see SpeakerSimilarity.
        device: torch device.

    Raises:
        FileNotFoundError: the file is missing. ValueError: it does not hold such networks.
    """

    sample_rate = 16_000

    def __init__(self, checkpoint: str, voices: dict[str, str] | str, default: str | None = None, device: str = "cpu"):
        state = weights_of(there(checkpoint, _ADVICE))
        state = state.get("model", state)
        self._device = torch.device(device)
        self.wavlm = wavlm_of({n.removeprefix(_WAVLM): t for n, t in state.items() if n.startswith(_WAVLM)})
        self.wavlm.to(self._device).eval()
        self._head = {n: t.to(self._device) for n, t in state.items() if not n.startswith(_WAVLM)}
        if missing := {"feature_weight", "layer1.conv.weight", "pooling.linear1.weight", "linear.weight"} - set(state):
            raise ValueError(f"{checkpoint} has no {sorted(missing)[0]}: not the speaker model of seed-tts-eval")
        super().__init__(voices, default)

    @torch.inference_mode()
    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, 256]."""
        return np.concatenate([self._one(wave) for wave in waves])

    def _one(self, wave: np.ndarray) -> np.ndarray:
        wave = np.pad(wave, (0, max(0, self.sample_rate // 10 - len(wave))))  # its convolutions need some frames
        values = torch.from_numpy(wave).to(self._device)
        values = functional.layer_norm(values, values.shape)[None]  # the whole wave: mean 0, variance 1
        states = torch.stack(self.wavlm(values, output_hidden_states=True).hidden_states)
        return functional.normalize(ecapa(self._head, states), dim=-1).cpu().numpy()


def wavlm_of(state: Mapping[str, Tensor]) -> WavLMModel:
    """transformers' WavLM with the tensors of its authors' checkpoint, of whatever size.

    Raises:
        ValueError: tensors that are missing or not of a WavLM with layer norm first (WavLM-large).
    """
    renamed = {new: tensor for name, tensor in state.items() if (new := _renamed(name))}
    try:
        model = WavLMModel(_config(state))
        model.load_state_dict(renamed)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"the WavLM in it is not WavLM-large: {error}") from error
    return model


def _renamed(name: str) -> str:
    for old, new in NAMES:
        if re.fullmatch(old, name):
            return re.sub(old, new, name)
    raise ValueError(f"a WavLM has no {_WAVLM}{name}")


def _config(state: Mapping[str, Tensor]) -> WavLMConfig:
    """Sizes as the tensors have them; what no tensor tells is WavLM-large's."""
    convs = [state[f"feature_extractor.conv_layers.{i}.0.weight"] for i in range(7)]
    layers = 1 + max(int(name.split(".")[2]) for name in state if name.startswith("encoder.layers."))
    width, position = state["post_extract_proj.weight"].shape[0], state["encoder.pos_conv.0.weight_v"]
    bias = state["encoder.layers.0.self_attn.relative_attention_bias.weight"]
    return WavLMConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=bias.shape[1],
        intermediate_size=state["encoder.layers.0.fc1.weight"].shape[0],
        conv_dim=[conv.shape[0] for conv in convs],
        conv_bias="feature_extractor.conv_layers.0.0.bias" in state,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=position.shape[2],
        num_conv_pos_embedding_groups=width // position.shape[1],
        num_buckets=bias.shape[0],
        max_bucket_distance=800,
        apply_spec_augment=False,
    )


def ecapa(weights: Mapping[str, Tensor], states: Tensor) -> Tensor:
    """The embedding [1, size] of the hidden states [layers, 1, frames, width]: their weighted sum, normalised over
    time, through four layers whose last three are joined, and pooled by attention."""
    shares = weights["feature_weight"].softmax(-1)
    x = torch.einsum("l,lbtc->bct", shares, states) + 1e-6
    x = functional.instance_norm(x)
    x = _block(weights, "layer1", x, padding=2)
    outputs = []
    for number in (2, 3, 4):
        x = _residual(weights, f"layer{number}", x, dilation=number)
        outputs.append(x)
    x = torch.relu(_convolved(weights, "conv", torch.cat(outputs, dim=1)))
    heard = torch.tanh(_convolved(weights, "pooling.linear1", x))
    attention = _convolved(weights, "pooling.linear2", heard).softmax(-1)
    mean = (attention * x).sum(-1)
    spread = ((attention * x.square()).sum(-1) - mean.square()).clamp(min=1e-9).sqrt()
    pooled = _normed(weights, "bn", torch.cat([mean, spread], dim=1))
    return functional.linear(pooled, weights["linear.weight"], weights["linear.bias"])


def _convolved(w: Mapping[str, Tensor], name: str, x: Tensor, padding: int = 0, dilation: int = 1) -> Tensor:
    return functional.conv1d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=padding, dilation=dilation)


def _normed(w: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, variance = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    return functional.batch_norm(x, mean, variance, w[f"{name}.weight"], w[f"{name}.bias"])


def _block(w: Mapping[str, Tensor], name: str, x: Tensor, padding: int = 0) -> Tensor:
    return _normed(w, f"{name}.bn", torch.relu(_convolved(w, f"{name}.conv", x, padding)))


def _residual(w: Mapping[str, Tensor], name: str, x: Tensor, dilation: int) -> Tensor:
    """A squeeze-and-excitation block around a Res2 convolution: each slice of channels also hears the one before."""
    y = _block(w, f"{name}.Conv1dReluBn1", x)
    inner = f"{name}.Res2Conv1dReluBn"
    count = sum(re.fullmatch(rf"{re.escape(inner)}\.convs\.\d+\.weight", key) is not None for key in w)
    *slices, last = y.chunk(count + 1, dim=1)
    done: list[Tensor] = []
    for number, piece in enumerate(slices):
        piece = piece + done[-1] if done else piece
        piece = torch.relu(_convolved(w, f"{inner}.convs.{number}", piece, dilation, dilation))
        done.append(_normed(w, f"{inner}.bns.{number}", piece))
    y = _block(w, f"{name}.Conv1dReluBn2", torch.cat([*done, last], dim=1))
    gate = functional.linear(
        y.mean(-1), w[f"{name}.SE_Connect.linear1.weight"], w[f"{name}.SE_Connect.linear1.bias"]
    ).relu()
    gate = functional.linear(gate, w[f"{name}.SE_Connect.linear2.weight"], w[f"{name}.SE_Connect.linear2.bias"])
    if f"{name}.shortcut.weight" in w:
        x = _convolved(w, f"{name}.shortcut", x)
    return x + y * gate.sigmoid()[..., None]
