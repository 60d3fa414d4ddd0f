"""Keys that verl does not know or reads nowhere, and values of another kind, are refused with their place."""

import json
import re

import pytest
from omegaconf import OmegaConf

from stages.config import has_key
from stages.run import plan
from stages.verl_keys import fields, needs_critic, plain, unknown_keys, unread_keys, verl_config

# Of the table of unread keys: fields of verl's classes that its YAML does not name.
FIELDS_ONLY = {
    "actor_rollout_ref.actor.optim.grad_clip",
    "actor_rollout_ref.actor.ppo_infer_max_token_len_per_gpu",
    "actor_rollout_ref.actor.ppo_infer_micro_batch_size_per_gpu",
    "actor_rollout_ref.actor.use_rollout_log_probs",
    "actor_rollout_ref.rollout.checkpoint_manager_class",
    "actor_rollout_ref.rollout.layer_name_map",
    "actor_rollout_ref.rollout.repetition_penalty",
    "actor_rollout_ref.rollout.sglang_engine_mode",
    "actor_rollout_ref.rollout.standalone_gpu_memory_utilization",
    "optim.grad_clip",
}


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
    found = unknown_keys(plain(mine), plain(known), ["algorithm.token_credit"])
    assert found == ["actor_rollout_ref.rollout.nonsense", "trainer.nonsense"]
    assert {"lora_rank", "external_lib"} <= fields("verl.workers.config.HFModelConfig")
    assert "lr" in fields("verl.workers.config.FSDPOptimizerConfig")  # inherited
    assert fields("verl.no.SuchConfig") == set()


@pytest.mark.parametrize(
    ("override", "counts"),
    [
        ("actor_rollout_ref.actor.grad_clip=1.0", r"actor_rollout_ref\.actor\.optim\.clip_grad is"),
        ("algorithm.rollout_correction.loss_type=reinforce", r"policy_loss\.loss_mode is"),
        ("actor_rollout_ref.actor.clip_ratio=0.3", r"clip_ratio_low and clip_ratio_high is"),
        ("actor_rollout_ref.rollout.val_kwargs.do_sample=true", r"val_kwargs\.temperature \(0 takes the likeliest"),
        ("+actor_rollout_ref.rollout.repetition_penalty=1.2", r"rollout\.custom\.sampling\.repetition_penalty is"),
        ("actor_rollout_ref.actor.fsdp_config.seed=7", r"actor_rollout_ref\.rollout\.seed and data\.seed .* is"),
        ("actor_rollout_ref.ref.use_torch_compile=false", r"actor_rollout_ref\.ref\.fsdp_config\.use_torch_compile is"),
        ("trainer.balance_batch=false", "on this path"),
    ],
)
def test_a_key_that_verl_has_and_reads_nowhere_is_refused(override, counts, tmp_path):
    """Of a run that was not begun: the checkout's own may have it."""
    with pytest.raises(SystemExit, match=rf"command line: {re.escape(override)}: \S+ is read nowhere .*{counts}"):
        plan("tiny_mandarin", "train", "train", [override, f"recipe.work_dir={tmp_path}"])


def test_all_keys_that_are_read_nowhere_are_named_at_once():
    """At 797f9c50 each of these was taken without a word."""
    here = dict.fromkeys(
        (
            "algorithm.pf_ppo.reweight_method=max_min",
            "actor_rollout_ref.actor.calculate_sum_pi_squared=true",
            "actor_rollout_ref.hybrid_engine=false",
            "actor_rollout_ref.model.lora.freeze_language_model=false",
            "actor_rollout_ref.rollout.agent.custom_async_server.path=x.py",
            "data.reward_fn_key=source",
            "+actor_rollout_ref.rollout.checkpoint_manager_class=x.Y",
            "trainer.v1.separate_async.parameter_sync_step=8",
        ),
        "is read nowhere in verl on this path",
    )
    here["data.tokenizer=other"] = "is read nowhere in verl, actor_rollout_ref.model.tokenizer_path is"
    here["skip.rollout.enable=true"] = "is read nowhere in verl, skip.rollout_tq is"
    has_none = "is of a critic, and algorithm.adv_estimator=group_relative has none (critic.enable)"
    here |= dict.fromkeys(("critic.optim.lr=1e-6", "critic.ppo_epochs=2"), has_none)
    with pytest.raises(SystemExit) as refused:
        plan("tiny_mandarin", "train", "train", ["algo=grpo", "critic.enable=false", *here])
    keys = {given: given.lstrip("+").partition("=")[0] for given in here}
    told = {f"run.sh: command line: {given}: {keys[given]} {why}" for given, why in here.items()}
    assert set(str(refused.value).splitlines()) == told


def test_a_critic_is_asked_for_as_verl_does():
    """At 797f9c50 no setting of a critic was refused."""
    values = [("gae", None), ("gae", False), ("group_relative", None), ("group_relative", True)]
    cfgs = [{"critic": {"enable": enable}, "algorithm": {"adv_estimator": name}} for name, enable in values]
    assert [needs_critic(OmegaConf.create(cfg)) for cfg in cfgs] == [True, False, False, True]


def test_a_run_that_was_begun_with_such_a_key_may_keep_it(tmp_path, capsys):
    """Without it its checkpoints are another run's; at f9a99039 even a training that was done was refused."""
    key, own = "algorithm.rollout_correction.loss_type", f"recipe.work_dir={tmp_path}"
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks/train.done").write_text(json.dumps({"config": {key: '"reinforce"'}}))
    plan("tiny_mandarin", "train", "train", [own, f"{key}=reinforce"])
    assert f"run.sh: warning: command line: {key}=reinforce: {key} is read nowhere" in capsys.readouterr().out
    for others in (
        [f"{key}=ppo_clip"],
        [f"{key}=reinforce", "trainer.balance_batch=false"],
        ["skip.rollout.steps=[1]"],
    ):
        with pytest.raises(SystemExit, match="is read nowhere"):
            plan("tiny_mandarin", "train", "train", [own, *others])
    begun = {"skip.rollout.steps": "[1]", "critic.optim.lr": "1e-06"}  # a list; of a critic that there is not
    (tmp_path / "marks/train.done").write_text(json.dumps({"config": begun}))
    plan("tiny_mandarin", "train", "train", [own, "skip.rollout.steps=[1]", "critic.optim.lr=1e-6"])
    with pytest.raises(SystemExit, match="is of a critic"):
        plan("tiny_mandarin", "train", "train", [own, "critic.optim.lr=1e-5"])


def test_the_table_of_unread_keys_holds_keys_of_verls_yaml():
    for module, name in (("verl.trainer.main_ppo", "ppo_trainer"), ("sft.verl_train", "sft_trainer_engine")):
        missing = [key for key in unread_keys(module) if not has_key(verl_config(name), key)]
        assert set(missing) <= FIELDS_ONLY, module
