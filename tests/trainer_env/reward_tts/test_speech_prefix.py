"""A completion that goes on with given speech is heard with it, and blamed for its own tokens alone."""

import asyncio
import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from reward_tts.compute_score import compute_score, speech_of
from speech.tokens import format_speech_tokens
from stages.config import compose_stage


@pytest.fixture(scope="module")
def recorded(built_recipe: Path) -> dict:
    """The teacher's speech of a held-out text: {"text", "speech_tokens"}."""
    with open(built_recipe / "data/test_teacher.jsonl", encoding="utf-8") as lines:
        return max((json.loads(line) for line in lines), key=lambda row: len(row["speech_tokens"]))


def kwargs_of() -> dict:
    cfg = compose_stage("tiny_mandarin", "grpo", ("recipe.reward.token_ear=null",))  # as the server of the tests
    cfg = OmegaConf.to_container(cfg, resolve=True)
    return cfg["reward"]["custom_reward_function"]["reward_kwargs"]


def score(server, row: dict, completion: list[int], prefix: list[int] | None, **info) -> dict:
    kwargs = kwargs_of()
    kwargs["server"] |= {"host": server.host, "grpc_port": server.grpc_port}
    info = info or {"index": 0, "language": "zh", "voice": None, "speech_prefix": prefix}
    return asyncio.run(compute_score("x", format_speech_tokens(completion), row["text"], info, **kwargs))


def test_prefix_and_completion_are_heard_as_one_and_only_the_completion_is_blamed(reward_server, recorded):
    tokens = recorded["speech_tokens"]
    whole, half = score(reward_server, recorded, tokens, None), len(tokens) // 2
    rest = score(reward_server, recorded, tokens[half:], tokens[:half])
    assert rest["transcript"] == whole["transcript"] and rest["score"] == whole["score"]
    assert rest["duration_s"] == whole["duration_s"] and rest["speech_tokens"] == whole["speech_tokens"]
    assert (whole["num_tokens"], rest["num_tokens"]) == (len(tokens), len(tokens) - half)
    assert rest["token_credit"] == whole["token_credit"][half:]
    published = {"split": "train", "index": 0, "text": recorded["text"]}  # no language; the prefix as text
    published |= {"prefix_speech_str": format_speech_tokens(tokens[:half])}
    same = score(reward_server, recorded, tokens[half:], None, **published)
    assert {**same, "server_span": ""} == {**rest, "server_span": ""}


def test_a_row_without_a_language_is_of_the_recipes():
    row, kwargs = {"split": "train", "index": 3, "text": "今天"}, kwargs_of()
    found = asyncio.run(compute_score("x", "", "今天", row, **kwargs))
    assert (found["language"], found["no_speech"]) == ("zh", 1.0)
    with pytest.raises(ValueError, match=r"sample 3: its row names no language .*, nor does the recipe"):
        asyncio.run(compute_score("x", "", "今天", row, **{**kwargs, "language": None}))


def test_a_prefix_is_read_as_numbers_or_as_the_published_text():
    for info in ({"speech_prefix": [7, 80]}, {"speech_prefix": None, "prefix_speech_str": "<|s_7|><|s_80|>"}):
        assert speech_of("<|s_3|>", info) == ([7, 80, 3], [3], "")
    for info in ({}, {"speech_prefix": []}, {"prefix_speech_str": None}):
        assert speech_of("<|s_3|>", info) == ([3], [3], "")


def test_a_prefix_alone_is_no_speech_of_the_models(reward_server, recorded):
    silent = score(reward_server, recorded, [], recorded["speech_tokens"])
    assert (silent["no_speech"], silent["score"], silent["token_credit"]) == (1.0, 0.0, [])
