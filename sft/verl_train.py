"""Stage `sft` by verl's SFT trainer, for recipes that start from a released checkpoint: full weights or LoRA.

    python -m sft.verl_train --config-path <recipes/NAME> --config-name sft [overrides]

Starts verl.trainer.sft_trainer under torchrun with trainer.n_gpus_per_node processes, which all run this module again,
then puts the last checkpoint together (a LoRA adapter is added to its weights) as the Hugging Face checkpoint
sft.output. An interrupted training continues from trainer.default_local_dir (trainer.resume_mode: auto).
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
import pyarrow.parquet as pq
from omegaconf import DictConfig


def check_rows(cfg: DictConfig) -> None:
    """verl leaves out what fills no batch: without one it divides by nought steps, or takes the mean of nothing.

    Raises:
        ValueError: fewer rows to train or to validate with than a batch has, or a time to validate and no rows.
    """

    def rows_of(given: str | Sequence[str] | None) -> tuple[list[str], int]:
        files = [given] if isinstance(given, str) else list(given or [])
        return files, sum(pq.ParquetFile(file).metadata.num_rows for file in files)

    files, rows = rows_of(cfg.data.train_files)
    if rows < cfg.data.train_batch_size:
        raise ValueError(
            f"data.train_files={files} have {rows} rows, less than a batch: a smaller data.train_batch_size="
            f"{cfg.data.train_batch_size} (a multiple of the GPUs), or more rows"
        )
    files, rows = rows_of(cfg.data.val_files)
    if files and rows < cfg.data.train_batch_size:
        raise ValueError(
            f"data.val_files={files} have {rows} rows, less than a batch (data.train_batch_size="
            f"{cfg.data.train_batch_size}): hold out more, or data.val_files=null trainer.test_freq=-1"
        )
    if not files and cfg.trainer.test_freq != -1:
        raise ValueError(f"trainer.test_freq={cfg.trainer.test_freq} needs data.val_files; -1 validates never")


def launch(cfg: DictConfig, arguments: list[str]) -> None:
    """Runs this module in all processes of this node and waits.

    Raises:
        ValueError: several nodes, and no word on how they find each other.
        CalledProcessError: one of the processes failed.
    """
    if cfg.trainer.nnodes > 1 and "--standalone" in cfg.sft.torchrun:
        raise ValueError(
            f"trainer.nnodes={cfg.trainer.nnodes} and sft.torchrun={cfg.sft.torchrun}: see sft_verl_base.yaml"
        )
    size = [f"--nnodes={cfg.trainer.nnodes}", f"--nproc-per-node={cfg.trainer.n_gpus_per_node}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *size, *cfg.sft.torchrun]
    environment = os.environ | {name: str(value) for name, value in cfg.sft.environment.items()}
    subprocess.run([*torchrun, "-m", "sft.verl_train", *arguments], check=True, env=environment)


def train(cfg: DictConfig) -> None:
    """In each process of torchrun: verl's own trainer."""
    from verl.trainer.sft_trainer import run_sft
    from verl.utils.device import auto_set_device

    auto_set_device(cfg)
    run_sft(cfg)


def is_first_node(torchrun: Sequence[str]) -> bool:
    """Whether this node is the one that writes the result.

    >>> [is_first_node(arguments) for arguments in (["--standalone"], ["--node-rank=0"], ["--node-rank=1"])]
    [True, True, False]
    """
    return all(argument.partition("=")[2] == "0" for argument in torchrun if argument.startswith("--node-rank="))


def export(cfg: DictConfig) -> Path:
    """Writes the newest whole checkpoint to sft.output. Raises MissingCheckpoint if there is none."""
    from merge.merge import check, find_actor, merge
    from speech.files import whole_directory

    checkpoint = find_actor(cfg.trainer.default_local_dir, None, part="")
    with whole_directory(cfg.sft.output) as target:
        merge(checkpoint, target, cfg.sft.dtype)
        count = check(checkpoint, target, cfg.sft.dtype)
    print(f"[sft] {checkpoint} -> {cfg.sft.output}: {count} tensors in {cfg.sft.dtype}", flush=True)
    return checkpoint


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `sft`, or one of its processes."""
    if "RANK" in os.environ:
        train(cfg)
        return
    check_rows(cfg)
    launch(cfg, sys.argv[1:])
    if is_first_node(cfg.sft.torchrun):
        export(cfg)


if __name__ == "__main__":
    main()
