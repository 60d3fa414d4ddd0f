"""What hardware=gpu chooses for the actor, in verl's own training worker on a CPU: sequences packed into one row (no
padding), torch's attention. Each is computed as if it were alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from verl.utils import tensordict_utils as tu

from models.cosyvoice.speech_head import SpeechHeadQwen2Config, SpeechHeadQwen2ForCausalLM
from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from tests.helpers.training_worker import nested, one_process, worker

SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
# As on a GPU but for the dtype, so that equal means equal, and without a compiler.
IN_FLOAT32 = (
    "hardware=gpu",
    "+actor_rollout_ref.actor.fsdp_config.mixed_precision={param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}",
    "actor_rollout_ref.actor.use_torch_compile=false",
    "actor_rollout_ref.actor.fsdp_config.use_torch_compile=false",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4",
)
PROMPT, ANSWERS = 2, [7, 1, 12, 4]


@pytest.fixture(scope="module", autouse=True)
def only_rank(ports_of_module: list[int]) -> Iterator[None]:
    with one_process(ports_of_module[0]):
        yield


@pytest.fixture(scope="module", params=["cosyvoice2", "llasa"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A recipe and a small model of its class: CosyVoice's Qwen2 with a head of its own, Llama with grouped heads."""
    folder = tmp_path_factory.mktemp(request.param)
    build_tokenizer(["今天"], 16, str(folder))
    shape = SHAPE | {"vocab_size": len(AutoTokenizer.from_pretrained(folder)), "initializer_range": 0.2}
    shape |= {"num_key_value_heads": 2, "tie_word_embeddings": False}
    torch.manual_seed(0)
    if request.param == "cosyvoice2":
        config = SpeechHeadQwen2Config(**shape, head_size=shape["vocab_size"], head_bias=True)
        SpeechHeadQwen2ForCausalLM(config).save_pretrained(folder)
    else:
        LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(folder)
    return request.param, folder


def rollouts(first_row: int = 3) -> TensorDict:
    """Four answers as verl's trainer hands them to the actor; the first is `first_row` throughout."""
    generator = torch.Generator().manual_seed(0)
    answers = [torch.full((ANSWERS[0],), first_row)]
    answers += [torch.randint(3, 15, (length,), generator=generator) for length in ANSWERS[1:]]
    prompts = [torch.tensor([1, 2]) for _ in ANSWERS]
    masks = nested([torch.ones(length, dtype=torch.long) for length in ANSWERS])
    tensors = {
        "prompts": nested(prompts),
        "responses": nested(answers),
        "input_ids": nested([torch.cat(pair) for pair in zip(prompts, answers, strict=True)]),
        "position_ids": nested([torch.arange(PROMPT + length) for length in ANSWERS]),
        "response_mask": masks,
        "loss_mask": masks,
        "old_log_probs": nested([torch.full((length,), -3.0) for length in ANSWERS]),
        "advantages": nested([torch.full((n,), a) for n, a in zip(ANSWERS, (1.0, -1.0, 0.5, -0.5), strict=True)]),
    }
    data = TensorDict(tensors, batch_size=len(ANSWERS))
    settings = {"temperature": 0.8, "mini_batch_size": 4, "global_batch_size": 4, "epochs": 1, "seed": 0}
    tu.assign_non_tensor(data, **settings, calculate_entropy=False, dataloader_kwargs={"shuffle": False})
    return data


def actor(family: tuple[str, Path], *overrides: str):
    recipe, model = family
    overrides = (*IN_FLOAT32, f"actor_rollout_ref.model.path={model}", *overrides)
    return worker(OmegaConf.create(OmegaConf.to_container(compose_stage(recipe, "grpo", overrides), resolve=True)))


def log_probs(made, data: TensorDict) -> list[torch.Tensor]:
    """Of each row's tokens behind its first, [tokens - 1] each."""
    tu.assign_non_tensor(data, compute_loss=False)
    rows = tu.get(made.infer_batch(data), "log_probs").unbind()
    assert [len(row) for row in rows] == [PROMPT + length for length in ANSWERS]
    return [row[:-1] for row in rows]


def test_packed_sequences_have_the_log_probabilities_and_gradients_of_padded_ones(family):
    packed, padded = actor(family), actor(family, "actor_rollout_ref.model.use_remove_padding=false")
    assert packed.model_config.use_remove_padding and not padded.model_config.use_remove_padding
    for one, other in zip(log_probs(packed, rollouts()), log_probs(padded, rollouts()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=0.0)
    norms = [tu.get(made.train_mini_batch(rollouts()), "metrics")["grad_norm"][0] for made in (packed, padded)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-5) and norms[0] > 0.0


def test_packed_sequences_do_not_see_each_other(family):
    made = actor(family)
    before, after = log_probs(made, rollouts(first_row=3)), log_probs(made, rollouts(first_row=9))
    assert not torch.equal(before[0], after[0])
    for one, other in zip(before[1:], after[1:], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=0.0)
