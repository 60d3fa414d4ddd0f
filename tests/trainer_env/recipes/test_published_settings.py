"""Training, decoding and presets as published, number by number; what is not so stands in the recipes' comments."""

import pytest
from omegaconf import DictConfig, OmegaConf

from infer.repetition_aware import RepetitionAware
from stages.config import compose_stage


def actor_and_rollout(cfg: DictConfig) -> tuple[DictConfig, DictConfig]:
    return cfg.actor_rollout_ref.actor, cfg.actor_rollout_ref.rollout


def reward(cfg: DictConfig) -> dict:
    return OmegaConf.to_container(cfg, resolve=True)["reward"]["custom_reward_function"]["reward_kwargs"]["reward"]


def test_llasas_script_says_so():
    """examples/grpo_trainer/run_llasa_tts_grpo.sh of ch-tts-llasa-rl-grpo."""
    cfg = compose_stage("llasa", "grpo")
    actor, rollout = actor_and_rollout(cfg)
    assert (cfg.data.train_batch_size, cfg.data.truncation) == (8, "error")
    assert (actor.ppo_mini_batch_size, actor.ppo_micro_batch_size_per_gpu, actor.optim.lr) == (8, 4, 1e-6)
    assert (rollout.n, rollout.temperature, rollout.log_prob_micro_batch_size_per_gpu) == (16, 0.8, 4)
    assert (rollout.tensor_model_parallel_size, rollout.gpu_memory_utilization) == (1, 0.6)
    validation = rollout.val_kwargs
    assert (validation.temperature, validation.top_p) == (0.8, 0.9)
    trainer = cfg.trainer
    assert (trainer.n_gpus_per_node, trainer.save_freq, trainer.test_freq, trainer.total_epochs) == (2, 128, 128, 1)
    assert (rollout.top_p, cfg.data.max_response_length) == (1.0, 1500)  # published 0.9 and 2048: see grpo.yaml


def test_llasas_reward_server_has_the_gpu_after_the_trainers_and_others_the_first():
    gpus = compose_stage("llasa", "grpo").trainer.n_gpus_per_node
    assert list(compose_stage("llasa", "server").server.devices) == [f"cuda:{gpus}"]
    assert compose_stage("llasa", "sft").trainer.n_gpus_per_node == gpus
    for stage in ("eval", "infer"):
        assert compose_stage("llasa", stage).token2wav.device == "cuda:0"


def test_llasas_loss_is_its_forks_default():
    """verl/trainer/config/ppo_trainer.yaml of ch-tts-llasa-rl-grpo, which its script leaves alone."""
    cfg = compose_stage("llasa", "grpo")
    actor, _ = actor_and_rollout(cfg)
    assert (cfg.algorithm.adv_estimator, cfg.algorithm.norm_adv_by_std_in_grpo) == ("group_relative", True)
    assert (actor.loss_agg_mode, actor.policy_loss.loss_mode) == ("token-mean", "vanilla")
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.clip_ratio_c) == (0.2, 0.2, 3.0)
    assert (actor.entropy_coeff, actor.use_kl_loss, cfg.algorithm.use_kl_in_reward) == (0, False, False)
    assert (actor.ppo_epochs, actor.grad_clip, actor.optim.weight_decay) == (1, 1.0, 0.01)
    assert (actor.optim.lr_scheduler_type, actor.optim.lr_warmup_steps_ratio) == ("constant", 0.0)


def test_llasas_reward_is_its_compute_score():
    """verl/utils/reward_score/tts_cer.py of ch-tts-llasa-rl-grpo."""
    found = reward(compose_stage("llasa", "grpo", ("recipe/reward=published",)))
    formula = {"beta_c": 3.0, "tau_n": 3.0, "lambda_c": 0.6, "lambda_n": 0.4}
    assert found["terms"] == {"cer_and_nll": {"weight": 1.0, "unit": "published_characters", **formula}}
    assert found["aggregation"] == {"name": "weighted_sum"} and found["error"] == {"unit": "published_characters"}
    ours = reward(compose_stage("llasa", "grpo"))
    assert ours["terms"] == {"cer_and_nll": {"weight": 1.0, **formula}, "silence": {"weight": 0.2, "allowed": 0.5}}


def test_glm_ttss_configuration_says_so():
    """grpo/config/lm_llama_casual_glm_32k_GRPO_cer.yaml of zai-org/GLM-TTS."""
    cfg = compose_stage("glm_tts", "grpo")
    actor, rollout = actor_and_rollout(cfg)
    assert (actor.optim.lr, list(actor.optim.betas), actor.optim.lr_scheduler_type) == (1e-6, [0.9, 0.95], "constant")
    assert actor.optim.clip_grad == 5.0  # of its DeepSpeed file, which acts; verl's engine reads this key
    assert (actor.grad_clip, actor.ppo_micro_batch_size_per_gpu, actor.use_kl_loss) == (1.0, 2, False)
    assert (rollout.n, rollout.temperature, cfg.data.max_response_length) == (8, 1.0, 1000)
    assert (cfg.data.train_batch_size, cfg.trainer.n_gpus_per_node) == (8, 8)  # batch_size 1 on each GPU
    assert (cfg.trainer.total_training_steps, cfg.trainer.save_freq) == (1000, 100)
    policy = actor.policy_loss
    assert policy.clip_ratio_low == {"start": 0.2, "end": 0.3, "until_step": 1000}
    assert policy.clip_ratio_high == {"start": 0.3, "end": 0.5, "until_step": 1000}
    assert (actor.loss_agg_mode, policy.loss_mode, rollout.val_kwargs.top_p) == ("token-mean", "vanilla", 0.8)


def test_glm_ttss_reward_is_its_servers_by_its_weights():
    """reward_weight of the same file; the formulas are those of grpo/reward_server.py."""
    found = reward(compose_stage("glm_tts", "grpo", ("recipe/reward=published",)))
    error = {"weight": 1.0, "unit": "published_text", "rate": 2.5}
    assert found["terms"] == {"error": error, "similarity": {"weight": 0.1}}
    assert found["error"] == {"unit": "published_text"}


def test_glm_ttss_advantages_and_groups_are_its_codes():
    """normalize_rewards_per_group() of grpo/grpo_utils.py, and max_try of cosyvoice/utils/executor_grpo.py."""
    algorithm = OmegaConf.to_container(compose_stage("glm_tts", "grpo"), resolve=True)["algorithm"]
    credit, groups = algorithm["token_credit"], algorithm["filter_groups"]
    terms = {"error": {"weight": 1.0, "rate": 2.5}, "similarity": {"weight": 0.1}}
    assert (credit["separate"], credit["whiten"], credit["min_spread"]) == (terms, "group", 0.01)
    assert (groups["enable"], groups["metric"], groups["min_spread"], groups["max_num_gen_batches"]) == (
        True,
        "terms",
        0.01,
        3,
    )


TONELESS = {"pinyin": {"weight": 1.0, "unit": "published_pinyin", "tones": False, "shaping": "exp(12, 1.5)"}}


@pytest.mark.parametrize("recipe", ["cosyvoice2", "cosyvoice3"])
def test_emilia_grpo_is_mair_hubs(recipe):
    """rl-tutorial/cosyvoice_llm/run.sh and README.md of nvidia-china-sae/mair-hub, its run on Emilia."""
    cfg = compose_stage(recipe, "grpo", ("preset=emilia_grpo",))
    actor, rollout = actor_and_rollout(cfg)
    assert (cfg.data.train_batch_size, cfg.data.max_prompt_length, cfg.data.max_response_length) == (32, 1024, 1024)
    assert (actor.ppo_mini_batch_size, actor.ppo_micro_batch_size_per_gpu, actor.optim.lr) == (16, 4, 1e-6)
    assert (rollout.n, rollout.temperature, rollout.top_p, rollout.top_k) == (8, 1.0, 1.0, -1)
    assert (rollout.max_model_len, cfg.trainer.save_freq, cfg.trainer.n_gpus_per_node) == (2048, 50, 8)
    assert (cfg.trainer.test_freq, cfg.trainer.val_before_train, cfg.trainer.total_epochs) == (50, False, 1)
    assert (cfg.algorithm.norm_adv_by_std_in_grpo, cfg.algorithm.filter_groups.enable) == (False, False)
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.loss_agg_mode) == (0.2, 0.2, "token-mean")
    assert (actor.use_kl_loss, cfg.algorithm.use_kl_in_reward) == (False, False)
    assert reward(cfg)["terms"] == TONELESS


@pytest.mark.parametrize("recipe", ["cosyvoice2", "cosyvoice3"])
def test_emilia_dapo_is_mair_hubs(recipe):
    """rl-tutorial/cosyvoice_llm/run_dapo.sh of nvidia-china-sae/mair-hub."""
    cfg = compose_stage(recipe, "grpo", ("preset=emilia_dapo",))
    actor, rollout = actor_and_rollout(cfg)
    assert (cfg.data.train_batch_size, cfg.data.max_prompt_length, cfg.data.max_response_length) == (32, 2048, 2048)
    assert (actor.ppo_mini_batch_size, actor.use_dynamic_bsz, actor.ppo_max_token_len_per_gpu) == (16, True, 4096)
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.clip_ratio_c) == (0.2, 0.28, 10.0)
    optim = actor.optim
    assert (optim.lr, optim.lr_warmup_steps, optim.weight_decay, optim.clip_grad) == (1e-6, 10, 0.1, 1.0)
    groups = cfg.algorithm.filter_groups
    assert (groups.enable, groups.metric, groups.max_num_gen_batches) == (True, "score", 10)
    assert (rollout.n, rollout.temperature, rollout.top_p, rollout.top_k, rollout.max_model_len) == (8, 1, 1, -1, 4096)
    assert (rollout.log_prob_use_dynamic_bsz, rollout.log_prob_max_token_len_per_gpu) == (True, 4096)
    assert (rollout.val_kwargs.temperature, rollout.val_kwargs.top_p, rollout.val_kwargs.n) == (1.0, 1.0, 1)
    trainer = cfg.trainer
    assert (trainer.save_freq, trainer.test_freq, trainer.total_epochs, trainer.val_before_train) == (50, 50, 1, False)
    assert cfg.algorithm.norm_adv_by_std_in_grpo and actor.loss_agg_mode == "token-mean"
    assert reward(cfg)["terms"] == TONELESS and reward(cfg)["error"] == {"unit": "published_pinyin", "tones": False}


def test_a_reward_of_the_command_line_overrules_a_presets():
    cfg = compose_stage("cosyvoice2", "grpo", ("preset=emilia_dapo", "recipe/reward=cer"))
    assert set(reward(cfg)["terms"]) != set(TONELESS) and cfg.actor_rollout_ref.rollout.n == 8


@pytest.mark.parametrize(("recipe", "masked"), [("cosyvoice2", True), ("cosyvoice3", True), ("glm_tts", False)])
@pytest.mark.parametrize(("stage", "name"), [("infer", "speech"), ("eval", "sampled")])
def test_the_official_packages_decode_so(recipe, masked, stage, name):
    """ras_sampling() of cosyvoice/utils/common.py and inference() of llm.py and glmtts.py, their default arguments.
    CosyVoice's (since f2ddcbe, 2026-02-04) takes the repeated token out of the second draw, GLM-TTS's does not."""
    decoding = OmegaConf.to_container(compose_stage(recipe, stage).decodings[name], resolve=True)
    how = RepetitionAware(**decoding["repetition_aware"])
    assert how == RepetitionAware(top_p=0.8, top_k=25, win_size=10, tau_r=0.1, mask_repeated=masked)
    assert (decoding["min_token_text_ratio"], decoding["max_token_text_ratio"]) == (2, 20)
    assert (decoding["temperature"], decoding["samples"]) == (1.0, 1)


def test_inworlds_inference_is_not_its_rollouts():
    """Its inference settings: T 0.8, top_p 1, top_k 50, penalties 1.1 and 0.3, 10 to 1792 tokens."""
    speech = OmegaConf.to_container(compose_stage("inworld_tts", "infer").decodings.speech, resolve=True)
    assert (speech["temperature"], speech["top_p"], speech["top_k"]) == (0.8, 1.0, 50)
    assert (speech["repetition_penalty"], speech["frequency_penalty"]) == (1.1, 0.3)
    assert (speech["min_tokens"], speech["max_tokens"]) == (10, 1792)
    rollout = compose_stage("inworld_tts", "grpo").actor_rollout_ref.rollout
    assert (rollout.temperature, rollout.top_p, rollout.top_k) == (1.1, 0.9, 75)
    sampled = compose_stage("inworld_tts", "eval").decodings.sampled
    assert (sampled.temperature, sampled.top_p, sampled.top_k) == (1.1, 0.9, 75)


def test_llasas_inference_is_the_model_cards():
    """do_sample, top_p 1, temperature 0.8 and no top_k, so that transformers takes its own 50."""
    speech = compose_stage("llasa", "infer").decodings.speech
    assert (speech.temperature, speech.top_p, speech.top_k) == (0.8, 1.0, 50)
    assert compose_stage("llasa", "grpo").actor_rollout_ref.rollout.top_k == -1


def test_inworlds_reward_listens_with_the_published_ear():
    """whisper.load_model("large-v3") in tts/training/rlhf/rewards.py."""
    whisper = compose_stage("inworld_tts", "models").models["get"].whisper
    assert whisper.repo.huggingface == "openai/whisper-large-v3"
    assert whisper.to == compose_stage("inworld_tts", "server").asr.model_dir
