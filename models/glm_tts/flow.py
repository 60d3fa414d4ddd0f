"""GLM-TTS's flow: speech tokens -> log-mel, by a diffusion transformer that walks from noise to speech.

No package that fits beside this server holds it (vllm-omni does, with all of vLLM), so its structure is written down
here as the weights of `flow/flow.pt` imply it: names and shapes of the parameters are the released ones (flow/dit.py,
flow/modules.py of zai-org/GLM-TTS). Theirs decodes one row at a time; here rows of a batch are masked so that each
comes out as it would alone: whatever a convolution, a normalisation over time or an attention sees past a row's end is
zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.flow.diffusion_transformer import DiffusionTransformer, walk


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Keyword arguments of `flow` in flow/config.yaml, and their defaults in the published class. The rates have none
    here: no weight's shape shows a wrong one."""

    input_frame_rate: float  # tokens a second
    mel_framerate: float  # frames a second
    speech_token_dim: int = 512
    vocab_size: int = 100_000
    mel_dim: int = 80
    big_model: bool = False
    spkr_emb_adaLN: bool = False
    spk_embed_dim: int = 80
    remove_spkr_concat_condition: bool = False
    speech_token_cfg: bool = True
    t_scheduler: str = "cosine"
    # Of the transformer: the published class derives them from big_model.
    width: int | None = None
    depth: int | None = None
    heads: int | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Width, depth, heads."""
        width, depth, heads = (1024, 22, 16) if self.big_model else (768, 18, 12)
        return self.width or width, self.depth or depth, self.heads or heads


SPEAKER = 192  # size of a speaker's embedding
_GUIDANCE, _POSITIONS = 0.7, 4096


def _by_time(block: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """A convolution over [batch, time, channels], zeros past each row's end."""
    return block((x * mask).transpose(1, 2)).transpose(1, 2)


class _ConvNeXt(nn.Module):
    """ConvNeXt V2 (arXiv 2301.00808) over time."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, inner)
        self.grn = nn.ParameterDict({"gamma": torch.zeros(1, 1, inner), "beta": torch.zeros(1, 1, inner)})
        self.pwconv2 = nn.Linear(inner, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        h = F.gelu(self.pwconv1(self.norm(_by_time(self.dwconv, x, mask))))
        loudness = torch.linalg.vector_norm(h * mask, dim=1, keepdim=True)
        h = self.grn["gamma"] * h * (loudness / (loudness.mean(-1, keepdim=True) + 1e-6)) + self.grn["beta"] + h
        return x + self.pwconv2(h)


class _Tokens(nn.Module):
    """Token ids, stretched to frames -> [batch, frames, width]."""

    def __init__(self, vocabulary: int, width: int, layers: int = 4):
        super().__init__()
        self.text_embed = nn.Embedding(vocabulary + 1, width)
        self.text_blocks = nn.ModuleList(_ConvNeXt(width, 2 * width) for _ in range(layers))
        rates = 10000.0 ** (-torch.arange(0, width, 2).float() / width)
        angles = torch.arange(_POSITIONS).float()[:, None] * rates
        self.register_buffer("positions", torch.cat([angles.cos(), angles.sin()], dim=1), persistent=False)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device).clamp(max=_POSITIONS - 1)
        x = self.text_embed(tokens) + self.positions[places]
        for block in self.text_blocks:
            x = block(x, mask)
        return x


class _Inputs(nn.Module):
    """Noisy mel, condition and tokens side by side -> [batch, frames, width], with where they stand."""

    def __init__(self, size: int, width: int):
        super().__init__()
        self.proj = nn.Linear(size, width)
        convolution = [nn.Conv1d(width, width, 31, groups=16, padding=15) for _ in range(2)]
        self.conv_pos_embed = nn.ModuleDict(
            {"conv1d": nn.Sequential(convolution[0], nn.Mish(), convolution[1], nn.Mish())}
        )

    def forward(self, parts: Sequence[Tensor], mask: Tensor) -> Tensor:
        x = self.proj(torch.cat(list(parts), dim=-1))
        first, act, second, _ = self.conv_pos_embed["conv1d"]
        return x + act(_by_time(second, act(_by_time(first, x, mask)), mask))


class Estimator(DiffusionTransformer):
    """Where a noisy mel moves to."""

    def __init__(self, config: FlowConfig):
        width, depth, heads = config.shape
        super().__init__(width, depth, heads, config.mel_dim, SPEAKER if config.spkr_emb_adaLN else 0)
        condition = config.mel_dim + (0 if config.remove_spkr_concat_condition else config.spk_embed_dim)
        self.text_emb_layer = _Tokens(config.vocab_size, config.speech_token_dim)
        self.emb_concator = _Inputs(config.mel_dim + condition + config.speech_token_dim, width)
        self.with_speaker = config.spkr_emb_adaLN

    def forward(
        self, x: Tensor, condition: Tensor, tokens: Tensor, time: Tensor, speaker: Tensor, mask: Tensor
    ) -> Tensor:
        """x [batch, frames, mel], condition [batch, frames, size], tokens [batch, frames], time [batch], speaker
        [batch, 192], mask bool [batch, frames, 1] -> [batch, frames, mel]."""
        when = self.time_embed(time)
        if self.with_speaker:
            when = torch.cat([when, speaker], dim=-1)
        x = self.emb_concator([x, condition, self.text_emb_layer(tokens, mask)], mask)
        return self.transform(x, when, mask)


class Flow(nn.Module):
    """Speech tokens after a voice's -> log-mel. Parameters are those of `flow/flow.pt`."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        if config.t_scheduler != "cosine":
            raise ValueError(f"flow/config.yaml: t_scheduler is {config.t_scheduler!r}, known here is cosine")
        self.config = config
        if not config.remove_spkr_concat_condition:
            self.spk_embed_affine_layer = nn.Linear(SPEAKER, config.spk_embed_dim)
        self.estimator = Estimator(config)

    def frames(self, tokens: int) -> int:
        """Mel frames of so many tokens, by the published arithmetic: now and then floating point takes one away."""
        return int(tokens / self.config.input_frame_rate * self.config.mel_framerate)

    @torch.inference_mode()
    def forward(
        self, tokens: Sequence[Tensor], prompts: Sequence[Tensor], speakers: Tensor, noise: Sequence[Tensor], steps: int
    ) -> list[Tensor]:
        """Log-mels, one for each row.

        Args:
            tokens: of voice and utterance, int64 [tokens] each.
            prompts: log-mel of the voice, [frames, mel] each; the answers begin behind it.
            speakers: embeddings [rows, 192].
            noise: [frames of the tokens, mel] each.
            steps: of the walk; as many times two passes of the transformer.

        Returns:
            [frames, mel] each.
        """
        lengths = [self.frames(len(row)) for row in tokens]
        device, longest = speakers.device, max(lengths)
        frames = torch.arange(longest, device=device)
        mask = (frames[None] < torch.tensor(lengths, device=device)[:, None])[..., None]
        stretched = torch.zeros(len(tokens), longest, dtype=torch.int64, device=device)
        x, condition = (torch.zeros(len(tokens), longest, self.config.mel_dim, device=device) for _ in range(2))
        for row, (ids, prompt, start, length) in enumerate(zip(tokens, prompts, noise, lengths, strict=True)):
            stretched[row, :length] = ids.to(device)[frames[:length] * len(ids) // length]
            x[row, :length] = start.to(device)
            kept = min(len(prompt), length)
            condition[row, :kept] = prompt[len(prompt) - kept :].to(device)
        x = self._walk(x, condition, stretched, F.normalize(speakers, dim=1), mask, steps)
        return [x[row, len(prompt) : n] for row, (prompt, n) in enumerate(zip(prompts, lengths, strict=True))]

    def _walk(self, x: Tensor, mel: Tensor, tokens: Tensor, speakers: Tensor, mask: Tensor, steps: int) -> Tensor:
        condition = mel
        if not self.config.remove_spkr_concat_condition:
            voice = self.spk_embed_affine_layer(speakers)[:, None].expand(-1, mel.shape[1], -1)
            condition = torch.cat([mel, voice], dim=-1)
        free = torch.zeros_like(tokens) if self.config.speech_token_cfg else tokens
        twice = (
            torch.cat([condition, torch.zeros_like(condition)]),
            torch.cat([tokens, free]),
            torch.cat([speakers, torch.zeros_like(speakers)]),
            torch.cat([mask, mask]),
        )

        def slope(noisy: Tensor, time: Tensor) -> Tensor:
            return self.estimator(noisy, twice[0], twice[1], time, twice[2], twice[3])

        return walk(x, slope, steps, _GUIDANCE)
