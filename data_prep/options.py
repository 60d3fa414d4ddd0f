"""What a recipe may ask of its rows beyond being sound: filters, speech prefixes.

All of it is off by default; recipes/common/prepare_base.yaml has the keys. What is drawn at random is drawn from
`recipe.seed` and the row itself, so that it is the same in every run, wherever the row stands in its file.
"""

import math
import random
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from data_prep.jsonl import tokens_of
from speech.faults import UserError
from speech.jsonl import BadField

LATIN_LETTERS = ("keep", "drop", "only")


def check_options(cfg: DictConfig) -> None:
    """Raises ValueError for an option of `prepare` that is none, or lacks what it needs."""
    if cfg.filters.latin_letters not in LATIN_LETTERS:
        raise UserError(
            f"prepare.filters.latin_letters={cfg.filters.latin_letters}: known are {', '.join(LATIN_LETTERS)}"
        )
    if cfg.use_speech_prefix:
        if not cfg.token_rate:
            raise UserError("prepare.use_speech_prefix needs prepare.token_rate, speech tokens a second")
        shortest, longest = cfg.speech_prefix.min_seconds, cfg.speech_prefix.max_seconds
        if not 0 < shortest <= longest:
            raise UserError(f"prepare.speech_prefix: 0 < min_seconds <= max_seconds, got {shortest} and {longest}")


def seconds(row: Mapping[str, Any], token_rate: float | None) -> float:
    """How long the row's speech is: its field `duration`, or its speech tokens at `token_rate` a second.

    Raises:
        BadField: the field is no positive number, or there is neither.
    """
    given = row.get("duration")
    if given is not None:
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < math.inf:
            raise BadField("duration", f"is no positive number of seconds: {str(given)[:60]!r}")
        return float(given)
    _, tokens = tokens_of(row)
    if not token_rate or not isinstance(tokens, list) or not tokens:
        raise BadField("duration", "is missing, and so are speech_tokens or prepare.token_rate; a filter asks for it")
    return len(tokens) / token_rate


def has_latin_letters(text: str) -> bool:
    """Whether a letter of any Latin alphabet is in the text.

    >>> [has_latin_letters(text) for text in ("你好", "你好ok", "Ünlü", "Привет 3")]
    [False, True, True, False]
    """
    return any("LATIN" in unicodedata.name(character, "") for character in text if character.isalpha())


def unwanted_letters(text: str, latin_letters: str) -> bool:
    """Whether the filter leaves out this text: keep, none; drop, one with a Latin letter; only, one without.

    >>> [unwanted_letters(text, "drop") for text in ("你好", "你好ok")]
    [False, True]
    """
    return latin_letters != "keep" and has_latin_letters(text) == (latin_letters == "drop")


def asks_for_seconds(filters: Any) -> bool:
    """Whether a filter needs to know how long the speech is."""
    return filters.min_seconds is not None or filters.max_seconds is not None


def filtered(row: Mapping[str, Any], text: str, language: str, filters: Any, rate: float | None) -> str | None:
    """The filter that leaves out this sound row, or None. `filters` is prepare.filters, `rate` prepare.token_rate."""
    if filters.languages is not None and language not in filters.languages:
        return f"language {language}"
    if unwanted_letters(text, filters.latin_letters):
        return "latin letters"
    if asks_for_seconds(filters):
        length = seconds(row, rate)
        if filters.min_seconds is not None and length < filters.min_seconds:
            return f"shorter than {filters.min_seconds} s"
        if filters.max_seconds is not None and length > filters.max_seconds:
            return f"longer than {filters.max_seconds} s"
    return None


def draw_prefix(
    tokens: Sequence[int], row: Sequence[str | None], shortest: float, longest: float, rate: float, seed: int
) -> list[int]:
    """The beginning of the row's own speech, `shortest` to `longest` seconds of it, for the model to go on with; at
    least one token stays for the model. Speech that is not longer than `shortest` gives none.

    >>> len(draw_prefix(list(range(100)), ["你好", "zh", None], 1.0, 1.0, rate=25, seed=0))
    25

    Args:
        tokens: all speech tokens of the row.
        row: what tells it from others: text, language, voice.
        shortest, longest: seconds.
        rate: speech tokens a second.
        seed: recipe.seed.
    """
    least, most = max(1, round(shortest * rate)), min(round(longest * rate), len(tokens) - 1)
    if most < least:
        return []
    return list(tokens[: random.Random(f"{seed} prefix {row}").randint(least, most)])
