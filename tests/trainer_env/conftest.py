"""What several folders of the trainer's tests share."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.one_process import command, fresh


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where torch would keep what it compiles in the process of `vllm_speaks`."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def vllm_speaks(compiled: Path) -> Iterator[Callable[..., None]]:
    """vllm_speaks(recipe's folder, *overrides): stage eval's first command, in a process of its own, as run.sh does it,
    but in the same one each time: vLLM's imports take 13 s."""
    with fresh({"TORCHINDUCTOR_CACHE_DIR": str(compiled)}) as process:
        yield lambda folder, *overrides: command(
            process, "infer.synthesise", ["--config-path", str(folder), "--config-name", "eval", *overrides]
        )


@pytest.fixture
def called(tmp_path: Path) -> Callable[[str], list[list[str]]]:
    """called(script) -> argv of each Python that the script has started so far, through the real run.sh; install and
    test say no more than that they are known."""
    calls = tmp_path / "calls"
    calls.touch()
    for environment in (".venv", ".venv-reward"):
        (tmp_path / environment / "bin").mkdir(parents=True)
        python = tmp_path / environment / "bin/python"
        python.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >>{calls}; printf '\\n\\0' >>{calls}\n")
        python.chmod(0o755)
    (tmp_path / "run.sh").symlink_to(ROOT / "run.sh")
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "stages").mkdir()
    for name in ("install", "test"):
        (tmp_path / f"stages/{name}.sh").touch()

    def call(script: str) -> list[list[str]]:
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env=os.environ | {"PWD": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return [argv.split("\0")[:-1] for argv in calls.read_text().split("\n\0")[:-1]]

    return call


@pytest.fixture
def run_sh(called, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str]]:
    """run_sh(*arguments) -> exit status and all output of `bash run.sh ARGUMENTS` where that starts no stage. The
    script is the real one; the Python that it calls is this process, which has composed the stages already.

    Raises:
        AssertionError: it would start one.
    """
    from stages.run import main

    def goes_on() -> None:
        raise AssertionError("nothing was refused")

    def call(*arguments: str) -> tuple[int, str]:
        _, module, *argv = called(shlex.join(["bash", "run.sh", *arguments]))[-1]
        assert module == "stages.run"
        monkeypatch.setattr("sys.argv", [module, *argv])
        monkeypatch.setattr("stages.run.processes.adopt_orphans", goes_on)
        capsys.readouterr()
        status, ended = 0, ""
        try:
            main()
        except SystemExit as end:
            status, ended = (1, end.code) if isinstance(end.code, str) else (end.code, "")
        return status, capsys.readouterr().out + ended

    return call
