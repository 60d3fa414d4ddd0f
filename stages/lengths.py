"""What is too long: prompts, completions and texts against the room of vLLM, of the reward server and of Whisper."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from data_prep.weights import paths
from stages.misfits import Fault

_OF_WHISPER, _PROMPT_OF_WHISPER = ("tokenizer.json", "config.json"), 4  # start, language, task, no timestamps
_TOLD = 5  # texts that are too long


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


def of_likelihood(cfg: DictConfig, server: DictConfig) -> Iterator[Fault]:
    """A training whose reward asks a Whisper for the likelihood of its texts, and texts with more tokens than that
    reads: the server could not measure one rollout of them. As far as texts and Whisper are there."""
    from reward_tts.reward.config import RewardConfigError
    from reward_tts.reward.reward import Reward

    scorers = [one for one in (OmegaConf.select(server, "scorers") or {}).values() if one]
    folders = [Path(one.model_dir) for one in scorers if str(one._target_).endswith(".WhisperLikelihood")]
    folders = [folder for folder in folders if all((folder / name).exists() for name in _OF_WHISPER)]
    if not folders or "reward" not in cfg.recipe:
        return
    try:
        needs = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True)).needs
    except RewardConfigError:  # check_reward names it, with its place
        return
    if "nll" not in needs:
        return
    from tokenizers import Tokenizer  # run.sh imports this file each time it starts

    tokenizer = Tokenizer.from_file(str(folders[0] / "tokenizer.json"))
    most = json.loads((folders[0] / "config.json").read_text())["max_target_positions"] - _PROMPT_OF_WHISPER
    for key in ("data.train_files", "data.val_files"):
        found = []
        for file in paths(OmegaConf.select(cfg, key)):
            for number, text in enumerate(_texts_of(file), 1):
                # A token is of one byte at least, so that most texts need not be looked at.
                if len(text.encode()) > most and (size := len(tokenizer.encode(text, add_special_tokens=False))) > most:
                    found.append(f"{file}, text {number} has {size} ({text[:20]!r}...)")
        if found:
            told = "; ".join(found[:_TOLD]) + (f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else "")
            yield key, f"have texts with more than {most} of Whisper's tokens, whose nll the reward needs: {told}"


def _texts_of(file: str) -> list[str]:
    """What the rows of a parquet of stage data are to say; nothing where it is not there."""
    import pyarrow.parquet as pq  # as above

    if not Path(file).exists() or "reward_model" not in pq.read_schema(file).names:
        return []
    return [row["ground_truth"] for row in pq.read_table(file, columns=["reward_model"])["reward_model"].to_pylist()]
