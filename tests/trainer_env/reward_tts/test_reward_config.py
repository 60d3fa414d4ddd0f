"""Every way to configure a recipe's reward wrongly is refused with its key, before any model is loaded."""

import pytest

from reward_tts.reward.config import RewardConfigError, needs_of
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Term
from tests.helpers.rewards import CONFIG


def pinyin(**changes) -> dict:
    return {"terms": {"pinyin": {**CONFIG["terms"]["pinyin"], **changes}}}


SILENCE = "reward_tts.reward.formulas.silence"  # which gives a number


def over_length(**buffer) -> dict:
    return {"terms": {"over_length": {"weight": 1.0, "max_tokens": 100, **buffer}}}


WRONG = [
    ({"terms": {"pinyn": {"weight": 1.0}}}, "terms.pinyn", "no such term; there are"),
    ({"terms": {}}, "terms", "names no term"),
    ({"terms": {"pinyin": None}}, "terms", "names no term"),
    (pinyin(tone=True), "terms.pinyin.tone", "no such key; there are ['weight', 'unit', 'tones', 'shaping']"),
    (pinyin(tones=1), "terms.pinyin.tones", "valid boolean, got 1"),
    (pinyin(shaping="linear(2)"), "terms.pinyin.shaping", "is tanh(SCALE) or exp(SCALE, POWER)"),
    (pinyin(shaping="exp(12)"), "terms.pinyin.shaping", "is tanh(SCALE) or exp(SCALE, POWER)"),
    (pinyin(shaping="tanh(-3)"), "terms.pinyin.shaping", "not negative, got 'tanh(-3)'"),
    (pinyin(shaping={"name": "exp"}), "terms.pinyin.shaping", "valid string"),
    ({"terms": {"error": {"weight": 1.0, "rate": "2"}}}, "terms.error.rate", "valid number, got '2'"),
    ({"terms": {"error": {"weight": 1.0, "rate": -2}}}, "terms.error.rate", "greater than or equal to 0, got -2"),
    ({"terms": {"error": 1.0}}, "terms.error", "got 1.0"),
    ({"terms": {"length": {"weight": 1.0}}}, "terms.length", "lacks seconds_per_unit"),
    ({"terms": {"pinyin": {"tones": True}}}, "terms.pinyin", "lacks weight"),
    (pinyin(weight=-1.0), "terms.pinyin.weight", "greater than 0, got -1.0"),
    (pinyin(weight=0), "terms.pinyin.weight", "greater than 0, got 0"),
    (pinyin(weight=float("nan")), "terms.pinyin.weight", "got nan"),
    (pinyin(weight=True), "terms.pinyin.weight", "valid number, got True"),
    ({"terms": {"mine": {"weight": 1.0, "_target_": "no.such"}}}, "terms.mine._target_", "cannot be imported"),
    ({"terms": {"mine": {"weight": 1.0, "_target_": "builtins.dict"}}}, "terms.mine._target_", "cannot be imported"),
    (
        {"terms": {"mine": {"weight": 1.0, "ratio": 0.5, "allowed": 0.5, "_target_": SILENCE}}},
        "terms.mine._target_",
        "gives a reward_",
    ),
    *(
        ({"terms": {name: {"weight": 1.0, key: value}}}, f"terms.{name}.{key}", reason)
        for name, key, value, reason in (
            ("silence", "allowed", 1.0, "less than 1, got 1.0"),
            ("likelihood", "tau", 0.0, "greater than 0, got 0.0"),
            ("token_likelihood", "tau", 0, "greater than 0, got 0"),
            ("cer_and_nll", "tau_n", 0.0, "greater than 0, got 0.0"),
            ("repetition", "n", 0, "greater than or equal to 1, got 0"),
        )
    ),
    (over_length(buffer_tokens=0), "terms.over_length.buffer_tokens", "greater than or equal to 1, got 0"),
    (over_length(buffer_share=1.5), "terms.over_length.buffer_share", "less than or equal to 1, got 1.5"),
    (over_length(buffer_tokens=101), "terms.over_length", "has a buffer of 101 tokens: it is from 1 to max_tokens=100"),
    (over_length(buffer_share=0.004), "terms.over_length", "has a buffer of 0 tokens"),
    (
        {"terms": {"cer_and_nll": {"weight": 1.0, "lambda_c": 0, "lambda_n": 0.0}}},
        "terms.cer_and_nll",
        "one of them is",
    ),
    ({"terms": {"length": {"weight": 1.0, "seconds_per_unit": 0.0}}}, "terms.length", "a text takes some time"),
    ({"aggregation": {"name": "product"}}, "aggregation.name", "'gate'"),
    ({"aggregation": {"name": "gate"}}, "aggregation", "lacks full_until"),
    ({"aggregation": {"name": "gate", "full_until": 0.3, "none_from": 0.1}}, "aggregation.none_from", "more than"),
    ({"aggregation": {"name": "gate", "full_until": -0.1, "none_from": 0.1}}, "aggregation.full_until", "equal to 0"),
    ({"aggregation": {"name": "weighted_sum", "full_until": 0.1}}, "aggregation.full_until", "no such key"),
    ({"error": {"unit": "phoneme"}}, "error.unit", "'pinyin', 'text'"),
    ({"token_credit": {"lead": 3}}, "token_credit", "lacks lead_tokens"),
    ({"token_credit": {"lead_tokens": 3, "lead": 3}}, "token_credit.lead", "there are ['lead_tokens', 'by']"),
    (
        {
            "token_credit": {"lead_tokens": 3, "by": "alignment"},
            "token_ear": {"audit": 0.1, "unsure": 0.9, "limit": 0.1, "distil": {"every": 8, "steps": 1, "rate": 1e-4}},
        },
        "token_credit.by",
        "and recipe.reward.token_ear.distil",
    ),
    ({"logged": "mos"}, "logged", "a valid list"),
    ({"weights": {"pinyin": 1.0}}, "weights", "no such key; there are ['terms', 'aggregation', 'error'"),
]


@pytest.mark.parametrize(("change", "key", "reason"), WRONG, ids=[f"{key}-{i}" for i, (_, key, _) in enumerate(WRONG)])
def test_a_wrong_configuration_is_refused_with_its_key(change, key, reason):
    with pytest.raises(RewardConfigError) as caught:
        Reward({**CONFIG, **change})
    assert caught.value.key == f"recipe.reward.{key}"
    assert f"recipe.reward.{key}: " in str(caught.value) and reason in str(caught.value)


def test_a_term_that_may_be_negative_has_no_harmonic_mean():
    terms = {"pinyin": {"weight": 1.0}, "over_length": {"weight": 1.0, "max_tokens": 100, "buffer_tokens": 20}}
    with pytest.raises(RewardConfigError, match=r"terms\.over_length: may be negative"):
        Reward(CONFIG | {"terms": terms, "aggregation": {"name": "weighted_harmonic_mean"}})


def brightness(scale: float) -> Term:
    """A term of one's own."""
    return Term(lambda heard: scale * heard.scores["tilt"], needs=("tilt",))


def test_what_a_term_needs_is_known_of_those_here_and_of_ones_own():
    mine = {"weight": 1.0, "scale": 2.0, "_target_": f"{__name__}.brightness"}
    assert needs_of("mine", mine) == ("tilt",)
    assert needs_of("mine", 1.0) == ()  # a weight alone, as token_credit.separate takes it
    assert needs_of("silence", {"weight": 0.2, "allowed": 0.5}) == ("silence_ratio",)
    assert needs_of("pinyin", {"weight": 1.0}) == ()
