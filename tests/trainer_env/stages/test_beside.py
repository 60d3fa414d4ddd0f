"""The command that runs beside a stage: the guard's hearing beside train."""

import pytest

from stages.config import compose_stage, recipes
from stages.table import Stage, table


def train(recipe: str, *overrides: str) -> Stage:
    return Stage("train", recipe, table(recipe).stages.train, overrides)


def test_the_hearing_gets_the_overrides_that_are_its_own():
    own = ["recipe.work_dir=exp/x", "guard.action=warn", "recipe/reward=cer", "~recipe.reward.terms"]
    argv = train("tiny_mandarin", *own[:2], "trainer.save_freq=5", *own[2:]).beside()
    assert argv[:3] == [".venv-reward/bin/python", "-m", "infer.guard"]
    assert argv[-5:] == ["guard", *own]


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_has_an_ear_for_its_guard(recipe: str):
    cfg = compose_stage(recipe, "guard")
    assert cfg.ear._target_ == compose_stage(recipe, "eval").ear._target_
    assert cfg.waves.address == f"{cfg.recipe.server.host}:{cfg.recipe.server.grpc_port}"
    assert train(recipe, "guard.action=stop").beside() is not None


def test_without_a_guard_nothing_runs_beside():
    assert train("tiny_mandarin").beside() is None
    assert train("tiny_mandarin", "guard.action=null").beside() is None
