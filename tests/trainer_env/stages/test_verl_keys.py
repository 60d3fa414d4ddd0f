"""Keys that verl does not know or reads nowhere, and values of another kind, are refused with their place."""

import re

import pytest
from omegaconf import OmegaConf

from stages.run import plan
from stages.verl_keys import fields, unknown_keys, verl_config


@pytest.mark.parametrize("override", ["+algorithm.foo=1", "+actor_rollout_ref.rollout.enable_sleep_moda=true"])
def test_a_key_that_verl_does_not_know_is_refused_before_anything_starts(override):
    with pytest.raises(SystemExit, match=rf"command line: {re.escape(override)}: \S+ is unknown to verl"):
        plan("tiny_mandarin", "train", "train", [override])


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("trainer.nnodes=two", "is a number, got 'two'"),
        ("trainer.total_training_steps=many", "is a number, got 'many'"),
        ("trainer.val_before_train=maybe", "is true or false, got 'maybe'"),
    ],
)
def test_a_word_in_the_place_of_a_number_is_refused_with_its_place(override, what):
    key = override.partition("=")[0]
    with pytest.raises(SystemExit, match=f"^run.sh: command line: {override}: {key} {what}$"):
        plan("tiny_mandarin", "train", "train", [override])


@pytest.mark.parametrize("override", ["custom_reward_function.path=x.py", "reward_model.reward_manager=dapo"])
def test_a_key_that_verl_composes_and_ignores_is_refused(override):
    key = override.partition("=")[0]
    with pytest.raises(SystemExit, match=rf"{re.escape(key)} is read nowhere in verl, reward\.{key.split('.')[0]}\b"):
        plan("tiny_mandarin", "train", "train", [override])


def test_keys_are_those_of_yaml_and_of_the_class_built_from_it_and_of_nothing_else():
    known = verl_config("ppo_trainer")
    mine = OmegaConf.create(
        {
            "actor_rollout_ref": {"rollout": {"enable_sleep_mode": False, "nonsense": 1, "n": 8}},
            "algorithm": {"token_credit": {"w_seq": 1.0}, "gdpo_reward_keys": ["a"]},
            "trainer": {"nonsense": 2},
        }
    )
    found = unknown_keys(mine, known, ["algorithm.token_credit"])
    assert found == ["actor_rollout_ref.rollout.nonsense", "trainer.nonsense"]
    assert {"lora_rank", "external_lib"} <= fields("verl.workers.config.HFModelConfig")
    assert "lr" in fields("verl.workers.config.FSDPOptimizerConfig")  # inherited
    assert fields("verl.no.SuchConfig") == set()
