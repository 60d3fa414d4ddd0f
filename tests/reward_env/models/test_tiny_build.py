"""The builder of the embedded default leaves a user's own files alone."""

import json
from pathlib import Path

from models.tiny_mandarin.build import Build
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
    account = tmp_path / "build/state.json"
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
