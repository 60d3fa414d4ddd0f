"""Clip bounds and temperature by step: on numbers worked out by hand, in verl's own loss and agent loop."""

import asyncio
import math
from types import SimpleNamespace

import pytest
import torch
import verl.workers.engine_workers
from omegaconf import OmegaConf, open_dict
from tensordict import TensorDict
from verl.utils.config import omega_conf_to_dataclass
from verl.utils.tensordict_utils import assign_non_tensor, list_of_dict_to_tensordict
from verl.workers.config import ActorConfig

from stages.config import compose_stage
from verl_plugins.annealing import AnnealedAgentLoop, AnnealedPolicyLoss, cooling, linear, step_of, with_annealed_bounds


@pytest.fixture(scope="module")
def actor() -> ActorConfig:
    """What grpo.yaml of glm_tts says, as verl's workers read it."""
    config = compose_stage("glm_tts", "grpo").actor_rollout_ref.actor
    with open_dict(config):
        config.rollout_n = 8
    return omega_conf_to_dataclass(config)


def test_bounds_go_in_a_line_and_stay():
    bound = {"start": 0.3, "end": 0.5, "until_step": 1000}
    assert [linear(step, **bound) for step in (0, 250, 1000, 5000)] == pytest.approx([0.3, 0.35, 0.5, 0.5])


def test_temperature_cools_towards_its_end():
    schedule = {"start": 1.5, "rate": 0.005, "until_step": 1000}
    assert cooling(0, end=1.0, **schedule) == 1.5
    assert cooling(200, end=1.0, **schedule) == pytest.approx(1 + 0.5 / math.e)
    assert cooling(200, end=0.7, **schedule) == pytest.approx(0.7 + 0.8 / math.e)
    assert cooling(1001, end=0.7, **schedule) == 0.7


def batch(step: int) -> TensorDict:
    """A good and a bad response of one token each, as verl's workers get them; losses are summed."""
    one = {"prompts": torch.tensor([1]), "responses": torch.tensor([2]), "attention_mask": torch.tensor([1, 1])}
    one["response_mask"] = torch.tensor([1])
    rows = [{**one, "old_log_probs": torch.zeros(1), "advantages": torch.tensor([a])} for a in (1.0, -1.0)]
    data = list_of_dict_to_tensordict([{**row, "global_steps": step} for row in rows])
    return assign_non_tensor(data, dp_size=1, batch_num_tokens=1, global_batch_size=2)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, -1.3 + 0.8),  # min(1.45, 1 + 0.3); max(0.72, 1 - 0.2)
        (500, -1.4 + 0.75),  # bounds half way, 0.4 and 0.25
        (1000, -1.45 + 0.72),  # 0.5 and 0.3: no longer clipped
        (3000, -1.45 + 0.72),
    ],
)
def test_verls_loss_is_clipped_at_the_bounds_of_the_step(actor: ActorConfig, step: int, expected: float):
    """Log-probabilities stand one place before their token: ratios 1.45 and 0.72."""
    said = torch.tensor([1.45, 1.0, 0.72, 1.0]).log()
    value, metrics = verl.workers.engine_workers.ppo_loss(actor, {"log_probs": said}, batch(step))
    assert value.item() == pytest.approx(expected, abs=1e-6)
    assert metrics["clip_ratio_high"] == pytest.approx(min(0.3 + 0.2 * step / 1000, 0.5))
    assert actor.clip_ratio_high == 0.3  # the configuration stays what it was


def test_naming_the_class_puts_the_layer_into_verls_workers(actor: ActorConfig):
    assert isinstance(actor.policy_loss, AnnealedPolicyLoss)
    assert hasattr(verl.workers.engine_workers.ppo_loss, "__wrapped__")
    assert verl.workers.engine_workers.ppo_loss.__wrapped__.__name__ == "ppo_loss"


def test_without_schedules_verls_loss_is_as_it_was():
    config = SimpleNamespace(policy_loss=None)
    assert with_annealed_bounds(lambda *given: given)(config, 1, {}) == (config, 1, {}, None)


@pytest.mark.parametrize("steps", [torch.tensor([3, 7]), [3, 7], 7])
def test_the_step_is_the_latest_of_the_batch(steps):
    assert step_of({"global_steps": steps}) == 7


class Recorder:
    """Stands where verl's connection to the vLLM servers is, keeps what it is given and says two tokens."""

    async def generate(self, sampling_params: dict, **_):
        from verl.workers.rollout.replica import TokenOutput

        self.temperature = sampling_params["temperature"]
        return TokenOutput(token_ids=[1, 2])


SCHEDULE = {"start": 1.5, "rate": 0.005, "until_step": 1000}


def agent_loop(tmp_path_factory, recorder, schedule: dict | None, bypass: bool = False) -> AnnealedAgentLoop:
    from transformers import AutoTokenizer
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.utils.dataset.rl_dataset import RLHFDataset

    from models.tiny_mandarin.tokenizer import build_tokenizer

    path = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(["你好"], 10, path)
    rollout = {"prompt_length": 64, "response_length": 8}
    algorithm = {"adv_estimator": "grpo", "rollout_correction": {"bypass_mode": bypass}}
    config = {"actor_rollout_ref": {"rollout": rollout}, "algorithm": algorithm}
    return AnnealedAgentLoop(
        split="train",
        temperature=schedule,
        trainer_config=DictConfigWrap(OmegaConf.create(config)),
        server_manager=recorder,
        tokenizer=AutoTokenizer.from_pretrained(path),
        processor=None,
        dataset_cls=RLHFDataset,
        data_config=DictConfigWrap(OmegaConf.create({})),
        hf_model_type="llama",
    )


@pytest.mark.parametrize(
    ("split", "schedule", "given", "expected"),
    [
        ("train", SCHEDULE, 1.0, 1 + 0.5 / math.e),
        ("train", SCHEDULE, 0.7, 0.7 + 0.8 / math.e),  # towards rollout.temperature
        ("train", None, 0.7, 0.7),
        ("test", SCHEDULE, 0.7, 0.7),
    ],
)
def test_only_training_is_warmer_and_only_with_a_schedule(tmp_path_factory, split, schedule, given, expected):
    recorder = Recorder()
    row = {"raw_prompt": [{"role": "user", "content": "你好"}], "extra_info": {"split": split}, "global_steps": 200}
    sampling = {"temperature": given}

    async def run() -> None:
        await agent_loop(tmp_path_factory, recorder, schedule).run(sampling, **row)

    asyncio.run(run())
    assert recorder.temperature == pytest.approx(expected) and sampling == {"temperature": given}


def test_vllms_own_log_probabilities_are_refused_beside_it(tmp_path_factory):
    async def make(schedule: dict | None) -> None:
        agent_loop(tmp_path_factory, Recorder(), schedule, bypass=True)

    asyncio.run(make(None))
    with pytest.raises(ValueError, match="bypass_mode=false"):
        asyncio.run(make(SCHEDULE))
