"""Speech token N is `<|s_N|>` in text and the int32 N everywhere else: this is the one place that converts.

And what can be said of a row of them without a model."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic_core import to_json

_TOKEN = re.compile(r"<\|s_(\d+)\|>")


class _Ids(dict[str, int]):
    """Digits -> number: that of those seen before is not worked out again. KeyError: these are no digits."""

    def __missing__(self, digits: str) -> int:
        if not (digits.isascii() and digits.isdigit()):
            raise KeyError(digits)
        number = int(digits)
        if len(self) < _MOST_IDS and len(digits) < 8:
            self[digits] = number
        return number


_MOST_IDS = 1 << 17  # more than any codebook has
_IDS = _Ids()


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
    if text.startswith("<|s_") and text.endswith("|>"):  # nothing but tokens, the usual case: no rule is needed
        try:
            return list(map(_IDS.__getitem__, text[4:-2].split("|><|s_"))), ""
        except KeyError:
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
