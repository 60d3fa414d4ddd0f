"""llasa's and glm_tts's training as it is published, number by number; what is not stands in the recipes' comments."""

from omegaconf import DictConfig, OmegaConf

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
