"""Settings of an SFT by verl that do not fit together or to its rows: the checks of sft/verl_train.py, each with the
key that its fault is told of. One for each kind of file that they read beside settings, as a stage may make it anew."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from data_prep.weights import paths
from sft.verl_train import check_choice, check_lora, steps_of
from stages.left_aside import Fault
from stages.misfits import by_schedule


def of_choice(cfg: DictConfig) -> Iterator[Fault]:
    """Of settings alone."""
    yield from _of(cfg, "sft.choose", check_choice)


def of_lora(cfg: DictConfig) -> Iterator[Fault]:
    """Of the model that is trained, too: of the tokens that it was extended by."""
    yield from _of(cfg, "model.lora_rank", check_lora)


def of_rows(cfg: DictConfig) -> Iterator[Fault]:
    """Of its rows, as far as they are there; a checkpoint as in misfits.of_schedule."""
    files = paths(OmegaConf.select(cfg, "data.train_files"))
    if OmegaConf.select(cfg, "sft.torchrun") and all(Path(file).exists() for file in files):
        faults = list(_of(cfg, "data.train_batch_size", steps_of))
        yield from faults or by_schedule(cfg, "", cfg.optim, steps_of(cfg))


def _of(cfg: DictConfig, key: str, check: Callable[[DictConfig], Any]) -> Iterator[Fault]:
    if OmegaConf.select(cfg, "sft.torchrun"):
        try:
            check(cfg)
        except (FileNotFoundError, ValueError) as error:
            yield key, f"does not fit: {error}"
