"""A reward as one line that a person reads before training begins."""

from collections.abc import Mapping
from typing import Any

from reward_tts.reward.config import read


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
    told = {name: (weight, term.told(name, parameters), term) for name, (weight, term, parameters) in terms.items()}
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
