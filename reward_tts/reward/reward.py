"""Measures -> terms -> one score, as `recipe.reward` says:

    terms: {pinyin: {tones: false, shaping: {name: tanh, scale: 3}}, similarity: {}}   # of terms.TERMS, with parameters
    weights: {pinyin: 1.0, similarity: 0.5}
    aggregation: {name: gate, full_until: 0.10, none_from: 0.30}     # or weighted_sum, weighted_harmonic_mean, separate
    error: {unit: pinyin, tones: false}    # the error that is logged, that a gate looks at, that token credit blames
    token_credit: {lead_tokens: 3}         # or null
    logged: [log_f0_std, confidence]       # measures of the server's scorers and ASR to be logged beside the terms

No model, no file: the trainer's reward function judges with it, and the server for the published client.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_tts.reward import formulas
from reward_tts.reward.errors import UNITS, token_credit
from reward_tts.reward.terms import TERMS, Heard

KEYS = ("terms", "weights", "aggregation", "error", "token_credit", "logged")
AGGREGATIONS: dict[str, tuple[str, ...]] = {  # name: parameters
    "weighted_sum": (),
    "weighted_harmonic_mean": (),
    "gate": ("full_until", "none_from"),
    "separate": (),
}
ERROR_OF_SILENCE = 1.0


class RewardConfigError(ValueError):
    """recipe.reward cannot be used; `key` is the part of it that is wrong, dotted, and is named in the message."""

    def __init__(self, key: str, reason: str):
        super().__init__(f"recipe.reward{'.' if key else ''}{key}: {reason}")
        self.key = f"recipe.reward.{key}".rstrip(".")


@dataclass(frozen=True)
class Verdict:
    """What one utterance is worth.

    Attributes:
        score: the aggregated reward.
        error_rate: in the unit of recipe.reward.error, not capped.
        terms: value of each term, before weights.
        gate: share in which perceptual terms counted; 1.0 without a gate.
        parts: what each term contributes to the score, in the order of recipe.reward.weights, where terms are to be
            compared separately; else empty.
    """

    score: float
    error_rate: float
    terms: dict[str, float]
    gate: float = 1.0
    parts: tuple[float, ...] = ()


class Reward:
    """A checked recipe.reward.

    Raises:
        RewardConfigError: see `check`.

    Example:
        reward = Reward({"terms": {"error": {}}, "weights": {"error": 1.0}, "aggregation": {"name": "weighted_sum"},
                         "error": {"unit": "text"}, "token_credit": None, "logged": []})
        reward.judge(Heard.of("你好", "zh", [7, 300], measures)).score
    """

    def __init__(self, config: Mapping[str, Any]):
        check(config)
        self.terms = {name: dict(parameters or {}) for name, parameters in config["terms"].items()}
        self.weights = {name: float(weight) for name, weight in config["weights"].items()}
        self.aggregation = dict(config["aggregation"])
        self.how = self.aggregation.pop("name")
        self.logged = list(config["logged"])
        self.unit, self.tones = config["error"]["unit"], config["error"].get("tones", False)
        self.lead_tokens = None if config["token_credit"] is None else config["token_credit"]["lead_tokens"]

    @property
    def needs(self) -> dict[str, str]:
        """{measure that the server must offer: the key under recipe.reward that needs it}."""
        logged = {measure: "logged" for measure in self.logged}
        return logged | {measure: f"terms.{name}" for name in self.terms for measure in TERMS[name].needs}

    def judge(self, heard: Heard) -> Verdict:
        """What was heard, judged.

        Raises:
            KeyError: a measure that a term needs is missing.
            ValueError: a measure is out of its range or not finite.
        """
        terms = {name: TERMS[name].value(heard, **parameters) for name, parameters in self.terms.items()}
        for name, value in terms.items():
            if not math.isfinite(value):
                raise ValueError(f"the term {name} came out as {value} for {heard.text!r}")
        return self._aggregate(heard.compared.error(self.unit, self.tones), terms)

    def unspeakable(self) -> Verdict:
        """Of a completion that cannot be spoken (no speech token, too many, one outside the codebook): every term at
        its lowest, by definition."""
        return self._aggregate(ERROR_OF_SILENCE, {name: TERMS[name].lowest for name in self.terms})

    def blame(self, heard: Heard | None, num_tokens: int) -> list[float]:
        """Blame of each of the wave's speech tokens, see `errors.token_credit`; what cannot be spoken is all to blame."""
        if heard is None:
            return [1.0] * num_tokens
        unit, tones, lead = self.unit, self.tones, self.lead_tokens
        return token_credit(heard.compared, heard.char_times, num_tokens, heard.token_rate, unit, tones, lead)

    def _aggregate(self, error_rate: float, terms: dict[str, float]) -> Verdict:
        if self.how == "weighted_harmonic_mean":
            return Verdict(formulas.weighted_harmonic_mean(terms, self.weights), error_rate, terms)
        share = formulas.gate(error_rate, **self.aggregation) if self.how == "gate" else 1.0
        counted = {name: value * (share if TERMS[name].perceptual else 1.0) for name, value in terms.items()}
        total = math.fsum(self.weights.values())
        parts = (
            tuple(self.weights[name] * terms[name] / total for name in self.weights) if self.how == "separate" else ()
        )
        return Verdict(formulas.weighted_sum(counted, self.weights), error_rate, terms, share, parts)


def check(config: Mapping[str, Any]) -> None:
    """Whether recipe.reward can be used, without any server.

    Raises:
        RewardConfigError: a key too many or missing; an unknown term, parameter, shaping, unit or aggregation; a term
            without a weight or a weight without a term; a weight that is not positive, or a negative bound.
    """
    _same_keys("", config, required=KEYS)
    _check_terms(config["terms"] or {})
    _check_weights(config["terms"] or {}, config["weights"] or {})
    _check_aggregation(config["aggregation"], config["terms"])
    _same_keys("error", config["error"], required=("unit",), optional=("tones",))
    _check_unit("error.unit", config["error"]["unit"])
    if not isinstance(config["logged"], list) or not all(isinstance(name, str) for name in config["logged"]):
        raise RewardConfigError("logged", f"is a list of names of measures, got {config['logged']!r}")
    if config["token_credit"] is not None:
        _same_keys("token_credit", config["token_credit"], required=("lead_tokens",))
        _check_number("token_credit.lead_tokens", config["token_credit"]["lead_tokens"])


def _check_terms(terms: Mapping[str, Any]) -> None:
    if not terms:
        raise RewardConfigError("terms", f"names no term; there are {sorted(TERMS)}")
    for name, parameters in terms.items():
        if name not in TERMS:
            raise RewardConfigError(f"terms.{name}", f"no such term; there are {sorted(TERMS)}")
        known = inspect.signature(TERMS[name].value).parameters.values()
        known = [p for p in known if p.kind is inspect.Parameter.KEYWORD_ONLY]
        required = [p.name for p in known if p.default is inspect.Parameter.empty]
        _same_keys(f"terms.{name}", parameters or {}, required, [p.name for p in known if p.name not in required])
        if name == "over_length" and len({"buffer_tokens", "buffer_share"}.intersection(parameters or {})) != 1:
            raise RewardConfigError(f"terms.{name}", "takes buffer_tokens, or buffer_share of max_tokens; one of them")
        for key, value in (parameters or {}).items():
            if key == "shaping":
                _check_shaping(f"terms.{name}.shaping", value)
            elif key == "unit":
                _check_unit(f"terms.{name}.unit", value)
            elif not isinstance(value, bool):
                _check_number(f"terms.{name}.{key}", value)


def _check_unit(key: str, unit: Any) -> None:
    if unit not in UNITS:
        raise RewardConfigError(key, f"is one of {list(UNITS)}, got {unit!r}")


def _check_shaping(key: str, shaping: Mapping[str, Any]) -> None:
    name = shaping.get("name") if isinstance(shaping, Mapping) else shaping
    if name not in formulas.SHAPINGS:
        raise RewardConfigError(f"{key}.name", f"is one of {sorted(formulas.SHAPINGS)}, got {name!r}")
    parameters = list(inspect.signature(formulas.SHAPINGS[name]).parameters)[1:]
    _same_keys(key, shaping, required=("name",), optional=parameters)
    for parameter in set(shaping) - {"name"}:
        _check_number(f"{key}.{parameter}", shaping[parameter])


def _check_weights(terms: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    for name in weights:
        if name not in terms:
            raise RewardConfigError(f"weights.{name}", f"a weight without a term; recipe.reward.terms: {list(terms)}")
        _check_number(f"weights.{name}", weights[name])
        if weights[name] == 0:
            raise RewardConfigError(f"weights.{name}", "is 0: leave the term out instead")
    for name in terms:
        if name not in weights:
            raise RewardConfigError(f"terms.{name}", "a term without a weight in recipe.reward.weights")


def _check_aggregation(aggregation: Mapping[str, Any], terms: Mapping[str, Any]) -> None:
    name = aggregation.get("name")
    if name not in AGGREGATIONS:
        raise RewardConfigError("aggregation.name", f"is one of {list(AGGREGATIONS)}, got {name!r}")
    _same_keys("aggregation", aggregation, required=("name", *AGGREGATIONS[name]))
    for key in AGGREGATIONS[name]:
        _check_number(f"aggregation.{key}", aggregation[key])
    if name == "gate" and not aggregation["full_until"] < aggregation["none_from"]:
        raise RewardConfigError("aggregation.none_from", "is more than full_until")
    if name == "weighted_harmonic_mean":
        for term in terms:
            if TERMS[term].lowest < 0:
                raise RewardConfigError(f"terms.{term}", "may be negative: it has no harmonic mean")


def _same_keys(key: str, found: Any, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    if not isinstance(found, Mapping):
        raise RewardConfigError(key, f"needs the keys {list(required)}, got {found!r}")
    for name in found:
        if name not in (*required, *optional):
            known = [*required, *optional]
            raise RewardConfigError(f"{key}.{name}".lstrip("."), f"no such key; there are {known}")
    for name in required:
        if name not in found:
            raise RewardConfigError(key, f"lacks {name}")


def _check_number(key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise RewardConfigError(key, f"is a number that is not negative, got {value!r}")
