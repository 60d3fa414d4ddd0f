"""verl's FSDP engine, training only the parameters that the recipe names.

    actor_rollout_ref.actor.optim.override_optimizer_config: {trainable: ["model.norm.weight"]}

verl 0.9.1 can train all parameters or LoRA adapters. A small model that gets few rollouts learns from neither: its
policy gradient is mostly noise, except where a parameter touches every token alike (README, "What was tried").
The engine is registered for a device of its own, which verl's variable VERL_ENGINE_DEVICE selects
(verl/workers/engine/base.py), on CPU and GPU alike; without that variable nothing changes.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import torch
from verl.workers.config.optimizer import build_optimizer
from verl.workers.engine.base import EngineRegistry
from verl.workers.engine.fsdp.transformer_impl import FSDPEngineWithLMHead

from verl_plugins import versions

versions.require("verl", versions.VERL, "verl_plugins/trainable.py")


def freeze_all_but(module: torch.nn.Module, patterns: Sequence[str]) -> list[str]:
    """Leaves `requires_grad` to the parameters whose whole name matches one of the regular expressions.

    Returns:
        Their names.

    Raises:
        ValueError: a pattern matches nothing.
    """
    names = [name for name, _ in module.named_parameters()]
    for pattern in patterns:
        if not any(re.fullmatch(pattern, name) for name in names):
            raise ValueError(
                f"optim.override_optimizer_config.trainable: {pattern!r} matches no parameter; there are {names}"
            )
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(any(re.fullmatch(pattern, name) for pattern in patterns))
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


@EngineRegistry.register(model_type="language_model", backend=["fsdp", "fsdp2"], device="named_parameters")
class NamedParametersEngine(FSDPEngineWithLMHead):
    """All parameters are trained unless `trainable` is given."""

    def _build_fsdp_module(self, module: torch.nn.Module) -> torch.nn.Module:
        # A reference model has verl's plainest OptimizerConfig, which has no such field.
        patterns = (getattr(self.optimizer_config, "override_optimizer_config", None) or {}).get("trainable")
        if patterns and not self.engine_config.forward_only:
            names = freeze_all_but(module, patterns)
            if self.rank == 0:
                print(f"training {', '.join(names)} and nothing else", flush=True)
        return super()._build_fsdp_module(module)

    def _build_optimizer(self, module: torch.nn.Module) -> torch.optim.Optimizer:
        options = dict(self.optimizer_config.override_optimizer_config or {})
        options.pop("trainable", None)
        config = replace(self.optimizer_config, override_optimizer_config=options)
        return build_optimizer([p for p in module.parameters() if p.requires_grad], config)
