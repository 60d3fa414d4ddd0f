"""Each algorithm takes two updates in verl's own training worker: FSDP2 over gloo, in this process, on a small Qwen2.

What is not here is how rollouts come about: tests/recipes/test_algorithms.py has that, with Ray, vLLM and the reward.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl.utils import tensordict_utils as tu
from verl.workers.engine_workers import TrainingWorker

from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from tests.helpers.shards import tiny_qwen2
from tests.helpers.training_worker import LENGTHS, nested, one_process, rollouts, worker

SIZES = ["actor_rollout_ref.actor.optim.lr=0.01", "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=2"]
ALGORITHMS = ("grpo", "grpo_no_std", "dapo", "gspo", "gdpo", "token_credit")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face directory with a Qwen2 of one layer."""
    folder = tmp_path_factory.mktemp("model")
    build_tokenizer(["今天"], 16, str(folder))
    tiny_qwen2(len(AutoTokenizer.from_pretrained(folder))).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def only_rank(ports_of_module: list[int]) -> Iterator[None]:
    with one_process(ports_of_module[0]):
        yield


@pytest.mark.parametrize(
    "choice",
    [
        *(f"algo={name} tuning=full kl=none" for name in ALGORITHMS),
        "algo=grpo tuning=full kl=loss",
        "algo=grpo tuning=lora kl=none",
    ],
)
def test_two_updates_move_what_is_trained(model, choice):
    overrides = (*choice.split(), *SIZES, f"actor_rollout_ref.model.path={model}")
    cfg = OmegaConf.create(OmegaConf.to_container(compose_stage("tiny_mandarin", "grpo", overrides), resolve=True))
    made = worker(cfg)
    module = made.engine.module
    before = {name: p.detach().full_tensor().clone() for name, p in module.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in before) == ("tuning=lora" in choice)
    metrics = tu.get(made.train_mini_batch(rollouts("kl=loss" in choice)), "metrics")
    assert len(metrics["grad_norm"]) == 2 and all(math.isfinite(norm) and norm > 0.0 for norm in metrics["grad_norm"])
    assert ("kl_loss" in metrics) == ("kl=loss" in choice)
    after = dict(module.named_parameters())
    assert any(not torch.equal(before[name], after[name].detach().full_tensor()) for name in before)


def actor(model: Path, *overrides: str) -> TrainingWorker:
    """tiny_mandarin's, all weights trained."""
    chosen = ("algo=grpo", "tuning=full", "kl=none", *SIZES, f"actor_rollout_ref.model.path={model}", *overrides)
    cfg = compose_stage("tiny_mandarin", "grpo", chosen)
    return worker(OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)))


def weights(made: TrainingWorker) -> dict[str, torch.Tensor]:
    return {name: p.detach().full_tensor().clone() for name, p in made.engine.module.named_parameters()}


def rates(made: TrainingWorker, steps: int) -> list[float]:
    """Trains so many steps; the learning rate of each."""
    found = []
    for _ in range(steps):
        found.append(made.engine.optimizer.param_groups[0]["lr"])
        made.train_mini_batch(rollouts(False))
    return found


COSINE = [f"actor_rollout_ref.actor.optim.{key}" for key in ("lr_scheduler_type=cosine", "min_lr_ratio=0.1")]
TOTAL = "actor_rollout_ref.actor.optim.total_training_steps"
CONSTANT = "actor_rollout_ref.actor.optim.lr_scheduler_type=constant"


def test_a_resumed_actor_follows_its_schedule_and_ends_with_the_same_weights(model, tmp_path):
    whole = actor(model, *COSINE, f"{TOTAL}=4")
    together = rates(whole, 4)
    first = actor(model, *COSINE, f"{TOTAL}=4")
    assert rates(first, 2) == together[:2]
    first.engine.save_checkpoint(local_path=str(tmp_path / "actor"), global_step=2)
    second = actor(model, *COSINE, f"{TOTAL}=4")
    second.engine.load_checkpoint(local_path=str(tmp_path / "actor"), del_local_after_load=False)
    assert rates(second, 2) == pytest.approx(together[2:])
    for name, tensor in weights(whole).items():
        torch.testing.assert_close(weights(second)[name], tensor, msg=name)


@pytest.mark.parametrize("recorded", [True, False])
def test_an_actor_does_not_go_on_by_another_schedule(model, tmp_path, recorded):
    """Also where the checkpoint is of a version that wrote no schedule beside it."""
    first = actor(model, *COSINE, f"{TOTAL}=4")
    rates(first, 2)
    first.engine.save_checkpoint(local_path=str(tmp_path / "actor"), global_step=2)
    if not recorded:
        (tmp_path / "actor/schedule.json").unlink()
    second = actor(model, *COSINE, f"{TOTAL}=8")
    with pytest.raises(ValueError, match="'total_steps': 4" if recorded else r"0\.55 times .* 0\.868\d* times"):
        second.engine.load_checkpoint(local_path=str(tmp_path / "actor"), del_local_after_load=False)


def test_a_resumed_actor_has_the_configured_learning_rate(model, tmp_path):
    """verl's own has that of the checkpoint."""
    first = actor(model, CONSTANT)
    rates(first, 1)
    first.engine.save_checkpoint(local_path=str(tmp_path / "actor"), global_step=1)
    own = ["actor_rollout_ref.actor.optim.lr=0.002", "actor_rollout_ref.actor.optim.weight_decay=0.5", f"{TOTAL}=9"]
    second = actor(model, CONSTANT, *own)
    second.engine.load_checkpoint(local_path=str(tmp_path / "actor"), del_local_after_load=False)
    assert rates(second, 2) == [0.002, 0.002]
    assert second.engine.optimizer.param_groups[0]["weight_decay"] == 0.5


def test_advantages_that_are_not_finite_stop_the_run_with_step_and_rows(model):
    """At 7864d8e: finite loss, NaN gradients, an update that verl skips with a warning, and training goes on."""
    made, data = actor(model), rollouts(False)
    before = weights(made)
    values = zip(LENGTHS, (1.0, float("nan"), 0.5, 0.5), strict=True)
    data["advantages"] = nested([torch.full((length,), value) for length, value in values])
    tu.assign_non_tensor_data(data, "global_steps", 7)
    tu.assign_non_tensor_stack(data, "uid", ["a", "a", "b", "b"])
    with pytest.raises(FloatingPointError, match=r"advantages are not finite in update 1 .*of global_steps 7; uid a"):
        made.train_mini_batch(data)
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(made).items())
