"""What is too long: prompts and completions against the room of vLLM and of the reward server."""

import math
from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from stages.misfits import Fault


def of_lengths(cfg: DictConfig) -> Iterator[Fault]:
    """Less room for prompt and completion than both may have: verl and vLLM cut the completion of a long prompt short
    without a word, and what is cut would be judged, and learned, as it is. In training, evaluation and inference.
    """
    places = (
        ("actor_rollout_ref.rollout.max_model_len", "data.max_prompt_length", "data.max_response_length"),
        ("vllm.max_model_len", "recipe.max_prompt_tokens", _longest(cfg)),
    )
    for key, *parts in places:
        room, (prompt, completion) = OmegaConf.select(cfg, key), (OmegaConf.select(cfg, part) for part in parts)
        if None not in (room, prompt, completion) and room < prompt + completion:
            told = "recipe.max_model_len" if key.startswith("vllm") else key
            why = (
                f"{parts[0]}={prompt} and {parts[1]}={completion}: the ends of rollouts would be cut off without a word"
            )
            yield told, f"is {room}, less than {why}; {told}={prompt + completion}"


def _longest(cfg: DictConfig) -> str:
    """Key of the longest completion of evaluation and inference: a decoding may have its own (infer/bounds.py)."""
    decodings = OmegaConf.select(cfg, "decodings") or {}
    own = {name: f"decodings.{name}.max_tokens" for name, how in decodings.items() if "max_tokens" in (how or ())}
    keys = [own.get(name, "max_tokens") for name in decodings]
    return max(keys, key=lambda key: OmegaConf.select(cfg, key) or 0, default="max_tokens")


def of_prefix(data: DictConfig, grpo: DictConfig, server: DictConfig) -> Iterator[Fault]:
    """A speech prefix that, with the longest completion, is more than the server takes of a row."""
    prepare = data.get("prepare") or {}
    if not prepare.get("use_speech_prefix") or not prepare.get("token_rate"):
        return
    prefix = math.ceil(prepare.speech_prefix.max_seconds * prepare.token_rate)
    longest, most = grpo.data.max_response_length, server.server.max_tokens
    if prefix + longest > most:
        yield (
            "prepare.speech_prefix.max_seconds",
            f"is {prepare.speech_prefix.max_seconds:g}: {prefix} tokens and a completion of data.max_response_length="
            f"{longest} are more than server.max_tokens={most}; good speech would count as bad",
        )
