"""Stages that run beside each other: which ones, with how many threads, and what a failure or Ctrl-C leaves."""

import os
import signal
from collections.abc import Iterator

import pytest
import yaml

from stages.config import recipes
from stages.lanes import Lane, at_once, cores, groups
from stages.table import Stage, select_stages, table
from tests.helpers.run_sh_checkout import lines_of, processes_in, start, until

two_cores = pytest.mark.skipif(cores() < 2, reason="with one core stages run one after another")
EAR = {
    "defaults": ["recipe", "_self_"],
    "makes": "${recipe.work_dir}/ear.txt",
    "text": "heard",
    "seconds": 0,
    "fail": "${ear_fails}",
    "ear_fails": False,
    "daemon_sleeps": 0,
    "wait_for": "${recipe.sft_dir}",
}


def stages_of(recipe: str) -> list[Stage]:
    cfg = table(recipe)
    return [Stage(name, recipe, cfg.stages[name], ()) for name in select_stages(recipe, "data", "infer")]


def names(lanes: list[Lane]) -> list[list[str]]:
    return [[stage.name for stage in lane] for lane in lanes]


def test_the_default_trains_what_listens_beside_sft():
    found = [names(lanes) for lanes in groups(stages_of("tiny_mandarin"))]
    assert found[:2] == [[["data"]], [["reward_asr", "token_ear"], ["sft", "baseline"]]]
    assert found[2:] == [[["serve"]], [["train"]], [["merge"]], [["eval"]], [["infer"]]]


@pytest.mark.parametrize("recipe", recipes())
def test_no_lane_needs_what_another_one_makes(recipe: str):
    for lanes in groups(stages_of(recipe)):
        for lane in lanes:
            others = {stage.name for other in lanes if other is not lane for stage in other}
            assert not others & {need.made_by for stage in lane for need in stage.needs()}


@pytest.fixture
def one_core() -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


def lanes_of_default() -> list[Lane]:
    return groups(stages_of("tiny_mandarin"))[1]


def test_with_one_core_lanes_run_one_after_another(one_core):
    found = at_once(lanes_of_default(), lambda stage: True)
    assert [names(lanes) for lanes in found] == [[["reward_asr", "token_ear"]], [["sft", "baseline"]]]
    assert {stage.threads for lanes in found for lane in lanes for stage in lane} == {None}


@two_cores
def test_lanes_share_the_cores_and_one_without_work_takes_none(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    ((ear, sft),) = at_once(lanes_of_default(), lambda stage: stage.name in {"sft", "token_ear"})
    assert [stage.environment()["OMP_NUM_THREADS"] for stage in [*ear, *sft]] == [str(cores() // 2)] * 4
    first, second = at_once(lanes_of_default(), lambda stage: stage.name == "token_ear")
    assert names(first + second) == [["reward_asr", "token_ear"], ["sft", "baseline"]]
    assert "OMP_NUM_THREADS" not in second[0][0].environment()


@pytest.fixture
def beside(checkout):
    """The toy recipe with a stage beside sft that waits for what sft writes."""
    (checkout / "recipes/toy/ear.yaml").write_text(yaml.safe_dump(EAR))
    path = checkout / "recipes/toy/stages.yaml"
    toy = yaml.safe_load(path.read_text())
    toy["stages"]["sft"]["lane"] = "sft"
    toy["stages"]["reward_asr"] = {
        "number": 0.3,
        "lane": "ears",
        "does": "an ear",
        "eta": "at once",
        "commands": [{"python": "trainer", "module": "toy.work", "config": "ear"}],
        "needs": [{"path": "${recipe.rl_train}", "from": "data"}],
        "makes": ["${recipe.work_dir}/ear.txt"],
        "env": "${environment}",
    }
    path.write_text(yaml.safe_dump(toy))
    return checkout


@two_cores
def test_both_stages_run_at_once_and_have_logs_and_marks_of_their_own(run, beside, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # a number of the user's stays
    status, out = run("data", "sft")
    assert status == 0, out  # one after another the first would wait for ever
    assert f"at once, each with {cores() // 2} of the cores: reward_asr; sft" in out
    assert f"OMP_NUM_THREADS={cores() // 2} .venv/bin/python -m toy.work" in out
    assert lines_of(beside / "exp/toy/ear.txt") == ["heard"] and lines_of(beside / "exp/toy/sft.txt") == ["hello"]
    for name in ("reward_asr", "sft"):
        assert "working on" in (beside / f"exp/toy/logs/{name}.log").read_text()
        assert (beside / f"exp/toy/marks/{name}.done").exists()
    _, out = run("data", "sft")
    assert "reward_asr: done already" in out and "sft: done already" in out and "at once" not in out
    _, out = run("data", "sft", "optim.lr=0.5")
    assert "sft (config (optim.lr) changed since it was done)" in out
    assert "at once" not in out and "OMP_NUM_THREADS=" not in out
    assert len(lines_of(beside / "exp/toy/sft.txt")) == 2 and len(lines_of(beside / "exp/toy/ear.txt")) == 1


@two_cores
def test_when_one_fails_the_other_is_stopped_and_is_not_done(run, beside):
    status, out = run("data", "sft", "ear_fails=true", "seconds=0")
    done = (beside / "exp/toy/marks/sft.done").exists()  # it may have ended before
    assert status == 1 and "stage reward_asr failed with exit status 3" in out
    assert ("sft: stopped" in out) != done
    (beside / "exp/toy/sft.txt").unlink()
    sft = beside / "recipes/toy/sft.yaml"
    sft.write_text(sft.read_text().replace("seconds: 0", "seconds: 600"))
    status, out = run("data", "sft", "ear_fails=true")
    assert status == 1 and "run.sh: sft: stopped" in out and "reward_asr FAILED (exit status 3)" in out
    assert not (beside / "exp/toy/marks/sft.done").exists()
    assert processes_in(beside) == []


@two_cores
def test_an_interrupted_pair_leaves_no_process(beside):
    sft = beside / "recipes/toy/sft.yaml"
    sft.write_text(sft.read_text().replace("seconds: 0", "seconds: 0\nwait_for: for_ever"))
    going = start(beside, "data", "sft", "daemon_sleeps=0")
    until(lambda: (beside / "exp/toy/ear.txt").exists() and (beside / "exp/toy/sft.txt").exists(), "both to work")
    going.send_signal(signal.SIGINT)
    assert going.wait(300) == 128 + signal.SIGINT
    assert processes_in(beside) == []
    assert not (beside / "exp/toy/marks/sft.done").exists()
