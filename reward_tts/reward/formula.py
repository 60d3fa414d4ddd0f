"""A reward as one line that a person reads before training begins."""

from collections.abc import Callable, Mapping
from typing import Any

from reward_tts.reward.config import read
from reward_tts.reward.formulas import shaping_of
from reward_tts.reward.terms import Term


def _counted(unit: str, otherwise: str) -> str:
    return f"{otherwise} (as published)" if unit.startswith("published_") else otherwise


def _pinyin(unit: str, tones: bool, shaping: str) -> str:
    return shaping_of(shaping).text(_counted(unit, "pinyin error" if tones else "toneless pinyin error"))


def _error(unit: str, rate: float, unheard: float | None) -> str:
    silent = "" if unheard is None else f" [{unheard:g} where nothing is heard]"
    return f"exp(-{rate:g} x {_counted(unit, 'error')}{silent})"


def _cer_and_nll(unit: str, beta_c: float, tau_n: float, lambda_c: float, lambda_n: float) -> str:
    heard, likely = f"(1 - tanh({beta_c:g} x {_counted(unit, 'CER')}))", f"exp(-NLL / {tau_n:g})"
    return f"{lambda_c + lambda_n:g} / ({lambda_c:g} / {heard} + {lambda_n:g} / {likely})"


def _length(seconds_per_unit: float, pause_s: float, tolerance: float) -> str:
    expected = f"({pause_s:g} + {seconds_per_unit:g} x units)"
    return f"min(1, {1 + tolerance:g} x exp(-|log(seconds / {expected})|))"


def _over_length(max_tokens: int, buffer_tokens: int | None, buffer_share: float | None) -> str:
    buffer = round(buffer_share * max_tokens) if buffer_tokens is None else buffer_tokens
    return f"-clip((tokens - {max_tokens - buffer}) / {buffer}, 0, 1)"


# {term of terms.TERMS: its parameters -> its formula}
FORMULAS: dict[str, Callable[..., str]] = {
    "pinyin": _pinyin,
    "error": _error,
    "cer_and_nll": _cer_and_nll,
    "likelihood": lambda tau: f"exp(-CTC NLL / {tau:g})",
    "token_likelihood": lambda tau: f"exp(-CTC NLL of the token ear / {tau:g})",
    "similarity": lambda: "(1 + speaker similarity) / 2",
    "mos": lambda: "(MOS - 1) / 4",
    "emotion": lambda: "p(emotion of the row, or not neutral)",
    "neutral": lambda: "-p(neutral)",
    "laughter": lambda: "[laughter heard where the text laughs]",
    "pitch": lambda: "std of log F0",
    "energy": lambda: "energy variance",
    "length": _length,
    "silence": lambda allowed: f"min(1, (1 - silence) / {1 - allowed:g})",
    "repetition": lambda n: f"share of different {n}-grams of tokens",
    "over_length": _over_length,
}


def formula(config: Mapping[str, Any]) -> str:
    """recipe.reward as a formula: the score that the reward function returns for speech.

    Raises:
        RewardConfigError: see `reward_tts.reward.config.read`.

    >>> rest = {"error": {"unit": "text"}, "token_credit": None, "logged": []}
    >>> terms = {"pinyin": {"weight": 1.0, "shaping": "tanh(3)"}, "mos": {"weight": 0.5}}
    >>> formula({"terms": terms, "aggregation": {"name": "weighted_sum"}, **rest})
    'reward = (1.0 x (1 - tanh(3 x pinyin error)) + 0.5 x (MOS - 1) / 4) / 1.5'
    """
    checked, terms = read(config)
    how = checked.aggregation
    told = {name: (weight, _told(name, term, parameters), term) for name, (weight, term, parameters) in terms.items()}
    total = sum(weight for weight, _, _ in told.values())
    if how.name == "weighted_harmonic_mean":
        return f"reward = {total:g} / (" + " + ".join(f"{w} / ({text})" for w, text, _ in told.values()) + ")"
    gates = how.name == "gate"
    parts = [f"{w} x {'gate x ' if gates and term.perceptual else ''}{text}" for w, text, term in told.values()]
    summed = " + ".join(parts) if total == 1.0 else f"({' + '.join(parts)}) / {total:g}"
    if gates:
        summed += f"; gate: 1 up to an error of {how.full_until:g}, 0 from {how.none_from:g}"
    if how.name == "separate":
        summed += "; each term is normalised within its group on its own"
    if checked.token_ear:
        summed += f"; what the token ear is sure of is read from tokens, {checked.token_ear.audit:g} of it by wave, too"
    return f"reward = {summed}"


def _told(name: str, term: Term, parameters: Mapping[str, Any]) -> str:
    return term.formula or (FORMULAS[name](**parameters) if name in FORMULAS else name)
