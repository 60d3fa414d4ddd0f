"""Token2wav of Llasa and Inworld TTS: X-codec2 turns 50 tokens a second into waves of 16 kHz.

Rows of any lengths are decoded together, and each comes out as it would alone. The package's decoder normalises over
time (GroupNorm), attends to everything and overlaps frames, so padding would be heard; here the same modules run with
the padding masked out of each of these. A voice's speech tokens, if it has some, stand before the row's and their part
of the wave is cut off, as the published inference does: the decoder looks both ways.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import group_norm, scaled_dot_product_attention, silu
from torch.nn.utils.rnn import pad_sequence

from models.xcodec2.package import CODEBOOK_SIZE, DECODER, HOP, SAMPLE_RATE, make_decoder, read_weights
from speech.interfaces import Row
from speech.voices import read_voices, voice_of


class XCodec2Token2Wav:
    """Batched X-codec2 decoder.

    Args:
        model_dir: directory of HKUSTAudio/xcodec2.
        device: torch device.
        dtype: float32, bfloat16 or float16, of all but quantiser and inverse Fourier transform.
        voices: JSONL of speech/voices.py (recipe.voices), or None.
        batch_size: rows decoded together.

    Raises:
        FileNotFoundError, ValueError: the directory is not X-codec2's.
    """

    sample_rate = SAMPLE_RATE
    token_rate = SAMPLE_RATE / HOP
    codebook_size = CODEBOOK_SIZE

    def __init__(
        self,
        model_dir: str,
        device: str = "cpu",
        dtype: str = "float32",
        voices: str | None = None,
        batch_size: int = 16,
    ):
        decoder, after_codes = make_decoder(read_weights(model_dir, DECODER), model_dir)
        self.device, self.dtype, self.batch_size = torch.device(device), getattr(torch, dtype), batch_size
        self.quantizer = decoder.quantizer.to(self.device)
        self.fc_post_a = after_codes.to(self.device, self.dtype)
        self.backbone = decoder.backbone.to(self.device)
        for parameter in self.backbone.parameters():  # not the buffers: rotations are computed in float32
            parameter.data = parameter.data.to(self.dtype)
        self.head = decoder.head.out.to(self.device, self.dtype)
        self.istft = decoder.head.istft.to(self.device)
        self.voices = read_voices(voices)

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """One mono wave float32 [320 x tokens] per row, in order.

        Raises:
            ValueError: a token outside the codebook, or a voice that is not known.
        """
        waves: list[np.ndarray] = []
        for start in range(0, len(rows), self.batch_size):
            waves += self._decode(rows[start : start + self.batch_size])
        return waves

    @torch.inference_mode()
    def _decode(self, rows: list[Row]) -> list[np.ndarray]:
        spoken = [voice_of(row.voice, self.voices) for row in rows]
        prompts = [voice.speech_tokens if voice else () for voice in spoken]
        codes = [
            torch.tensor([*prompt, *row.tokens.tolist()], dtype=torch.long)
            for prompt, row in zip(prompts, rows, strict=True)
        ]
        for one in codes:
            if len(one) == 0 or one.min() < 0 or one.max() >= CODEBOOK_SIZE:
                raise ValueError(f"X-codec2 speaks tokens from 0 to {CODEBOOK_SIZE - 1}, got {one.tolist()[:5]} ...")
        lengths = torch.tensor([len(one) for one in codes], device=self.device)
        padded = pad_sequence(codes, batch_first=True).to(self.device)
        mask = torch.arange(padded.shape[1], device=self.device) < lengths[:, None]
        spectra = self.head(self._backbone(self._embed(padded), mask)).float()
        waves = [self._wave(one[:length]) for one, length in zip(spectra, lengths.tolist(), strict=True)]
        return [wave[HOP * len(prompt) :].cpu().numpy() for wave, prompt in zip(waves, prompts, strict=True)]

    def _embed(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes int64 [batch, frames] -> [batch, frames, hidden]."""
        return self.fc_post_a(self.quantizer.get_output_from_indices(codes[..., None]).to(self.dtype))

    def _backbone(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """VocosBackbone.forward with padding kept out; x [batch, frames, hidden], mask bool [batch, frames]."""
        net, keep = self.backbone, mask[:, None]
        x = net.embed(x.transpose(1, 2) * keep)
        for block in net.prior_net:
            x = _resnet(block, x, keep)
        x = x.transpose(1, 2)
        for block in net.transformers:
            x = x + _attention(block.att, block.att_norm(x), keep[:, None])
            x = x + block.mlp(block.ffn_norm(x))
        x = x.transpose(1, 2)
        for block in net.post_net:
            x = _resnet(block, x, keep)
        return net.final_layer_norm(x.transpose(1, 2))

    def _wave(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The package's ISTFTHead after its linear layer: float32 [frames, 2 x bins] -> wave [320 x frames]."""
        log_magnitude, phase = spectrum.T.chunk(2)
        magnitude = log_magnitude.exp().clip(max=1e2)
        return self.istft(torch.polar(magnitude, phase)[None])[0]


def _resnet(block: nn.Module, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """ResnetBlock.forward; x [batch, channels, frames], keep bool [batch, 1, frames]."""
    h = block.conv1(silu(_group_norm(block.norm1, x, keep)) * keep)
    h = block.conv2(silu(_group_norm(block.norm2, h, keep)) * keep)
    return x + h


def _group_norm(norm: nn.GroupNorm, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """GroupNorm over the frames that are kept; the mean and variance of each row in float32."""
    if keep.all():
        return group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps)
    batch, channels, frames = x.shape
    grouped = x.float().view(batch, norm.num_groups, -1, frames)
    weight = keep[:, None].float()
    count = weight.sum((2, 3), keepdim=True) * grouped.shape[2]
    mean = (grouped * weight).sum((2, 3), keepdim=True) / count
    variance = ((grouped - mean).square() * weight).sum((2, 3), keepdim=True) / count
    normal = ((grouped - mean) * torch.rsqrt(variance + norm.eps)).view(batch, channels, frames).to(x.dtype)
    return normal * norm.weight[:, None] + norm.bias[:, None]


def _attention(attention: nn.Module, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Attention.forward; x [batch, frames, hidden], keep bool [batch, 1, 1, frames].

    The package applies its rotary embedding along the heads, not along time; that is how it was trained, so it stays.
    """
    batch, frames, hidden = x.shape
    q, k, v = attention.c_attn(x).view(batch, frames, 3, attention.n_heads, -1).permute(2, 0, 3, 1, 4)
    q, k = attention.rotary_embed(q), attention.rotary_embed(k)
    y = scaled_dot_product_attention(q, k, v, attn_mask=keep)
    return attention.c_proj(y.transpose(1, 2).reshape(batch, frames, hidden))
