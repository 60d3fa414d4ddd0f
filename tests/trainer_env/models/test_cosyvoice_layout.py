"""Which tensors a CosyVoice language model has: llm.pt with a layer's tensor missing was taken without a word."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from models.cosyvoice.layout import check_layers

Q = "model.layers.1.self_attn.q_proj"


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    """Of transformers' own Qwen2 with two layers."""
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 2, "num_key_value_heads": 1}
    return dict(Qwen2ForCausalLM(Qwen2Config(vocab_size=9, num_hidden_layers=2, **sizes)).state_dict())


def test_a_whole_qwen2_is_taken(tensors):
    check_layers(tensors, 2)
    check_layers(tensors | {"lm_head.bias": torch.zeros(3)}, 2)


def test_a_missing_tensor_of_a_layer_is_named(tensors):
    del tensors[f"{Q}.weight"]
    with pytest.raises(ValueError, match=rf"missing {Q}\.weight; not known none$"):
        check_layers(tensors, 2)


def test_a_missing_last_layer_is_named(tensors):
    with pytest.raises(ValueError, match=r"of 3 layers: missing model\.layers\.2\.\S+, .* and 6 more; not known none"):
        check_layers(tensors, 3)


def test_an_adapter_that_was_not_merged_is_named(tensors):
    tensors[f"{Q}.base_layer.weight"] = tensors.pop(f"{Q}.weight")
    tensors[f"{Q}.lora_A.default.weight"] = torch.zeros(4, 64)
    with pytest.raises(ValueError, match=rf"missing {Q}\.weight; not known {Q}\.base_layer\.weight, .*merge the LoRA"):
        check_layers(tensors, 2)
