"""The LoRA adapter of a checkpoint of verl's: added to the weights, kept as PEFT's two files, and gone on from.

adapter_config.json and adapter_model.safetensors hold A and B of each layer and, as modules_to_save, what was trained
whole beside them (model.lora.trained_weights), so that the model that the run began with and this folder are the merged
model. A tied head is written beside its embeddings: PEFT gives both a copy of their own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

META = "lora_train_meta.json"  # verl writes it beside the shards of a LoRA checkpoint
CONFIG, WEIGHTS = ADAPTER_FILES = "adapter_config.json", "adapter_model.safetensors"  # PEFT's
HEAD, TABLE = "lm_head.weight", "model.embed_tokens.weight"
_PREFIX = "base_model.model."
_ADAPTER = re.compile(rf"{re.escape(_PREFIX)}(?P<layer>.+)\.lora_(?P<part>[AB])\.default\.weight")
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Adapter:
    """A checkpoint's adapter, and the weights that it stands beside.

    Attributes:
        plain: weights by the plain model's names, without the adapter.
        pairs: of each layer A [rank, in] and B [out, rank].
        rank: of all of them.
        alpha: the change of a layer is alpha / rank * B A.
    """

    plain: Tensors
    pairs: dict[str, Tensors]
    rank: int
    alpha: float

    @classmethod
    def of(cls, weights: Mapping[str, torch.Tensor], actor: Path) -> "Adapter | None":
        """From the weights as verl names them; None where they are no LoRA checkpoint's.

        Raises:
            ValueError: an adapter that is not LoRA's two matrices of a layer, or has no lora_train_meta.json beside it.
        """
        plain, pairs = {}, {}
        for name, tensor in weights.items():
            if found := _ADAPTER.fullmatch(name):
                pairs.setdefault(found["layer"], {})[found["part"]] = tensor
            else:
                plain[name.removeprefix(_PREFIX).replace(".base_layer.", ".")] = tensor
        if odd := [name for name in plain if "lora_" in name]:
            raise ValueError(f"{actor}: {odd[0]} is no A or B of a linear layer; only these are known here")
        if not pairs:
            return None
        if not (actor / META).exists():
            raise ValueError(f"{actor} holds a LoRA adapter without {META}, which says its rank and alpha")
        meta = json.loads((actor / META).read_text())
        return cls(plain, pairs, meta["r"], meta["lora_alpha"])

    def added(self) -> Tensors:
        """The plain model's weights: W + alpha / r * B A (arXiv 2106.09685, section 4.1), added in float32."""
        merged = dict(self.plain)
        for layer, pair in self.pairs.items():
            weight = merged[f"{layer}.weight"]
            change = pair["B"].float() @ pair["A"].float() * (self.alpha / self.rank)
            merged[f"{layer}.weight"] = (weight.float() + change).to(weight.dtype)
        return merged


def write_adapter(weights: Mapping[str, torch.Tensor], actor: Path, target: Path, base: Path) -> int:
    """PEFT's two files, in the shards' own dtype, into the directory `target`; returns the number of tensors.

    Args:
        weights: of the checkpoint, as verl names them.
        actor: its directory.
        base: the checkpoint that the run began with. What differs from it was trained whole.

    Raises:
        ValueError: no adapter in it, or `base` is not what it stands beside.
    """
    from peft import LoraConfig

    adapter = Adapter.of(weights, actor)
    if adapter is None:
        raise ValueError(f"{actor} holds no LoRA adapter: tuning=lora (GRPO), model.lora_rank=32 (SFT)")
    before = {name: tensor for file in sorted(base.glob("*.safetensors")) for name, tensor in load_file(file).items()}
    if HEAD in adapter.plain and TABLE in before:
        before.setdefault(HEAD, before[TABLE])
    if missing := sorted(set(adapter.plain) - set(before)):
        raise ValueError(f"{base} lacks {missing[:3]}, so {actor} did not begin with it")
    whole = {name for name, one in adapter.plain.items() if not torch.equal(one, before[name].to(one.dtype))}
    if other := sorted(whole & {f"{layer}.weight" for layer in adapter.pairs}):
        raise ValueError(f"{other[0]} below the adapter is not that of {base}, with which the run began")
    modules = {name.rpartition(".")[0] for name in whole}
    tensors = {name: one for name, one in adapter.plain.items() if name.rpartition(".")[0] in modules}
    tensors |= {
        f"{layer}.lora_{part}.weight": one for layer, pair in adapter.pairs.items() for part, one in pair.items()
    }
    save_file({_PREFIX + name: one.clone() for name, one in tensors.items()}, target / WEIGHTS, {"format": "pt"})
    LoraConfig(
        base_model_name_or_path=str(base),
        task_type="CAUSAL_LM",
        inference_mode=True,
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        target_modules=sorted({layer.rpartition(".")[2] for layer in adapter.pairs}),
        modules_to_save=sorted(modules) or None,
    ).save_pretrained(target)
    return len(tensors)


def check_adapter(folder: str | Path, rank: int, alpha: float) -> None:
    """Whether a training can go on from an adapter: verl takes its rank and alpha, and notes the configuration's, by
    which it would be merged.

    Raises:
        FileNotFoundError: one of PEFT's two files is missing. ValueError: another rank or alpha.
    """
    folder = Path(folder)
    if lacking := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        raise FileNotFoundError(
            f"{folder} (lora_adapter_path) lacks {', '.join(lacking)}: merge.adapter=DIR writes them"
        )
    found = json.loads((folder / CONFIG).read_text())
    if (found["r"], found["lora_alpha"]) != (rank, alpha):
        raise ValueError(
            f"{folder} has lora_rank={found['r']} lora_alpha={found['lora_alpha']}, the configuration lora_rank={rank} "
            f"lora_alpha={alpha}: give it those"
        )


def load_adapter(module: Any, folder: str | Path) -> None:
    """Puts an adapter of PEFT's files into a PEFT model that was made with the same rank, alpha and layers. What was
    trained whole goes into the model's own weights, where PEFT would lay a copy beside them.

    Raises:
        FileNotFoundError, ValueError: see check_adapter; or it is of other layers.
    """
    config = module.peft_config["default"]
    check_adapter(folder, config.r, config.lora_alpha)
    own = module.state_dict()  # both names of a tied head
    found = {
        re.sub(r"\.lora_([AB])\.weight$", r".lora_\1.default.weight", name): tensor
        for name, tensor in load_file(Path(folder) / WEIGHTS).items()
    }
    odd = set(found) ^ {name for name in own if "lora_" in name}
    if odd := sorted(name for name in odd if "lora_" in name or name not in own):
        raise ValueError(f"{folder} is not of this model or of these target_modules: {odd[0]}, {len(odd)} such in all")
    with torch.no_grad():
        for name, tensor in found.items():
            own[name].copy_(tensor)
