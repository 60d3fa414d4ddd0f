"""The terms that a recipe may name: which measures each needs, its parameters, and its formula of formulas.py.

To add one: write its formula there, a function here, and its line in TERMS.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator

from reward_tts.measures import Measures
from reward_tts.reward import formulas
from reward_tts.reward.errors import UNITS, Compared
from speech.readings import asked_lattice


@dataclass(frozen=True)
class Heard:
    """One utterance as its terms, its error and its blame see it: built once.

    Attributes:
        text: what was asked.
        compared: the same and what was heard, both without laughter where laughter was heard.
        language: of both.
        tokens: speech tokens, of the model.
        char_times: seconds, one for each character of what was heard, as compared.
        duration_s: of the wave, seconds.
        token_rate: speech tokens per second.
        scores: of the server's scorers, by name of the measure.
        emotion: asked for by the row, or None.
    """

    text: str
    compared: Compared
    language: str
    tokens: Sequence[int]
    char_times: Sequence[float]
    duration_s: float
    token_rate: float
    scores: Mapping[str, Any]
    emotion: str | None = None

    @classmethod
    def of(
        cls, text: str, language: str, tokens: Sequence[int], measures: Measures, emotion: str | None = None
    ) -> "Heard":
        laughed = float(measures.scores.get("laughter_s", 0.0))
        reference, transcript, times = formulas.without_laughter(
            text, measures.transcript, measures.char_times, laughed
        )
        return cls(
            text,
            Compared(reference, transcript, language),
            language,
            tokens,
            times,
            measures.duration_s,
            measures.token_rate,
            measures.scores,
            emotion,
        )


@dataclass(frozen=True)
class Term:
    """A term of the reward.

    Attributes:
        value: (Heard, keyword parameters) -> number; its keyword arguments are the parameters of the YAML.
        needs: measures of the server, beyond what every server measures.
        lowest: its value for speech that cannot be spoken at all; it never gives less.
        perceptual: a gate lets it count only where the words are right.
        highest: it never gives more; None if it has no bound.
        formula: of a term of one's own, as the formula of the whole reward shows it; those here: formula.py.
    """

    value: Callable[..., float]
    needs: tuple[str, ...] = ()
    lowest: float = 0.0
    perceptual: bool = False
    highest: float | None = 1.0
    formula: str = ""


def _is_shaping(text: str) -> str:
    formulas.shaping_of(text)
    return text


ShapingText = Annotated[str, AfterValidator(_is_shaping)]


def _is_unit(name: str) -> str:
    if name not in UNITS:
        raise ValueError(f"is one of {list(UNITS)}")
    return name


Unit = Annotated[str, AfterValidator(_is_unit)]
# Of a parameter that is 0 or more, `float` and `int` say enough (reward_tts/reward/config.py).
Positive = Annotated[float, Gt(0.0), Lt(math.inf)]
Count = Annotated[int, Ge(1)]
BelowOne = Annotated[float, Ge(0.0), Lt(1.0)]
Part = Annotated[float, Gt(0.0), Le(1.0)]


def _pinyin(heard: Heard, *, unit: Unit = "pinyin", tones: bool = True, shaping: ShapingText = "tanh(3)") -> float:
    return formulas.shaping_of(shaping)(heard.compared.error(unit, tones))


def _error(heard: Heard, *, unit: Unit = "text", rate: float = 2.5, unheard: float | None = None) -> float:
    """`unheard`: the error where the ASR heard nothing at all; null: that of an empty transcript, 1."""
    silent = unheard is not None and not heard.compared.hypothesis
    return formulas.error_exp(unheard if silent else heard.compared.error(unit), rate)


def _cer_and_nll(
    heard: Heard,
    *,
    unit: Unit = "characters",
    beta_c: float = 3.0,
    tau_n: Positive = 3.0,
    lambda_c: float = 0.6,
    lambda_n: float = 0.4,
) -> float:
    error = heard.compared.error(unit)
    return formulas.cer_and_nll(error, heard.scores["nll"], beta_c, tau_n, lambda_c, lambda_n)


def _likelihood(heard: Heard, *, tau: Positive = 3.0) -> float:
    return formulas.likelihood(heard.scores["ctc_nll"], tau)


def _token_likelihood(heard: Heard, *, tau: Positive = 3.0) -> float:
    return formulas.likelihood(heard.scores["token_nll"], tau)


def _similarity(heard: Heard) -> float:
    return formulas.similarity(heard.scores["speaker_similarity"])


def _mos(heard: Heard) -> float:
    return formulas.opinion_score(heard.scores["mos"])


def _emotion(heard: Heard) -> float:
    return formulas.emotion(heard.scores["emotion"], heard.emotion)


def _neutral(heard: Heard) -> float:
    return formulas.neutral_penalty(heard.scores["emotion"])


def _laughter(heard: Heard) -> float:
    return formulas.laughter(heard.text, heard.scores["laughter_s"])


def _pitch(heard: Heard) -> float:
    return heard.scores["log_f0_std"]


def _energy(heard: Heard) -> float:
    return heard.scores["energy_variance"]


def _length(heard: Heard, *, seconds_per_unit: float, pause_s: float = 0.0, tolerance: float = 0.25) -> float:
    expected = pause_s + seconds_per_unit * units(heard.text, heard.language)
    return formulas.length(heard.duration_s, expected, tolerance)


def _silence(heard: Heard, *, allowed: BelowOne = 0.2) -> float:
    return formulas.silence(heard.scores["silence_ratio"], allowed)


def _repetition(heard: Heard, *, n: Count = 4) -> float:
    return formulas.repetition(heard.tokens, n)


def _over_length(
    heard: Heard, *, max_tokens: Count, buffer_tokens: Count | None = None, buffer_share: Part | None = None
) -> float:
    buffer = round(buffer_share * max_tokens) if buffer_tokens is None else buffer_tokens
    return formulas.over_length(len(heard.tokens), max_tokens, buffer)


def misfit(name: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a term's parameters, each of which is right; empty if nothing is."""
    if name == "over_length":
        if (given["buffer_tokens"] is None) == (given["buffer_share"] is None):
            return "takes buffer_tokens, or buffer_share of max_tokens; one of them"
        most, buffer = given["max_tokens"], given["buffer_tokens"]
        buffer = round(given["buffer_share"] * most) if buffer is None else buffer
        return "" if 1 <= buffer <= most else f"has a buffer of {buffer} tokens: it is from 1 to max_tokens={most}"
    if name == "cer_and_nll" and given["lambda_c"] == given["lambda_n"] == 0:
        return "has lambda_c and lambda_n, and one of them is above 0"
    if name == "length" and given["seconds_per_unit"] == given["pause_s"] == 0:
        return "has seconds_per_unit and pause_s, and one of them is above 0: a text takes some time"
    return ""


TERMS: dict[str, Term] = {
    "pinyin": Term(_pinyin),
    "error": Term(_error),
    "cer_and_nll": Term(_cer_and_nll, needs=("nll",)),
    "likelihood": Term(_likelihood, needs=("ctc_nll",)),
    "token_likelihood": Term(_token_likelihood, needs=("token_nll",)),
    "similarity": Term(_similarity, needs=("speaker_similarity",), perceptual=True),
    "mos": Term(_mos, needs=("mos",), perceptual=True),
    "emotion": Term(_emotion, needs=("emotion",), perceptual=True),
    "neutral": Term(_neutral, needs=("emotion",), lowest=-1.0, highest=0.0, perceptual=True),
    "laughter": Term(_laughter, needs=("laughter_s",), perceptual=True),
    "pitch": Term(_pitch, needs=("log_f0_std",), perceptual=True, highest=None),
    "energy": Term(_energy, needs=("energy_variance",), perceptual=True, highest=None),
    "length": Term(_length),
    "silence": Term(_silence, needs=("silence_ratio",)),
    "repetition": Term(_repetition),
    "over_length": Term(_over_length, lowest=-1.0, highest=0.0),
}


def units(text: str, language: str) -> int:
    """How much there is to say: units of pronunciation, or words where spaces part them."""
    return asked_lattice(text, language).length
