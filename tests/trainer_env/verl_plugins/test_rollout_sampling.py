"""actor_rollout_ref.rollout.custom.sampling arrives at vLLM; verl's own repetition penalty does not get in its way. And
no prompt is cut."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage
from verl_plugins.rollout import SpeechAgentLoop, more_sampling

ROOT = Path(__file__).resolve().parents[3]


class Recorder:
    """Stands where verl's connection to the vLLM servers is, and keeps what it is asked for."""

    async def generate(self, sampling_params: dict[str, Any], request_id: str, **_):
        from verl.workers.rollout.replica import TokenOutput

        self.sampling_params, self.request_id = sampling_params, request_id
        return TokenOutput(token_ids=[1, 2])


def asked_for(rollout: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The sampling parameters of one rollout whose verl asks for a penalty of 1, as its agent loops do."""
    return rolled_out(rollout, folder).sampling_params


def loop_arguments(rollout: dict[str, Any], folder: Path, estimator: str, server: Any) -> dict[str, Any]:
    """What verl's worker gives each agent loop."""
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.utils.dataset.rl_dataset import RLHFDataset

    build_tokenizer(["好"], 4, folder / "tokenizer")
    config = {"actor_rollout_ref": {"rollout": {"prompt_length": 64, "response_length": 8, **rollout}}}
    config["algorithm"] = {"adv_estimator": estimator}
    return {
        "trainer_config": DictConfigWrap(OmegaConf.create(config)),
        "server_manager": server,
        "tokenizer": AutoTokenizer.from_pretrained(folder / "tokenizer"),
        "processor": None,
        "dataset_cls": RLHFDataset,
        "data_config": DictConfigWrap(OmegaConf.create({})),
        "hf_model_type": "qwen2",
    }


def rolled_out(rollout: dict[str, Any], folder: Path, estimator: str = "grpo", **more: Any) -> Recorder:
    """What was asked for in one rollout, and `output`, what came of it."""
    recorder = Recorder()
    arguments = loop_arguments(rollout, folder, estimator, recorder)

    async def run() -> None:
        loop = SpeechAgentLoop(**arguments)
        prompt = [{"role": "user", "content": "好"}]
        recorder.output = await loop.run({"temperature": 1.1, "repetition_penalty": 1.0}, raw_prompt=prompt, **more)

    asyncio.run(run())
    return recorder


def test_verl_makes_our_agent_loop_as_hydra_would(tmp_path):
    """verl_plugins/patches.py, make_agent_loops_at_once."""
    import hydra
    from verl.experimental.agent_loop import agent_loop

    (config,) = OmegaConf.load(ROOT / "recipes/common/agent_loop.yaml")
    arguments = loop_arguments({}, tmp_path, "grpo", Recorder())
    ours, hydras = (
        made(config=config, **arguments) for made in (agent_loop.hydra.utils.instantiate, hydra.utils.instantiate)
    )
    assert agent_loop.hydra is not hydra
    assert type(ours) is type(hydras) is SpeechAgentLoop
    assert vars(ours).keys() == vars(hydras).keys()
    assert ours.config is hydras.config is arguments["trainer_config"].config
    for name in ("server_manager", "tokenizer", "dataset_cls"):
        assert vars(ours)[name] is vars(hydras)[name] is arguments[name]


def test_the_recipes_penalty_and_minimum_arrive(tmp_path):
    rollout = compose_stage("inworld_tts", "grpo").actor_rollout_ref.rollout
    asked = asked_for({"custom": {"sampling": dict(rollout.custom.sampling)}}, tmp_path)
    assert {key: asked[key] for key in ("temperature", "repetition_penalty", "min_tokens")} == {
        "temperature": 1.1, "repetition_penalty": 1.1, "min_tokens": 25,
    }  # fmt: skip


def test_with_full_determinism_each_rollout_has_a_seed_of_its_own(tmp_path):
    told = [{"global_steps": 3, "index": 7, "session_id": 0}]
    told += [told[0] | change for change in ({"session_id": 1}, {"index": 8}, {"global_steps": 4})]
    one, *others = [rolled_out({"full_determinism": True, "seed": 0}, tmp_path, **row) for row in [*told, told[0]]]
    *others, again = [(asked.sampling_params["seed"], asked.request_id) for asked in others]
    assert again == (one.sampling_params["seed"], one.request_id)
    assert len({again, *others}) == len({seed for seed, _ in [again, *others]}) == 4
    assert rolled_out({"full_determinism": True, "seed": 1}, tmp_path, **told[0]).sampling_params["seed"] != again[0]
    assert "seed" not in asked_for({}, tmp_path)


@pytest.mark.parametrize(("estimator", "packs"), [("token_credit_grpo", True), ("grpo", False)])
def test_blames_are_among_the_rewards_of_our_estimator_alone(tmp_path, estimator, packs):
    assert rolled_out({}, tmp_path, estimator).output._packs is packs


def test_a_prompt_that_is_too_long_stops_the_run_where_verl_would_cut_its_beginning(tmp_path):
    """<|im_start|>user, a line's end, 好, <|im_end|>, a line's end, <|im_start|>assistant, a line's end, and
    <|SPEECH_GENERATION_START|>."""
    asked_for({"prompt_length": 10}, tmp_path)
    told = r"a prompt of 10 tokens \('<\|im_start\|>user\\n好.*'\.\.\.\), data\.max_prompt_length is 9: stage data"
    with pytest.raises(ValueError, match=told):
        asked_for({"prompt_length": 9}, tmp_path / "again")


@pytest.mark.parametrize("rollout", [{}, {"custom": None}, {"custom": {"sampling": None}}])
def test_without_settings_nothing_is_added(rollout):
    assert more_sampling(rollout) == {}


def test_what_has_a_key_of_its_own_is_refused():
    with pytest.raises(ValueError, match=r"holds \['temperature', 'top_p'\]"):
        more_sampling({"custom": {"sampling": {"top_p": 0.9, "temperature": 1.0, "min_tokens": 3}}})


def test_of_a_nucleus_vllm_reports_what_the_policy_does_not_have():
    """Why stages/misfits.py refuses top_p with bypass_mode: of 0.30, 0.25, 0.20, 0.15, 0.10 a top-p of 0.7 leaves the
    first three, 0.75 in all; the first is 0.30 / 0.75 = 0.40 of that, and the ratio of the actor's to it 0.75."""
    import torch
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

    policy = torch.tensor([[0.30, 0.25, 0.20, 0.15, 0.10]])
    drawn = apply_top_k_top_p(policy.log(), None, torch.tensor([0.7])).softmax(-1)
    assert drawn[0, 0].item() == pytest.approx(0.40)
    assert (policy / drawn)[0, 0].item() == pytest.approx(0.75)
