"""A directory of HKUSTAudio/xcodec2's layout with small random weights of the package's own classes, and one of
facebook/w2v-bert-2.0's."""

import json
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from models.xcodec2.package import package

HIDDEN, SEMANTIC = 64, 32


def codec_modules() -> dict[str, nn.Module]:
    """X-codec2's modules under the names of the released checkpoint, 0.6 million parameters; the same each time."""
    torch.manual_seed(0)
    classes, width = package(), HIDDEN + SEMANTIC
    modules = {
        "generator": classes.Decoder(hidden_dim=HIDDEN, depth=2, heads=1, vq_dim=width),
        "fc_post_a": nn.Linear(width, HIDDEN),
        "fc_prior": nn.Linear(width, width),
        "CodecEnc": classes.Encoder(ngf=2, hidden_dim=HIDDEN),
        "SemanticEncoder_module": classes.Semantic(SEMANTIC, SEMANTIC, SEMANTIC),
    }
    with torch.no_grad():  # random codes of all sorts, and a phase that turns, so that something is heard
        modules["fc_prior"].weight.mul_(20)
        modules["generator"].head.out.weight.normal_(std=0.3)
        for name, values in modules["CodecEnc"].named_parameters():
            if name.endswith(".act.bias"):  # else all zero, as if never read
                values.normal_()
    return {name: module.eval() for name, module in modules.items()}


def state() -> dict[str, torch.Tensor]:
    """The weights of codec_modules(), named as in the released checkpoint: `beta` is the package's `bias`."""
    own = {f"{name}.{key}": v for name, module in codec_modules().items() for key, v in module.state_dict().items()}
    return {re.sub(r"^(CodecEnc\..*\.act\.)bias$", r"\1beta", name): tensor for name, tensor in own.items()}


def write_codec(folder: Path, kind: str = "safetensors") -> Path:
    """The released layout, `safetensors` or `ckpt`."""
    folder.mkdir(parents=True)
    config = {"codec_decoder_hidden_size": 1024, "codec_encoder_hidden_size": 1024, "model_type": "xcodec2"}
    (folder / "config.json").write_text(json.dumps(config | {"semantic_hidden_size": 1024, "use_vocos": True}))
    if kind == "safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state().items()}, folder / "model.safetensors")
    else:
        (folder / "ckpt").mkdir()
        torch.save({"state_dict": state(), "epoch": 4}, folder / "ckpt" / "epoch=4-step=1400000.ckpt")
    return folder


def write_semantic(folder: Path, layers: int = 2) -> Path:
    """facebook/w2v-bert-2.0's layout: config.json, preprocessor_config.json, model.safetensors."""
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

    torch.manual_seed(1)
    config = Wav2Vec2BertConfig(
        hidden_size=SEMANTIC,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        conv_depthwise_kernel_size=3,
    )
    Wav2Vec2BertModel(config).save_pretrained(folder)
    SeamlessM4TFeatureExtractor().save_pretrained(folder)
    return folder


if __name__ == "__main__":  # for tests of the trainer's environment, which has no xcodec2: FOLDER [SEMANTIC_FOLDER]
    write_codec(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        write_semantic(Path(sys.argv[2]))
