"""Your own texts on a finished build of the default, by the commands of README.md."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import BUILD, ROOT, SMALL

MODELS = ("token2wav", "reward_asr", "tokenizer", "build/mels.npz", "sft")


@pytest.fixture(scope="module")
def work(built_recipe: Path) -> Path:
    folder = BUILD.with_name("test_own_texts")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built_recipe, folder)
    return folder


def data(work: Path, train: str, test: str) -> subprocess.CompletedProcess[str]:
    """bash run.sh data with a user's texts."""
    for name, lines in (("my_train", train), ("my_test", test)):
        (work / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    own = [f"recipe.{name}_texts={work}/my_{name}.jsonl" for name in ("train", "test")]
    small = [one for one in SMALL if not one.startswith(("sft.", "token_ear."))]  # keys of other stages
    argv = ["bash", "run.sh", "data", f"recipe.work_dir={work.relative_to(ROOT)}", *small, *own]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)


def state(work: Path) -> dict[str, int]:
    """When each file of the models was written."""
    paths = [path for name in MODELS for path in [work / name, *(work / name).rglob("*")]]
    return {str(path): path.stat().st_mtime_ns for path in paths if path.is_file()}


def test_bad_rows_are_named_at_once_without_a_traceback_and_nothing_changes(work: Path):
    before = state(work)
    done = data(work, '{"text": "你好"}\n{"text": ""}\n{"text": 5}\n', '{"text": "早"}\n{}\n')
    out = done.stdout + done.stderr
    assert done.returncode == 1
    assert "3 bad rows" in out and "Traceback" not in out
    assert all(
        f"{work}/{row}: field 'text'" in out for row in ("my_train.jsonl:2", "my_train.jsonl:3", "my_test.jsonl:2")
    )
    assert state(work) == before and len(before) > 6


def test_texts_never_make_a_model_again_and_unknown_characters_are_named(work: Path):
    before = state(work)
    done = data(work, '{"text": "今天很好"}\n', '{"text": "今天很龘"}\n')
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("there already") == 5  # the steps of stage data in models/tiny_mandarin/build.py
    assert "test: 1 rows hold characters that the tokenizer does not know: 龘" in done.stdout
    rows = pq.read_table(work / "data/rl_train.parquet").to_pylist()
    assert [json.loads(json.dumps(row["extra_info"]))["text"] for row in rows] == ["今天很好"]
    assert state(work) == before
