"""The reward function that verl loads: reward.custom_reward_function.{path: pkg://reward_tts.compute_score, name}.

reward_kwargs: {recipe: NAME, server: ${recipe.server}, reward: ${recipe.reward}, processes: ${reward.num_workers},
language: ${recipe.language}, left_out: FILE or null}
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from omegaconf import OmegaConf

from reward_tts.client import LEAVE_OUT, ServerConfig, client_for
from reward_tts.measures import Measures, Span
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard, units
from speech.files import read_jsonl
from speech.readings import something_said
from speech.tokens import parse_speech_tokens, spaced

log = logging.getLogger(__name__)
_LARGEST = 2**31 - 1  # of a token that travels


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any],
    *,
    recipe: str,
    server: Mapping[str, Any],
    reward: Mapping[str, Any],
    processes: int = 1,
    language: str | None = None,
    left_out: str | None = None,
) -> dict[str, Any]:
    """Score of one completion, and what verl logs beside it: the same keys for every sample.

    A completion that cannot be spoken (no speech token, too many, one outside the codebook, or of no int32) is bad
    speech: every term at its lowest, by definition, and the metrics no_speech or bad_speech are 1. Whatever else goes
    wrong raises: an unknown reward is never 0.

    A row with a speech prefix (data_prep/options.py) is decoded and heard as a whole, prefix and completion, because
    the text is of both; what concerns the model's own tokens (number, repetition, blame) is of the completion alone.

    Args:
        data_source: of the row (unused: the recipe's name is in `recipe`).
        solution_str: the completion, speech tokens as text.
        ground_truth: what it should say.
        extra_info: of the row: index, language, voice, emotion, speech_prefix (speech tokens, or nothing). The parquets
            of the published recipes are read, too, which have no language and the prefix as prefix_speech_str.
        recipe: whose server must answer.
        server: of `ServerConfig` all but the recipe; its other keys (of recipe.server) are ignored.
        reward: recipe.reward, see reward_tts/reward/reward.py.
        processes: of verl that call this function; they share recipe.server.concurrency.
        language: of rows that name none.
        left_out: JSONL of {"text"}: texts that cannot be judged. No server is asked for a completion of them: each has
            the lowest score, so that none is better than another and nothing is learned from it. It counts as
            bad_speech, which has no wave: no mean of the sound and no guard takes it for silence.

    Returns:
        score, error_rate, term_NAME of each term, gate, no_speech, bad_speech, stray_text (1.0 if there was anything
        but speech tokens), num_tokens, duration_s, speaking_rate (characters or words a second), what
        recipe.reward.logged names (the former two are 0.0 where nothing can be spoken, the latter None where there is
        no wave, which verl's validation leaves out; numbers by name are NAME_KEY each, where there is a wave),
        server_span (`Span.to_info` of the request; empty if there was none), text, language, voice,
        speech_tokens (with the prefix), transcript (str; verl's metrics leave strings out), and, if wanted,
        token_credit (list, one for each speech token of the completion) and term_parts (list, one for each term): see
        verl_plugins/rollout.py.

    Raises:
        RewardError: no measure could be had.
        ValueError: neither the row nor the recipe names a language, or the text has nothing to be spoken.
    """
    index, language = extra_info.get("index"), extra_info.get("language") or language
    if not language:
        raise ValueError(f"sample {index}: its row names no language (extra_info.language), nor does the recipe")
    extra_info = {**extra_info, "language": language}
    speech = speech_of(solution_str, extra_info)
    if left_out and ground_truth in texts_left_out(left_out):
        return judged(_reward(reward), speech, ground_truth, extra_info, None)
    if not something_said(ground_truth, language):
        raise ValueError(f"sample {index}: {ground_truth!r} has nothing to be spoken. {LEAVE_OUT}")
    spoken, tokens, _ = speech
    measures, span = None, ""
    if is_askable(tokens):
        client = client_for(_server_config(recipe, server, processes))
        began = time.time()
        answer = await client.ask(spoken, ground_truth, language, index, extra_info.get("voice"))
        span = Span(began, time.time(), answer.attempts, answer.mismatches).to_info()
        measures = answer.measures if answer.measures.is_speech else None
    return judged(_reward(reward), speech, ground_truth, extra_info, measures) | {"server_span": span}


@cache
def texts_left_out(file: str) -> frozenset[str]:
    """The texts of a JSONL of {"text"}.

    Raises:
        FileNotFoundError: it is not there.
        KeyError, ValueError: a line is none of {"text"}.
    """
    texts = frozenset(row["text"] for row in read_jsonl(file))
    log.warning("%s: completions of %d texts are not judged (left_out)", file, len(texts))
    return texts


def speech_of(solution_str: str, extra_info: Mapping[str, Any]) -> tuple[list[int], list[int], str]:
    """Speech tokens with the row's prefix, those of the completion alone, and what else the completion holds."""
    tokens, stray = parse_speech_tokens(solution_str)
    prefix = extra_info.get("speech_prefix")
    if prefix is None:
        prefix, _ = parse_speech_tokens(extra_info.get("prefix_speech_str") or "")
    return [int(token) for token in prefix] + tokens, tokens, stray


def is_askable(tokens: Sequence[int]) -> bool:
    """Whether there is anything that a server could be asked about: tokens, each of which is an int32, unlike the
    99999999999 that a model which spells its tokens may write. They are not negative (parse_speech_tokens)."""
    return bool(tokens) and max(tokens) <= _LARGEST


def judged(
    judge: Reward,
    speech: tuple[list[int], list[int], str],
    ground_truth: str,
    extra_info: Mapping[str, Any],
    measures: Measures | None,
) -> dict[str, Any]:
    """What compute_score returns, of a completion (see `speech_of`) that was measured already (None: it cannot be
    spoken).

    Raises:
        ValueError: a measure is missing or out of its range.
    """
    index, language = extra_info.get("index"), extra_info["language"]
    spoken, tokens, stray = speech
    heard, named = None, measures.named if measures and _heard(measures) else None
    if measures is None:
        verdict = judge.unspeakable()
    else:
        heard = Heard.of(ground_truth, language, tokens, measures, extra_info.get("emotion"))
        try:
            verdict = judge.judge(heard)
        except (KeyError, ValueError) as error:
            raise ValueError(f"sample {index} ({ground_truth!r}) cannot be judged: {error}. {LEAVE_OUT}") from error
    result = {
        "score": verdict.score,
        "error_rate": verdict.error_rate,
        **{f"term_{name}": value for name, value in verdict.terms.items()},
        "gate": verdict.gate,
        "no_speech": float(not tokens),
        "bad_speech": float(bool(tokens) and measures is None),
        "stray_text": float(bool(stray)),
        "num_tokens": float(len(tokens)),
        "duration_s": measures.duration_s if measures else 0.0,
        "speaking_rate": units(ground_truth, language) / measures.duration_s if measures else 0.0,
        **(dict.fromkeys(judge.logged) if named is None else _numbers(named, judge.logged)),
        **_token_ear(judge, measures),
        "text": ground_truth,
        "language": language,
        "voice": extra_info.get("voice") or "",
        "speech_tokens": spaced(spoken),
        "server_span": "",
        "transcript": measures.transcript if measures else "",
    }
    if verdict.parts:
        result["term_parts"] = list(verdict.parts)
    if judge.lead_tokens is not None:
        result["token_credit"] = judge.blame(heard, len(spoken))[len(spoken) - len(tokens) :]
    return result


def _numbers(named: Mapping[str, Any], logged: Sequence[str]) -> dict[str, float]:
    """Measures as single numbers: what a scorer tells by name is NAME_KEY each, such as emotion_happy."""
    found: dict[str, float] = {}
    for name in logged:
        value = named[name]
        found |= {f"{name}_{key}": v for key, v in value.items()} if isinstance(value, Mapping) else {name: value}
    return {name: float(value) for name, value in found.items()}


def _heard(measures: Measures) -> bool:
    """Whether the row was spoken, and has what is measured on a wave."""
    return not measures.scores.get("token_ear", {}).get("read")


def _token_ear(judge: Reward, measures: Measures | None) -> dict[str, float]:
    """Which way the row came and what the server's bounds were, where recipe.reward.token_ear asks for the token ear.

    Raises:
        ValueError: the server reads tokens though the reward does not say so, or the other way round.
    """
    told = measures.scores.get("token_ear") if measures else None
    if measures and (told is None) == bool(judge.token_ear):
        raise ValueError("recipe.reward.token_ear of the reward server and of the training differ: start both alike")
    if judge.token_ear is None:
        return {}
    names = ["read", "unsure", "audited", "closed", "bias_low", "bias_high", "group"]
    names += ["updates", "loss"] if judge.token_ear.distil else []
    return {f"token_ear_{name}": told[name] if told else 0.0 for name in names}


def _plain(config: Any) -> Any:
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config


# verl gives the same configuration with every sample; of a DictConfig it takes milliseconds to read it.
_read: dict[
    tuple[str, int], tuple[Any, Any]
] = {}  # {(what, id of the configuration): (that configuration, what of it)}


def _once(what: str, config: Any, read: Callable[[], Any]) -> Any:
    known = _read.get((what, id(config)))
    if known is None or known[0] is not config:
        if len(_read) >= 32:
            _read.clear()
        known = _read[what, id(config)] = (config, read())
    return known[1]


def _reward(config: Any) -> Reward:
    return _once("reward", config, lambda: _checked(json.dumps(_plain(config))))


@lru_cache(maxsize=8)
def _checked(config: str) -> Reward:
    return Reward(json.loads(config))


def _server_config(recipe: str, server: Mapping[str, Any], processes: int) -> ServerConfig:
    return _once(f"server {recipe} {processes}", server, lambda: _read_server(recipe, _plain(server), processes))


def _read_server(recipe: str, server: Mapping[str, Any], processes: int) -> ServerConfig:
    wanted = set(ServerConfig.__dataclass_fields__) - {"recipe", "processes"}
    missing = sorted(wanted - set(server))
    if missing:
        raise ValueError(f"reward_kwargs.server lacks {missing}")
    values = {key: server[key] for key in wanted} | {"more": tuple(server["more"])}
    return ServerConfig(recipe=recipe, processes=processes, **values)
