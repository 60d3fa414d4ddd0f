"""The command that runs beside a stage: the guard's hearing beside train."""

import shutil
import time

import pytest

from stages.beside import Beside
from stages.config import ROOT, compose_stage, recipes
from stages.plan import plan
from stages.table import Stage


def train(recipe: str, *overrides: str) -> Stage:
    return plan(recipe, "train", "train", list(overrides))[1][0]


def test_the_hearing_gets_the_overrides_that_are_its_own():
    own = ["recipe.work_dir=exp/x", "guard.action=warn", "recipe/reward=cer", "~recipe.reward.terms"]
    argv = train("tiny_mandarin", *own[:2], "trainer.save_freq=5", *own[2:]).beside()
    assert argv[:3] == [".venv-reward/bin/python", "-m", "infer.guard"]
    assert argv[-5:] == ["guard", *own]


def test_the_hearing_gets_the_ear_of_the_command_line_as_the_evaluation_does():
    """At 1e922d5 the evaluation heard with SenseVoice and the guard with the recipe's ear."""
    ear = ["ear=sensevoice", "prosody.f0_floor=60.0", "reward_server.asr.model_dir=exp/other"]
    stages = {stage.name: stage for stage in plan("inworld_tts", "serve", "eval", ["guard.action=stop", *ear])[1]}
    assert stages["train"].beside()[-5:] == ["guard", "guard.action=stop", *ear]
    assert stages["eval"].overrides == tuple(ear)
    assert stages["train"].overrides == ("guard.action=stop",)  # verl knows none of them
    cfg = compose_stage("inworld_tts", "guard", stages["train"].of_beside)
    assert cfg.ear._target_ == "reward_tts.asr.sensevoice.SenseVoiceASR" and cfg.prosody.f0_floor == 60.0
    assert train("inworld_tts", "guard.action=warn", *ear).beside()[-3:] == ear


def test_keys_of_the_hearing_are_refused_where_it_does_not_run_or_has_none_such():
    """guard.folder was a key that merge did not look into: it took the newest step of a run that it had stopped."""
    stop = "guard.action=stop"
    for overrides, key in (
        (["ear=sensevoice"], "ear"),
        ([stop, "max_tokens=7"], "max_tokens"),
        ([stop, "guard.folder=x"], r"guard\.folder"),
    ):
        with pytest.raises(SystemExit, match=f"no stage of train knows the key '{key}'"):
            train("inworld_tts", *overrides)


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_has_an_ear_for_its_guard(recipe: str):
    cfg = compose_stage(recipe, "guard")
    assert cfg.ear._target_ == compose_stage(recipe, "eval").ear._target_
    assert cfg.waves.address == f"{cfg.recipe.server.host}:{cfg.recipe.server.grpc_port}"
    assert train(recipe, "guard.action=stop").beside() is not None


def test_without_a_guard_nothing_runs_beside():
    assert train("tiny_mandarin").beside() is None
    assert train("tiny_mandarin", "guard.action=null").beside() is None


def test_a_recipe_without_an_ear_trains_without_a_guard_and_says_what_it_lacks(tmp_path):
    """docs/new_family.md's is one. At 7416dde its training ended with Hydra's "Error resolving interpolation"."""
    recipe = tmp_path / "bare"
    shutil.copytree(ROOT / "recipes/tiny_mandarin", recipe)
    (recipe / "recipe.yaml").write_text(
        (recipe / "recipe.yaml")
        .read_text()
        .replace("  - optional chosen_ear: whisper_base\n", "")
        .replace("  name: tiny_mandarin\n", "  name: bare\n")
    )
    assert train(str(recipe)).beside() is None
    with pytest.raises(SystemExit, match=r"run\.sh: guard\.action: .*bare names no ASR .*chosen_ear: NAME"):
        train(str(recipe), "guard.action=warn")


def test_what_has_died_is_started_again_so_often_and_each_time_said(tmp_path):
    log = tmp_path / "guard.log"
    beside = Beside(["sh", "-c", "echo listening; exit 3"], {}, log, restarts=2)
    said: list[str] = []
    until = time.monotonic() + 300
    while len(said) < 3 and time.monotonic() < until:
        said += [one] if (one := beside.watch()) else []
    ended = "guard has ended (exit status 3) and is"
    assert said == [
        f"{ended} started again (1 of 2 times at most)",
        f"{ended} started again (2 of 2 times at most)",
        f"{ended} not started again: the run goes on without it",
    ]
    assert beside.watch() is None
    assert log.read_text() == "listening\n" * 3


def test_it_ends_with_its_stage_and_is_not_missed(tmp_path):
    beside = Beside(["sleep", "1000"], {}, tmp_path / "guard.log", restarts=2)
    assert beside.watch() is None
    beside.stop(grace_s=5)
    assert beside.watch() is None
