"""The terms that a recipe may name: which measures each needs, its parameters and their defaults, its formula.

To add one: write its formula in formulas.py, a function here that takes its parameters, and its line in TERMS, which
says how the formula is told.
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
        formula: as the formula of the whole reward shows it; of those here, which get their parameters later, what
            makes it of them; empty: its name.
    """

    value: Callable[..., float]
    needs: tuple[str, ...] = ()
    lowest: float = 0.0
    perceptual: bool = False
    highest: float | None = 1.0
    formula: str | Callable[..., str] = ""

    def told(self, name: str, parameters: Mapping[str, Any]) -> str:
        """Its formula with these parameters; `name`: its own."""
        return (self.formula(**parameters) if callable(self.formula) else self.formula) or name


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


def _counted(unit: str, otherwise: str) -> str:
    return f"{otherwise} (as published)" if unit.startswith("published_") else otherwise


def _pinyin(heard: Heard, *, unit: Unit = "pinyin", tones: bool = True, shaping: ShapingText = "tanh(3)") -> float:
    return formulas.shaping_of(shaping)(heard.compared.error(unit, tones))


def _pinyin_told(unit: str, tones: bool, shaping: str) -> str:
    return formulas.shaping_of(shaping).text(_counted(unit, "pinyin error" if tones else "toneless pinyin error"))


def _error(heard: Heard, *, unit: Unit = "text", rate: float = 2.5, unheard: float | None = None) -> float:
    """`unheard`: the error where the ASR heard nothing at all; null: that of an empty transcript, 1."""
    silent = unheard is not None and not heard.compared.hypothesis
    return formulas.error_exp(unheard if silent else heard.compared.error(unit), rate)


def _error_told(unit: str, rate: float, unheard: float | None) -> str:
    silent = "" if unheard is None else f" [{unheard:g} where nothing is heard]"
    return f"exp(-{rate:g} x {_counted(unit, 'error')}{silent})"


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


def _cer_and_nll_told(unit: str, beta_c: float, tau_n: float, lambda_c: float, lambda_n: float) -> str:
    heard, likely = f"(1 - tanh({beta_c:g} x {_counted(unit, 'CER')}))", f"exp(-NLL / {tau_n:g})"
    return f"{lambda_c + lambda_n:g} / ({lambda_c:g} / {heard} + {lambda_n:g} / {likely})"


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


def _length_told(seconds_per_unit: float, pause_s: float, tolerance: float) -> str:
    expected = f"({pause_s:g} + {seconds_per_unit:g} x units)"
    return f"min(1, {1 + tolerance:g} x exp(-|log(seconds / {expected})|))"


def _silence(heard: Heard, *, allowed: BelowOne = 0.2) -> float:
    return formulas.silence(heard.scores["silence_ratio"], allowed)


def _repetition(heard: Heard, *, n: Count = 4) -> float:
    return formulas.repetition(heard.tokens, n)


def _over_length(
    heard: Heard, *, max_tokens: Count, buffer_tokens: Count | None = None, buffer_share: Part | None = None
) -> float:
    return formulas.over_length(len(heard.tokens), max_tokens, _buffer(max_tokens, buffer_tokens, buffer_share))


def _over_length_told(max_tokens: int, buffer_tokens: int | None, buffer_share: float | None) -> str:
    buffer = _buffer(max_tokens, buffer_tokens, buffer_share)
    return f"-clip((tokens - {max_tokens - buffer}) / {buffer}, 0, 1)"


def _buffer(max_tokens: int, buffer_tokens: int | None, buffer_share: float | None) -> int:
    return round(buffer_share * max_tokens) if buffer_tokens is None else buffer_tokens


def misfit(name: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a term's parameters, each of which is right; empty if nothing is."""
    if name == "over_length":
        if (given["buffer_tokens"] is None) == (given["buffer_share"] is None):
            return "takes buffer_tokens, or buffer_share of max_tokens; one of them"
        most, buffer = given["max_tokens"], _buffer(**given)
        return "" if 1 <= buffer <= most else f"has a buffer of {buffer} tokens: it is from 1 to max_tokens={most}"
    if name == "cer_and_nll" and given["lambda_c"] == given["lambda_n"] == 0:
        return "has lambda_c and lambda_n, and one of them is above 0"
    if name == "length" and given["seconds_per_unit"] == given["pause_s"] == 0:
        return "has seconds_per_unit and pause_s, and one of them is above 0: a text takes some time"
    return ""


TERMS: dict[str, Term] = {
    "pinyin": Term(_pinyin, formula=_pinyin_told),
    "error": Term(_error, formula=_error_told),
    "cer_and_nll": Term(_cer_and_nll, needs=("nll",), formula=_cer_and_nll_told),
    "likelihood": Term(_likelihood, needs=("ctc_nll",), formula=lambda tau: f"exp(-NLL of the ASR / {tau:g})"),
    "token_likelihood": Term(
        _token_likelihood, needs=("token_nll",), formula=lambda tau: f"exp(-CTC NLL of the token ear / {tau:g})"
    ),
    "similarity": Term(
        _similarity, needs=("speaker_similarity",), perceptual=True, formula="(1 + speaker similarity) / 2"
    ),
    "mos": Term(_mos, needs=("mos",), perceptual=True, formula="(MOS - 1) / 4"),
    "emotion": Term(_emotion, needs=("emotion",), perceptual=True, formula="p(emotion of the row, or not neutral)"),
    "neutral": Term(_neutral, needs=("emotion",), lowest=-1.0, highest=0.0, perceptual=True, formula="-p(neutral)"),
    "laughter": Term(
        _laughter, needs=("laughter_s",), perceptual=True, formula="[laughter heard where the text laughs]"
    ),
    "pitch": Term(_pitch, needs=("log_f0_std",), perceptual=True, highest=None, formula="std of log F0"),
    "energy": Term(_energy, needs=("energy_variance",), perceptual=True, highest=None, formula="energy variance"),
    "length": Term(_length, formula=_length_told),
    "silence": Term(
        _silence, needs=("silence_ratio",), formula=lambda allowed: f"min(1, (1 - silence) / {1 - allowed:g})"
    ),
    "repetition": Term(_repetition, formula=lambda n: f"share of different {n}-grams of tokens"),
    "over_length": Term(_over_length, lowest=-1.0, highest=0.0, formula=_over_length_told),
}


def units(text: str, language: str) -> int:
    """How much there is to say: units of pronunciation, or words where spaces part them."""
    return asked_lattice(text, language).length
