"""The YAML of both CosyVoice recipes: the published settings, and run.sh prints every command. That it composes and
that verl knows every key is tested of all recipes: test_recipe_configs.py."""

import pytest

from stages.config import compose_stage

RECIPES = ("cosyvoice2", "cosyvoice3")


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request) -> str:
    return request.param


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


def test_run_sh_prints_every_command(recipe, run_sh):
    status, printed = run_sh("--recipe", recipe, "--dry-run", "models", "export")
    assert status == 0, printed
    wanted = ("models.download", "models.cosyvoice.to_huggingface", "data_prep.encode_voices", "data_prep.prepare")
    wanted += ("reward_tts.server", "verl.trainer.main_ppo", "merge.merge", "infer.synthesise", "infer.evaluate")
    wanted += ("infer.decode", "models.cosyvoice.to_llm_pt")
    places = [printed.index(f"-m {module} ") for module in wanted]
    assert places == sorted(places)
