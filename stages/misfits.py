"""Settings of a training that verl takes, each sound by itself, to fail later or to train on wrong numbers."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from data_prep.weights import paths
from merge.choose import latest
from sft.verl_train import rows_of
from speech.faults import UserError
from stages.left_aside import Fault, left_aside
from verl_plugins.schedule import Schedule, check_same
from verl_plugins.versions import vllm_build

# verl's two trainers: where each has its model, and what splits a sequence over GPUs.
TRAINERS = {
    "actor_rollout_ref.model": [
        f"actor_rollout_ref.{part}ulysses_sequence_parallel_size"
        for part in ("actor.", "actor.fsdp_config.", "ref.", "ref.fsdp_config.")
    ],
    "model": ["engine.ulysses_sequence_parallel_size"],
}
OWN_ESTIMATORS = ("group_relative", "token_credit_grpo")  # verl_plugins/advantage.py
NOT_HERE = {  # estimators of verl that fail or do otherwise than their name says on this path
    "grpo": "prefers one of equal scores by the rounding of their mean: group_relative is GRPO without that",
    "gdpo": "is not handed the terms by verl 0.9.1's V1 trainer: algo=gdpo is this project's own",
    "remax": "is not given the rewards of the likeliest rollouts by verl 0.9.1's V1 trainer",
    "optimal_token_baseline": "is not given the squares of probabilities by verl 0.9.1's V1 trainer",
    "tir_optimal_token_baseline": "is not given the squares of probabilities by verl 0.9.1's V1 trainer",
}
# vLLM's sampling parameters that make of a policy another distribution, and the value at which each does not.
RESHAPES = {
    "repetition_penalty": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "min_p": 0,
    "min_tokens": 0,
    "logit_bias": None,
    "allowed_token_ids": None,
    "bad_words": None,
}
WITHOUT_BUFFER = (
    "does not work with verl_plugins/replay_sampler.py, by which a failed rollout stops the run, groups are drawn "
    "again and a batch's rewards become metrics"
)
# ASRs of the reward server that give no time for a character, and the setting under `asr` that makes them.
WITHOUT_TIMES = {"MMSASR": None, "WhisperASR": "timestamps", "WhisperEar": None}


def of_settings(cfg: DictConfig) -> Iterator[Fault]:
    """Those that can be told from the configuration alone:

    - a reward server that only this machine reaches, with trainers on several nodes;
    - CPU settings with GPU builds: verl takes the GPU without a word, and half of the settings;
    - parameters chosen by name without the engine that knows how (verl_plugins/trainable.py);
    - LoRA whose adapter alone goes to the rollout: not tried here, and not with our own vLLM class; or that trains
      weights whole, next to a reference model that has these same weights;
    - sequences split over GPUs (Ulysses) without flash-attention: verl 0.9.1 exchanges their parts in that function
      only (models/transformers/monkey_patch.py); elsewhere the tokens of one GPU would not see those of the others;
    - another trainer of verl's than the synchronous V1, which alone has this project's replay buffer: the older one
      never asks for it, the asynchronous ones have a buffer of their own kind;
    - estimators without what they need;
    - rollouts of another distribution than the actor's, with their log-probabilities as the old ones;
    - what verl leaves aside, forgets or fails on later: stages/left_aside.py.
    - one checkpoint alone that is kept: verl deletes it before its own file names the next one.
    """

    def of(key: str) -> Any:
        return OmegaConf.select(cfg, key)

    if of("reward.custom_reward_function") and (nodes := of("trainer.nnodes")) > 1:
        from reward_tts.measures import LOOPBACK

        if (host := of("recipe.server.host")) in LOOPBACK:
            yield "recipe.server.host", f"is {host}, which the other of trainer.nnodes={nodes} do not reach"
    if of("trainer.device") == "cpu" and vllm_build() == "gpu":
        yield (
            "trainer.device",
            "is cpu, and .venv has the builds for GPUs: machine=gpu, as docs/gpus.md says; or, for the CPU, "
            "VERL_TTS_DEVICE=cpu bash run.sh install, which makes both environments anew",
        )
    engine = of("ray_kwargs.ray_init.runtime_env.env_vars.VERL_ENGINE_DEVICE")
    if of("actor_rollout_ref.actor.optim.override_optimizer_config.trainable") and not engine:
        yield (
            "actor_rollout_ref.actor.optim.override_optimizer_config",
            "chooses parameters by name, which verl's own engine cannot: VERL_ENGINE_DEVICE as in hardware=cpu or gpu",
        )
    if of("trainer.use_v1") is False:
        yield "trainer.use_v1", f"is false, and verl's older trainer {WITHOUT_BUFFER}: true"
    if (mode := of("trainer.v1.trainer_mode")) not in (None, "sync"):
        yield "trainer.v1.trainer_mode", f"is {mode}, and that trainer {WITHOUT_BUFFER}: sync"
    yield from _of_lora(of)
    yield from _of_old_log_probabilities(of)
    yield from left_aside(of)
    for model, splits in TRAINERS.items():
        attention = of(f"{model}.override_config.attn_implementation") or "flash_attention_2"
        for key in splits:
            if (of(key) or 1) > 1 and not attention.startswith("flash_attention"):
                yield key, f"above 1 needs {model}.override_config.attn_implementation=flash_attention_2"
    if of("algorithm.adv_estimator"):
        yield from _of_estimator(of)
    for key in ("trainer.max_ckpt_to_keep", "trainer.max_actor_ckpt_to_keep"):
        if of(key) == 1:
            why = "an interruption behind a save would leave none to go on from: 2, as are there while one is written"
            yield key, f"is 1: {why}"


def _of_lora(of: Callable[[str], Any]) -> Iterator[Fault]:
    key = "actor_rollout_ref.model.lora_adapter_path"
    if not of("actor_rollout_ref.model.lora_rank"):
        if of(key):
            yield key, "is of LoRA: tuning=lora"
        return
    if of(key):
        from merge.adapter import check_adapter  # not above: torch

        try:
            check_adapter(of(key), of("actor_rollout_ref.model.lora_rank"), of("actor_rollout_ref.model.lora_alpha"))
        except (FileNotFoundError, ValueError) as error:
            yield key, str(error)
    if not of("actor_rollout_ref.model.lora.merge"):
        yield "actor_rollout_ref.model.lora", "must have merge: true, as tuning=lora has; the adapter alone is untried"
    compared = of("actor_rollout_ref.actor.use_kl_loss") or of("algorithm.use_kl_in_reward")
    if of("actor_rollout_ref.model.lora.trained_weights") and compared:
        yield (
            "actor_rollout_ref.model.lora.trained_weights",
            "are trained in the reference model as well, which verl makes of this one without its adapter: kl=none, or "
            "adapters alone",
        )


def _of_old_log_probabilities(of: Callable[[str], Any]) -> Iterator[Fault]:
    """With bypass_mode vLLM's log-probabilities are the old ones. They are of the distribution that it draws from: what
    top-p or top-k leave counts as all, penalties and masks are in it. The actor, which knows the temperature alone, has
    others: of a token of 0.30 in a nucleus of 0.75 vLLM says 0.40, and the first update's ratio is 0.75 instead of 1.
    """
    if not of("algorithm.rollout_correction.bypass_mode"):
        return
    rollout = "actor_rollout_ref.rollout"
    why = "with algorithm.rollout_correction.bypass_mode=true the old log-probabilities are vLLM's, which are then not "
    why += "those of the actor: algorithm.rollout_correction.bypass_mode=false"
    if (of(f"{rollout}.logprobs_mode") or "processed_logprobs") != "processed_logprobs":
        if of(f"{rollout}.temperature") != 1:  # raw ones are of before all that
            yield f"{rollout}.logprobs_mode", f"is of before the temperature, and {why}"
        return
    if of(f"{rollout}.top_p") < 1:
        yield f"{rollout}.top_p", f"is below 1; {why}"
    if of(f"{rollout}.top_k") > 0:
        yield f"{rollout}.top_k", f"is above 0; {why}"
    for name, value in (of(f"{rollout}.custom.sampling") or {}).items():
        if name in RESHAPES and value and value != RESHAPES[name]:
            yield f"{rollout}.custom.sampling.{name}", f"is {value}; {why}"


def _of_estimator(of: Callable[[str], Any]) -> Iterator[Fault]:
    name = of("algorithm.adv_estimator")
    if name in NOT_HERE:
        yield "algorithm.adv_estimator", f"={name} {NOT_HERE[name]}"
    if name in OWN_ESTIMATORS and of("actor_rollout_ref.rollout.n") < 2:
        yield "actor_rollout_ref.rollout.n", f"is 1, and {name} compares the rollouts of one text: 2 or more"
    if name != "token_credit_grpo":
        return
    if of("algorithm.use_kl_in_reward"):
        yield (
            "algorithm.use_kl_in_reward",
            f"mixes a penalty into the rewards, from which {name} reads blames and terms: kl=loss or kl=none",
        )
    if of("algorithm.rollout_correction.rollout_rs"):
        yield (
            "algorithm.rollout_correction.rollout_rs",
            f"takes tokens out of responses, of which {name} reads the first and the last: null",
        )


def blames_tokens(cfg: DictConfig) -> bool:
    """Whether the estimator reads a blame for each token."""
    if OmegaConf.select(cfg, "algorithm.adv_estimator") != "token_credit_grpo":
        return False
    return OmegaConf.select(cfg, "algorithm.token_credit.w_tok") > 0


def of_server(cfg: DictConfig, server: DictConfig) -> Iterator[Fault]:
    """A training and a server.yaml that do not go together: blames without the time of each character, or of tokens
    that are not all spoken, and responses longer than a row may be."""
    if blames_tokens(cfg):
        asr = str(OmegaConf.select(server, "asr._target_") or "").rpartition(".")[2]
        if asr in WITHOUT_TIMES:
            switch = WITHOUT_TIMES[asr]
            if switch is None or not OmegaConf.select(server, f"asr.{switch}"):
                how = f"asr.{switch}: true in server.yaml, or " if switch else ""
                why = f"needs the time of each character, which {asr} does not give: {how}algo=grpo"
                yield "recipe.reward.token_credit", why
        if (most := OmegaConf.select(server, "token2wav.max_silent_tokens")) is not None:
            yield (
                "recipe.reward.token_credit",
                f"lays an error at the time of its tokens, but server.yaml leaves silent tokens out of the wave after "
                f"{most} of them, so that later tokens are spoken earlier: token2wav.max_silent_tokens: null there, or "
                "algo=grpo",
            )
    longest, most = OmegaConf.select(cfg, "data.max_response_length"), OmegaConf.select(server, "server.max_tokens")
    if longest is not None and most is not None and OmegaConf.select(cfg, "actor_rollout_ref") and longest > most:
        yield "data.max_response_length", f"is {longest}, more than server.max_tokens={most}: good speech would be bad"


def _texts(cfg: DictConfig) -> int | None:
    """Of an epoch of a GRPO training; None as long as they are not there. ValueError: data.epochs_of_files is wrong."""
    files = paths(OmegaConf.select(cfg, "data.train_files"))
    if not OmegaConf.select(cfg, "actor_rollout_ref") or not files or not all(Path(file).exists() for file in files):
        return None
    rows, most = rows_of(files, OmegaConf.select(cfg, "data.epochs_of_files")), cfg.data.train_max_samples
    return rows if most < 0 else min(rows, most)


def _steps(cfg: DictConfig, texts: int) -> int:
    return texts // cfg.data.train_batch_size * cfg.trainer.total_epochs


def planned_steps(cfg: DictConfig) -> int | None:
    """Steps of a GRPO training: as many as it is told, else those of its epochs; None if its texts are not there."""
    if (wanted := OmegaConf.select(cfg, "trainer.total_training_steps")) is not None:
        return wanted
    texts = _texts(cfg)
    return None if texts is None else _steps(cfg, texts)


def of_rows(cfg: DictConfig) -> Iterator[Fault]:
    """A GRPO training and its texts, as far as these are there: fewer than a batch, or too few for the steps."""
    try:
        rows = _texts(cfg)
    except ValueError as error:
        yield "data.epochs_of_files", f"does not fit: {error}"
        return
    if rows is None:
        return
    batch, epochs = cfg.data.train_batch_size, cfg.trainer.total_epochs
    if rows < batch:
        yield (
            "data.train_batch_size",
            f"is {batch}, and {cfg.data.train_files} have {rows} texts: verl would divide by 0 steps",
        )
        return
    steps, wanted = _steps(cfg, rows), cfg.trainer.total_training_steps
    if wanted is not None and wanted > steps:
        yield (
            "trainer.total_training_steps",
            f"is {wanted}, beyond trainer.total_epochs={epochs} of {rows} texts: the training would end after {steps}",
        )


def of_schedule(cfg: DictConfig) -> Iterator[Fault]:
    """A GRPO training whose texts are there, and a checkpoint that was trained by another schedule."""
    with suppress(ValueError):  # which of_rows tells
        if steps := _texts(cfg) and planned_steps(cfg):
            yield from by_schedule(cfg, "actor", cfg.actor_rollout_ref.actor.optim, steps)


def goes_on_from(cfg: DictConfig) -> Path | None:
    """Folder of the checkpoint with which a training by verl goes on; None where it is to begin. Raises UserError: see
    merge.choose.latest."""
    if cfg.trainer.resume_mode != "auto":
        return None
    return latest(cfg.trainer.default_local_dir)


def of_resumption(cfg: DictConfig) -> Iterator[Fault]:
    """A checkpoint of a training by verl that is to be gone on from, and is not there."""
    if OmegaConf.select(cfg, "trainer.default_local_dir") is not None:
        try:
            goes_on_from(cfg)
        except UserError as error:
            yield "trainer.default_local_dir", f"cannot be gone on from: {error}"


def by_schedule(cfg: DictConfig, part: str, optim: DictConfig, steps: int) -> Iterator[Fault]:
    """A checkpoint, `part` of its folder, from which this training would go on by another schedule."""
    try:
        if last := goes_on_from(cfg):
            check_same(last / part, Schedule.of(optim, steps))
    except ValueError as error:
        key = "trainer.total_epochs" if cfg.trainer.total_training_steps is None else "trainer.total_training_steps"
        yield key, f"does not fit: {error}"
