"""The diffusion transformer that moves noise to a log-mel, as GLM-TTS and CosyVoice3 release it (after F5-TTS,
arXiv 2410.06885), and the walk along it. Names and shapes of the parameters are the released ones; what goes in is each
family's own.

Rows of a batch are masked, so that each comes out as it would alone.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD = 64  # channels of an attention head


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, inner = heads, heads * HEAD
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, inner) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(inner, width)])

    def forward(self, x: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        # Positions turn the first head alone: the published code turns before it splits heads.
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        q, k = (torch.cat([_turn(part[..., :HEAD], turns), part[..., HEAD:]], dim=-1) for part in (q, k))
        q, k, v = (part.unflatten(-1, (self.heads, HEAD)).transpose(1, 2) for part in (q, k, v))
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.squeeze(-1)[:, None, None])
        return self.to_out[0](heard.transpose(1, 2).flatten(-2)) * mask


def _turn(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions on neighbouring pairs of channels."""
    cos, sin = turns
    pairs = x.unflatten(-1, (-1, 2))
    turned = torch.stack([-pairs[..., 1], pairs[..., 0]], dim=-1).flatten(-2)
    return (x * cos + turned * sin).to(x.dtype)


class _Modulation(nn.Module):
    """Time (and speaker) -> `parts` vectors of the transformer's width."""

    def __init__(self, width: int, extra: int, parts: int):
        super().__init__()
        self.linear, self.parts = nn.Linear(width + extra, parts * width), parts

    def forward(self, when: Tensor) -> tuple[Tensor, ...]:
        return self.linear(F.silu(when))[:, None].chunk(self.parts, dim=-1)


class _Block(nn.Module):
    """Attention and feed-forward, both modulated by time (and speaker)."""

    def __init__(self, width: int, heads: int, extra: int, inner: int):
        super().__init__()
        self.attn_norm, self.attn = _Modulation(width, extra, 6), _Attention(width, heads)
        first = nn.Sequential(nn.Linear(width, inner), nn.GELU("tanh"))
        self.ff = nn.ModuleDict({"ff": nn.Sequential(first, nn.Identity(), nn.Linear(inner, width))})

    def forward(self, x: Tensor, when: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        shift, scale, gate, ff_shift, ff_scale, ff_gate = self.attn_norm(when)
        x = x + gate * self.attn(_normal(x) * (1 + scale) + shift, mask, turns)
        return x + ff_gate * self.ff["ff"](_normal(x) * (1 + ff_scale) + ff_shift)


def _normal(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


class _Time(nn.Module):
    """Time in [0, 1] -> vector."""

    def __init__(self, width: int, size: int = 256):
        super().__init__()
        self.size = size
        self.time_mlp = nn.Sequential(nn.Linear(size, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        rates = torch.exp(torch.linspace(0, -math.log(10000), self.size // 2, device=time.device))
        angles = 1000 * time[:, None] * rates
        return self.time_mlp(torch.cat([angles.sin(), angles.cos()], dim=-1))


class DiffusionTransformer(nn.Module):
    """Blocks and output; subclasses make the input.

    Args:
        width, depth, heads: of the blocks; heads of 64 channels.
        mel: bins.
        extra: size of what stands beside the time's vector.
        widening: of the feed-forward, to `widening` x width.
    """

    def __init__(self, width: int, depth: int, heads: int, mel: int, extra: int = 0, widening: int = 2):
        super().__init__()
        self.time_embed = _Time(width)
        self.rotary_embed = nn.Module()  # of the release; half precision would be too coarse for what it says
        self.rotary_embed.register_buffer("inv_freq", _rates("cpu"))
        self.transformer_blocks = nn.ModuleList(_Block(width, heads, extra, widening * width) for _ in range(depth))
        self.norm_out = _Modulation(width, extra, 2)
        self.proj_out = nn.Linear(width, mel)

    def transform(self, x: Tensor, when: Tensor, mask: Tensor) -> Tensor:
        """x [batch, frames, width], when [batch, width + extra], mask bool [batch, frames, 1] -> mel of x's frames."""
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * _rates(x.device)
        angles = angles.repeat_interleave(2, dim=-1)
        for block in self.transformer_blocks:
            x = block(x, when, mask, (angles.cos(), angles.sin()))
        scale, shift = self.norm_out(when)
        return self.proj_out(_normal(x) * (1 + scale) + shift)


def _rates(device: torch.device | str) -> Tensor:
    return 10000.0 ** (-torch.arange(0, HEAD, 2, device=device).float() / HEAD)


def walk(x: Tensor, slope: Callable[[Tensor, Tensor], Tensor], steps: int, guidance: float) -> Tensor:
    """Euler steps from noise to mel, short ones first (cosine), with classifier-free guidance (arXiv 2207.12598).

    Args:
        x: float32 [rows, frames, mel].
        slope: of x twice [2 rows, frames, mel] at time [2 rows]: first with all conditions, then without.
        steps: of the walk; as many times two passes of the transformer, which are one batch.
        guidance: how far beyond the first, away from the second.
    """
    times = 1 - torch.cos(torch.linspace(0, 1, steps + 1, device=x.device) * 0.5 * torch.pi)
    for now, then in pairwise(times):
        guided, free = slope(torch.cat([x, x]), now.expand(2 * len(x))).to(x.dtype).chunk(2)
        x = x + (then - now) * ((1 + guidance) * guided - guidance * free)
    return x
