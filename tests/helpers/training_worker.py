"""verl's own training worker in this process: FSDP2 over gloo, the only rank."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import torch
from omegaconf import DictConfig
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig
from verl.workers.engine_workers import TrainingWorker
from verl.workers.utils.losses import ppo_loss

from verl_plugins.trainable import DEVICE


@contextmanager
def one_process(port: int) -> Iterator[None]:
    """This process as the only rank."""
    patch = pytest.MonkeyPatch()
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "VERL_ENGINE_DEVICE": DEVICE}.items():
        patch.setenv(name, value)
    patch.setenv("MASTER_ADDR", "127.0.0.1")
    patch.setenv("MASTER_PORT", str(port))
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    patch.undo()


def worker(cfg: DictConfig) -> TrainingWorker:
    """As verl's ActorRolloutRefWorker makes its actor."""
    actor = omega_conf_to_dataclass(cfg.actor_rollout_ref.actor)
    actor.engine.micro_batch_size_per_gpu = actor.ppo_micro_batch_size_per_gpu
    actor.engine.infer_micro_batch_size_per_gpu = actor.ppo_micro_batch_size_per_gpu
    actor.engine.use_dynamic_bsz = False
    made = TrainingWorker(
        TrainingWorkerConfig(
            model_type="language_model",
            model_config=omega_conf_to_dataclass(cfg.actor_rollout_ref.model),
            engine_config=actor.engine,
            optimizer_config=actor.optim,
            checkpoint_config=actor.checkpoint,
        )
    )
    made.reset()
    made.set_loss_fn(partial(ppo_loss, config=actor))
    return made


def nested(rows: list[torch.Tensor]) -> torch.Tensor:
    """Rows of any lengths as verl's trainer hands them on."""
    return torch.nested.as_nested_tensor(rows, layout=torch.jagged)
