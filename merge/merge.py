"""Stage `merge`: verl's FSDP shards -> a Hugging Face checkpoint by verl's own merger, then compared with the shards.

    python -m merge.merge --config-path <recipe> --config-name merge [merge.step=best] [merge.dtype=bfloat16]

verl's merger rounds every weight to bfloat16 on loading and leaves a LoRA adapter outside. A subclass gives it the
shards as they are, with the adapter added to the weights; the rest (configuration, tokenizer, generation configuration,
tied weights) stays verl's.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor
from verl.model_merger.base_model_merger import ModelMergerConfig
from verl.model_merger.fsdp_model_merger import FSDPModelMerger, merge_non_dtensor_shards

from merge.adapter import ADAPTER_FILES, HEAD, TABLE, Adapter, write_adapter
from merge.choose import HELD_OUT, TRACKER, chosen_step, guard_folder, last_step, ranked_steps, saved_steps
from speech.faults import UserError, told_plainly
from speech.files import whole_directory
from speech.loading import weights_of

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class MissingCheckpoint(UserError, FileNotFoundError):
    """There is nothing (whole) to merge; the message says what to do."""


def missing_files(actor: Path) -> list[str]:
    """What a whole checkpoint of the actor has and this one lacks."""
    if not (actor / "fsdp_config.json").exists():
        return ["fsdp_config.json"]
    size = json.loads((actor / "fsdp_config.json").read_text())["world_size"]
    wanted = [f"model_world_size_{size}_rank_{rank}.pt" for rank in range(size)]
    wanted += ["huggingface/config.json", "huggingface/tokenizer_config.json"]
    return [name for name in wanted if not (actor / name).exists()]


def find_actor(grpo_dir: str, step: int | None, part: str = "actor") -> Path:
    """The actor's directory of `step`, or of the newest complete step. `part` of verl's SFT checkpoints is "".

    Steps later than what verl's tracker file names were interrupted while they were written, and are passed over.

    Raises:
        MissingCheckpoint: there is none, or the one asked for is not whole.
    """
    root = Path(grpo_dir)
    found = {int(p.name.removeprefix("global_step_")): p / part for p in root.glob("global_step_*")}
    last = last_step(root, part)
    if not found or last is None:
        raise MissingCheckpoint(f"no complete checkpoint (global_step_N) in {grpo_dir}: run the stage `train` first")
    if step is not None and step not in found:
        raise MissingCheckpoint(f"no global_step_{step} in {grpo_dir}; there are the steps {sorted(found)}")
    lacking: dict[int, list[str]] = {}
    for number in sorted(found, reverse=True) if step is None else [step]:
        lacking[number] = missing_files(found[number])
        if number > last:
            lacking[number].insert(0, f"verl did not finish writing it: {TRACKER} says {last}")
        if not lacking[number]:
            return found[number]
        print(f"{found[number]} is not whole, passed over: {lacking[number]}", flush=True)
    raise MissingCheckpoint(f"no whole checkpoint in {grpo_dir}, missing: {lacking}; train on, or name merge.step=N")


def shard_weights(actor: Path) -> dict[str, torch.Tensor]:
    """The actor's weights put together from its shards, in the shards' own dtype and with verl's names.

    Raises:
        ValueError: a placement other than replicas of one sharded dimension (FSDP, HSDP).
    """
    size = json.loads((actor / "fsdp_config.json").read_text())["world_size"]
    shards = [weights_of(actor / f"model_world_size_{size}_rank_{rank}.pt") for rank in range(size)]
    weights = {}
    for name, first in shards[0].items():
        parts = [shard[name] for shard in shards]
        if isinstance(first, DTensor):
            weights[name] = _from_shards(f"{actor}: {name}", parts)
        else:
            weights[name] = merge_non_dtensor_shards(name, parts)
    return weights


def full_weights(actor: Path) -> dict[str, torch.Tensor]:
    """The weights of the plain model: those of the shards, and a LoRA adapter added to them.

    Raises:
        ValueError: see shard_weights and Adapter.of; or a tied head that is not its embeddings any more.
    """
    weights = shard_weights(actor)
    if adapter := Adapter.of(weights, actor):
        weights = adapter.added()
    tied = json.loads((actor / "huggingface/config.json").read_text()).get("tie_word_embeddings", False)
    if tied and HEAD in weights and TABLE in weights and not torch.equal(weights[HEAD], weights[TABLE]):
        raise ValueError(
            f"{actor}: {HEAD} is not {TABLE} any more, though tie_word_embeddings says so: one of the two would be "
            "lost. A LoRA adapter on a tied head does that: train both whole (model.lora.trained_weights)"
        )
    return weights


def _from_shards(what: str, parts: list[DTensor]) -> torch.Tensor:
    """The whole tensor of one part from each rank. FSDP's mesh has one dimension; HSDP's has (ddp, fsdp), where the
    first holds copies (verl's create_device_mesh): the ranks of its first row have all there is."""
    *copies, placement = parts[0].placements
    if len(copies) > 1 or placement.is_partial() or not all(copy.is_replicate() for copy in copies):
        raise ValueError(f"{what} is placed {parts[0].placements}: neither FSDP nor HSDP")
    ranks = parts[0].device_mesh.mesh
    ranks = (ranks[0] if copies else ranks).tolist()
    if placement.is_replicate():
        return parts[ranks[0]].to_local()
    return torch.cat([parts[rank].to_local() for rank in ranks], dim=placement.dim)


def average(actors: Sequence[Path]) -> dict[str, torch.Tensor]:
    """The mean of the checkpoints' weights, summed in float64, in their own dtype; of one, its weights as they are."""
    if len(actors) == 1:
        return full_weights(actors[0])
    total: dict[str, torch.Tensor] = {}
    for actor in actors:
        weights = full_weights(actor)
        if total and set(weights) != set(total):
            raise ValueError(f"{actor} has other tensors than {actors[0]}: {sorted(set(weights) ^ set(total))[:3]}")
        dtypes = {name: tensor.dtype for name, tensor in weights.items()}
        total = {name: total.get(name, 0) + tensor.double() for name, tensor in weights.items()}
    return {name: (tensor / len(actors)).to(dtypes[name]) for name, tensor in total.items()}


class _Merger(FSDPModelMerger):
    """verl's merger without its `.bfloat16()`, and with a LoRA adapter in the weights: verl's puts it into a folder of
    its own, where neither vLLM nor transformers look when they load the model."""

    dtype = torch.float32
    others: Sequence[Path] = ()  # that are averaged with it

    def _load_and_merge_state_dicts(self, *_args) -> dict[str, torch.Tensor]:
        weights = average([Path(self.config.local_dir), *self.others])
        return {name: tensor.to(self.dtype) for name, tensor in weights.items()}


def merge(actor: Path, target: Path, dtype: str, others: Sequence[Path] = ()) -> None:
    """Writes the Hugging Face checkpoint into `target`, an empty directory: of `actor`, or the mean with `others`.

    Raises:
        ValueError: a dtype other than float32 and bfloat16.
    """
    if dtype not in DTYPES:
        raise UserError(f"merge.dtype is one of {sorted(DTYPES)}, got {dtype!r}")
    config = ModelMergerConfig(
        operation="merge",
        backend="fsdp",
        local_dir=str(actor),
        target_dir=str(target),
        hf_model_config_path=str(actor / "huggingface"),
    )
    merger = _Merger(config)
    merger.dtype, merger.others = DTYPES[dtype], others
    merger.merge_and_save()
    merger.cleanup()
    settings = json.loads((target / "config.json").read_text())
    settings["dtype"] = dtype  # the merger builds its model in bfloat16 and writes that
    _rewrite(target / "config.json", settings | older_rope(settings))
    if (told := target / "tokenizer_config.json").exists():
        _rewrite(told, older_names(json.loads(told.read_text())))


def older_names(settings: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer_config.json as transformers 4 reads it, and transformers 5 alike."""
    listed = isinstance(settings.get("extra_special_tokens"), list)  # a mapping is another thing, in both
    older = {"extra_special_tokens": "additional_special_tokens"} if listed else {}
    named = {older.get(key, key): value for key, value in settings.items()}
    if named.get("tokenizer_class") == "TokenizersBackend":
        named["tokenizer_class"] = "PreTrainedTokenizerFast"
    return named


def older_rope(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What transformers 4 calls `rope_parameters` of a config.json. Llasa's and Inworld's own code have that version,
    which would take RoPE's theta as 10 000 and scale nothing, in silence. transformers 5 reads these two keys, too."""
    parameters = settings.get("rope_parameters") or {}
    if "rope_theta" not in parameters:  # none, or one for each type of layer
        return {}
    scaling = {key: value for key, value in parameters.items() if key != "rope_theta"}
    scaled = scaling.get("rope_type", "default") != "default"
    return {"rope_theta": parameters["rope_theta"], "rope_scaling": scaling if scaled else None}


def _rewrite(path: Path, settings: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check(actor: Path, target: Path, dtype: str, others: Sequence[Path] = ()) -> int:
    """Compares each merged tensor with the shards, rounded to `dtype`, bit by bit; returns how many there are.

    Raises:
        ValueError: a tensor differs, is missing or is not in the shards; names it.
    """
    merged = {name: tensor for file in sorted(target.glob("*.safetensors")) for name, tensor in load_file(file).items()}
    weights = average([actor, *others])
    tied = json.loads((target / "config.json").read_text()).get("tie_word_embeddings", False)
    missing = set(weights) - set(merged) - ({"lm_head.weight"} if tied else set())
    if missing or set(merged) - set(weights):
        raise ValueError(f"{target}: missing {sorted(missing)}, not in the shards {sorted(set(merged) - set(weights))}")
    for name, tensor in merged.items():
        if not torch.equal(tensor, weights[name].to(DTYPES[dtype])):
            raise ValueError(f"{target}: {name} is not what the shards in {actor} hold")
    return len(merged)


def wanted(step: int | str | None, count: int, ranking: str, grpo_dir: str) -> list[int | None]:
    """The steps to merge: `step`; with step=best the `count` best ones of `ranking`, which stage checkpoints wrote, and
    of which the guard of the run in `grpo_dir` says nothing bad.

    Raises:
        MissingCheckpoint: there is no ranking. NoChoice: it has none such. ValueError: an average of others than the
            best, or of more.
    """
    if step != "best":
        if count != 1:
            raise UserError(f"merge.average={count} is of the best checkpoints: merge.step=best")
        if step is not None and not isinstance(step, int):
            raise UserError(f"merge.step={step}: a step, best, or null, the newest")
        return [step]
    if not Path(ranking).exists():
        raise MissingCheckpoint(f"no {ranking}, which says what is best: stage checkpoints makes it")
    ranked = ranked_steps(grpo_dir, ranking)
    if not 1 <= count <= len(ranked):
        raise UserError(f"merge.average={count}: of {ranking} {len(ranked)} can be taken")
    return ranked[:count]


def steps_there(folder: str) -> list[int]:
    """Steps of all whole checkpoints, in order. Raises MissingCheckpoint if there is none."""
    find_actor(folder, None)
    return [step for step in saved_steps(folder) if not missing_files(Path(folder) / f"global_step_{step}/actor")]


def _one(actors: Sequence[Path], target_dir: str, dtype: str) -> None:
    actor, *others = actors
    with whole_directory(target_dir) as target:
        merge(actor, target, dtype, others)
        count = check(actor, target, dtype, others)
    same = "equal to the shards" if not others else f"the mean of {len(actors)} checkpoints"
    print(f"{', '.join(map(str, actors))} -> {target_dir}: {count} tensors in {dtype}, {same}", flush=True)


def keep_adapter(actor: Path, folder: str, base: str) -> None:
    """Writes the LoRA adapter of a checkpoint as PEFT's two files, see write_adapter."""
    with whole_directory(folder, lambda file: file.name in ADAPTER_FILES) as target:
        count = write_adapter(shard_weights(actor), actor, target, Path(base))
    print(f"{actor} -> {folder}: a LoRA adapter of {count} tensors, beside {base}", flush=True)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    folder, dtype = cfg.recipe.grpo_dir, cfg.merge.dtype
    if cfg.merge.every:  # merge.adapter is of stage merge, which the same command may have
        for step in steps_there(folder):
            _one([find_actor(folder, step)], f"{cfg.merge.checkpoints}/step_{step}", dtype)
        return
    if cfg.merge.adapter and cfg.merge.average != 1:
        raise UserError("merge.adapter is of one checkpoint: without merge.average")
    by_guard = cfg.merge.step == "best" and cfg.merge.average == 1 and (guard_folder(folder) / HELD_OUT).exists()
    if by_guard and not Path(cfg.merge.ranking).exists():
        steps = [chosen_step(folder, "best", cfg.merge.heard_share)]
    else:
        named = wanted(cfg.merge.step, cfg.merge.average, cfg.merge.ranking, folder)
        steps = [chosen_step(folder, one) for one in named]
    actors = [find_actor(folder, step) for step in steps]
    if cfg.merge.adapter:
        keep_adapter(actors[0], cfg.merge.adapter, cfg.recipe.sft_dir)
    _one(actors, cfg.recipe.merged_dir, dtype)


if __name__ == "__main__":
    main()
