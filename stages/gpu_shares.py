"""The texts of a step and of an update, and the GPUs that share them: what does not fit, and what would.

verl divides the rollouts of an update among its GPUs, and those of one GPU into micro batches.
"""

import math
import os
from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from speech.faults import UserError
from stages import machine
from stages.misfits import Fault, goes_on_from

BATCH, MINI = "data.train_batch_size", "actor_rollout_ref.actor.ppo_mini_batch_size"
GPUS = "trainer.n_gpus_per_node"


def micro_batches(cfg: DictConfig) -> Iterator[tuple[str, int, str]]:
    """(key, rows, BATCH or MINI: what of a GPU it divides) of each kind of micro batch that verl cuts by a number of
    rows, not by their tokens: of updates, and of the log-probabilities that are computed beforehand, if any are."""
    of_ref = cfg.actor_rollout_ref.actor.use_kl_loss or cfg.algorithm.use_kl_in_reward
    of_actor = not OmegaConf.select(cfg, "algorithm.rollout_correction.bypass_mode")
    for part, prefix, rows, divided, used in (
        ("actor", "", "ppo_micro_batch_size_per_gpu", MINI, True),
        ("rollout", "log_prob_", "log_prob_micro_batch_size_per_gpu", BATCH, of_actor),
        ("ref", "log_prob_", "log_prob_micro_batch_size_per_gpu", BATCH, of_ref),
    ):
        own = cfg.actor_rollout_ref[part]
        if used and own[rows] and not own[f"{prefix}use_dynamic_bsz"]:
            yield f"actor_rollout_ref.{part}.{rows}", own[rows], divided


def divisible(cfg: DictConfig, gpus: int) -> tuple[int, int]:
    """(texts of a step, texts of an update), at least those of the composed grpo.yaml, that `gpus` GPUs divide.

    Fourteen GPUs, 4 rollouts of a text and micro batches of 4: 32 texts in two updates of 16 become 56 in two of 28.
    """
    batch, mini = (OmegaConf.select(cfg, key) for key in (BATCH, MINI))
    updates, n = math.ceil(batch / mini), cfg.actor_rollout_ref.rollout.n
    of_one = 1  # texts of an update that fill a GPU's micro batches
    for divides, rollouts in ((MINI, n), (BATCH, n * updates)):  # of one text in each update
        micro = math.lcm(*(rows for _, rows, divided in micro_batches(cfg) if divided == divides))
        of_one *= micro // math.gcd(micro, rollouts * of_one)
    mini = math.ceil(batch / updates / (gpus * of_one)) * gpus * of_one
    return mini * updates, mini


def of_batch(cfg: DictConfig) -> Iterator[Fault]:
    """A GRPO training whose GPUs do not share its rollouts evenly. verl 0.9.1 fills a batch with empty rows until the
    updates are full (trainer_base._balance_batch), so that updates have unlike shares of what is real: a warning where
    such a training is under way. The rest is an assertion after the models are loaded and the first rollouts are
    spoken."""
    texts, n = {key: OmegaConf.select(cfg, key) for key in (BATCH, MINI)}, cfg.actor_rollout_ref.rollout.n
    split = max(
        OmegaConf.select(cfg, f"actor_rollout_ref.actor.{part}ulysses_sequence_parallel_size") or 1
        for part in ("", "fsdp_config.")
    )
    gpus = cfg.trainer.nnodes * cfg.trainer.n_gpus_per_node // split  # a sequence has `split` of them
    if gpus < 1:
        return
    batch, mini = divisible(cfg, gpus)
    fits = f"{BATCH}={batch} {MINI}={mini} would do"
    if texts[BATCH] % texts[MINI]:
        why = f"is {texts[BATCH]}, no multiple of {MINI}={texts[MINI]}, the texts of an update"
        if is_under_way(cfg):  # another batch would be another run
            print(f"run.sh: warning: {BATCH} {why}: verl fills the last one with empty rows", flush=True)
        else:
            yield BATCH, f"{why}: {fits}"
    elif texts[MINI] * n % gpus:
        yield MINI, f"is {texts[MINI]}, with {n} rollouts of each text no multiple of {gpus} GPUs: {fits}"
    else:
        for key, rows, divided in micro_batches(cfg):
            if (own := texts[divided] * n // gpus) % rows:
                yield (
                    key,
                    f"is {rows}, which does not divide the {own} rollouts of {divided} on each of {gpus} GPUs: {fits}",
                )


def is_under_way(cfg: DictConfig) -> bool:
    """Whether a training by verl goes on from a checkpoint."""
    try:
        return goes_on_from(cfg) is not None
    except UserError:  # of which misfits.of_resumption tells
        return True


def of_gpus(cfg: DictConfig) -> Iterator[Fault]:
    """A training by verl on more GPUs than are here, where it is for this machine alone and one can know."""
    asked, there = OmegaConf.select(cfg, GPUS), machine.gpus()
    alone = OmegaConf.select(cfg, "trainer.nnodes") == 1 and "RAY_ADDRESS" not in os.environ
    if OmegaConf.select(cfg, "trainer.device") == "cuda" and alone and asked and 0 < there < asked:
        yield GPUS, f"is {asked}, and this run sees {there}: {GPUS}={there}, less those of the reward server"
