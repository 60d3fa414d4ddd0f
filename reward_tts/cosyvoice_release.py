"""The decoder of a released CosyVoice2: flow.pt, hift.pt and cosyvoice2.yaml -> flow matching and vocoder.

The classes are those of flashcosyvoice (in `stepaudio2-minicpmo`), which are the official package's with masks for
batches. With the same weights and one utterance both give the same mel and the same wave bit by bit; the official flow
takes one utterance only. Two things are ours: the noise is the official package's fixed noise, so that an utterance
sounds the same in every batch, and frames behind an utterance's end are zero where the encoder looks ahead.
"""

import sys
import types
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

_NOISE_FRAMES = 50 * 300  # cosyvoice/flow/flow_matching.py, CausalConditionalCFM


def _flashcosyvoice() -> tuple[Any, Any, Any, Any]:
    """Modules flow, upsample_encoder, estimator, hifigan, without `stepaudio2/__init__.py`: it imports torchaudio, of
    which PyPI has only CUDA builds, to read wave files."""
    if "stepaudio2" not in sys.modules:
        spec = PathFinder.find_spec("stepaudio2")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError(
                "the package stepaudio2-minicpmo is missing: bash run.sh --recipe cosyvoice2 install"
            )
        package = types.ModuleType("stepaudio2")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["stepaudio2"] = package
    from stepaudio2.flashcosyvoice.modules import flow, hifigan
    from stepaudio2.flashcosyvoice.modules.flow_components import estimator, upsample_encoder

    return flow, upsample_encoder, estimator, hifigan


class _Loader(yaml.SafeLoader):
    """Reads HyperPyYAML as data: `!new:some.Class {...}` is the mapping, `!ref <name>` a Reference. Nothing is made."""


class Reference(str):
    """`<name>`, or an expression of such."""


def _plain(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    value = loader.construct_scalar(node)
    return Reference(value) if tag == "ref" else value


_Loader.add_multi_constructor("!", _plain)


def config_file(folder: Path) -> Path:
    """cosyvoice2.yaml or cosyvoice3.yaml of a release. Raises FileNotFoundError."""
    found = sorted(folder.glob("cosyvoice[23].yaml"))
    if not found:
        raise FileNotFoundError(f"{folder}/cosyvoice2.yaml is missing: the stage `models` fetches it (models.yaml)")
    return found[0]


def read_config(folder: Path) -> dict[str, Any]:
    """A release's configuration; references to top-level values are looked up, longer expressions stay References.

    Raises:
        FileNotFoundError, ValueError: it is missing, or is no such file.
    """
    path = config_file(folder)
    config = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    if not isinstance(config, dict) or not {"flow", "hift", "sample_rate", "token_frame_rate"} <= set(config):
        raise ValueError(f"{path}: expected flow, hift, sample_rate and token_frame_rate")

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(inner) for key, inner in value.items()}
        return config.get(value.strip("<>"), value) if isinstance(value, Reference) else value

    return known(config)


def _chosen(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def fixed_noise(channels: int) -> torch.Tensor:
    """The official package's noise [1, channels, frames]: what torch.manual_seed(0); torch.randn(...) gives."""
    return torch.randn(1, channels, _NOISE_FRAMES, generator=torch.Generator().manual_seed(0))


def load_flow(folder: Path, config: dict[str, Any]) -> nn.Module:
    """flashcosyvoice's CausalMaskedDiffWithXvec with the weights of flow.pt, float32.

    Raises:
        FileNotFoundError, RuntimeError: flow.pt is missing, or its tensors are not those of cosyvoice2.yaml.
    """
    flow, upsample_encoder, estimator, _ = _flashcosyvoice()
    sizes, encoder, decoder = config["flow"], config["flow"]["encoder"], config["flow"]["decoder"]

    class FixedNoiseCFM(flow.CausalConditionalCFM):
        """Starts from the same noise whatever the batch."""

        noise = fixed_noise(sizes["output_size"])

        def forward(self, mu, mask, n_timesteps, temperature=1.0, spks=None, cond=None, streaming=False):
            if mu.shape[2] > _NOISE_FRAMES:
                raise ValueError(f"{mu.shape[2]} mel frames, the flow takes {_NOISE_FRAMES} with the voice prompt")
            start = self.noise[:, :, : mu.shape[2]].to(mu).expand_as(mu) * temperature
            steps = 1 - torch.cos(
                torch.linspace(0, 1, n_timesteps + 1, device=mu.device, dtype=mu.dtype) * torch.pi / 2
            )
            return self.solve_euler(start, steps, mu, mask, spks, cond, streaming), None

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
    model.load_state_dict(read_weights(folder / "flow.pt"))
    _zero_behind_the_end(model.encoder)
    return model.eval()


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


def load_vocoder(folder: Path, config: dict[str, Any]) -> nn.Module:
    """flashcosyvoice's HiFTGenerator with the weights of hift.pt, float32.

    Raises:
        FileNotFoundError, RuntimeError: as load_flow.
    """
    *_, hifigan = _flashcosyvoice()
    sizes = dict(config["hift"])
    f0 = hifigan.ConvRNNF0Predictor(**_chosen(sizes.pop("f0_predictor"), "num_class", "in_channels", "cond_channels"))
    model = hifigan.HiFTGenerator(**sizes, f0_predictor=f0)
    state = read_weights(folder / "hift.pt")
    model.load_state_dict({name.removeprefix("generator."): value for name, value in state.items()})  # of GAN training
    return model.eval()


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of flow.pt or hift.pt. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the stage `models` fetches it (models.get in models.yaml)")
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
