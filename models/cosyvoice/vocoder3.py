"""CosyVoice3's vocoder: log-mel -> wave by flashcosyvoice's HiFT, whose convolutions here look back only.

What differs from CosyVoice2's is what the official CausalHiFTGenerator (cosyvoice/hifigan/generator.py) changed: the
zeros stand before, not on both sides; the first layers of vocoder and pitch predictor look ahead instead; a stretched
signal and a plain convolution take the place of transposed ones; pitch is computed in float64 and its harmonics do not
glide within a frame; their noise is uniform. The official class draws that noise once, at its start; here it is drawn
for each utterance, the same each time (SeededNoise in models/flow/seeded_noise.py).
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from models.cosyvoice.release import config_file, flashcosyvoice, with_weights

hifigan, layers = flashcosyvoice("hifigan"), flashcosyvoice("hifigan_components.layers")
_PITCH_AHEAD = 3  # frames; cosyvoice/hifigan/f0_predictor.py, CausalConvRNNF0Predictor


def _zeros(layer: nn.Module, before: int = 0, behind: int = 0, stretch: int = 1) -> nn.Module:
    """The convolution, with its zeros there, after each value was repeated `stretch` times."""

    def prepare(_module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        return (F.pad(args[0].repeat_interleave(stretch, dim=-1), (before, behind)),)

    layer.padding = (0,)
    layer.register_forward_pre_hook(prepare)
    return layer


def _looking_back(layer: nn.Conv1d) -> nn.Module:
    return _zeros(layer, before=layer.dilation[0] * (layer.kernel_size[0] - 1))


class Pitch(hifigan.ConvRNNF0Predictor):
    """Log-mel [rows, bins, frames] -> Hz [rows, frames], in float64."""

    def __init__(self, num_class: int, in_channels: int, cond_channels: int):
        super().__init__(num_class, in_channels, cond_channels)
        first = weight_norm(nn.Conv1d(in_channels, cond_channels, _PITCH_AHEAD + 1))
        self.condnet[0] = _zeros(first, behind=_PITCH_AHEAD)
        for layer in self.condnet[2::2]:
            _looking_back(layer)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.double()).to(x)


class Harmonics(layers.SineGen2):
    """Hz [1, samples, 1], the same within a frame -> its harmonics and noise [1, samples, harmonics]."""

    def forward(self, hertz: Tensor) -> tuple[Tensor, Tensor, None]:
        numbers = torch.arange(1, self.dim + 1, device=hertz.device, dtype=hertz.dtype)
        cycles = hertz[:, :: self.upsample_scale] * numbers / self.sampling_rate % 1  # a sample
        phase = cycles.cumsum(dim=1) * 2 * math.pi * self.upsample_scale
        voiced = (hertz > self.voiced_threshold).to(hertz)
        loud = voiced * self.noise_std + (1 - voiced) * self.sine_amp / 3
        noise = loud * torch.rand(1, hertz.shape[1], self.dim, device=hertz.device)
        tone = self.sine_amp * phase.sin().repeat_interleave(self.upsample_scale, dim=1)
        return tone * voiced + noise, voiced, None


class Vocoder(hifigan.HiFTGenerator):
    """Parameters are those of hift.pt; sizes are `hift` of cosyvoice3.yaml, conv_pre_look_right in frames."""

    def __init__(self, f0_predictor: dict[str, int], conv_pre_look_right: int, **sizes: Any):
        super().__init__(**sizes, f0_predictor=Pitch(**f0_predictor))
        first = nn.Conv1d(self.conv_pre.in_channels, self.conv_pre.out_channels, conv_pre_look_right + 1)
        self.conv_pre = _zeros(weight_norm(first), behind=conv_pre_look_right)
        for number, up in enumerate(self.ups):
            plain = weight_norm(nn.Conv1d(up.in_channels, up.out_channels, up.kernel_size[0]))
            self.ups[number] = _zeros(plain, before=up.kernel_size[0] - 1, stretch=up.stride[0])
        for down in self.source_downs:
            _zeros(down, before=down.stride[0] - 1)
        for block in (*self.source_resblocks, *self.resblocks):
            for layer in (*block.convs1, *block.convs2):
                _looking_back(layer)
        _looking_back(self.conv_post)
        source = self.m_source.l_sin_gen
        self.m_source.l_sin_gen = Harmonics(
            source.sampling_rate,
            source.upsample_scale,
            source.harmonic_num,
            source.sine_amp,
            source.noise_std,
            source.voiced_threshold,
        )


def load_vocoder(folder: Path, config: dict[str, Any]) -> Vocoder:
    """The vocoder with the weights of hift.pt, float32 but for the pitch.

    Raises:
        FileNotFoundError: hift.pt is missing.
        ValueError: its tensors are not those of cosyvoice3.yaml, or that is of another family.
    """
    try:
        vocoder = Vocoder(**config["hift"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config_file(folder)}: no vocoder of CosyVoice3: {error!r}") from error
    return with_weights(vocoder, folder / "hift.pt", prefix="generator.")  # of GAN training
