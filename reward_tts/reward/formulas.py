"""Terms of a reward and how they become one number: pure functions of what was measured, no model, no file.

Each formula gives a value of which more is better; its docstring names the source. Error rates are those of
reward_tts/reward/errors.py; what the numbers are measured with is the server's matter.
"""

import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

LAUGHTER = frozenset("哈嘿呵")


def _share(name: str, value: float, low: float = 0.0, high: float = 1.0) -> float:
    """The value, if it is a number from low to high. Raises ValueError."""
    if not low <= value <= high:  # NaN is in no range
        raise ValueError(f"{name} is from {low:g} to {high:g}, got {value}")
    return value


def shape_tanh(error: float, scale: float) -> float:
    """1 - tanh(scale * error). Source: CosyVoice2 recipe, there of pinyin with tones and scale 3.

    >>> round(shape_tanh(0.5, scale=3.0), 4)
    0.0949
    """
    return 1.0 - math.tanh(scale * _share("error", error, 0.0, math.inf))


def shape_exp(error: float, scale: float, power: float) -> float:
    """exp(-scale * error ** power). Source: CosyVoice2 recipe, later, there of toneless pinyin with 12 and 1.5.

    >>> round(shape_exp(0.25, scale=12.0, power=1.5), 4)
    0.2231
    """
    return math.exp(-scale * _share("error", error, 0.0, math.inf) ** power)


@dataclass(frozen=True)
class Shaping:
    """A shaping with all its parameters: one text, so that no parameter is ever another shaping's.

    Attributes:
        name: of SHAPINGS.
        parameters: numbers, in the order of its function.
    """

    name: str
    parameters: tuple[float, ...]

    def __call__(self, error: float) -> float:
        """The utility of an error >= 0."""
        return SHAPINGS[self.name][0](error, *self.parameters)

    def text(self, error: str) -> str:
        """Its formula, of an error of this name."""
        return SHAPINGS[self.name][1].format(*(f"{number:g}" for number in self.parameters), error=error)


SHAPINGS: dict[str, tuple[Callable[..., float], str]] = {
    "tanh": (shape_tanh, "(1 - tanh({0} x {error}))"),
    "exp": (shape_exp, "exp(-{0} x {error}^{1})"),
}


@lru_cache(maxsize=64)
def shaping_of(text: str) -> Shaping:
    """tanh(SCALE) or exp(SCALE, POWER), as recipe.reward writes them.

    Raises:
        ValueError: another text, or a number that is negative or not finite.

    >>> shaping_of("exp(12, 1.5)").text("error"), round(shaping_of("tanh(3)")(0.5), 4)
    ('exp(-12 x error^1.5)', 0.0949)
    """
    form = re.fullmatch(r"\s*(tanh|exp)\s*\(([^()]*)\)\s*", text)
    try:
        numbers = tuple(float(number) for number in form[2].split(",")) if form else ()
    except ValueError:
        numbers = ()
    wanted = len(inspect.signature(SHAPINGS[form[1]][0]).parameters) - 1 if form else None  # but the error
    if len(numbers) != wanted or not all(0 <= number < math.inf for number in numbers):
        raise ValueError("is tanh(SCALE) or exp(SCALE, POWER), numbers that are not negative")
    return Shaping(form[1], numbers)


def cer_and_nll(cer: float, nll: float, beta_c: float, tau_n: float, lambda_c: float, lambda_n: float) -> float:
    """(lambda_c + lambda_n) / (lambda_c / Uc + lambda_n / Un), Uc = 1 - tanh(beta_c * cer), Un = exp(-nll / tau_n).

    A harmonic mean: neither utility makes up for the other. 0.0 where a utility has vanished in floating point.

    Source: ch-tts-llasa-rl-grpo, "Reward Calculation".

    Args:
        cer: character error rate, >= 0.
        nll: mean negative log-likelihood of the reference's tokens under an ASR decoder, nats, >= 0.

    >>> round(cer_and_nll(cer=0.0, nll=3.0, beta_c=3.0, tau_n=3.0, lambda_c=0.6, lambda_n=0.4), 4)
    0.5927
    """
    heard, likely = shape_tanh(cer, beta_c), math.exp(-_share("nll", nll, 0.0, math.inf) / tau_n)
    return (lambda_c + lambda_n) / (lambda_c / heard + lambda_n / likely) if heard and likely else 0.0


def likelihood(nll: float, tau: float) -> float:
    """exp(-nll / tau), in [0, 1]: with tau = 1 the geometric mean of the probability of the text's symbols; infinite
    (speech that is too short to say the text) gives 0.0.

    Source: the NLL part of ch-tts-llasa-rl-grpo, "Reward Calculation"; alone, arXiv 2509.18798.

    Args:
        nll: negative log-likelihood of the wanted text, nats for each of its symbols, >= 0.

    >>> round(likelihood(1.5, tau=3.0), 4)
    0.6065
    """
    if math.isnan(nll) or nll < 0.0 or tau <= 0.0:
        raise ValueError(f"nll is from 0, tau above 0: got {nll} and {tau}")
    return math.exp(-nll / tau)


def error_exp(error: float, rate: float) -> float:
    """exp(-rate * error) of a word or character error rate >= 0. Source: GLM-TTS `grpo/`, Inworld TTS trainer.

    >>> round(error_exp(0.4, rate=2.5), 4)
    0.3679
    """
    return math.exp(-rate * _share("error", error, 0.0, math.inf))


def similarity(cosine: float) -> float:
    """(1 + cosine) / 2 of two speaker embeddings. Source: GLM-TTS, Inworld.

    >>> similarity(0.5)
    0.75
    """
    return (1.0 + _share("cosine", cosine, -1.0, 1.0)) / 2.0


def opinion_score(mos: float) -> float:
    """(mos - 1) / 4 of a mean opinion score from 1 to 5 (DNSMOS). Source: Inworld.

    >>> opinion_score(4.0)
    0.75
    """
    return (_share("mos", mos, 1.0, 5.0) - 1.0) / 4.0


def emotion(probabilities: Mapping[str, float], target: str | None) -> float:
    """p(target); without a target 1 - p(neutral). Source: GLM-TTS.

    Raises:
        ValueError: the classifier does not know the emotion.

    >>> emotion({"happy": 0.75, "neutral": 0.25}, target=None)
    0.75
    """
    return _probability(probabilities, target) if target else 1.0 - _probability(probabilities, "neutral")


def neutral_penalty(probabilities: Mapping[str, float]) -> float:
    """-p(neutral), in [-1, 0]. Source: GLM-TTS."""
    return -_probability(probabilities, "neutral")


def _probability(probabilities: Mapping[str, float], name: str) -> float:
    if name not in probabilities:
        raise ValueError(f"the emotion classifier knows {sorted(probabilities)}, not {name!r}")
    return _share(f"p({name})", probabilities[name])


def laughs(text: str) -> bool:
    """Whether a text asks for laughter: 哈, 嘿 or 呵 twice on end. Source: `has_consecutive_laugh` of GLM-TTS.

    >>> laughs("哈哈，好"), laughs("呵护哈尔滨")
    (True, False)
    """
    return any(character * 2 in text for character in LAUGHTER)


def laughter(text: str, heard_seconds: float) -> float:
    """1.0 where laughter is heard and the text laughs, else 0.0. Source: GLM-TTS."""
    return float(laughs(text) and heard_seconds > 0.0)


def without_laughter(
    text: str, transcript: str, times: Sequence[float], heard_seconds: float
) -> tuple[str, str, list[float]]:
    """Text and transcript to compare, and the transcript's times: an ASR leaves laughter out, or writes some of it, so
    where the text laughs and laughter is heard, its characters are taken from both. GLM-TTS has it for token-level
    credit alone, in a line that is commented out.

    >>> without_laughter("哈哈，好", "哈好", [0.1, 0.9], heard_seconds=0.8)
    ('，好', '好', [0.9])
    """
    if not laughter(text, heard_seconds):
        return text, transcript, list(times)
    kept = [i for i, character in enumerate(transcript) if character not in LAUGHTER]
    asked = "".join(character for character in text if character not in LAUGHTER)
    return asked, "".join(transcript[i] for i in kept), [times[i] for i in kept] if times else []


def length(duration_s: float, expected_s: float, tolerance: float) -> float:
    """1.0 while the duration is within `tolerance` of what the text takes, then falling as exp(-|log ratio| + margin).

    Symmetric in the logarithm: twice as long and half as long are punished alike. Source: notes on the field (length
    blow-up and skipped text are both signs of reward hacking).

    >>> length(2.2, expected_s=2.0, tolerance=0.25), round(length(5.0, expected_s=2.0, tolerance=0.25), 3)
    (1.0, 0.5)
    """
    _share("expected_s", expected_s, 1e-9, math.inf)
    if _share("duration_s", duration_s, 0.0, math.inf) == 0.0:
        return 0.0
    return min(1.0, math.exp(math.log1p(tolerance) - abs(math.log(duration_s / expected_s))))


def silence(ratio: float, allowed: float) -> float:
    """1.0 up to the allowed share of silence, then linearly to 0.0 for nothing but silence.

    >>> silence(0.1, allowed=0.2), silence(0.6, allowed=0.2)
    (1.0, 0.5)
    """
    _share("allowed", allowed, 0.0, math.nextafter(1.0, 0.0))
    return min(1.0, (1.0 - _share("silence ratio", ratio)) / (1.0 - allowed))


def repetition(tokens: Sequence[int], n: int) -> float:
    """Share of different n-grams among all n-grams of the speech tokens, 1.0 where there is none to repeat.

    Source: notes on the field (loops).

    >>> repetition([1, 2, 1, 2, 1], n=2)
    0.5
    """
    grams = Counter(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(grams) / max(1, grams.total()) if grams else 1.0


def over_length(num_tokens: int, max_tokens: int, buffer_tokens: int) -> float:
    """0.0 up to max - buffer, then linearly to -1.0 at max and beyond.

    Source: DAPO, soft over-length punishment (arXiv 2503.14476, equation 13).

    >>> over_length(950, max_tokens=1000, buffer_tokens=100)
    -0.5
    """
    if not 0 < buffer_tokens <= max_tokens:
        raise ValueError(f"buffer_tokens is from 1 to max_tokens={max_tokens}, got {buffer_tokens}")
    return -min(1.0, max(0.0, (num_tokens - (max_tokens - buffer_tokens)) / buffer_tokens))


def weighted_sum(terms: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Sum of weight * term over sum of weights, so that terms in [0, 1] give a reward in [0, 1].

    >>> weighted_sum({"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 3.0})
    0.625
    """
    _matching(terms, weights)
    return math.fsum(weights[name] * terms[name] for name in weights) / math.fsum(weights.values())


def weighted_harmonic_mean(terms: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Sum of weights over sum of weight / term: no term makes up for a bad one, and one of 0 makes it 0.

    >>> weighted_harmonic_mean({"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 1.0})
    0.6666666666666666
    """
    _matching(terms, weights)
    if any(terms[name] < 0.0 for name in weights):
        raise ValueError(f"a harmonic mean is of terms that are not negative, got {dict(terms)}")
    if any(terms[name] == 0.0 for name in weights):
        return 0.0
    return math.fsum(weights.values()) / math.fsum(weights[name] / terms[name] for name in weights)


def gate(error: float, full_until: float, none_from: float) -> float:
    """Share in which perceptual terms count: 1.0 up to an error of full_until, 0.0 from none_from, linear between.

    Similarity added naively ends in unintelligible speech of the right voice.

    >>> [round(gate(error, full_until=0.1, none_from=0.3), 6) for error in (0.1, 0.2, 0.3)]
    [1.0, 0.5, 0.0]
    """
    if not 0.0 <= full_until < none_from:
        raise ValueError(f"a gate needs 0 <= full_until < none_from, got {full_until} and {none_from}")
    _share("error", error, 0.0, math.inf)
    return min(1.0, max(0.0, (none_from - error) / (none_from - full_until)))


def _matching(terms: Mapping[str, float], weights: Mapping[str, float]) -> None:
    if set(terms) != set(weights):
        raise ValueError(f"terms {sorted(terms)} and weights {sorted(weights)} are not the same")
    if not weights or any(not w > 0.0 for w in weights.values()):
        raise ValueError(f"weights are positive, got {dict(weights)}")
