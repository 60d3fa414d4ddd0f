"""Measures -> terms -> one score, as recipe.reward says (reward_tts/reward/config.py).

No model, no file: the trainer's reward function judges with it, and the server for the published client.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from reward_tts.reward import formulas
from reward_tts.reward.config import read
from reward_tts.reward.errors import aligned_credit, token_credit
from reward_tts.reward.terms import Heard
from speech.files import fingerprint

ERROR_OF_SILENCE = 1.0
DOUBT = "token_doubt"  # measure: how far each token speaks against the text, by the token ear


@dataclass(frozen=True)
class Verdict:
    """What one utterance is worth.

    Attributes:
        score: the aggregated reward.
        error_rate: in the unit of recipe.reward.error, not capped.
        terms: value of each term, before weights.
        gate: share in which perceptual terms counted; 1.0 without a gate.
        parts: what each term contributes to the score, in the order of recipe.reward.terms, where terms are to be
            compared separately; else empty.
    """

    score: float
    error_rate: float
    terms: dict[str, float]
    gate: float = 1.0
    parts: tuple[float, ...] = ()


def audited_by(config: Mapping[str, Any]) -> str:
    """What the audit of the token ear goes by, as twelve digits: the score that it bounds, and its own settings. Server
    and training must have the same, or the bound is that of another reward. Empty without a token ear.

    Args:
        config: recipe.reward, resolved.
    """
    if not config.get("token_ear"):
        return ""
    return fingerprint({key: config[key] for key in ("terms", "aggregation", "error", "token_ear")})[:12]


class Reward:
    """A checked recipe.reward.

    Raises:
        RewardConfigError: see `reward_tts.reward.config.read`.

    Example:
        reward = Reward({"terms": {"error": {"weight": 1.0}}, "aggregation": {"name": "weighted_sum"},
                         "error": {"unit": "text"}, "token_credit": None, "logged": []})
        reward.judge(Heard.of("你好", "zh", [7, 300], measures)).score
    """

    def __init__(self, config: Mapping[str, Any]):
        checked, terms = read(config)
        self.weights = {name: weight for name, (weight, _, _) in terms.items()}
        self.terms = {name: term for name, (_, term, _) in terms.items()}
        self.values = {name: partial(term.value, **parameters) for name, (_, term, parameters) in terms.items()}
        self.aggregation = checked.aggregation.model_dump(exclude={"name"})
        self.how = checked.aggregation.name
        self.logged = checked.logged
        self.unit, self.tones = checked.error.unit, checked.error.tones
        self.token_ear = checked.token_ear
        self.lead_tokens = checked.token_credit.lead_tokens if checked.token_credit else None
        self.by_alignment = bool(checked.token_credit and checked.token_credit.by == "alignment")

    @property
    def needs(self) -> dict[str, str]:
        """{measure that the server must offer: the key under recipe.reward that needs it}."""
        logged = {measure: "logged" for measure in self.logged}
        logged |= {"token_ear": "token_ear"} if self.token_ear else {}
        logged |= {DOUBT: "token_credit.by"} if self.by_alignment else {}
        return logged | {measure: f"terms.{name}" for name, term in self.terms.items() for measure in term.needs}

    @property
    def span(self) -> float:
        """The scores of two ways to hear one completion differ by at most so much: every aggregation grows with each of
        its terms, and a gate may take a perceptual one away."""
        low, high = ({name: getattr(term, end) for name, term in self.terms.items()} for end in ("lowest", "highest"))
        if self.how == "gate":
            gated = [name for name, term in self.terms.items() if term.perceptual]
            low |= {name: min(0.0, low[name]) for name in gated}
            high |= {name: max(0.0, high[name]) for name in gated}
        harmonic = self.how == "weighted_harmonic_mean"
        combined = formulas.weighted_harmonic_mean if harmonic else formulas.weighted_sum
        return combined(high, self.weights) - combined(low, self.weights)

    def judge(self, heard: Heard) -> Verdict:
        """What was heard, judged.

        Raises:
            KeyError: a measure that a term needs is missing.
            ValueError: a measure is out of its range or not finite.
        """
        terms = {name: value(heard) for name, value in self.values.items()}
        for name, value in terms.items():
            if not math.isfinite(value):
                raise ValueError(f"the term {name} came out as {value} for {heard.text!r}")
        return self._aggregate(heard.compared.error(self.unit, self.tones), terms)

    def unspeakable(self) -> Verdict:
        """Of a completion that cannot be spoken (no speech token, too many, one outside the codebook): every term at
        its lowest, by definition."""
        return self._aggregate(ERROR_OF_SILENCE, {name: term.lowest for name, term in self.terms.items()})

    def blame(self, heard: Heard | None, num_tokens: int) -> list[float]:
        """Blame of each of the wave's speech tokens, see `errors.token_credit`, or, by alignment and of texts that the
        token ear has learned, `errors.aligned_credit`; all of what cannot be spoken.

        Raises:
            ValueError: not as many doubts as tokens.
        """
        if heard is None:
            return [1.0] * num_tokens
        if self.by_alignment and (doubts := heard.scores.get(DOUBT)):
            return aligned_credit(doubts, num_tokens, self.lead_tokens)
        unit, tones, lead = self.unit, self.tones, self.lead_tokens
        return token_credit(heard.compared, heard.char_times, num_tokens, heard.token_rate, unit, tones, lead)

    def _aggregate(self, error_rate: float, terms: dict[str, float]) -> Verdict:
        if self.how == "weighted_harmonic_mean":
            return Verdict(formulas.weighted_harmonic_mean(terms, self.weights), error_rate, terms)
        share = formulas.gate(error_rate, **self.aggregation) if self.how == "gate" else 1.0
        counted = {name: value * (share if self.terms[name].perceptual else 1.0) for name, value in terms.items()}
        total = math.fsum(self.weights.values())
        parts = (
            tuple(self.weights[name] * terms[name] / total for name in self.weights) if self.how == "separate" else ()
        )
        return Verdict(formulas.weighted_sum(counted, self.weights), error_rate, terms, share, parts)
