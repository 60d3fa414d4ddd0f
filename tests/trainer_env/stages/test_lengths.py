"""What is too long: prompts, completions and speech prefixes, each against the room that there is for it."""

from contextlib import nullcontext

import pytest

from stages import lengths
from stages.config import compose_stage, recipes
from stages.preflight import check_training
from stages.run import plan

PREFIX = ["prepare.use_speech_prefix=true", "prepare.token_rate=50"]


def test_a_prefix_and_a_completion_beyond_what_the_server_takes_are_refused():
    _, planned = plan("inworld_tts", "data", "data", PREFIX)
    with pytest.raises(SystemExit, match=r"line \d+: .*max_seconds is 5: 250 tokens and a completion of .*=1024 are"):
        check_training(planned[0], planned)


def test_a_completion_after_a_short_prefix_fits():
    overrides = [*PREFIX, "prepare.speech_prefix.max_seconds=1"]
    _, planned = plan("inworld_tts", "data", "train", [*overrides, "data.max_response_length=974"])
    check_training(planned[0], planned)  # 50 + 974


ROOM = "actor_rollout_ref.rollout.max_model_len"
SPEECH, GREEDY = (f"+recipe.decodings.{name}.max_tokens" for name in ("speech", "greedy"))


@pytest.mark.parametrize(
    ("stage", "overrides", "at_fault"),
    [
        (
            "train",
            ["recipe.max_prompt_tokens=1536"],
            rf"grpo\.yaml, line \d+: {ROOM} is 1536, less than .*; {ROOM}=2048",
        ),
        ("train", ["recipe.max_prompt_tokens=1536", f"{ROOM}=2048"], None),
        ("train", ["preset=emilia_dapo"], None),  # 4096 are 2048 and 2048
        ("train", ["preset=emilia_grpo", "data.max_response_length=1025"], r"is 2048, less than .*=1024 and .*=1025"),
        ("eval", ["recipe.max_prompt_tokens=1536"], r"recipe\.yaml, line \d+: recipe\.max_model_len is 1792, .*=2286"),
        ("infer", ["recipe.max_prompt_tokens=1536", "recipe.max_model_len=2286"], None),
        ("data", ["recipe.max_prompt_tokens=1536"], None),
        # 1024 and 1792 of a decoding's own
        (
            "infer",
            [f"{SPEECH}=1792"],
            r"=1024 and decodings\.speech\.max_tokens=1792.*=2816$",
        ),
        ("infer", [f"{SPEECH}=768"], None),
        ("eval", [f"{GREEDY}=100"], None),
        (
            "eval",
            [f"{GREEDY}=100", "recipe.max_tokens=769"],
            r" and max_tokens=769: .*=1793$",
        ),
    ],
)
def test_a_rollout_that_would_be_cut_short_is_refused(stage, overrides, at_fault):
    """verl and vLLM clamp max_tokens to what is left of max_model_len."""
    _, (planned,) = plan("cosyvoice2", stage, stage, overrides)
    with pytest.raises(SystemExit, match=at_fault) if at_fault else nullcontext():
        check_training(planned)


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_has_room_for_what_it_says(recipe):
    for stage in ("eval", "infer", "grpo"):
        assert list(lengths.of_lengths(compose_stage(recipe, stage))) == []
