"""X-codec2 (Llasa, arXiv 2502.04128): its real modules, built for the weights of a directory of the released layout.

A directory holds `model.safetensors` (HKUSTAudio/xcodec2) or one Lightning checkpoint `*.ckpt` (its folder ckpt/). The
package's own `XCodec2Model.from_pretrained` cannot be used with transformers 5: its constructor loads the 600 M
parameters of w2v-bert-2.0 from a hub by name, inside the meta-device context that `from_pretrained` opens, and it never
calls `post_init`. Here its parts are put together instead; a decoder reads nothing of the encoder.

`xcodec2==0.1.5` imports torchaudio, of which it uses nothing, and torchtune, of which it uses one class in a file of
its own. Both would bring dozens of packages, torch among them, so for the time of the import there are stand-ins: an
empty module, and that file of the real torchtune.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from safetensors import safe_open
from torch import nn

from speech.loading import weights_of
from speech.stand_ins import modules, require

SAMPLE_RATE, HOP, CODEBOOK_SIZE = 16_000, 320, 65_536  # FSQ of eight levels of 4
_HEAD = 64  # size of an attention head, which the weights do not tell
_VERSION = "0.1.5"  # of xcodec2
_TORCHTUNE = "0.6.1"  # version
DECODER = ("generator.", "fc_post_a.")
ENCODER = ("generator.quantizer.", "fc_prior.", "CodecEnc.", "SemanticEncoder_module.")
SEMANTIC = ("semantic_model.",)


@cache
def package() -> SimpleNamespace:
    """The package's classes: CodecDecoderVocos, CodecEncoder_Transformer, SemanticEncoder, and its ResidualFSQ.

    Raises:
        RuntimeError: xcodec2 or torchtune is of another version than this was written for.
    """
    where = "models/xcodec2/package.py"
    require("xcodec2", _VERSION, where, "what vq/ imports and builds (make_decoder, make_encoder)")
    require("torchtune", _TORCHTUNE, where, "that position_embeddings.py imports torch alone")
    with modules({"torchaudio": ModuleType("torchaudio"), "torchtune": ModuleType("torchtune"), **_rotary()}):
        from xcodec2.vq.codec_decoder_vocos import CodecDecoderVocos, ResidualFSQ
        from xcodec2.vq.codec_encoder import CodecEncoder_Transformer
        from xcodec2.vq.module import SemanticEncoder
    return SimpleNamespace(
        Decoder=CodecDecoderVocos, Encoder=CodecEncoder_Transformer, Semantic=SemanticEncoder, Quantizer=ResidualFSQ
    )


def _rotary() -> dict[str, ModuleType]:
    """That file of the real torchtune, by the name of the package from which xcodec2 imports it."""
    file = distribution("torchtune").locate_file("torchtune/modules/position_embeddings.py")
    spec = spec_from_file_location("torchtune.modules", file)
    rotary = module_from_spec(spec)
    spec.loader.exec_module(rotary)
    return {"torchtune.modules": rotary}


def weights_file(model_dir: str | Path) -> Path:
    """The directory's model.safetensors, or its only *.ckpt.

    Raises:
        FileNotFoundError: neither, or several checkpoints.
    """
    folder = Path(model_dir)
    if (folder / "model.safetensors").exists():
        return folder / "model.safetensors"
    found = sorted(folder.glob("*.ckpt")) or sorted(folder.glob("ckpt/*.ckpt"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{folder} holds no model.safetensors and {len(found)} files *.ckpt: download HKUSTAudio/xcodec2 into it "
            "(stage models)"
        )
    return found[0]


def read_weights(model_dir: str | Path, prefixes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with one of `prefixes`; no others are read of a safetensors file."""
    file = weights_file(model_dir)
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys() if name.startswith(prefixes)}  # noqa: SIM118
    state = weights_of(file, mmap=True)["state_dict"]
    return {name: tensor for name, tensor in state.items() if name.startswith(prefixes)}


def part(weights: Mapping[str, torch.Tensor], prefix: str, model_dir: str | Path) -> dict[str, torch.Tensor]:
    """The tensors under `prefix`, without it.

    Raises:
        ValueError: there is none.
    """
    found = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
    if not found:
        raise ValueError(f"{weights_file(model_dir)} holds no weights {prefix}*: is it X-codec2?")
    return found


def filled(module: nn.Module, weights: Mapping[str, torch.Tensor], model_dir: str | Path) -> nn.Module:
    """The module with these weights, for inference.

    Raises:
        ValueError: they are not the module's; it says which are missing and which are unexpected.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        what = f"{weights_file(model_dir)} does not fit X-codec2's {type(module).__name__}"
        raise ValueError(f"{what}: {error}") from error
    return module.eval()


def linear(weights: Mapping[str, torch.Tensor], model_dir: str | Path) -> nn.Module:
    """The linear layer of `weight` [out, in] and `bias` [out]."""
    return filled(nn.Linear(*reversed(weights["weight"].shape)), weights, model_dir)


def make_decoder(weights: Mapping[str, torch.Tensor], model_dir: str | Path) -> tuple[nn.Module, nn.Linear]:
    """The package's CodecDecoderVocos, of the size that its weights have, and the layer before it (fc_post_a)."""
    own = part(weights, "generator.", model_dir)
    hidden = own["backbone.embed.weight"].shape[0]
    blocks = {name.split(".")[2] for name in own if name.startswith("backbone.transformers.")}
    decoder = package().Decoder(
        hidden_dim=hidden,
        depth=len(blocks),
        heads=hidden // _HEAD,
        pos_meb_dim=_HEAD,
        vq_dim=own["quantizer.project_out.weight"].shape[0],
    )
    return filled(decoder, own, model_dir), linear(part(weights, "fc_post_a.", model_dir), model_dir)


def make_encoder(weights: Mapping[str, torch.Tensor], model_dir: str | Path) -> tuple[nn.Module, nn.Module]:
    """The package's CodecEncoder_Transformer and SemanticEncoder, of the sizes that their weights have."""
    after = part(weights, "SemanticEncoder_module.", model_dir)
    own = {_new_name(name): tensor for name, tensor in part(weights, "CodecEnc.", model_dir).items()}
    kernel, down = ".parametrizations.weight.original1", range(1, 64)
    kernels = [own[name] for i in down if (name := f"conv_blocks.{i}.block.4{kernel}") in own]
    encoder = package().Encoder(
        ngf=own[f"conv_blocks.0{kernel}"].shape[0],
        up_ratios=[one.shape[-1] // 2 for one in kernels],  # a block's kernel is twice its stride
        hidden_dim=own[f"conv_final_block.1{kernel}"].shape[0],
    )
    first, last = after["initial_conv.weight"], after["final_conv.weight"]
    semantic = package().Semantic(first.shape[1], last.shape[0], first.shape[0])
    return filled(encoder, own, model_dir), filled(semantic, after, model_dir)


# Ends of names in checkpoints and what the modules have: torch named the parts of a weight-normalised layer otherwise,
# and the package renamed SnakeBeta's `beta`, which the released weights and their training code say.
_NEW_NAMES = {
    ".weight_g": ".parametrizations.weight.original0",
    ".weight_v": ".parametrizations.weight.original1",
    ".act.beta": ".act.bias",
}


def _new_name(name: str) -> str:
    """The module's own name of a weight of the encoder."""
    for old, new in _NEW_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def make_quantizer(weights: Mapping[str, torch.Tensor], model_dir: str | Path) -> nn.Module:
    """The decoder's quantiser alone (ResidualFSQ of vector-quantize-pytorch, eight levels of 4)."""
    own = part(weights, "generator.quantizer.", model_dir)
    quantizer = package().Quantizer(dim=own["project_out.weight"].shape[0], levels=[4] * 8, num_quantizers=1)
    return filled(quantizer, own, model_dir)
