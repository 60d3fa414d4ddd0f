"""Each algorithm takes two updates in verl's own training worker: FSDP2 over gloo, in this process, on a small Qwen2.

What is not here is how rollouts come about: tests/recipes/test_algorithms.py has that, with Ray, vLLM and the reward.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from transformers import AutoTokenizer
from verl.utils import tensordict_utils as tu

from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from tests.helpers.shards import tiny_qwen2
from tests.helpers.training_worker import nested, one_process, worker

SIZES = ["actor_rollout_ref.actor.optim.lr=0.01", "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=2"]
ALGORITHMS = ("grpo", "grpo_no_std", "dapo", "gspo", "gdpo", "token_credit")
LENGTHS = [3, 5, 2, 4]  # of the responses: groups aa and bb


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


def rollouts(with_reference: bool) -> TensorDict:
    """Four responses to prompts of two tokens, as verl's trainer hands them to the actor."""
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.tensor([1, 2]) for _ in LENGTHS]
    responses = [torch.randint(3, 15, (length,), generator=generator) for length in LENGTHS]
    tensors = {
        "prompts": nested(prompts),
        "responses": nested(responses),
        "input_ids": nested([torch.cat(pair) for pair in zip(prompts, responses, strict=True)]),
        "position_ids": nested([torch.arange(2 + length) for length in LENGTHS]),
        "response_mask": nested([torch.ones(length, dtype=torch.long) for length in LENGTHS]),
        "loss_mask": nested([torch.ones(length, dtype=torch.long) for length in LENGTHS]),
        "old_log_probs": nested([torch.full((length,), -3.0) for length in LENGTHS]),
        "advantages": nested([torch.full((n,), a) for n, a in zip(LENGTHS, (1.0, -1.0, 0.5, -0.5), strict=True)]),
    }
    if with_reference:
        tensors["ref_log_prob"] = tensors["old_log_probs"]
    data = TensorDict(tensors, batch_size=len(LENGTHS))
    settings = {"temperature": 1.0, "mini_batch_size": 2, "global_batch_size": 2, "epochs": 1, "seed": 0}
    tu.assign_non_tensor(data, **settings, calculate_entropy=False, dataloader_kwargs={"shuffle": False})
    return data


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
