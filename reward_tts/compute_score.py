"""The reward function that verl loads: reward.custom_reward_function.{path: pkg://reward_tts.compute_score, name}.

reward_kwargs: {recipe: NAME, server: {host, grpc_port, ...}, tones: false, shaping: {name: tanh, scale: 3},
                token_credit: {lead_tokens: 3}}
"""

from collections.abc import Mapping
from typing import Any

from reward_tts.client import ServerConfig, client_for
from reward_tts.formulas import judge
from reward_tts.formulas import token_credit as blame
from reward_tts.speech_tokens import parse_speech_tokens
from reward_tts.text_norm import normalise


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any],
    *,
    recipe: str,
    server: Mapping[str, Any],
    tones: bool,
    shaping: Mapping[str, Any],
    token_credit: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Score of one completion, and what verl logs beside it: the same keys for every sample.

    A completion without any speech token has said nothing: score 0, no_speech 1, by definition, and the server is not
    asked. Whatever else goes wrong raises: an unknown reward is never 0.

    Args:
        data_source: of the row (unused: the recipe's name is in `recipe`).
        solution_str: the completion, speech tokens as text.
        ground_truth: what it should say.
        extra_info: of the row: index, language, voice.
        recipe: whose server must answer.
        server: of `ServerConfig` all but the recipe; its other keys (of recipe.server) are ignored.
        tones: whether a wrong tone is an error.
        shaping: name and parameters, of `formulas.SHAPINGS`.
        token_credit: {lead_tokens: N} if the blame of each speech token is wanted, too; see `formulas.token_credit`.

    Returns:
        score, pinyin_error, no_speech, stray_text (1.0 if there was anything but speech tokens), duration_s,
        num_tokens, transcript (str; verl's metrics leave strings out), and token_credit (list, one for each speech
        token) if wanted.

    Raises:
        RewardError: no measure could be had.
        ValueError: the text has nothing to be spoken.
    """
    index, language = extra_info.get("index"), extra_info.get("language") or "zh"
    if not normalise(ground_truth, language):
        raise ValueError(f"sample {index}: {ground_truth!r} has nothing to be spoken")
    tokens, stray = parse_speech_tokens(solution_str)
    transcript, duration, times, rate = "", 0.0, [], 1.0
    if tokens:
        client = client_for(_server_config(recipe, server))
        measures = await client.measure(tokens, ground_truth, language, index, extra_info.get("voice"))
        transcript, duration = measures.transcript, measures.duration_s
        times, rate = measures.char_times, measures.token_rate
    score, error = judge(ground_truth, transcript, tones, shaping, language)
    result = {
        "score": score if tokens else 0.0,
        "pinyin_error": error,
        "no_speech": float(not tokens),
        "stray_text": float(bool(stray)),
        "duration_s": duration,
        "num_tokens": float(len(tokens)),
        "transcript": transcript,
    }
    if token_credit is not None:
        heard = (ground_truth, transcript, times, len(tokens), rate)
        result["token_credit"] = blame(*heard, token_credit["lead_tokens"], tones, language)
    return result


def _server_config(recipe: str, server: Mapping[str, Any]) -> ServerConfig:
    wanted = set(ServerConfig.__dataclass_fields__) - {"recipe"}
    missing = sorted(wanted - set(server))
    if missing:
        raise ValueError(f"reward_kwargs.server lacks {missing}")
    return ServerConfig(recipe=recipe, **{key: server[key] for key in wanted})
