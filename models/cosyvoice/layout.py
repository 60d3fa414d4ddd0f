"""Which tensor of llm.pt is which of the Hugging Face checkpoint.

llm.pt is the state of the family's class (cosyvoice/llm/llm.py): a Qwen2 under `llm.model.`, tables and a head.

    llm.pt                                   Hugging Face (models/cosyvoice/speech_head.py)
    llm.model.model.embed_tokens.weight      model.embed_tokens.weight, first rows: all of them, used or not
    speech_embedding.weight                  model.embed_tokens.weight, next rows: codebook, then end tokens
    llm_embedding.weight (CosyVoice2)        model.embed_tokens.weight, last rows: start of sequence, task
    llm_decoder.weight, .bias                lm_head.weight, .bias: the same rows as speech_embedding
    llm.model.lm_head.weight                 none: tied to embed_tokens, and never used for speech
    llm.model.model.*                        model.*

Nothing is rounded, dropped or invented, so the way there and back is bit-exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
_QWEN2, _TEXT_HEAD, _TEXT = "llm.model.", "llm.model.lm_head.weight", "model.embed_tokens.weight"


# Of each layer of a Qwen2, and beside them.
_LAYER = (
    *(f"self_attn.{name}_proj.{part}" for name in "qkv" for part in ("weight", "bias")),
    "self_attn.o_proj.weight",
    *(f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")),
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
)
_BESIDE = (_TEXT, "model.norm.weight", "lm_head.weight", "lm_head.bias")
SHOWN = 6  # tensors that an error names


@dataclass(frozen=True)
class Family:
    """What CosyVoice2's and CosyVoice3's language models do not share.

    Attributes:
        behind_codebook: names of the rows behind the codebook in speech embedding and head, in order. The
            official decoding in vLLM ends with each of them (`stop_token_ids`).
        own_table: names of the rows of `llm_embedding`; none where these tokens stand behind the codebook.
        head_bias: whether the head has a bias.
    """

    behind_codebook: tuple[str, ...]
    own_table: tuple[str, ...]
    head_bias: bool


RESERVED = "<|reserved_"  # begins the names of rows without a use

# Row by row as in cosyvoice/llm/llm.py: Qwen2LM and CosyVoice3LM (its 196 rows without a name have no use yet).
FAMILIES = {
    "cosyvoice2": Family(("<|eos1|>", "<|eos2|>", "<|eos3|>"), ("<|sos|>", "<|task_id|>"), True),
    "cosyvoice3": Family(
        ("<|sos|>", "<|eos1|>", "<|task_id|>", "<|fill|>", *(f"{RESERVED}{i}|>" for i in range(4, 200))), (), False
    ),
}
END = "<|eos1|>"  # the end that both were trained to write


def family_of(name: str) -> Family:
    """Raises ValueError that names the known ones."""
    if name not in FAMILIES:
        raise ValueError(f"family is one of {sorted(FAMILIES)}, got {name!r}")
    return FAMILIES[name]


def to_huggingface(state: Mapping[str, Any], family: Family, codebook_size: int) -> Tensors:
    """State of llm.pt -> tensors by their Hugging Face names.

    Raises:
        ValueError: a tensor is missing, unknown, or not of the shape that the family has.
    """
    rest = {name: value for name, value in state.items() if name not in ("epoch", "step")}  # training adds these
    text = rest.pop(_QWEN2 + _TEXT, None)
    rest.pop(_TEXT_HEAD, None)
    rows = codebook_size + len(family.behind_codebook)
    hidden = 0 if text is None else text.shape[1]
    wanted = {"speech_embedding.weight": (rows, hidden), "llm_decoder.weight": (rows, hidden)}
    wanted |= {"llm_decoder.bias": (rows,)} if family.head_bias else {}
    wanted |= {"llm_embedding.weight": (len(family.own_table), hidden)} if family.own_table else {}
    found = {name: rest.pop(name, None) for name in wanted}
    shapes = {name: None if value is None else tuple(value.shape) for name, value in found.items()}
    stray = [name for name in rest if not name.startswith(_QWEN2 + "model.")]
    if text is None or shapes != wanted or stray:
        raise ValueError(f"no language model of this family: expected {wanted}, found {shapes} and beside it {stray}")
    out = {name.removeprefix(_QWEN2): value for name, value in rest.items()}
    tables = [text, found["speech_embedding.weight"], *([found["llm_embedding.weight"]] if family.own_table else [])]
    out[_TEXT] = torch.cat(tables)
    out["lm_head.weight"] = found["llm_decoder.weight"]
    if family.head_bias:
        out["lm_head.bias"] = found["llm_decoder.bias"]
    return out


def to_llm_pt(tensors: Mapping[str, torch.Tensor], family: Family, codebook_size: int) -> Tensors:
    """The way back.

    Raises:
        ValueError: the tensors are of another family.
    """
    rest = dict(tensors)
    table, rows = rest.pop(_TEXT), codebook_size + len(family.behind_codebook)
    head = {name: rest.pop(name) for name in ("lm_head.weight", "lm_head.bias") if name in rest}
    found = len(head.get("lm_head.weight", ()))
    if found != rows or ("lm_head.bias" in head) != family.head_bias:
        raise ValueError(
            f"a head of {found} rows, bias: {'lm_head.bias' in head}; the family's has {rows}, bias: {family.head_bias}"
        )
    text, speech, own = table.split([len(table) - rows - len(family.own_table), rows, len(family.own_table)])
    out = {_QWEN2 + name: value for name, value in rest.items()}
    out |= {_QWEN2 + _TEXT: text.clone(), "speech_embedding.weight": speech.clone()}
    out[_TEXT_HEAD] = out[_QWEN2 + _TEXT]  # one tensor, as the official class ties them
    if family.own_table:
        out["llm_embedding.weight"] = own.clone()
    return out | {name.replace("lm_head", "llm_decoder"): value for name, value in head.items()}


def from_plain(
    tensors: Mapping[str, torch.Tensor], first: int, text_rows: int, family: Family, codebook_size: int
) -> Tensors:
    """A plain Qwen2ForCausalLM, as the published recipe trains, -> tensors as to_huggingface names them.

    What its head says of text is dropped, and a bias that it does not have is 0; what that costs:
    recipes/cosyvoice2/README.md. Source: examples/grpo/cosyvoice2/huggingface_to_pretrained.py.

    Args:
        first: id of `<|s_0|>`, behind which codebook, end tokens, start and task stand in the family's order. It may
            lie within text_rows: the published recipe uses up the rows that no text token has.
        text_rows: of the released text embedding.
    """
    rows = codebook_size + len(family.behind_codebook)
    out, table = dict(tensors), tensors[_TEXT]
    out[_TEXT] = torch.cat([table[:text_rows], table[first : first + rows + len(family.own_table)]])
    out["lm_head.weight"] = tensors["lm_head.weight"][first : first + rows]
    out.pop("lm_head.bias", None)
    if family.head_bias:
        bias = tensors.get("lm_head.bias")
        out["lm_head.bias"] = table.new_zeros(rows) if bias is None else bias[first : first + rows]
    return out


def is_plain(tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether the head writes all that the embedding reads."""
    return len(tensors.get("lm_head.weight", ())) == len(tensors[_TEXT])


def check_layers(tensors: Mapping[str, Any], layers: int) -> None:
    """Whether a Qwen2 of so many layers is all there, and nothing else: transformers draws what is missing at random.

    Args:
        tensors: by their Hugging Face names.
        layers: num_hidden_layers of the configuration.

    Raises:
        ValueError: names what is missing and what is not known, such as a LoRA adapter that was not merged.
    """
    wanted = {f"model.layers.{layer}.{name}" for layer in range(layers) for name in _LAYER} | {"model.norm.weight"}
    missing, odd = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted - set(_BESIDE))
    if not missing and not odd:
        return
    lora = any(".base_layer." in name or "lora_" in name for name in odd)
    raise ValueError(
        f"llm.pt is not a Qwen2 of {layers} layers: missing {_shown(missing)}; not known {_shown(odd)}"
        + (": merge the LoRA adapter into the weights first" if lora else "")
    )


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "") or "none"
