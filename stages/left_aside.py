"""Settings that verl 0.9.1 takes, and leaves aside beside others, forgets when a run goes on, or fails on later."""

from collections.abc import Callable, Iterator
from typing import Any

Fault = tuple[str, str]  # key, and what is wrong with it
Of = Callable[[str], Any]

_CORRECTION, _FILTER = "algorithm.rollout_correction", "algorithm.filter_groups"
_REFILL = "trainer.v1.sampler.sync_refill_failed_groups"
# Of algorithm.rollout_correction, with the values of verl's YAML, by which nothing is corrected.
CORRECTS = {
    "rollout_is": None,
    "rollout_is_threshold": 2.0,
    "rollout_is_batch_normalize": False,
    "rollout_rs": None,
    "rollout_rs_threshold": None,
}
# What a training under way may have, which it would be another run without: the first have no effect.
MAY_GO_ON = (*(f"{_CORRECTION}.{name}" for name in CORRECTS), "algorithm.kl_ctrl.type")
MAY_GO_ON += ("algorithm.use_pf_ppo", _REFILL)
OWN_REWARD = "pkg://reward_tts.compute_score"
# Numbers that it returns of each rollout, whatever is measured (reward_tts.compute_score.judged), beside its terms.
NUMBERS = ("score", "error_rate", "gate", "no_speech", "bad_speech", "stray_text", "num_tokens", "duration_s")
NUMBERS += ("speaking_rate",)


def left_aside(of: Of) -> Iterator[Fault]:
    """Those that can be told from the configuration alone; `of` gives the value of a key, or None.

    - corrections of the distance between vLLM and the actor, with vLLM's log-probabilities as the old ones: the V1
      trainer passes over them, the older one alone takes a loss that has them (`apply_bypass_mode`);
    - checkpoints saved asynchronously, of which the trainer leaves it to the engine to say that they are whole, and of
      the engines Megatron's alone does;
    - an adaptive penalty, whose coefficient no checkpoint has;
    - rows drawn by their scores (PF-PPO): of no estimator but gae, where the V1 trainer writes advantages of the rows
      that were drawn beside those that were there;
    - texts drawn one by one, for a replay buffer that fills up what failed, as this project's does by itself;
    - a group filter by what the reward function does not return.
    """
    if of(f"{_CORRECTION}.bypass_mode"):
        for name, none in CORRECTS.items():
            if (value := of(f"{_CORRECTION}.{name}")) != none:
                why = f"is {value}, and with {_CORRECTION}.bypass_mode=true nothing is corrected"
                yield f"{_CORRECTION}.{name}", f"{why}: {_CORRECTION}.bypass_mode=false"
    key = "actor_rollout_ref.actor.checkpoint.async_save"
    if of(key):
        yield (
            key,
            "is true, which is for Megatron: nothing would name these checkpoints, to go on from or to merge: false",
        )
    if of("algorithm.use_kl_in_reward") and of("algorithm.kl_ctrl.type") == "adaptive":
        yield (
            "algorithm.kl_ctrl.type",
            "is adaptive, and a run that goes on from a checkpoint begins again at algorithm.kl_ctrl.kl_coef: fixed",
        )
    if of("algorithm.use_pf_ppo"):
        yield (
            "algorithm.use_pf_ppo",
            "is true, and verl's V1 trainer would give rows the advantages of others, or pass over it: false",
        )
    if of(_REFILL):
        yield _REFILL, "is true, by which verl draws texts one by one and nothing else: false"
    if of(f"{_FILTER}.enable") and of("reward.custom_reward_function.path") == OWN_REWARD:
        yield from _of_metric(of)


def _of_metric(of: Of) -> Iterator[Fault]:
    metric, logged = of(f"{_FILTER}.metric"), of("recipe.reward.logged") or ()
    terms = [f"term_{name}" for name, term in (of("recipe.reward.terms") or {}).items() if term is not None]
    known = metric in ("terms", *NUMBERS, *terms, *logged)
    if not known and not any(str(metric).startswith(f"{name}_") for name in logged):  # what a scorer tells by name
        told = ", ".join(("terms", *NUMBERS, *terms, *logged))
        yield f"{_FILTER}.metric", f"is {metric}, which the reward function does not return; it has {told}"
