"""A released CosyVoice directory with random weights, written by the real classes: what the stage `models` would fetch.

    .venv-reward/bin/python tests/cosyvoice_release.py DIRECTORY [cosyvoice2|cosyvoice3]

llm.pt comes from the official `cosyvoice` package, flow.pt and hift.pt from the classes of flashcosyvoice. campplus.onnx and
the speech tokenizer are ONNX graphs with the published inputs and outputs, and a single layer inside.
"""

import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import soundfile
import torch

CODEBOOK = 81
TEXTS = "今天天气很好明晚上我们去吃饭希望你比现在更扁担长板凳宽"
SMALL = {
    "llm": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
    "encoder": {"num_blocks": 1, "linear_units": 64, "attention_heads": 2},
    "estimator": {"channels": [64], "n_blocks": 1, "num_mid_blocks": 1, "num_heads": 2},
    "hift": {"base_channels": 64},
    "f0": {"cond_channels": 64},
}


def qwen2lm_class() -> tuple[type, type]:
    """(Qwen2Encoder, Qwen2LM) of the official package, which imports torchaudio to read wave files that are not read here
    (PyPI has torchaudio for CUDA builds of torch only)."""
    import transformers  # noqa: F401  looks for torchaudio, and must not find what follows

    if "torchaudio" not in sys.modules:
        empty = types.ModuleType("torchaudio")
        empty.__spec__ = ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = empty
    from cosyvoice.llm.llm import Qwen2Encoder, Qwen2LM

    return Qwen2Encoder, Qwen2LM


def write_text_model(folder: Path, vocabulary_rows: int = 400) -> None:
    """CosyVoice-BlankEN: Qwen2's configuration, tokenizer and (random) weights, with rows that no token uses."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from data_prep.tokenizer import _vocabulary

    folder.mkdir(parents=True)
    vocabulary, merges = _vocabulary(sorted(set(TEXTS)))
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    added = {"<|endoftext|>": len(vocabulary), "<|im_start|>": len(vocabulary) + 1, "<|im_end|>": len(vocabulary) + 2}
    special = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": {str(index): {"content": name, **special} for name, index in added.items()},
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 32768,
        "unk_token": None,
        "bos_token": None,
        "add_prefix_space": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = Qwen2Config(
        vocab_size=vocabulary_rows,
        num_attention_heads=2,  # heads of 32: vLLM's CPU attention takes no smaller
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rope_theta=1000000.0,
        bos_token_id=None,
        eos_token_id=added["<|endoftext|>"],
        **SMALL["llm"],
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


def write_llm(folder: Path) -> None:
    """llm.pt of CosyVoice2, with biases that matter."""
    encoder, model = qwen2lm_class()
    size = SMALL["llm"]["hidden_size"]
    llm = model(size, size, CODEBOOK, encoder(str(folder / "CosyVoice-BlankEN")), sampling=None)
    with torch.no_grad():
        llm.llm_decoder.bias.normal_()
        for weight in llm.llm.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    torch.save(llm.state_dict(), folder / "llm.pt")


def write_llm3(folder: Path) -> None:
    """llm.pt of CosyVoice3, by the shapes of its class (cosyvoice/llm/llm.py, CosyVoice3LM), which no package has."""
    from transformers import Qwen2ForCausalLM

    model = Qwen2ForCausalLM.from_pretrained(folder / "CosyVoice-BlankEN")
    state = {f"llm.model.{name}": value.clone() for name, value in model.state_dict().items()}
    rows, size = CODEBOOK + 200, SMALL["llm"]["hidden_size"]
    state |= {"speech_embedding.weight": torch.randn(rows, size), "llm_decoder.weight": torch.randn(rows, size) / 8}
    torch.save(state, folder / "llm.pt")
