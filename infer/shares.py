"""One piece of work for several processes, one on each GPU: each takes its share of the texts, and what comes out is
what one process alone would have made.

A configuration says `workers`, how many (or all: as many as there are GPUs), and `share`, which of them a process is.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TypeVar

from omegaconf import DictConfig

from speech.faults import UserError

Item = TypeVar("Item")


def workers_of(cfg: DictConfig) -> int:
    """How many processes the work is for; 1 in one that has its share already.

    Raises:
        ValueError: workers is neither all nor a number from 1 on.
    """
    if cfg.get("share") is not None:
        return 1
    asked = cfg.get("workers", 1)
    if asked == "all":
        import torch  # here: what starts the processes has nothing to compute

        return max(1, torch.cuda.device_count())
    if not isinstance(asked, int) or asked < 1:
        raise UserError(f"workers={asked}: a number of processes, or all, one for each GPU")
    return asked


def place_of(cfg: DictConfig) -> tuple[int, int]:
    """(which, of how many) this process is."""
    which, count = cfg.get("share") or (0, 1)
    return int(which), int(count)


def share(items: Sequence[Item], cfg: DictConfig) -> list[Item]:
    """This process's items: each `count`-th, so that long and short texts are spread evenly.

    >>> share("abcde", DictConfig({"share": [1, 2]}))
    ['b', 'd']
    """
    which, count = place_of(cfg)
    return list(items[which::count])


def in_processes(module: str, count: int, *more: str) -> None:
    """This command again in `count` processes, each with its share, its GPU where there are some, and the overrides
    `more`.

    Raises:
        SystemExit: one failed; the others are ended.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible:
        gpus = visible.split(",")
    else:
        import torch

        gpus = [str(number) for number in range(torch.cuda.device_count())]
    running = []
    for which in range(count):
        own = {"CUDA_VISIBLE_DEVICES": gpus[which % len(gpus)]} if gpus else {}
        command = [sys.executable, "-m", module, *sys.argv[1:], *more, f"+share=[{which},{count}]"]
        running.append(subprocess.Popen(command, env=os.environ | own))
    try:
        for which, process in enumerate(running):
            if status := process.wait():
                raise SystemExit(f"{module}: process {which} of {count} failed with exit status {status}")
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait()
