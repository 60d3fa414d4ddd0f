"""A stage's command in a process forked from one that has imported what it needs: many of them, the imports once."""

import importlib
import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

# What the trainer's environment imports for 5 s. Not verl: with TRL and a model it counts who was imported first.
HEAVY = ["torch", "torch.distributed.fsdp", "torch._dynamo", "tensordict", "transformers", "ray"]


def server(preload: Sequence[str] = HEAVY) -> ForkServerContext:
    """Where processes are forked from one that has imported `preload`: those of the first call, as pytest's process has
    one such server."""
    forked = get_context("forkserver")
    forked.set_forkserver_preload(list(preload))
    return forked


def command(module: str, argv: Sequence[str], output: Path, preload: Sequence[str] = HEAVY) -> tuple[int, str]:
    """Exit status and output of `python -m module argv` in this folder.

    Args:
        output: a new file for what it says.
        preload: what is imported once in a session of pytest, in the environment of the first call.
    """
    process = server(preload).Process(target=_run, args=(module, list(argv), os.getcwd(), str(output)))
    process.start()
    process.join()
    return process.exitcode, output.read_text(errors="replace")


def _run(module: str, argv: list[str], folder: str, output: str) -> None:
    os.chdir(folder)
    said = os.open(output, os.O_WRONLY | os.O_CREAT)
    for descriptor in (1, 2):
        os.dup2(said, descriptor)
    sys.argv = [module, *argv]
    importlib.import_module(module).main()
