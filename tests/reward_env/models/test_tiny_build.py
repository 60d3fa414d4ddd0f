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
