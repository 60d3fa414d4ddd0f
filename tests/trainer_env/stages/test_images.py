"""Dockerfiles and workflows: no tool that builds them runs here, so what they name is looked up."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages import machine
from stages.config import ROOT, compose_stage
from stages.table import PYTHON, table
from tests.helpers.install import WITHOUT_PIP

IMAGES = ("Dockerfile.trainer", "Dockerfile.reward")


def instructions(name: str) -> list[tuple[str, str]]:
    """(INSTRUCTION, rest) of each, lines joined, comments left out."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def rest_of(name: str, wanted: str) -> list[str]:
    return [rest for word, rest in instructions(name) if word == wanted]


def test_a_linter_has_nothing_to_say():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, *IMAGES], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", IMAGES)
def test_whatever_is_copied_is_there_and_all_packages_are(name):
    sources = {source for rest in rest_of(name, "COPY") for source in shlex.split(rest)[:-1]}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= sources


def example(name: str) -> list[str]:
    """The words of the `docker run` that the file begins with."""
    comment = "\n".join(line[1:] for line in (ROOT / name).read_text().splitlines() if line.startswith("#"))
    (command,) = re.findall(r"docker run (.*)", comment.replace("\\\n", " "))
    return shlex.split(command)


def test_the_two_images_reach_each_other_as_their_examples_start_them():
    reward, trainer = example("Dockerfile.reward"), example("Dockerfile.trainer")
    where = compose_stage("cosyvoice2", "grpo").recipe.server
    ports = {where.http_port, where.grpc_port, where.metrics_port}
    (published,) = [reward[place + 1] for place, word in enumerate(reward) if word == "-p"]
    outside, inside = (range(int(low), int(high) + 1) for low, high in re.findall(r"(\d+)-(\d+)", published))
    assert ports <= {*outside} and outside == inside
    (exposed,) = rest_of("Dockerfile.reward", "EXPOSE")
    assert ports == {int(port) for port in exposed.split()}
    for words in (reward, trainer):
        assert "recipe.server.secret_env=SECRET" in words and words[words.index("SECRET=...") - 1] == "-e"


@pytest.mark.parametrize("name", IMAGES)
def test_whatever_is_run_is_there(name):
    run = [shlex.split(part) for rest in rest_of(name, "RUN") for part in rest.split("&&")]
    run += [yaml.safe_load(rest) for rest in rest_of(name, "ENTRYPOINT")]
    scripts = [argv[1] for argv in run if argv[0] == "bash"]
    assert "stages/install.sh" in scripts and len(scripts) == 2
    for script in scripts:
        assert subprocess.run(["bash", "-n", script], cwd=ROOT).returncode == 0
    assert {argv[0] for argv in run} == {"bash", "apt-get", "rm"}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_has_the_system_packages_that_install_asks_for(name, monkeypatch):
    monkeypatch.setattr(machine, "loads", lambda *names: False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: None)
    monkeypatch.setattr(machine.os.path, "exists", lambda path: False)
    monkeypatch.setattr(machine.sysconfig, "get_python_version", lambda: "3.11")
    (apt,) = [rest for rest in rest_of(name, "RUN") if "apt-get install" in rest]
    assert set(machine.missing_packages()) <= set(apt.split())


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_installs_the_environments_of_all_that_it_starts(name):
    """Stages models, data, eval and infer want both; the trainer's image had .venv alone."""
    (line,) = [rest for rest in rest_of(name, "RUN") if "stages/install.sh" in rest]
    argv = [*shlex.split(line.replace("stages/install.sh", "stages/install.sh --dry-run"))[:-1], "tiny_mandarin"]
    env = {"PATH": f"{WITHOUT_PIP.partition(':')[0]}:/usr/bin:/bin", "VERL_TTS_DEVICE": "cpu"}
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    made = {f"{folder}/bin/python" for folder in re.findall(r"install: (\S+) for cpu", done.stdout)}
    (entry,) = rest_of(name, "ENTRYPOINT")
    stages = table("cosyvoice2").stages
    started = {"run.sh": stages, "stages/serve.sh": ["serve"]}[yaml.safe_load(entry)[1]]
    assert made == {PYTHON[command.python] for stage in started for command in stages[stage].commands}


def test_the_image_of_the_server_gives_it_the_environment_that_run_sh_does(tmp_path):
    """glibc kept a heap for each few threads of the server in an image."""
    (tmp_path / "stages").mkdir()
    shutil.copy(ROOT / "stages/serve.sh", tmp_path / "stages")
    python = tmp_path / PYTHON["reward"]
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nenv\n")
    python.chmod(0o755)
    wanted = {name: str(value) for name, value in table("cosyvoice2").stages.serve.env.items()}
    outside = {name: value for name, value in os.environ.items() if name not in wanted} | {"RECIPE": "cosyvoice2"}
    command = ["bash", "stages/serve.sh"]
    done = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True, check=True)
    assert wanted and wanted.items() <= dict(line.partition("=")[::2] for line in done.stdout.splitlines()).items()


def test_the_workflow_runs_what_ci_runs():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in runs and (ROOT / ".ci/run").is_file()
