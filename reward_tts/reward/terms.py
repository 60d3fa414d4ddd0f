"""The terms that a recipe may name: which measures each needs, its parameters, and its formula of formulas.py.

To add one: write its formula there, a function here, and its line in TERMS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator

from reward_tts.reward import formulas
from reward_tts.reward.errors import char_error, pinyin_error, text_error
from speech.text_norm import CHARACTER_LANGUAGES, normalise


@dataclass(frozen=True)
class Heard:
    """One utterance as its terms see it.

    Attributes:
        text: what was asked.
        reference: the same, without laughter where laughter was heard.
        transcript: what was heard, laughter treated alike.
        language: of both.
        tokens: speech tokens.
        duration_s: of the wave, seconds.
        scores: of the server's scorers, by name of the measure.
        emotion: asked for by the row, or None.
    """

    text: str
    reference: str
    transcript: str
    language: str
    tokens: Sequence[int]
    duration_s: float
    scores: Mapping[str, Any] = field(default_factory=dict)
    emotion: str | None = None


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


def _pinyin(heard: Heard, *, tones: bool = True, shaping: ShapingText = "tanh(3)") -> float:
    error = pinyin_error(heard.reference, heard.transcript, tones, heard.language)
    return formulas.shaping_of(shaping)(error)


def _error(heard: Heard, *, rate: float = 2.5, unheard: float | None = None) -> float:
    """`unheard`: the error where the ASR heard nothing at all; null: that of an empty transcript, 1."""
    error = text_error(heard.reference, heard.transcript, heard.language)
    return formulas.error_exp(error if heard.transcript or unheard is None else unheard, rate)


def _cer_and_nll(
    heard: Heard, *, beta_c: float = 3.0, tau_n: float = 3.0, lambda_c: float = 0.6, lambda_n: float = 0.4
) -> float:
    error = char_error(heard.reference, heard.transcript, heard.language)
    return formulas.cer_and_nll(error, heard.scores["nll"], beta_c, tau_n, lambda_c, lambda_n)


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


def _silence(heard: Heard, *, allowed: float = 0.2) -> float:
    return formulas.silence(heard.scores["silence_ratio"], allowed)


def _repetition(heard: Heard, *, n: int = 4) -> float:
    return formulas.repetition(heard.tokens, n)


def _over_length(
    heard: Heard, *, max_tokens: int, buffer_tokens: int | None = None, buffer_share: float | None = None
) -> float:
    buffer = round(buffer_share * max_tokens) if buffer_tokens is None else buffer_tokens
    return formulas.over_length(len(heard.tokens), max_tokens, buffer)


TERMS: dict[str, Term] = {
    "pinyin": Term(_pinyin),
    "error": Term(_error),
    "cer_and_nll": Term(_cer_and_nll, needs=("nll",)),
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
    """How much there is to say: characters of the normalised text, or words where spaces part them."""
    said = normalise(text, language)
    return len(said) if language in CHARACTER_LANGUAGES else len(said.split())
