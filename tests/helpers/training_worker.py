"""verl's own training worker: FSDP2 over gloo, in this process as the only rank or in several."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig
from verl.workers.engine_workers import TrainingWorker
from verl.workers.utils.losses import ppo_loss

from verl_plugins.trainable import DEVICE

LENGTHS = [3, 5, 2, 4]  # of responses


def environment(rank: int, ranks: int, port: int) -> dict[str, str]:
    """What torchrun would say to a process, and which engine verl takes."""
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
    return place | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "VERL_ENGINE_DEVICE": DEVICE}


@contextmanager
def one_process(port: int) -> Iterator[None]:
    """This process as the only rank."""
    patch = pytest.MonkeyPatch()
    for name, value in environment(0, 1, port).items():
        patch.setenv(name, value)
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


def rollouts(with_reference: bool, rank: int = 0, ranks: int = 1) -> TensorDict:
    """Four responses to prompts of two tokens, for two updates of two rows, as verl's trainer hands them to the actor;
    of several ranks to this one, which has every second row, say."""
    generator = torch.Generator().manual_seed(0)
    rows = list(zip(LENGTHS, (1.0, -1.0, 0.5, -0.5), strict=True))
    responses = [torch.randint(3, 15, (length,), generator=generator) for length in LENGTHS][rank::ranks]
    rows, prompts = rows[rank::ranks], [torch.tensor([1, 2]) for _ in responses]
    tensors = {
        "prompts": nested(prompts),
        "responses": nested(responses),
        "input_ids": nested([torch.cat(pair) for pair in zip(prompts, responses, strict=True)]),
        "position_ids": nested([torch.arange(2 + length) for length, _ in rows]),
        "response_mask": nested([torch.ones(length, dtype=torch.long) for length, _ in rows]),
        "loss_mask": nested([torch.ones(length, dtype=torch.long) for length, _ in rows]),
        "old_log_probs": nested([torch.full((length,), -3.0) for length, _ in rows]),
        "advantages": nested([torch.full((length,), advantage) for length, advantage in rows]),
    }
    if with_reference:
        tensors["ref_log_prob"] = tensors["old_log_probs"]
    data = TensorDict(tensors, batch_size=len(rows))
    settings = {"temperature": 1.0, "mini_batch_size": 2, "global_batch_size": 2, "epochs": 1, "seed": 0}
    tu.assign_non_tensor(data, **settings, calculate_entropy=False, dataloader_kwargs={"shuffle": False})
    return data


def train_as_one_of(rank: int, ranks: int, port: int, folder: str, configurations: dict[str, dict[str, Any]]) -> None:
    """What each process of test_ranks.py does: two updates by each configuration. FOLDER/NAME/global_step_2/actor is
    saved by all, and sent.pt, what vLLM would get of the last rank; a new worker that has loaded it has its weights.
    At the end a gradient of the last rank is no number: stopped_RANK.txt has what each rank says."""
    os.environ.update(environment(rank, ranks, port))
    for name, plain in configurations.items():
        torch.manual_seed(0)
        made, again = (worker(OmegaConf.create(plain)) for _ in range(2))
        made.train_mini_batch(rollouts(False, rank, ranks))
        actor = Path(folder) / name / "global_step_2/actor"
        made.engine.save_checkpoint(local_path=str(actor), global_step=2)
        again.engine.load_checkpoint(local_path=str(actor), del_local_after_load=False)
        for key, value in again.engine.module.state_dict().items():
            assert torch.equal(value.full_tensor(), made.engine.module.state_dict()[key].full_tensor()), key
        sent = {key: value.clone() for key, value in again.engine.get_per_tensor_param()[0]}
        if rank == ranks - 1:
            torch.save(sent, actor.parent.with_name("sent.pt"))
    if rank == ranks - 1:
        worse = lambda gradient: gradient * float("inf")  # noqa: E731
        made.engine.module.model.norm.register_forward_hook(lambda _, __, out: out.register_hook(worse) and None)
    try:
        made.train_mini_batch(rollouts(False, rank, ranks))
    except FloatingPointError as error:
        Path(folder, f"stopped_{rank}.txt").write_text(str(error))
    torch.distributed.destroy_process_group()
