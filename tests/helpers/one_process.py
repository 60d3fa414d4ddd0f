"""Stages' commands, one after another in one process of its own, which imports what they need once."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def fresh(environment: Mapping[str, str]) -> ProcessPoolExecutor:
    """One process that has imported nothing of ours, with these variables besides."""
    return ProcessPoolExecutor(1, get_context("spawn"), _begin, (dict(environment),))


def command(process: ProcessPoolExecutor, module: str, argv: Sequence[str]) -> None:
    """`python -m module argv` there.

    Raises:
        SystemExit: of the command; what it said is in pytest's capture.
    """
    process.submit(_run, module, list(argv)).result()


def _begin(environment: dict[str, str]) -> None:
    os.environ.update(environment)


def _run(module: str, argv: list[str]) -> None:
    sys.argv = [module, *argv]
    importlib.import_module(module).main()
