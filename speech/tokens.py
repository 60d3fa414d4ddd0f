"""Speech token N is `<|s_N|>` in text and the int32 N everywhere else: this is the one place that converts.

And what can be said of a row of them without a model."""

import re
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic_core import from_json, to_json

TOKEN_FIELDS = ("speech_tokens", "tokens", "code")  # of a row, the first that is there; mair-hub's own rows have code
_TOKEN = re.compile(rf"<\|s_(\d{{1,{sys.int_info.default_max_str_digits}}})\|>")  # more digits are no int of Python's
_NOTHING_ELSE = re.compile(r"(?:<\|s_[0-9]+\|>)++")
_AS_JSON = str.maketrans("<", ",", "|s_>")


def spaced(ids: list[int]) -> str:
    """Ids with a blank between them.

    >>> spaced([7, 0])
    '7 0'
    """
    return to_json(ids)[1:-1].decode().replace(",", " ")  # half the time of joining their names


def format_speech_tokens(ids: Iterable[int]) -> str:
    """Ids -> text.

    >>> format_speech_tokens([7, 0])
    '<|s_7|><|s_0|>'

    Raises:
        ValueError: a negative id.
    """
    ids = [int(i) for i in ids]
    if any(i < 0 for i in ids):
        raise ValueError(f"a speech token is not negative, got {min(ids)}")
    return "".join(f"<|s_{i}|>" for i in ids)


def parse_speech_tokens(text: str) -> tuple[list[int], str]:
    """Text -> (ids in order, everything that is no speech token, in order, outer space stripped).

    >>> parse_speech_tokens('<|s_7|>hm<|s_0|>')
    ([7, 0], 'hm')
    """
    if _NOTHING_ELSE.fullmatch(text):  # the usual case, in two thirds of the time
        try:
            return from_json(f"[{text.translate(_AS_JSON)[1:]}]"), ""
        except ValueError:  # 007 is no number of JSON
            pass
    return [int(i) for i in _TOKEN.findall(text)], _TOKEN.sub("", text).strip()


def silent_run(tokens: np.ndarray, silent: Sequence[int]) -> np.ndarray:
    """How many silent tokens in a row end at each token; 0 where a token is not silent.

    Source: `llm_job` and `silent_tokens` in cosyvoice/cli/model.py of the official package.

    >>> silent_run(np.array([1, 1, 7, 2, 1]), [1, 2]).tolist()
    [1, 2, 0, 1, 2]
    """
    is_silent = np.isin(tokens, silent)
    position = np.arange(1, len(tokens) + 1)
    return position - np.maximum.accumulate(np.where(is_silent, 0, position))
