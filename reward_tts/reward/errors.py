"""From what was asked and what was heard to errors and blame: pure functions, no model, no file."""

import math
from collections.abc import Sequence
from itertools import pairwise

import jiwer
from rapidfuzz.distance import Levenshtein

from speech.text_norm import CHARACTER_LANGUAGES, normalise, syllables

UNITS = ("pinyin", "text", "characters")


def error_counts(reference: Sequence[str], hypothesis: Sequence[str]) -> dict[str, int]:
    """Substitutions, deletions and insertions of the shortest edit path from reference to hypothesis, by jiwer.

    >>> error_counts(["a", "b", "c"], ["a", "x"])
    {'substitutions': 1, 'deletions': 1, 'insertions': 0}
    """
    counted = jiwer.process_words([list(reference)], [list(hypothesis)], _as_it_is, _as_it_is)
    return {kind: getattr(counted, kind) for kind in ("substitutions", "deletions", "insertions")}


def _as_it_is(units: list[list[str]]) -> list[list[str]]:
    """Instead of jiwer's transforms: what comes here is normalised and divided already."""
    return units


def error_rate(reference: Sequence[str], hypothesis: Sequence[str]) -> float:
    """(S + D + I) / len(reference), not capped: a long hypothesis gives more than 1.

    An empty reference counts as 1 long: nothing heard for nothing asked is 0.0, n units heard for nothing asked are n.
    """
    return sum(error_counts(reference, hypothesis).values()) / max(len(reference), 1)


def pinyin_error(reference: str, hypothesis: str, tones: bool, language: str) -> float:
    """Error rate in syllables of the normalised texts, >= 0, not capped; homophones are no error.

    Text without pinyin is compared character by character.
    """
    ref, hyp = (syllables(normalise(text, language), tones) for text in (reference, hypothesis))
    return error_rate(ref, hyp)


def char_error(reference: str, hypothesis: str, language: str) -> float:
    """Error rate in characters of the normalised texts, >= 0, not capped; a space between words is one of them, as in
    jiwer's.

    >>> char_error("The cat sat.", "the bat sat", "en") == 1 / 11
    True
    """
    return error_rate(normalise(reference, language), normalise(hypothesis, language))


def word_error(reference: str, hypothesis: str, language: str) -> float:
    """Error rate in words (between spaces) of the normalised texts, >= 0, not capped.

    >>> word_error("It's late, Anna.", "it is late hannah", "en")
    0.25
    """
    return error_rate(normalise(reference, language).split(), normalise(hypothesis, language).split())


def text_error(reference: str, hypothesis: str, language: str) -> float:
    """The error rate that the field reports: CER for languages written without spaces between words, WER for others.

    Source: GLM-TTS and the Inworld TTS trainer (CER for zh, ja, ko).
    """
    measure = char_error if language in CHARACTER_LANGUAGES else word_error
    return measure(reference, hypothesis, language)


def error(reference: str, hypothesis: str, language: str, unit: str, tones: bool = False) -> float:
    """Error rate in the unit that a recipe names: "pinyin" (with or without tones), "text" (CER or WER), or
    "characters" (CER in every language).

    Raises:
        ValueError: no such unit.
    """
    if unit not in UNITS:
        raise ValueError(f"the unit of an error is one of {list(UNITS)}, got {unit!r}")
    if unit == "pinyin":
        return pinyin_error(reference, hypothesis, tones, language)
    if unit == "characters":
        return char_error(reference, hypothesis, language)
    return text_error(reference, hypothesis, language)


def character_times(raw: str, times: Sequence[float], normalised: str) -> list[float]:
    """Times of raw's characters -> times of the normalised text's ones: that of the character each comes from.

    A reading longer than its digits (105 -> 一百零五) shares the times of the nearest digits.
    """
    if len(times) != len(raw):
        raise ValueError(f"token credit needs the time of each character: {len(times)} times for {raw!r}")
    origin = []
    for block in Levenshtein.opcodes(raw, normalised):
        step = 0 if block.tag == "insert" else 1
        origin += [block.src_start + step * i for i in range(block.dest_end - block.dest_start)]
    return [times[min(i, len(raw) - 1)] for i in origin]


def token_credit(
    reference: str,
    hypothesis: str,
    char_times: Sequence[float],
    num_tokens: int,
    token_rate: float,
    language: str,
    lead_tokens: int = 0,
    tones: bool = False,
) -> list[float]:
    """For each speech token 1.0 if it is to blame for an error, else 0.0.

    The wave lasts num_tokens / token_rate seconds. A heard character owns the time from the middle between it and the
    one before to the middle between it and the one after; the first owns from 0, the last to the end. A substituted or
    inserted syllable blames what its character owns; a missing one blames the time between the heard neighbours' own
    times (from 0 at the start, to the end at the end). A token is blamed if its middle lies in a blamed span; a span
    that holds no token's middle blames the token around its own middle. Nothing heard, though something was asked: all
    are blamed. A span is blamed lead_tokens earlier than it sounds: what goes wrong in a syllable is decided before it,
    and a recogniser's time for a character lies late in it.

    Args:
        reference: what was asked, raw.
        hypothesis: what was heard, raw.
        char_times: seconds, one for each character of hypothesis, ascending.
        num_tokens: speech tokens in the row.
        token_rate: speech tokens per second.
        language: of both texts.
        lead_tokens: how much earlier than the wrong sound its cause is looked for; 0 as in GLM-TTS.
        tones: whether a wrong tone is an error.

    Raises:
        ValueError: as many times as characters are needed.
    """
    heard = normalise(hypothesis, language)
    asked = normalise(reference, language)
    if not heard:
        return [1.0 if asked else 0.0] * num_tokens
    times = character_times(hypothesis, char_times, heard)
    end = num_tokens / token_rate
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(times)), end]
    stops = [0.0, *times, end]
    blame = [0.0] * num_tokens
    for op in Levenshtein.editops(syllables(asked, tones), syllables(heard, tones)):
        around = stops if op.tag == "delete" else edges
        _blame(blame, around[op.dest_pos], around[op.dest_pos + 1], token_rate, lead_tokens)
    return blame


def _blame(blame: list[float], start: float, stop: float, token_rate: float, lead: int) -> None:
    """1.0 where a token's middle (k + 0.5) / token_rate lies in [start, stop), or else around the span's middle; all
    `lead` tokens earlier."""
    first = math.ceil(start * token_rate - 0.5)
    beyond = math.ceil(stop * token_rate - 0.5)
    if first >= beyond:
        first = int((start + stop) / 2 * token_rate)
        beyond = first + 1
    first, beyond, last = first - lead, beyond - lead, len(blame) - 1
    for k in range(max(0, min(first, last)), min(max(beyond, 1), last + 1)):
        blame[k] = 1.0
