"""Stage install where environments are there, or pip has settings: what is kept, made anew, and told to uv; and the end
of `run.sh test` by Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stages.config import ROOT
from tests.helpers.install import GPU, UV, checkout_in, install, tool
from tests.helpers.run_sh_checkout import processes_in, until


@pytest.mark.parametrize(("kept", "found"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_a_command_without_the_variable_leaves_environments_as_they_were_made(tmp_path, kept, found):
    """VERL_TTS_DEVICE=cpu for one command, and the next one on the same machine deleted both environments."""
    (checkout_in(tmp_path) / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text(f"{kept}\n")
    tool(tmp_path, "nvidia-smi", GPU if found == "gpu" else "exit 9")
    status, out = install(tmp_path)
    assert status == 0 and "rm -rf" not in out and f"requirements/trainer-{kept}.txt" in out
    assert f"the environments stay those for {kept}, as they were made; others: VERL_TTS_DEVICE={found} bash" in out


def test_a_recipe_for_the_other_device_is_told_before_anything_is_downloaded(tmp_path):
    """The default is for the CPU, also on a laptop with a GPU; the others need one."""
    tool(checkout_in(tmp_path), "nvidia-smi", GPU)
    status, out = install(tmp_path, "--dry-run", "tiny_mandarin")
    assert status == 0 and "requirements/trainer-cpu.txt" in out and "trainer-gpu" not in out
    assert out.index("tiny_mandarin is configured for the CPU, and so are its environments") < out.index("uv pip")
    assert "requirements/trainer-gpu.txt" in install(tmp_path, "--dry-run", "cosyvoice2")[1]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text("cpu\n")
    status, out = install(tmp_path, "--dry-run", "cosyvoice2")
    assert status == 1 and "are for the CPU, and cosyvoice2 is configured for GPUs: export VERL_TTS_DEVICE=gpu" in out
    assert install(tmp_path, "--dry-run", "cosyvoice2", VERL_TTS_DEVICE="gpu")[1].count("rm -rf .venv \n") == 1


@pytest.mark.parametrize(
    ("made_with", "asked", "version", "anew"),
    [
        ("3.11", "", "3.11", False),
        ("3.12", "", "3.12", False),
        ("3.11", "3.12", "3.12", True),
        ("3.12", "3.12", "3.12", False),
    ],
)
def test_an_environment_of_another_python_is_made_anew_where_one_is_asked_for(
    tmp_path, made_with, asked, version, anew
):
    (checkout_in(tmp_path) / ".venv").mkdir()
    (tmp_path / ".venv/installed.python").write_text(f"{made_with}\n")
    status, out = install(tmp_path, VERL_TTS_DEVICE="cpu", VERL_TTS_PYTHON=asked)
    assert status == 0 and f".venv for cpu, Python {version} " in out
    assert ("rm -rf .venv \n" in out) == anew == (f".venv has Python {made_with}: it is made anew" in out)


def test_a_python_that_lacks_system_packages_leaves_no_environment(tmp_path):
    """It advised VERL_TTS_PYTHON=3.12 then, found the environment of 3.11 again, and asked for the same packages."""
    tool(checkout_in(tmp_path), "uv", UV)
    status, _ = install(tmp_path, "tiny_mandarin", VERL_TTS_DEVICE="cpu", LACKS="1")
    assert status == 1 and not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_uv_is_told_where_pip_finds_packages(tmp_path, device):
    tool(checkout_in(tmp_path), "uv", UV)
    tool(tmp_path, "nvidia-smi", GPU)
    where = {"PIP_FIND_LINKS": "/my/wheels /more", "PIP_NO_INDEX": "1", "VERL_TTS_DEVICE": device}
    status, out = install(tmp_path, "tiny_mandarin", **where)
    assert status == 0, out
    told = [line for line in out.splitlines() if line.startswith("uv ")]
    assert len(told) == 6 and all(line.startswith("uv pip install --no-index --python .venv") for line in told)
    assert out.count("UV_FIND_LINKS=/my/wheels,/more\n") == 6
    status, out = install(tmp_path, "--force", "tiny_mandarin", **(where | {"PIP_NO_INDEX": "0"}))
    assert status == 0 and "uv pip install --python .venv" in out and "--no-index" not in out


# As pytest: at SIGINT it ends what it has begun, and exits with status 2. What it is not asked to test it does at once.
PYTEST = f"""#!{sys.executable}
import subprocess, sys, time
if "pytest" in sys.argv:
    child = subprocess.Popen(["sleep", "1000"])
    try:
        time.sleep(1000)
    except KeyboardInterrupt:
        child.kill()
        sys.exit(2)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_of_the_tests_leaves_no_process(tmp_path: Path, number: int):
    for name in ("recipes", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "stages").mkdir()
    shutil.copy(ROOT / "stages/test.sh", tmp_path / "stages")
    (tmp_path / "stages/install.sh").touch()
    for program in (".venv/bin/python", ".venv-reward/bin/python", ".venv/bin/ruff"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text(PYTEST)
        (tmp_path / program).chmod(0o755)
    command = ["bash", "stages/test.sh", "tiny_mandarin"]
    going = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL)
    until(lambda: len(processes_in(tmp_path)) == 7, "the script, three suites and what they have begun")
    os.killpg(going.pid, number)  # as a terminal does, but for SIGTERM
    assert going.wait(300) == 128 + number
    assert processes_in(tmp_path) == []
