"""The builder of the embedded default leaves a user's own files alone."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import torch

from models.tiny_mandarin.build import Build, _in_threads
from speech.imports import ROOT
from stages.config import compose_stage


def test_texts_of_the_users_own_are_not_written_over(tmp_path: Path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"text": "我的"}\n', encoding="utf-8")
    where = [f"recipe.{name}={own}" for name in ("train_texts", "test_texts", "sft_texts")]
    sizes = [f"build.texts.{name}=3" for name in ("train", "test", "sft")]
    build = Build(compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={tmp_path}/work", *where, *sizes)))
    build.texts()
    assert own.read_text(encoding="utf-8") == '{"text": "我的"}\n'
    for name in ("train", "test"):
        lines = (tmp_path / "work" / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 3 and all(json.loads(line)["text"] for line in lines)


def build_in(folder: Path) -> Build:
    return Build(compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={folder}",)))


def test_a_step_is_repeated_for_other_settings_and_not_for_other_code(tmp_path: Path, capsys):
    made = []

    def make() -> None:
        made.append(1)
        (tmp_path / "result").touch()

    def run(settings: dict) -> str:
        build_in(tmp_path).step("codec", [tmp_path / "result"], settings, make, ["models.tiny_mandarin.codec"])
        return capsys.readouterr().out

    assert run({"steps": 5, "width": 2}) == "[build] codec\n"
    assert run({"width": 2, "steps": 5}) == "[build] codec: there already\n"
    account = tmp_path / "build/data.json"
    state = json.loads(account.read_text())
    state["codec"]["code"]["models/tiny_mandarin/codec.py"] = "of yesterday"
    account.write_text(json.dumps(state))
    assert "there already, made by other code (models/tiny_mandarin/codec.py); bash run.sh --force" in run(
        {"steps": 5, "width": 2}
    )
    assert run({"steps": 6, "width": 2}) == "[build] codec\n"
    (tmp_path / "result").unlink()
    assert run({"steps": 6, "width": 2}) == "[build] codec\n"
    assert len(made) == 3


def test_after_a_step_that_was_repeated_the_next_ones_are_too(tmp_path: Path, capsys):
    def run(first: int) -> list[str]:
        build = build_in(tmp_path)
        for name, settings in (("a", first), ("b", 1)):
            build.step(name, [], settings, lambda: None, [])
        return capsys.readouterr().out.splitlines()

    assert run(1) == ["[build] a", "[build] b"]
    assert run(1) == ["[build] a: there already", "[build] b: there already"]
    assert run(2) == ["[build] a", "[build] b"]


def test_threads_each_with_what_is_theirs_keep_the_order():
    made, cores = [], torch.get_num_threads()
    torch.set_num_threads(2)

    def make():
        made.append(threading.get_ident())
        return lambda item: np.array([item, torch.get_num_threads()])

    try:
        results = _in_threads(make, list(range(50)), "squares")
        assert [result.tolist() for result in results] == [[item, 1] for item in range(50)]
        assert 1 <= len(set(made)) == len(made) <= 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(cores)


def test_the_builder_starts_without_what_few_of_its_runs_need():
    code = (
        "import sys, models.tiny_mandarin.build as b; sys.exit(len({'transformers', 'sklearn'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
