"""Settings that verl takes, and leaves aside, forgets or fails on later, are refused with their key."""

from functools import partial

import pytest
from omegaconf import DictConfig, OmegaConf

from reward_tts.compute_score import judged
from reward_tts.reward.reward import Reward
from stages import misfits
from stages.config import compose_stage
from stages.left_aside import CORRECTS, NUMBERS, left_aside
from stages.plan import plan
from stages.preflight import check_training

CORRECTION = "algorithm.rollout_correction"


def test_each_is_a_fault_of_the_dry_check():
    """At ee8aa784 they were taken: a correction that corrects nothing, an epoch without a checkpoint."""
    values = ("token", "3.0", "true", "token_k1", "0.5_2.0")
    given = [f"{CORRECTION}.{name}={value}" for name, value in zip(CORRECTS, values, strict=True)]
    given += ["actor_rollout_ref.actor.checkpoint.async_save=true", "algorithm.kl_ctrl.type=adaptive"]
    given += ["algorithm.use_pf_ppo=true", "trainer.v1.sampler.sync_refill_failed_groups=true"]
    given += ["algorithm.filter_groups.enable=true", "algorithm.filter_groups.metric=reward"]
    cfg = compose_stage("tiny_mandarin", "grpo", ("algo=grpo", "kl=reward", *given))
    named = [one.partition("=")[0] for one in given if "enable" not in one]
    assert [key for key, _ in misfits.of_settings(cfg)] == named
    cfg = cfg.copy()
    cfg.algorithm.rollout_correction.bypass_mode = False  # corrected; the penalty in the loss, or none
    cfg.algorithm.use_pf_ppo = cfg.trainer.v1.sampler.sync_refill_failed_groups = False
    cfg.algorithm.use_kl_in_reward = cfg.actor_rollout_ref.actor.checkpoint.async_save = False
    cfg.algorithm.filter_groups.metric = "score"
    assert list(misfits.of_settings(cfg)) == []


def test_a_training_under_way_keeps_what_has_no_effect(tmp_path, capsys):
    """It was begun when these were taken; at f9a99039 it could go on no more: without them it is another run."""
    given = ["algo=grpo", "kl=reward", f"{CORRECTION}.rollout_is=token", "algorithm.kl_ctrl.type=adaptive"]
    (training,) = plan("tiny_mandarin", "train", "train", [*given, f"recipe.grpo_dir={tmp_path}"])[1]
    with pytest.raises(SystemExit, match=rf"{CORRECTION}.rollout_is is token, and"):
        check_training(training)
    (tmp_path / "global_step_10").mkdir()
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    check_training(training)
    warned = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1:4] for line in warned] == [["warning", "command line", one] for one in given[2:]]


@pytest.fixture(scope="module")
def filtered() -> DictConfig:
    return compose_stage("tiny_mandarin", "grpo", ("algo=dapo",)).copy()


@pytest.mark.parametrize("metric", ["score", "error_rate", "terms", "term_over_length", "log_f0_std", "log_f0_std_x"])
def test_groups_may_be_filtered_by_what_the_reward_function_returns(filtered: DictConfig, metric: str):
    filtered.algorithm.filter_groups.metric, filtered.recipe.reward.logged = metric, ["log_f0_std"]
    assert list(left_aside(partial(OmegaConf.select, filtered))) == []


@pytest.mark.parametrize("metric", ["reward", "term_mos", "accuracy", None])
def test_a_metric_of_another_name_is_told_before_the_first_rollout(filtered: DictConfig, metric: str | None):
    """verl's own `reward` is `score` here."""
    filtered.algorithm.filter_groups.metric = metric
    ((key, why),) = left_aside(partial(OmegaConf.select, filtered))
    assert key == "algorithm.filter_groups.metric"
    assert why.startswith(f"is {metric}, which the reward function does not return; it has terms, score, error_rate, ")


def test_the_numbers_of_every_rollout_are_those_that_the_reward_function_returns(filtered: DictConfig):
    reward = Reward(OmegaConf.to_container(filtered.recipe.reward, resolve=True))
    returned = judged(reward, ([], [], ""), "今天", {"language": "zh"}, None)
    assert all(isinstance(returned[name], float) for name in (*NUMBERS, *(f"term_{name}" for name in reward.terms)))
