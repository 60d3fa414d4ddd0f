"""Token2wav of the embedded default: speech tokens -> mel (a small convolutional decoder) -> wave (a vocoder).

A token is the k-means cell of a few stacked mel frames (`models/tiny_mandarin/codec.py` trains both parts). Looking
the cells' centres up would do, but neighbouring tokens tell more: the decoder halves the mel error.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from speech.files import whole_file
from speech.interfaces import Row
from speech.loading import there

WEIGHTS = "mel_decoder.safetensors"
_ENCODED_AT_ONCE = 64


class ResidualBlock(nn.Module):
    """LayerNorm -> convolution over time -> GELU -> pointwise, added to the input; padding frames stay zero."""

    def __init__(self, channels: int, kernel_size: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Conv1d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        h = self.norm(x.transpose(1, 2)).transpose(1, 2) * mask
        return (x + self.out(F.gelu(self.mix(h)))) * mask


class MelDecoder(nn.Module):
    """Token ids int64 [batch, tokens] -> log-mel [batch, tokens * frames_per_token, mel_bins].

    A padded batch gives what each row alone would give: the mask keeps padding at zero, which is what the
    convolutions see past the end of a single row.
    """

    def __init__(
        self,
        codebook_size: int = 1024,
        frames_per_token: int = 3,
        mel_bins: int = 80,
        channels: int = 192,
        token_blocks: int = 3,
        frame_blocks: int = 2,
    ):
        super().__init__()
        self.frames_per_token, self.mel_bins = frames_per_token, mel_bins
        width = frames_per_token * mel_bins
        self.register_buffer("codebook", torch.zeros(codebook_size, width))  # normalised mel, stacked frames
        self.register_buffer("mel_mean", torch.zeros(mel_bins))
        self.register_buffer("mel_std", torch.ones(mel_bins))
        self.embed = nn.Linear(width, channels)
        self.token_blocks = nn.ModuleList(ResidualBlock(channels, 5) for _ in range(token_blocks))
        self.upsample = nn.Conv1d(channels, channels * frames_per_token, 1)
        self.frame_blocks = nn.ModuleList(ResidualBlock(channels, 5) for _ in range(frame_blocks))
        self.to_mel = nn.Linear(channels, mel_bins)

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        batch, count = tokens.shape
        lengths = torch.full((batch,), count) if lengths is None else lengths
        mask = (torch.arange(count)[None] < lengths[:, None]).unsqueeze(1).to(self.codebook.dtype)
        x = self.embed(self.codebook[tokens]).transpose(1, 2) * mask
        for block in self.token_blocks:
            x = block(x, mask)
        x = self.upsample(x).view(batch, -1, self.frames_per_token, count)
        x = x.transpose(2, 3).reshape(batch, -1, count * self.frames_per_token)
        mask = mask.repeat_interleave(self.frames_per_token, dim=2)
        x = x * mask
        for block in self.frame_blocks:
            x = block(x, mask)
        return self.to_mel(x.transpose(1, 2)) * self.mel_std + self.mel_mean

    def encode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel float32 [frames, mel_bins] -> nearest codebook entries int32 [ceil(frames / frames_per_token)]."""
        return self.encode_all([mel])[0]

    @torch.no_grad()
    def encode_all(self, mels: list[np.ndarray]) -> list[np.ndarray]:
        """The same of many, in products of _ENCODED_AT_ONCE mels."""
        found: list[np.ndarray] = []
        norms = self.codebook.square().sum(1)
        for start in range(0, len(mels), _ENCODED_AT_ONCE):
            stacked = [self._stacked(mel) for mel in mels[start : start + _ENCODED_AT_ONCE]]
            # Squared distance to each entry, less what is the same for all of them.
            distances = torch.addmm(norms, torch.cat(stacked), self.codebook.T, alpha=-2)
            found += [ids.numpy() for ids in distances.argmin(1).to(torch.int32).split([len(one) for one in stacked])]
        return found

    def _stacked(self, mel: np.ndarray) -> torch.Tensor:
        """Normalised frames, frames_per_token of them side by side, the last one repeated to fill a token."""
        frames = torch.from_numpy((mel - self.mel_mean.numpy()) / self.mel_std.numpy())
        missing = -len(frames) % self.frames_per_token
        if missing:
            frames = torch.cat([frames, frames[-1:].expand(missing, -1)])
        return frames.reshape(-1, self.codebook.shape[1])


class MelToken2Wav:
    """The `Token2Wav` of the embedded default (one voice; `Row.voice` must be None).

    Args:
        model_dir: directory with `mel_decoder.safetensors`, written by `save_decoder`.
        vocoder: callable from log-mel [frames, mel_bins] to a float32 wave.
        sample_rate: of the vocoder's waves, Hz.
        mel_frame_rate: mel frames per second.
        workers: rows for the vocoder at once; more than 1 only if it may be called by several threads.
    """

    def __init__(
        self,
        model_dir: str,
        vocoder: Any,
        sample_rate: int,
        mel_frame_rate: int,
        workers: int = 1,
    ):
        self.decoder = load_decoder(model_dir)
        self.vocoder = vocoder
        self.sample_rate = sample_rate
        self.codebook_size = len(self.decoder.codebook)
        self.token_rate = mel_frame_rate / self.decoder.frames_per_token
        self._map = ThreadPoolExecutor(workers).map if workers > 1 else map

    @torch.inference_mode()
    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """One float32 mono wave per row, in the order given.

        A wave depends on its row alone, bit by bit: the rows go through the decoder one by one, which costs two cores
        nothing. The last bits of a batch's sums depend on its other rows, a vocoder in bfloat16 makes them audible,
        and the same rollout would get another reward in other company.

        Raises:
            ValueError: a row names a voice.
        """
        if voices := sorted({row.voice for row in rows} - {None}):
            raise ValueError(f"this token2wav has one voice without a name, got voice {voices}")
        tokens = (torch.from_numpy(row.tokens.astype(np.int64)) for row in rows)
        return list(self._map(self.vocoder, [self.decoder(one[None])[0].numpy() for one in tokens]))


def save_decoder(decoder: MelDecoder, model_dir: str) -> None:
    """Writes the decoder; its shape can be read back from the weights."""
    with whole_file(Path(model_dir) / WEIGHTS) as temporary:
        save_file({k: v.contiguous() for k, v in decoder.state_dict().items()}, temporary)


def load_decoder(model_dir: str) -> MelDecoder:
    """Reads what `save_decoder` wrote.

    Raises:
        FileNotFoundError: no such file; the message says which stage makes it.
    """
    weights = load_file(there(Path(model_dir) / WEIGHTS, "the stage `data` builds it (bash run.sh data)"))
    channels, width = weights["embed.weight"].shape
    mel_bins = len(weights["mel_mean"])
    blocks = {name.split(".")[1] for name in weights if name.startswith("token_blocks.")}
    frame_blocks = {name.split(".")[1] for name in weights if name.startswith("frame_blocks.")}
    decoder = MelDecoder(
        len(weights["codebook"]), width // mel_bins, mel_bins, channels, len(blocks), len(frame_blocks)
    )
    decoder.load_state_dict(weights)
    return decoder.eval()


def token_features(model_dir: str) -> torch.Tensor:
    """What each token sounds like, float32 [codebook_size, features]: its cell's mel frames, normalised."""
    return load_decoder(model_dir).codebook.float()
