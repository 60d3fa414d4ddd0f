"""verl's FSDP engine with what verl 0.9.1 lacks: which parameters are trained, no step on what is not a number, and a
resumed training with the learning rate of its configuration.

    actor_rollout_ref.actor.optim.override_optimizer_config: {trainable: ["model.norm.weight"]}
    actor_rollout_ref.model.lora: {dropout: 0.1, trained_weights: [embed_tokens, lm_head]}

The engine is registered for a device of its own, which verl's variable VERL_ENGINE_DEVICE selects
(verl/workers/engine/base.py), on CPU and GPU alike.

- **Parameters by name**: verl can train all parameters or LoRA adapters. A small model that gets few rollouts learns
  from neither: its policy gradient is mostly noise, except where a parameter touches every token alike.
- **LoRA**: verl knows neither its dropout nor weights that are trained whole beside the adapters, as a model needs
  whose embeddings have new rows. They are left where they are instead of being copied by peft's modules_to_save: a tied
  head stays the same tensor, and nothing has to be merged. So does what an adapter to go on from holds of them.
- **LoRA, weights for the rollout**: verl rounds the sum of weights and adapter to bfloat16, whatever the rollout
  computes in; without LoRA it sends them as they are. Here it does so with LoRA, too: vLLM rounds to its own type.
- **Not a number**: verl skips the update with a warning and goes on. Here NaN or infinite advantages, losses and
  gradients stop the run with the step and the rows.
- **Resume**: see verl_plugins/schedule.py. And verl counts only what its own process has saved among the checkpoints
  that are kept, so that each restart would leave as many more; and would take away what the guard goes back to.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tensordict import TensorDict
from torch.distributed.tensor import DTensor
from verl.utils.device import get_device_id
from verl.utils.fsdp_utils import merged_lora_context, normalize_peft_param_name, offload_fsdp_model_to_cpu
from verl.utils.model import convert_weight_keys
from verl.workers.config.optimizer import build_optimizer
from verl.workers.engine.base import EngineRegistry
from verl.workers.engine.fsdp.transformer_impl import FSDPEngineWithLMHead

from merge.adapter import load_adapter
from merge.choose import kept_steps
from models.trainable import freeze_all_but
from verl_plugins import versions
from verl_plugins.schedule import Schedule, check_factor, check_same

versions.require("verl", versions.VERL, "verl_plugins/trainable.py")
DEVICE = "named_parameters"  # what VERL_ENGINE_DEVICE says
SHOWN = 8  # rows that an error names
_CHECKPOINT = re.compile(r"(?P<root>.*)/global_step_(?P<step>\d+)(?P<part>(/[^/]+)?)/?")  # verl's paths
_HYPER_PARAMETERS = ("lr", "initial_lr", "betas", "eps", "weight_decay")  # what of a checkpoint the configuration rules


def train_whole(module: torch.nn.Module, modules: Sequence[str]) -> list[str]:
    """Gives `requires_grad` to all weights of the modules with one of these last names, besides LoRA's adapters.

    Returns:
        Names of these weights; a tied head has the name of the embeddings.

    Raises:
        ValueError: no module has that name, or its layer has an adapter already.
    """
    named = dict(module.named_modules())
    for last in modules:
        found = [one for name, one in named.items() if name.rpartition(".")[2] == last]
        if not found:
            raise ValueError(f"model.lora.trained_weights: no module of this model is called {last!r}")
        for one in found:
            if hasattr(one, "lora_A"):
                raise ValueError(f"{last} is in model.target_modules and in model.lora.trained_weights: one of them")
            one.requires_grad_(True)
    return [n for n, p in module.named_parameters() if p.requires_grad and "lora_" not in n]


def whose(rows: Mapping[str, Any]) -> str:
    """Step and rows of a batch of verl's trainers, as far as it says, for a message."""
    told = []
    for name in ("global_steps", "uid"):
        with suppress(KeyError):
            values = rows[name]
            if isinstance(values, torch.Tensor):
                values = (values.values() if values.is_nested else values).flatten().tolist()
            elif hasattr(values, "tolist"):
                values = values.tolist()
            values = list(dict.fromkeys(str(one) for one in (values if isinstance(values, list) else [values])))
            told.append(f"{name} {', '.join(values[:SHOWN])}{', ...' if len(values) > SHOWN else ''}")
    return "; ".join(told) or "rows without a name"


def stop_unless_finite(what: str, values: torch.Tensor, rows: str, step: int) -> None:
    """Raises FloatingPointError that names the update and its rows where a value is NaN or infinite.

    Args:
        what: "the loss is" and the like.
        values: of any shape.
        rows: whose they are.
        step: updates before this one.
    """
    finite = values.isfinite()
    if not finite.all():
        raise FloatingPointError(
            f"{what} not finite in update {step + 1} ({values[~finite].flatten()[0].item()}), of "
            f"{rows}. Nothing was trained on it; the last checkpoint is whole"
        )


def saved_before(saved: str, resumed: str) -> list[str]:
    """Checkpoints of the run that are whole and not newer than the one that it was resumed from, the oldest first, as
    paths of the form of `saved`.

    Args:
        saved: what verl is about to save, .../global_step_N/actor, or .../global_step_N of SFT.
        resumed: what it was resumed from; of another run's folder nothing is this run's to take away.
    """
    new, old = _CHECKPOINT.fullmatch(saved), _CHECKPOINT.fullmatch(resumed)
    if not new or not old or Path(new["root"]).resolve() != Path(old["root"]).resolve():
        return []
    names = [path.name.removeprefix("global_step_") for path in Path(new["root"]).glob("global_step_*")]
    steps = sorted(int(name) for name in names if name.isdigit() and int(name) <= int(old["step"]))
    paths = [f"{new['root']}/global_step_{step}{new['part']}" for step in steps if step != int(new["step"])]
    return [path for path in paths if (Path(path) / "fsdp_config.json").exists()]  # which verl writes last


def counted(before: Sequence[str], saved: str, resumed: str | None, kept: Set[int]) -> tuple[list[str], list[str]]:
    """Checkpoints that count among the ones that verl keeps, and those that stay beside them, the oldest first.

    Args:
        before: what this process has saved, or counted before, and not taken away.
        saved: what verl is about to save.
        resumed: what the run was resumed from, until the first save after it.
        kept: steps that somebody may go back to.
    """
    paths = [*(saved_before(saved, resumed) if resumed else []), *before]
    steps = {path: int(found["step"]) if (found := _CHECKPOINT.fullmatch(path)) else -1 for path in paths}
    ordered = sorted(steps, key=lambda path: steps[path])
    return [path for path in ordered if steps[path] not in kept], [path for path in ordered if steps[path] in kept]


def updates_of(optimizer: torch.optim.Optimizer, otherwise: int) -> int:
    """Updates that an optimizer has made, as Adam counts them; `otherwise` of one that does not count."""
    return max((int(state["step"]) for state in optimizer.state.values() if "step" in state), default=otherwise)


@EngineRegistry.register(model_type="language_model", backend=["fsdp", "fsdp2"], device=DEVICE)
class NamedParametersEngine(FSDPEngineWithLMHead):
    """All parameters are trained unless `trainable` is given; see the module."""

    _rows = ""
    _updates = 0  # with those of the checkpoint
    _resumed: str | None = None  # the checkpoint, until the first one of this process
    _beside: Sequence[str] = ()  # checkpoints that do not count among the ones that verl keeps
    chooses: Callable[[str], Set[int]] | None = None  # folder of the checkpoints -> steps that are to be kept

    def _build_lora_module(self, module: torch.nn.Module) -> torch.nn.Module:
        begun = self.model_config.lora_adapter_path
        if begun:  # verl's way gives peft's copies to what was trained whole
            self.model_config = copy(self.model_config)
            object.__setattr__(self.model_config, "lora_adapter_path", None)  # verl freezes it
        module, lora = super()._build_lora_module(module), self.model_config.lora
        if begun:
            load_adapter(module, begun)
        if rate := float(lora.get("dropout") or 0.0):
            for one in module.modules():
                if hasattr(one, "lora_dropout"):
                    one.lora_dropout["default"] = torch.nn.Dropout(rate)
            module.peft_config["default"].lora_dropout = rate
        if whole := list(lora.get("trained_weights") or []):
            names = train_whole(module, whole)
            if self.rank == 0:
                print(f"LoRA, and whole: {', '.join(names)}", flush=True)
        return module

    def _merged_lora_per_tensor_param(self) -> Iterator[tuple[str, torch.Tensor]]:
        """verl's, without its rounding to bfloat16. Each is a copy: the weights get their own values back at the end,
        and of one process alone full_tensor() may be the weight itself."""
        device = get_device_id()
        try:
            with merged_lora_context(self.module, backup_adapters=True):
                params = normalize_peft_param_name(self.module.state_dict())
                params = convert_weight_keys(params, getattr(self.module, "_fsdp_wrapped_module", self.module))
                for name, param in params.items():
                    whole = param.to(device).full_tensor() if isinstance(param, DTensor) else param
                    yield name, whole.detach().clone()
        finally:
            if self._is_offload_param:
                offload_fsdp_model_to_cpu(self.module)

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

    def forward_step(
        self, micro_batch: TensorDict, loss_function: Callable | None, forward_only: bool
    ) -> tuple[torch.Tensor, dict[str, Any]]:
        """verl's, unless advantages or loss are not finite."""
        if forward_only or loss_function is None:
            return super().forward_step(micro_batch, loss_function, forward_only)
        rows = whose(micro_batch)
        self._rows = rows
        if "advantages" in micro_batch:
            advantages = micro_batch["advantages"]
            values = advantages.values() if advantages.is_nested else advantages
            stop_unless_finite("advantages are", values, rows, self._updates)
        loss, output = super().forward_step(micro_batch, loss_function, forward_only)
        stop_unless_finite("the loss is", loss.detach(), rows, self._updates)
        return loss, output

    def optimizer_step(self) -> float:
        """verl's, unless the gradient is not finite; with loss scaling (float16) that is the scaler's matter."""
        norm = super().optimizer_step()
        if self.scaler is None:
            rows = f"a batch that ended with {self._rows}"
            stop_unless_finite("the gradient is", torch.tensor(norm), rows, self._updates)
        self._updates += 1
        return norm

    def save_checkpoint(self, local_path: str, *args: Any, **kwargs: Any) -> None:
        """verl's, and the schedule beside it. Those of before a resumption count among the ones that are kept, those
        that one may go back to do not."""
        if self.rank == 0:
            manager, place, kept = self.checkpoint_manager, _CHECKPOINT.fullmatch(local_path), set()
            if place and (self.chooses or place["part"]):  # of SFT, which has no part, there is no guard and no ranking
                kept = (self.chooses or kept_steps)(place["root"])
            before = [*self._beside, *manager.previous_saved_paths]
            manager.previous_saved_paths, self._beside = counted(before, local_path, self._resumed, kept)
        self._resumed = None
        super().save_checkpoint(local_path, *args, **kwargs)
        if self.rank == 0:
            Schedule.of(self.optimizer_config).write(local_path)
        torch.distributed.barrier()

    def load_checkpoint(self, local_path: str, *args: Any, **kwargs: Any) -> None:
        """verl's, with learning rate, betas and weight decay of the configuration.

        Raises:
            ValueError: the checkpoint was trained by another schedule.
        """
        if self.optimizer is None:
            super().load_checkpoint(local_path, *args, **kwargs)
            return
        wanted = [{k: g[k] for k in _HYPER_PARAMETERS if k in g} for g in self.optimizer.param_groups]
        check_same(local_path, Schedule.of(self.optimizer_config))
        super().load_checkpoint(local_path, *args, **kwargs)
        self._resumed = local_path
        schedule = self.lr_scheduler
        factor = schedule.lr_lambdas[0]
        if Schedule.read(local_path) is None:
            check_factor(local_path, schedule.state_dict(), factor)
        for group, own in zip(self.optimizer.param_groups, wanted, strict=True):
            group.update(own)
            group["lr"] = own["initial_lr"] * factor(schedule.last_epoch)
        schedule.base_lrs = [group["initial_lr"] for group in self.optimizer.param_groups]
        schedule._last_lr = [group["lr"] for group in self.optimizer.param_groups]
        self._updates = updates_of(self.optimizer, schedule.last_epoch)
