"""Clip bounds and rollout temperature that change with the step, as GLM-TTS trains (its grpo/, arXiv 2512.14291).

Clip bounds, as in recipes/common/algo/glm_tts.yaml:

    actor_rollout_ref.actor.policy_loss:
      _target_: verl_plugins.annealing.AnnealedPolicyLoss
      clip_ratio_low: {start: 0.2, end: 0.3, until_step: 1000}
      clip_ratio_high: {start: 0.3, end: 0.5, until_step: 1000}

verl 0.9.1 has no schedule for them. Importing this module, which naming the class above does in each worker, puts a
layer around verl's `ppo_loss` (put_around_the_loss in patches.py).

Temperature, in a file that actor_rollout_ref.rollout.agent.agent_loop_config_path names:

    - name: token_credit
      _target_: verl_plugins.annealing.AnnealedAgentLoop
      split: train
      temperature: {start: 1.5, rate: 0.005, until_step: 1000}     # or null: rollout.temperature all along

It cools towards rollout.temperature. Only sampling is warmer: log-probabilities stay those of rollout.temperature, as
in GLM-TTS, so vLLM's own cannot be taken for them (algorithm.rollout_correction.bypass_mode).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

import torch
from verl.workers.config import PolicyLossConfig

from verl_plugins import patches
from verl_plugins.rollout import SpeechAgentLoop, SpeechRollout

BOUNDS = ("clip_ratio_low", "clip_ratio_high")


def linear(step: int, *, start: float, end: float, until_step: int) -> float:
    """start + (end - start) * step / until_step, and `end` from there on.

    >>> linear(250, start=0.3, end=0.5, until_step=1000)
    0.35
    """
    return end if step >= until_step else start + (end - start) * step / until_step


def cooling(step: int, *, start: float, end: float, rate: float, until_step: int) -> float:
    """end + (start - end) * exp(-rate * step), and `end` after `until_step`. GLM-TTS's dynamic_T, whose end is 1.

    >>> cooling(0, start=1.5, end=1.0, rate=0.005, until_step=1000)
    1.5
    """
    return end if step > until_step else end + (start - end) * math.exp(-rate * step)


@dataclass
class AnnealedPolicyLoss(PolicyLossConfig):
    """verl's settings of the policy loss, and schedules of the clip bounds: arguments of `linear`."""

    clip_ratio_low: dict[str, float] = field(default_factory=dict)
    clip_ratio_high: dict[str, float] = field(default_factory=dict)

    def at(self, step: int) -> dict[str, float]:
        """Both bounds at a step.

        Raises:
            TypeError: a schedule lacks an argument or has one too many.
        """
        return {name: linear(step, **self[name]) for name in BOUNDS}


def step_of(data: Mapping[str, Any]) -> int:
    """The step that the rollouts of a batch were made for; the latest, where groups were drawn again.

    Raises:
        KeyError: the batch does not say.
    """
    steps = data["global_steps"]
    if isinstance(steps, torch.Tensor):
        return int((steps.values() if steps.is_nested else steps).max())
    return max(int(getattr(one, "data", one)) for one in (steps if hasattr(steps, "__iter__") else [steps]))


def with_annealed_bounds(loss: Any) -> Any:
    """`ppo_loss` with the bounds of the batch's step, which it adds to the metrics; as it is without schedules."""

    @wraps(loss)
    def annealed(
        config: Any, model_output: Any, data: Any, dp_group: Any = None
    ) -> tuple[torch.Tensor, dict[str, Any]]:
        if not isinstance(config.policy_loss, AnnealedPolicyLoss):
            return loss(config, model_output, data, dp_group)
        bounds = config.policy_loss.at(step_of(data))
        value, metrics = loss(replace(config, **bounds), model_output, data, dp_group)
        return value, {**metrics, **bounds}

    return annealed


patches.put_around_the_loss(with_annealed_bounds)


class AnnealedAgentLoop(SpeechAgentLoop):
    """SpeechAgentLoop whose rollouts for training are sampled at the temperature of the step.

    Args:
        split: of the training rows (extra_info.split): validation keeps its own temperature.
        temperature: arguments of `cooling` but its end, which is the temperature that verl asks for; None: that one.

    Raises:
        ValueError: vLLM's log-probabilities would be taken for the old policy's.
    """

    def __init__(self, *args: Any, split: str, temperature: Mapping[str, float] | None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.split, self.schedule = split, temperature and dict(temperature)
        correction = self.config.algorithm.get("rollout_correction") or {}
        if correction.get("bypass_mode") and self.schedule:
            raise ValueError("an annealed temperature needs algorithm.rollout_correction.bypass_mode=false")

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> SpeechRollout:
        """One rollout."""
        if self.schedule and kwargs["extra_info"]["split"] == self.split:
            cooled = cooling(int(kwargs["global_steps"]), end=sampling_params["temperature"], **self.schedule)
            sampling_params = {**sampling_params, "temperature": cooled}
        return await super().run(sampling_params, **kwargs)
