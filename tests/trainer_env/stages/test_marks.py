"""Which stages have to run again when what lies in the work folder is no longer what they were done with."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.marks import Marks
from stages.table import Stage, table

RECIPE = "tiny_mandarin"
STAGES = ("data", "train", "merge", "eval")
FILES = {  # with their content: "1" or "2" below, so that size and, by touch(), time stay the same
    "data": ["data/train.jsonl", "data/rl_train.parquet", "data/rl_test.parquet", "data/sft_train.parquet"],
    "models": ["tokenizer/tokenizer.json", "token2wav/decoder.pt", "reward_asr/model.pt"],
    "sft": ["sft/config.json", "sft/model.safetensors"],
    "train": ["grpo/latest_checkpointed_iteration.txt", "grpo/global_step_1/actor/model_world_size_1_rank_0.pt"],
    "merge": ["merged/config.json", "merged/model.safetensors"],
    "eval": ["eval/results.md"],
}


def write(path: Path, content: str) -> None:
    """The file with this content and always the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (1e9, 1e9))


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """One work folder, outside the checkout: composing verl's YAML for each test would take long."""
    return tmp_path_factory.mktemp("work")


def stage_of(work: Path, name: str, *overrides: str) -> tuple[Marks, Stage]:
    work_dir = f"recipe.work_dir={work}"
    cfg = table(RECIPE, (work_dir, *(one for one in overrides if one.startswith("recipe."))))
    return Marks(cfg), Stage(name, RECIPE, cfg.stages[name], (work_dir, *overrides))


def mark(marks: Marks, stage: Stage, *kinds: str) -> None:
    for kind in kinds:
        marks.write(stage, kind, marks.parts(stage))


@pytest.fixture
def to_run(work: Path) -> Callable[[], list[str]]:
    """to_run() -> names of the stages that are not done, in a work folder where all of them were."""
    for files in FILES.values():
        for name in files:
            write(work / name, "1")
    every = [stage_of(work, name) for name in STAGES]
    for marks, stage in every:
        mark(marks, stage, "begun", "done")
    return lambda: [stage.name for marks, stage in every if marks.stale(stage, marks.parts(stage))]


def test_nothing_runs_again_when_nothing_changed(to_run):
    assert to_run() == []


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("sft/model.safetensors", ["train", "eval"]),
        ("grpo/global_step_1/actor/model_world_size_1_rank_0.pt", ["merge"]),  # eval: when merge gives other weights
        ("merged/model.safetensors", ["eval"]),
        ("reward_asr/model.pt", ["train"]),  # whoever judged
        ("token2wav/decoder.pt", ["train", "eval"]),
        ("data/train.jsonl", ["data"]),
        ("data/rl_test.parquet", ["train", "eval"]),
    ],
)
def test_other_content_of_the_same_size_makes_the_stages_that_read_it_run_again(to_run, work, changed, again):
    write(work / changed, "2")
    assert to_run() == again


def test_a_checkpoint_of_the_users_own_counts_with_its_weights(work):
    for name in ("config.json", "model.safetensors"):
        write(work / "elsewhere" / name, "1")
    marks, train = stage_of(work, "train", f"recipe.sft_dir={work}/elsewhere")
    before = marks.parts(train)["inputs"]
    write(work / "elsewhere/model.safetensors", "2")
    assert marks.parts(train)["inputs"] != before


def test_another_agent_loop_makes_training_run_again_from_its_beginning(to_run, work):
    write(loop := work / "loop.yaml", "1")
    marks, train = stage_of(work, "train", f"actor_rollout_ref.rollout.agent.agent_loop_config_path={loop}")
    mark(marks, train, "begun", "done")
    assert marks.stale(train, marks.parts(train)) is None
    write(loop, "2")
    assert marks.stale(train, marks.parts(train)) == "reads changed since it was done"
    assert marks.clear_way(train, marks.parts(train), force=False)[0].startswith("checkpoints of another run moved")


def test_an_interrupted_training_goes_on(to_run, work):
    marks, train = stage_of(work, "train")
    mark(marks, train, "begun")
    write(work / "grpo/latest_checkpointed_iteration.txt", "2")
    assert marks.clear_way(train, marks.parts(train), force=False) == []
