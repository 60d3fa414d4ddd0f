"""Speech token N is `<|s_N|>` in text and the int32 N everywhere else: this is the one place that converts."""

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"<\|s_(\d+)\|>")


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
    return [int(i) for i in _TOKEN.findall(text)], _TOKEN.sub("", text).strip()
