"""Stage `sft` by verl's SFT trainer, for recipes that start from a released checkpoint: full weights or LoRA.

    python -m sft.verl_train --config-path <recipes/NAME> --config-name sft [overrides]

Starts verl.trainer.sft_trainer under torchrun with trainer.n_gpus_per_node processes, which all run this module again,
then puts the last checkpoint together (a LoRA adapter is added to its weights) as the Hugging Face checkpoint
recipe.sft_dir. An interrupted training continues from trainer.default_local_dir (trainer.resume_mode: auto).
"""

import os
import subprocess
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig


def launch(cfg: DictConfig, arguments: list[str]) -> None:
    """Runs this module in all processes of this node and waits. Raises CalledProcessError when one of them fails."""
    size = [f"--nnodes={cfg.trainer.nnodes}", f"--nproc-per-node={cfg.trainer.n_gpus_per_node}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *size, *cfg.sft.torchrun]
    subprocess.run([*torchrun, "-m", "sft.verl_train", *arguments], check=True)


def train(cfg: DictConfig) -> None:
    """In each process of torchrun: verl's own trainer."""
    from verl.trainer.sft_trainer import run_sft
    from verl.utils.device import auto_set_device

    auto_set_device(cfg)
    run_sft(cfg)


def export(cfg: DictConfig) -> Path:
    """Writes the newest whole checkpoint to recipe.sft_dir. Raises MissingCheckpoint if there is none."""
    from data_prep.whole import whole_directory
    from merge.merge import check, find_actor, merge

    checkpoint = find_actor(cfg.trainer.default_local_dir, None, part="")
    with whole_directory(cfg.recipe.sft_dir) as target:
        merge(checkpoint, target, cfg.sft.dtype)
        count = check(checkpoint, target, cfg.sft.dtype)
    print(f"[sft] {checkpoint} -> {cfg.recipe.sft_dir}: {count} tensors in {cfg.sft.dtype}", flush=True)
    return checkpoint


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `sft`, or one of its processes."""
    if "RANK" in os.environ:
        train(cfg)
        return
    launch(cfg, sys.argv[1:])
    export(cfg)


if __name__ == "__main__":
    main()
