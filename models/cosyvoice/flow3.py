"""CosyVoice3's flow: speech tokens behind a voice's -> log-mel, by a diffusion transformer.

No package that fits beside this server holds it (vllm-omni does, with all of vLLM), so its structure is written down
here as the weights of flow.pt imply it: names and shapes of the parameters are the released ones (cosyvoice/flow of
FunAudioLLM/CosyVoice). Theirs decodes one utterance at a time; here rows of a batch come out as each would alone:
tokens behind a row's end are zero where the flow looks ahead, and no attention sees what is behind it; all else looks
back.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.cosyvoice.release import NOISE_FRAMES, config_file, fixed_noise, with_weights
from models.flow.diffusion_transformer import HEAD, DiffusionTransformer, walk


def _convolved(layer: nn.Module, x: Tensor, before: int, behind: int = 0) -> Tensor:
    """A convolution over [batch, time, channels] with so many zeros before and behind."""
    return layer(F.pad(x.transpose(1, 2), (before, behind))).transpose(1, 2)


class _Inputs(nn.Module):
    """What goes into the transformer, side by side -> [batch, frames, width], with where it stands."""

    def __init__(self, size: int, width: int, kernel: int = 31):
        super().__init__()
        self.proj, self.reach = nn.Linear(size, width), kernel - 1
        layers = {f"conv{n}": nn.Sequential(nn.Conv1d(width, width, kernel, groups=16), nn.Mish()) for n in (1, 2)}
        self.conv_pos_embed = nn.ModuleDict(layers)

    def forward(self, parts: list[Tensor]) -> Tensor:
        x = self.proj(torch.cat(parts, dim=-1))
        place = x
        for layer in self.conv_pos_embed.values():
            place = _convolved(layer, place, self.reach)
        return x + place


class Estimator(DiffusionTransformer):
    """Where a noisy mel moves to."""

    def __init__(self, sizes: dict[str, Any]):
        width, mel = sizes["dim"], sizes["mel_dim"]
        super().__init__(width, sizes["depth"], sizes["heads"], mel, widening=sizes["ff_mult"])
        self.input_embed = _Inputs(2 * mel + sizes["mu_dim"] + sizes["spk_dim"], width)

    def forward(self, x: Tensor, voice: Tensor, tokens: Tensor, speaker: Tensor, time: Tensor, mask: Tensor) -> Tensor:
        """x, voice (mel of the prompt) and tokens [batch, frames, mel], speaker [batch, size], time [batch], mask bool
        [batch, frames, 1] -> [batch, frames, mel]."""
        speaker = speaker[:, None].expand(-1, x.shape[1], -1)
        return self.transform(self.input_embed([x, voice, tokens, speaker]), self.time_embed(time), mask)


class Flow(nn.Module):
    """Parameters are those of flow.pt; `sizes` are `flow` of cosyvoice3.yaml, `steps` those from noise to mel.

    Raises:
        KeyError: a size is not there. ValueError: a structure that is not known here.
    """

    def __init__(self, sizes: dict[str, Any], steps: int):
        super().__init__()
        self.steps = steps
        ahead, decoder = sizes["pre_lookahead_layer"], sizes["decoder"]
        walked = decoder["cfm_params"]["content"]
        _expect(walked, solver="euler", t_scheduler="cosine")
        _expect(decoder["estimator"], dim_head=HEAD)
        self.ratio, self.ahead = sizes["token_mel_ratio"], ahead["pre_lookahead_len"]
        self.guidance = walked["inference_cfg_rate"]
        self.input_embedding = nn.Embedding(sizes["vocab_size"], sizes["input_size"])
        self.spk_embed_affine_layer = nn.Linear(sizes["spk_embed_dim"], sizes["output_size"])
        convolutions = {
            "conv1": nn.Conv1d(ahead["in_channels"], ahead["channels"], self.ahead + 1),
            "conv2": nn.Conv1d(ahead["channels"], ahead["in_channels"], 3),
        }
        self.pre_lookahead_layer = nn.ModuleDict(convolutions)
        self.decoder = nn.ModuleDict({"estimator": Estimator(decoder["estimator"])})
        self.noise = fixed_noise(sizes["output_size"])[0].T  # no buffer: it stays float32

    @torch.inference_mode()
    def forward(
        self, tokens: Tensor, lengths: Tensor, prompts: Tensor, heard: Tensor, speakers: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-mels, the voices' at their beginning.

        Args:
            tokens: of voice and utterance, int64 [rows, tokens], and lengths [rows].
            prompts: log-mels of the voices [rows, frames, mel], and lengths [rows] (heard).
            speakers: embeddings [rows, 192].

        Returns:
            float32 [rows, mel, frames], and lengths [rows].

        Raises:
            ValueError: more frames than the official package has noise for.
        """
        frames = tokens.shape[1] * self.ratio
        if frames > NOISE_FRAMES:
            raise ValueError(f"{frames} mel frames, the flow takes {NOISE_FRAMES} with the voice prompt")
        known = _within(lengths, tokens.shape[1])
        hidden = self._looked_ahead(self.input_embedding(tokens.clamp(min=0)) * known)
        conditions = (
            F.pad(prompts * _within(heard, prompts.shape[1]), (0, 0, 0, frames - prompts.shape[1])),
            hidden.repeat_interleave(self.ratio, dim=1),
            self.spk_embed_affine_layer(F.normalize(speakers, dim=1)),
        )
        twice = [torch.cat([one, torch.zeros_like(one)]) for one in conditions]
        mask = _within(lengths * self.ratio, frames).repeat(2, 1, 1)
        start = self.noise[:frames].to(tokens.device).expand(len(tokens), -1, -1)

        def slope(x: Tensor, time: Tensor) -> Tensor:
            return self.decoder["estimator"](x, *twice, time, mask)

        return walk(start, slope, self.steps, self.guidance).transpose(1, 2), lengths * self.ratio

    def _looked_ahead(self, x: Tensor) -> Tensor:
        first, second = self.pre_lookahead_layer.values()
        return x + _convolved(second, F.leaky_relu(_convolved(first, x, 0, self.ahead)), 2)


def _within(lengths: Tensor, longest: int) -> Tensor:
    """bool [rows, longest, 1]: what is before a row's end."""
    return (torch.arange(longest, device=lengths.device)[None] < lengths[:, None])[..., None]


def _expect(sizes: dict[str, Any], **known: Any) -> None:
    if other := {name: sizes[name] for name, value in known.items() if sizes[name] != value}:
        raise ValueError(f"flow has {other}, known here is {known}")


def load_flow(folder: Path, config: dict[str, Any], steps: int) -> Flow:
    """The flow with the weights of flow.pt, float32.

    Raises:
        FileNotFoundError: flow.pt is missing.
        ValueError: its tensors are not those of cosyvoice3.yaml, or that is of another family.
    """
    try:
        flow = Flow(config["flow"], steps)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{config_file(folder)}: no flow of CosyVoice3: {error!r}") from error
    return with_weights(flow, folder / "flow.pt")
