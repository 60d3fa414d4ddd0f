"""What tests do with run.sh in a checkout of its own (the fixtures `checkout` and `run` of tests/conftest.py)."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def ports_as_overrides(ports: list[int]) -> list[str]:
    names = ("http_port", "grpc_port", "metrics_port")
    return [f"recipe.server.{name}={port}" for name, port in zip(names, ports, strict=True)]


def texts_there(checkout: Path) -> None:
    """What training needs of stage data, without its process."""
    texts = checkout / "exp/toy/rl_train.txt"
    texts.parent.mkdir(parents=True, exist_ok=True)
    texts.write_text("made by a test\n")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def until(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.1)


def start(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "run.sh", "--recipe", "toy", *arguments],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes_in(checkout: Path) -> list[int]:
    """Processes whose current folder is the checkout: everything that its run.sh started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == str(checkout):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
