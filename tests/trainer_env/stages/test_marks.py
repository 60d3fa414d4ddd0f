"""Which stages have to run again when what lies in the work folder is no longer what they were done with."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from speech.imports import ROOT
from stages.marks import Marks
from stages.run import Run
from stages.table import Stage, table

RECIPE = "tiny_mandarin"
STAGES = ("data", "train", "merge", "eval")
FILES = {  # with their content: "1" or "2" below, so that size and, by touch(), time stay the same
    "data": [
        "data/train.jsonl",
        "data/rl_train.parquet",
        "data/rl_test.parquet",
        "data/sft_train.parquet",
        "data/sft_val.parquet",
    ],
    "models": ["tokenizer/tokenizer.json", "token2wav/decoder.pt", "reward_asr/model.pt"],
    "sft": ["sft/config.json", "sft/model.safetensors"],
    "train": ["grpo/latest_checkpointed_iteration.txt", "grpo/global_step_1/actor/model_world_size_1_rank_0.pt"],
    "checkpoints": ["checkpoints/best.json"],
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


def write_files(work: Path) -> None:
    for files in FILES.values():
        for name in files:
            write(work / name, "1")


@pytest.fixture(scope="module")
def every(work: Path) -> list[tuple[Marks, Stage, dict]]:
    """The stages, each with what its mark says when nothing has changed."""
    write_files(work)
    found = [stage_of(work, name) for name in STAGES]
    return [(marks, stage, marks.parts(stage)) for marks, stage in found]


@pytest.fixture
def to_run(work: Path, every) -> Callable[[], list[str]]:
    """to_run() -> names of the stages that are not done, in a work folder where all of them were."""
    write_files(work)
    for marks, stage, parts in every:
        for kind in ("begun", "done"):
            marks.write(stage, kind, parts)
    return lambda: [stage.name for marks, stage, _ in every if marks.stale(stage, marks.parts(stage))]


def test_nothing_runs_again_when_nothing_changed(to_run):
    assert to_run() == []


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("sft/model.safetensors", ["train", "eval"]),
        ("grpo/global_step_1/actor/model_world_size_1_rank_0.pt", ["merge"]),  # eval: when merge gives other weights
        ("merged/model.safetensors", ["eval"]),
        ("checkpoints/best.json", []),
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


def test_a_large_file_of_another_time_and_the_same_content_is_the_same(to_run, work):
    """At b75001f0 a copy of it, or stage data done again by newer code, threw a training back to its beginning."""
    own = (f"recipe.work_dir={work}", "hash_content_below_mib=0")
    marks = Marks(cfg := table(RECIPE, own))
    train, texts = Stage("train", RECIPE, cfg.stages.train, own[:1]), work / "data/rl_train.parquet"
    mark(marks, train, "begun", "done")
    mark(marks, train, "begun")
    os.utime(texts, (2e9, 2e9))
    assert marks.clear_way(train, marks.parts(train), force=False) == []
    texts.write_text("2")
    os.utime(texts, (3e9, 3e9))
    (said,) = marks.clear_way(train, marks.parts(train), force=False)
    assert said.endswith(f" (inputs ({os.path.relpath(texts, ROOT)}) changed)")


def test_another_agent_loop_makes_training_run_again_from_its_beginning(to_run, work):
    write(loop := work / "loop.yaml", "1")
    marks, train = stage_of(work, "train", f"actor_rollout_ref.rollout.agent.agent_loop_config_path={loop}")
    mark(marks, train, "begun", "done")
    assert marks.stale(train, marks.parts(train)) is None
    write(loop, "2")
    assert marks.stale(train, marks.parts(train)) == f"reads ({os.path.relpath(loop, ROOT)}) changed since it was done"
    assert marks.clear_way(train, marks.parts(train), force=False)[0].startswith("checkpoints of another run moved")


def test_what_is_best_counts_where_the_best_is_merged(to_run, work):
    marks, merge = stage_of(work, "merge", "merge.step=best")
    mark(marks, merge, "begun", "done")
    assert marks.stale(merge, marks.parts(merge)) is None
    write(work / "checkpoints/best.json", "2")
    assert "checkpoints/best.json" in marks.stale(merge, marks.parts(merge))


def test_an_interrupted_training_goes_on(to_run, work):
    marks, train = stage_of(work, "train")
    mark(marks, train, "begun")
    write(work / "grpo/latest_checkpointed_iteration.txt", "2")
    assert marks.clear_way(train, marks.parts(train), force=False) == []


def test_a_work_folder_on_another_disk_goes_on_where_a_link_leads_to_it(to_run, work):
    marks, train = stage_of(work, "train")
    mark(marks, train, "begun", "done")
    elsewhere = work.rename(work.with_name("larger"))
    work.symlink_to(elsewhere)
    try:
        assert marks.clear_way(train, marks.parts(train), force=False) == []
        assert to_run() == []
    finally:
        work.unlink()
        elsewhere.rename(work)


@pytest.fixture
def trained(to_run, work) -> tuple[Marks, Stage, dict]:
    """A finished training, and what it was done with."""
    marks, train = stage_of(work, "train")
    return marks, train, marks.parts(train)


@pytest.mark.parametrize(
    ("kind", "name"), [("code", "reward_tts/reward/errors.py"), ("server", "token2wav.vocoder.dtype")]
)
def test_other_code_leaves_a_finished_training_as_it_is_and_says_so(trained, work, capsys, kind, name):
    marks, train, parts = trained
    marks.write(train, "done", parts | {kind: parts[kind] | {name: "other"}})
    assert list(Run(marks.table, [train], force=False).one(train, [])) == []  # nothing ran
    assert f"train: {kind} ({name}) changed since it was done. What it made stays as it is" in capsys.readouterr().out
    assert (work / "grpo/global_step_1").exists()
    (said,) = marks.clear_way(train, parts, force=True)
    assert said.startswith("checkpoints of another run moved")
    when = said.partition("grpo.")[2]
    assert (work / f"grpo.{when}/global_step_1").exists() and not (work / "grpo").exists()
    assert (work / f"checkpoints.{when}/best.json").exists()  # what is best is best of those
    assert not (work / "checkpoints").exists()


def test_an_evaluation_elsewhere_leaves_the_first_one_done(to_run, work):
    marks, first = stage_of(work, "eval")
    others, second = stage_of(work, "eval", f"recipe.eval_dir={work}/elsewhere", "bootstrap.resamples=7")
    mark(others, second, "begun", "done")
    assert marks.stale(first, marks.parts(first)) is None
    write(work / "elsewhere/results.md", "1")
    assert others.stale(second, others.parts(second)) is None
    _, fewer = stage_of(work, "eval", "bootstrap.resamples=7")
    assert "bootstrap.resamples" in marks.stale(fewer, marks.parts(fewer))


def test_a_mark_of_an_older_version_leaves_a_finished_training_as_it_is(trained, work, capsys):
    marks, train, _ = trained
    (work / "marks/train.done").write_text('{"config": "ab12", "code": "34", "inputs": "56", "reads": "78"}')
    assert list(Run(marks.table, [train], force=False).one(train, [])) == []  # nothing ran
    assert "train: its mark is of an older version" in capsys.readouterr().out
    assert (work / "grpo/global_step_1").exists()


def test_force_makes_the_builder_of_the_default_forget_what_it_made(to_run, work):
    write(work / "build/data.json", "1")
    marks, data = stage_of(work, "data")
    parts = marks.parts(data)
    assert marks.clear_way(data, parts, force=False) == [] and (work / "build/data.json").exists()
    assert marks.clear_way(data, parts, force=True) == [] and not (work / "build/data.json").exists()


@pytest.mark.parametrize(
    ("name", "folder"), [("eval", "eval/tokens"), ("infer", "speech/tokens"), ("prefer", "prefer")]
)
def test_force_speaks_again_what_is_kept(to_run, work, name, folder):
    kept = [work / folder / file for file in ("SFT.made_with", "GRPO.a.jsonl.made_with_1f.0of2", "SFT.greedy.jsonl")]
    for file in kept:
        write(file, "1")
    marks, stage = stage_of(work, name)
    parts = marks.parts(stage)
    marks.clear_way(stage, parts, force=False)
    assert all(file.exists() for file in kept)
    marks.clear_way(stage, parts, force=True)
    assert [file.exists() for file in kept] == [False, False, True]


def test_more_steps_of_a_finished_training_go_on_with_newer_code(trained, work):
    marks, train, parts = trained
    for kind in ("begun", "done"):
        marks.write(train, kind, parts | {"code": {"verl_plugins/plugin.py": "other"}})
    marks.write(train, "begun", parts)
    marks, longer = stage_of(work, "train", "trainer.total_training_steps=50")
    assert not marks.is_kept(longer, now := marks.parts(longer))
    assert marks.clear_way(longer, now, force=False) == []


def test_a_token_ear_that_other_code_trained_stays_for_what_reads_by_it(tmp_path):
    """At ee8aa784 it was trained again after an update of the code, and if it came out another, so was the policy."""
    marks, ear = stage_of(tmp_path, "token_ear")
    write(Path(*ear.spec.makes, "token_ear.json"), "1")
    parts = marks.parts(ear)
    marks.write(ear, "done", parts | {"code": {"sft/token_ear.py": "other"}})
    assert marks.is_kept(ear, parts)


def test_another_learning_rate_is_named_and_another_run(trained, work):
    marks, other = stage_of(work, "train", "actor_rollout_ref.actor.optim.lr=7e-6")
    reason = marks.stale(other, now := marks.parts(other))
    assert reason == "config (actor_rollout_ref.actor.optim.lr) changed since it was done"
    assert not marks.is_kept(other, now)
    assert marks.clear_way(other, now, force=False)[0].startswith("checkpoints of another run moved")


def test_what_is_of_memory_disk_and_messages_is_no_other_run(trained):
    """At b75001f0 less memory for vLLM, or fewer checkpoints to keep, meant step 0."""
    marks, train, parts = trained
    assert {"trainer.max_actor_ckpt_to_keep", "reward.num_workers", "data.val_max_samples"} < {*train.spec.may_change}
    for key in train.spec.may_change:
        told = [name for name in parts["config"] if f"{name}.".startswith(f"{key}.")]
        assert told, f"no such key: {key}"
        now = parts | {"config": parts["config"] | dict.fromkeys(told, '"other"')}
        assert marks.clear_way(train, now, force=False) == [], key


def test_another_run_goes_on_from_what_is_there_where_it_is_told_to(trained, work):
    own = (f"recipe.work_dir={work}", "actor_rollout_ref.actor.optim.lr=9e-6")
    marks = Marks(cfg := table(RECIPE, (own[0], "go_on=true")))
    other = Stage("train", RECIPE, cfg.stages.train, own)
    (said,) = marks.clear_way(other, marks.parts(other), force=False)
    assert said.endswith("(go_on=true), though config (actor_rollout_ref.actor.optim.lr) changed")
    assert (work / "grpo/global_step_1").exists()
    assert marks.clear_way(other, marks.parts(other), force=True)[0].startswith("checkpoints of another run moved")


def test_checkpoints_of_one_second_are_moved_to_names_of_their_own(trained, work):
    marks, other = stage_of(work, "train", "actor_rollout_ref.actor.optim.lr=8e-6")
    folder, now, moved = work / "grpo", marks.parts(other), []
    for step in ("first", "second", "third"):
        folder.mkdir(exist_ok=True)
        write(folder / step, "")
        os.utime(folder, (0, 0))
        moved.append(ROOT / marks.clear_way(other, now, force=True)[0].rpartition(" ")[2])
    assert all((one / name).exists() for one, name in zip(moved, ("first", "second", "third"), strict=True))
    assert [one.name.removeprefix(moved[0].name) for one in moved] == ["", "-2", "-3"]


def test_what_the_server_is_told_on_the_command_line_counts(trained, work):
    marks, train, _ = trained
    own = (f"recipe.work_dir={work}", "token2wav.vocoder.dtype=float32")
    serve = Stage("serve", RECIPE, marks.table.stages.serve, own)
    reason = Marks(marks.table, serve).stale(train, Marks(marks.table, serve).parts(train))
    assert reason == "server (token2wav.vocoder.dtype) changed since it was done"


def test_another_recording_of_a_voice_is_noticed(to_run, work):
    write(work / "voices.jsonl", '{"name": "a", "text": "x", "wav": "a.wav"}\n')
    write(work / "a.wav", "1")
    marks, evaluation = stage_of(work, "eval", f"recipe.voices={work}/voices.jsonl")
    mark(marks, evaluation, "done")
    write(work / "a.wav", "2")
    wave = os.path.relpath(work / "a.wav", ROOT)
    assert marks.stale(evaluation, marks.parts(evaluation)) == f"reads ({wave}) changed since it was done"
