"""The decoder of a released CosyVoice2: flow.pt, hift.pt and cosyvoice2.yaml -> flow matching and vocoder.

The classes are those of flashcosyvoice (in `stepaudio2-minicpmo`), which are the official package's with masks for
batches. With the same weights and one utterance both give the same mel and the same wave bit by bit; the official flow
takes one utterance only. Three things are ours: the noise is the official package's fixed noise, so that an utterance
sounds the same in every batch, frames behind an utterance's end are zero where the encoder looks ahead, and attention
gets one mask for all queries.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from models.flow.hyperpyyaml import read_hyperpyyaml
from models.flow.token2wav import with_weights as read_weights
from speech.stand_ins import hollow_package

ADVICE = "the stage `models` fetches it (models.get in models.yaml)"
_VERSION = "0.1.1"  # of stepaudio2-minicpmo
NOISE_FRAMES = 50 * 300  # cosyvoice/flow/flow_matching.py, CausalConditionalCFM


def flashcosyvoice(name: str) -> ModuleType:
    """A module of flashcosyvoice.modules, without `stepaudio2/__init__.py`: it imports torchaudio, of which PyPI has
    only CUDA builds, to read wave files.

    Raises:
        RuntimeError: another version of the package, or none.
    """
    check = "what load_flow and load_vocoder say of flashcosyvoice's classes"
    hollow_package("stepaudio2", "stepaudio2-minicpmo", _VERSION, "models/cosyvoice/release.py", check)
    return import_module(f"stepaudio2.flashcosyvoice.modules.{name}")


def config_file(folder: Path) -> Path:
    """cosyvoice2.yaml or cosyvoice3.yaml of a release. Raises FileNotFoundError."""
    found = sorted(folder.glob("cosyvoice[23].yaml"))
    if not found:
        raise FileNotFoundError(
            f"{folder}/cosyvoice2.yaml or cosyvoice3.yaml is missing: the stage `models` fetches it (models.yaml)"
        )
    return found[0]


def read_config(folder: Path) -> dict[str, Any]:
    """A release's configuration, see read_hyperpyyaml.

    Raises:
        FileNotFoundError, ValueError: it is missing, or is no such file.
    """
    return read_hyperpyyaml(config_file(folder), {"flow", "hift", "sample_rate", "token_frame_rate"})


def _chosen(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def fixed_noise(channels: int) -> torch.Tensor:
    """The official package's noise [1, channels, frames]: what torch.manual_seed(0); torch.randn(...) gives."""
    return torch.randn(1, channels, NOISE_FRAMES, generator=torch.Generator().manual_seed(0))


def load_flow(folder: Path, config: dict[str, Any], steps: int) -> nn.Module:
    """flashcosyvoice's CausalMaskedDiffWithXvec with the weights of flow.pt, float32; `steps` from noise to mel, of
    whole utterances (streaming=False).

    Raises:
        FileNotFoundError, ValueError: flow.pt is missing, or its tensors are not those of cosyvoice2.yaml.
    """
    flow = flashcosyvoice("flow")
    upsample_encoder, estimator = (flashcosyvoice(f"flow_components.{n}") for n in ("upsample_encoder", "estimator"))
    sizes, encoder, decoder = config["flow"], config["flow"]["encoder"], config["flow"]["decoder"]

    class FixedNoiseCFM(flow.CausalConditionalCFM):
        """Starts from the same noise whatever the batch."""

        noise = fixed_noise(sizes["output_size"])

        def forward(
            self,
            mu: torch.Tensor,
            mask: torch.Tensor,
            n_timesteps: int,
            temperature: float = 1.0,
            spks: torch.Tensor | None = None,
            cond: torch.Tensor | None = None,
            streaming: bool = False,
        ) -> tuple[torch.Tensor, None]:
            if mu.shape[2] > NOISE_FRAMES:
                raise ValueError(f"{mu.shape[2]} mel frames, the flow takes {NOISE_FRAMES} with the voice prompt")
            start = self.noise[:, :, : mu.shape[2]].to(mu).expand_as(mu) * temperature
            times = 1 - torch.cos(torch.linspace(0, 1, steps + 1, device=mu.device, dtype=mu.dtype) * torch.pi / 2)
            return self.solve_euler(start, times, mu, mask, spks, cond, streaming=False), None

    names = ("in_channels", "out_channels", "channels", "attention_head_dim", "n_blocks", "num_mid_blocks", "num_heads")
    model = flow.CausalMaskedDiffWithXvec(
        **_chosen(sizes, "input_size", "output_size", "spk_embed_dim", "vocab_size", "token_mel_ratio"),
        pre_lookahead_len=sizes["pre_lookahead_len"],
        encoder=upsample_encoder.UpsampleConformerEncoder(
            **_chosen(encoder, "input_size", "output_size", "attention_heads", "linear_units", "num_blocks")
        ),
        decoder=FixedNoiseCFM(
            **_chosen(decoder, "in_channels", "n_spks", "spk_emb_dim"),
            estimator=estimator.CausalConditionalDecoder(**_chosen(decoder["estimator"], *names, "act_fn")),
        ),
    )
    _zero_behind_the_end(model.encoder)
    for module in model.decoder.estimator.modules():
        if isinstance(module, estimator.BasicTransformerBlock):
            module.register_forward_pre_hook(_one_mask_for_all_queries, with_kwargs=True)
    return with_weights(model, folder / "flow.pt")


def _zero_behind_the_end(encoder: nn.Module) -> None:
    """Alone, an utterance is followed by zeros where the encoder looks ahead; in a batch, by embedded padding."""
    lengths: dict[str, torch.Tensor] = {}

    def remember(_module: nn.Module, args: tuple) -> None:
        lengths["now"] = args[1]

    def cut(_module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        x = args[0]
        inside = torch.arange(x.shape[1], device=x.device)[None] < lengths["now"].to(x.device)[:, None]
        return (x * inside[..., None].to(x.dtype), *args[1:]), kwargs

    encoder.register_forward_pre_hook(remember)
    encoder.pre_lookahead_layer.register_forward_pre_hook(cut, with_kwargs=True)


def _one_mask_for_all_queries(_block: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """[rows, 1, frames] of a mask [rows, frames, frames] in which, without streaming, all queries have the same row.
    diffusers copies it for each head in each block and step: 2.4 GB of 16 utterances and as many for the guidance, with
    1524 frames and 8 heads, in float32."""
    return args, {**kwargs, "attention_mask": kwargs["attention_mask"][:, :1]}


def load_vocoder(folder: Path, config: dict[str, Any]) -> nn.Module:
    """flashcosyvoice's HiFTGenerator with the weights of hift.pt, float32.

    Raises:
        FileNotFoundError, ValueError: as load_flow.
    """
    hifigan = flashcosyvoice("hifigan")
    sizes = dict(config["hift"])
    f0 = hifigan.ConvRNNF0Predictor(**_chosen(sizes.pop("f0_predictor"), "num_class", "in_channels", "cond_channels"))
    model = hifigan.HiFTGenerator(**sizes, f0_predictor=f0)
    return with_weights(model, folder / "hift.pt", prefix="generator.")  # of GAN training


def with_weights(model: Any, path: Path, prefix: str = "") -> Any:
    """The module with the tensors of flow.pt or hift.pt: see models/flow/token2wav.py."""
    return read_weights(model, path, ADVICE, prefix, of=str(config_file(path.parent)))
