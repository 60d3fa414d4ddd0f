"""The YAML of both CosyVoice recipes: it composes, verl knows every key, and run.sh prints every command."""

import subprocess
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stages.config import compose_stage, has_key, keys
from stages.verl_keys import verl_config

ROOT = Path(__file__).resolve().parents[3]
RECIPES = ("cosyvoice2", "cosyvoice3")


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request) -> str:
    return request.param


def test_verl_knows_every_key_of_the_training(recipe):
    """A key that verl does not read is an error that nobody sees. Open dictionaries of verl, and our own, are named."""
    ours, own = compose_stage(recipe, "grpo"), verl_config("ppo_trainer")
    open_keys = (
        "recipe",
        "guard",
        "data.epochs_of_files",
        "reward.custom_reward_function.reward_kwargs",
        "ray_kwargs.ray_init",
        "algorithm.token_credit",
        "algorithm.filter_groups.min_spread",
    )
    open_keys += ("trainer.v1.sampler.sampler_kwargs", "actor_rollout_ref.model.external_lib")
    open_keys += ("actor_rollout_ref.model.override_config", "actor_rollout_ref.rollout.engine_kwargs")
    open_keys += ("actor_rollout_ref.rollout.custom",)
    known = set(keys(own))  # leaves, those without a value as well
    unknown = [
        key
        for key in keys(ours)
        if key not in known
        and not has_key(own, key)
        and not any(key == name or key.startswith(name + ".") for name in open_keys)
    ]
    assert unknown == []


def test_the_published_settings_are_verls(recipe):
    """examples/grpo/cosyvoice2/run.sh."""
    cfg = compose_stage(recipe, "grpo")
    actor, rollout = cfg.actor_rollout_ref.actor, cfg.actor_rollout_ref.rollout
    assert (cfg.data.train_batch_size, rollout.n, actor.ppo_mini_batch_size) == (32, 4, 32)
    assert (actor.ppo_micro_batch_size_per_gpu, rollout.log_prob_micro_batch_size_per_gpu) == (4, 4)
    assert (actor.optim.lr, actor.use_kl_loss, actor.entropy_coeff) == (1e-6, False, 0)
    assert (rollout.temperature, rollout.top_p, rollout.top_k) == (0.8, 0.95, 25)
    assert (cfg.data.max_prompt_length, cfg.data.max_response_length) == (1024, 512)
    assert (cfg.trainer.n_gpus_per_node, cfg.trainer.total_epochs, cfg.trainer.device) == (8, 1, "cuda")
    published = compose_stage(recipe, "grpo", ("recipe/reward=published",)).recipe.reward.terms
    assert published == {"pinyin": {"weight": 1.0, "unit": "published_pinyin", "tones": True, "shaping": "tanh(3)"}}
    assert not cfg.actor_rollout_ref.model.use_fused_kernels


def test_every_yaml_composes_and_resolves(recipe):
    for path in sorted((ROOT / "recipes" / recipe).glob("*.yaml")):
        if path.stem not in ("grpo", "recipe"):  # grpo: above, verl fills the rest; recipe: part of all
            OmegaConf.to_container(compose_stage(recipe, path.stem), resolve=True)


def test_run_sh_prints_every_command(recipe):
    done = subprocess.run(
        ["bash", "run.sh", "--recipe", recipe, "--dry-run", "models", "export"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = ("models.download", "models.cosyvoice.to_huggingface", "data_prep.encode_voices", "data_prep.prepare")
    wanted += ("reward_tts.server", "verl.trainer.main_ppo", "merge.merge", "infer.synthesise", "infer.evaluate")
    wanted += ("infer.decode", "models.cosyvoice.to_llm_pt")
    places = [done.stdout.index(f"-m {module} ") for module in wanted]
    assert places == sorted(places)
