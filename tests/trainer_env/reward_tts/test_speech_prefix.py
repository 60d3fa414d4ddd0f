"""A completion that goes on with given speech is heard with it, and blamed for its own tokens alone."""

import asyncio
import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from reward_tts.compute_score import compute_score
from speech.tokens import format_speech_tokens
from stages.config import compose_stage


@pytest.fixture(scope="module")
def recorded(built_recipe: Path) -> dict:
    """The teacher's speech of a held-out text: {"text", "speech_tokens"}."""
    with open(built_recipe / "data/test_teacher.jsonl", encoding="utf-8") as lines:
        return max((json.loads(line) for line in lines), key=lambda row: len(row["speech_tokens"]))


def score(server, row: dict, completion: list[int], prefix: list[int] | None) -> dict:
    cfg = compose_stage("tiny_mandarin", "grpo", ("recipe.reward.token_ear=null",))  # as the server of the tests
    cfg = OmegaConf.to_container(cfg, resolve=True)
    kwargs = cfg["reward"]["custom_reward_function"]["reward_kwargs"]
    kwargs["server"] |= {"host": server.host, "grpc_port": server.grpc_port}
    info = {"index": 0, "language": "zh", "voice": None, "speech_prefix": prefix}
    return asyncio.run(compute_score("x", format_speech_tokens(completion), row["text"], info, **kwargs))


def test_prefix_and_completion_are_heard_as_one_and_only_the_completion_is_blamed(reward_server, recorded):
    tokens = recorded["speech_tokens"]
    whole, half = score(reward_server, recorded, tokens, None), len(tokens) // 2
    rest = score(reward_server, recorded, tokens[half:], tokens[:half])
    assert rest["transcript"] == whole["transcript"] and rest["score"] == whole["score"]
    assert rest["duration_s"] == whole["duration_s"] and rest["speech_tokens"] == whole["speech_tokens"]
    assert (whole["num_tokens"], rest["num_tokens"]) == (len(tokens), len(tokens) - half)
    assert rest["token_credit"] == whole["token_credit"][half:]


def test_a_prefix_alone_is_no_speech_of_the_models(reward_server, recorded):
    silent = score(reward_server, recorded, [], recorded["speech_tokens"])
    assert (silent["no_speech"], silent["score"], silent["token_credit"]) == (1.0, 0.0, [])
