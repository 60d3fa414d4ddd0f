"""Stage `merge`: verl's FSDP shards -> a Hugging Face checkpoint by verl's own merger, then compared with the shards.

    python -m merge.merge --config-path <recipe> --config-name merge [merge.step=40] [merge.dtype=bfloat16]

verl's merger rounds every weight to bfloat16 on loading. Asked for float32, a subclass gives it the shards as they are;
the rest (configuration, tokenizer, generation configuration, tied weights) stays verl's.
"""

import json
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor
from verl.model_merger.base_model_merger import ModelMergerConfig
from verl.model_merger.fsdp_model_merger import FSDPModelMerger, merge_non_dtensor_shards

from data_prep.whole import whole_directory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_TRACKER = "latest_checkpointed_iteration.txt"  # verl writes it after everything else of a checkpoint


class MissingCheckpoint(FileNotFoundError):
    """There is nothing (whole) to merge; the message says what to do."""


def missing_files(actor: Path) -> list[str]:
    """What a whole checkpoint of the actor has and this one lacks."""
    if not (actor / "fsdp_config.json").exists():
        return ["fsdp_config.json"]
    size = json.loads((actor / "fsdp_config.json").read_text())["world_size"]
    wanted = [f"model_world_size_{size}_rank_{rank}.pt" for rank in range(size)]
    wanted += ["huggingface/config.json", "huggingface/tokenizer_config.json"]
    return [name for name in wanted if not (actor / name).exists()]


def find_actor(grpo_dir: str, step: int | None) -> Path:
    """The actor's directory of `step`, or of the newest complete step.

    Steps later than what verl's tracker file names were interrupted while they were written, and are passed over.

    Raises:
        MissingCheckpoint: there is none, or the one asked for is not whole.
    """
    root = Path(grpo_dir)
    found = {int(p.name.removeprefix("global_step_")): p / "actor" for p in root.glob("global_step_*")}
    tracker = root / _TRACKER
    if not found or not tracker.exists():
        raise MissingCheckpoint(f"no complete checkpoint (global_step_N) in {grpo_dir}: run the stage `train` first")
    last = int(tracker.read_text())
    if step is not None and step not in found:
        raise MissingCheckpoint(f"no global_step_{step} in {grpo_dir}; there are the steps {sorted(found)}")
    lacking: dict[int, list[str]] = {}
    for number in sorted(found, reverse=True) if step is None else [step]:
        lacking[number] = missing_files(found[number])
        if number > last:
            lacking[number].insert(0, f"verl did not finish writing it: {_TRACKER} says {last}")
        if not lacking[number]:
            return found[number]
        print(f"{found[number]} is not whole, passed over: {lacking[number]}", flush=True)
    raise MissingCheckpoint(f"no whole checkpoint in {grpo_dir}, missing: {lacking}; train on, or name merge.step=N")


def full_weights(actor: Path) -> dict[str, torch.Tensor]:
    """The actor's weights put together from its shards, in the shards' own dtype.

    Raises:
        ValueError: a placement other than sharded or replicated over one dimension.
    """
    size = json.loads((actor / "fsdp_config.json").read_text())["world_size"]
    shards = [_load(actor / f"model_world_size_{size}_rank_{rank}.pt") for rank in range(size)]
    weights = {}
    for name, first in shards[0].items():
        parts = [shard[name] for shard in shards]
        if not isinstance(first, DTensor):
            weights[name] = merge_non_dtensor_shards(name, parts)
        elif len(first.placements) != 1 or first.placements[0].is_partial():
            raise ValueError(f"{actor}: {name} is placed {first.placements}; only one sharded dimension is known here")
        elif first.placements[0].is_replicate():
            weights[name] = first.to_local()
        else:
            weights[name] = torch.cat([part.to_local() for part in parts], dim=first.placements[0].dim)
    return weights


def _load(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, map_location="cpu", weights_only=False)


class _ExactMerger(FSDPModelMerger):
    """verl's merger without its `.bfloat16()`."""

    def _load_and_merge_state_dicts(self, *_args) -> dict[str, torch.Tensor]:
        return full_weights(Path(self.config.local_dir))


def merge(actor: Path, target: Path, dtype: str) -> None:
    """Writes the Hugging Face checkpoint into `target`, an empty directory.

    Raises:
        ValueError: a dtype other than float32 and bfloat16.
    """
    if dtype not in DTYPES:
        raise ValueError(f"merge.dtype is one of {sorted(DTYPES)}, got {dtype!r}")
    config = ModelMergerConfig(
        operation="merge",
        backend="fsdp",
        local_dir=str(actor),
        target_dir=str(target),
        hf_model_config_path=str(actor / "huggingface"),
    )
    merger = (FSDPModelMerger if dtype == "bfloat16" else _ExactMerger)(config)
    merger.merge_and_save()
    merger.cleanup()
    settings = json.loads((target / "config.json").read_text())
    settings["dtype"] = dtype  # the merger builds its model in bfloat16 and writes that
    (target / "config.json").write_text(json.dumps(settings, indent=2) + "\n")


def check(actor: Path, target: Path, dtype: str) -> int:
    """Compares each merged tensor with the shards, rounded to `dtype`, bit by bit; returns how many there are.

    Raises:
        ValueError: a tensor differs, is missing or is not in the shards; names it.
    """
    merged = {name: tensor for file in sorted(target.glob("*.safetensors")) for name, tensor in load_file(file).items()}
    weights = full_weights(actor)
    tied = json.loads((target / "config.json").read_text()).get("tie_word_embeddings", False)
    missing = set(weights) - set(merged) - ({"lm_head.weight"} if tied else set())
    if missing or set(merged) - set(weights):
        raise ValueError(f"{target}: missing {sorted(missing)}, not in the shards {sorted(set(merged) - set(weights))}")
    for name, tensor in merged.items():
        if not torch.equal(tensor, weights[name].to(DTYPES[dtype])):
            raise ValueError(f"{target}: {name} is not what the shards in {actor} hold")
    return len(merged)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    actor = find_actor(cfg.recipe.grpo_dir, cfg.merge.step)
    with whole_directory(cfg.recipe.merged_dir) as target:
        merge(actor, target, cfg.merge.dtype)
        count = check(actor, target, cfg.merge.dtype)
    print(f"{actor} -> {cfg.recipe.merged_dir}: {count} tensors in {cfg.merge.dtype}, equal to the shards")


if __name__ == "__main__":
    main()
