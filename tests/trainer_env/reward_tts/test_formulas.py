"""Each term and each aggregation against values worked out by hand."""

import math

import pytest

from reward_tts.reward import formulas


def test_shapings_are_the_published_ones():
    assert formulas.shape_tanh(0.0, 3.0) == formulas.shape_exp(0.0, 12.0, 1.5) == 1.0
    assert formulas.shape_tanh(0.5, 3.0) == pytest.approx(0.0948517463)
    assert formulas.shape_tanh(0.5, scale=1) == pytest.approx(1 - math.tanh(0.5))
    assert formulas.shape_exp(0.25, 12.0, 1.5) == pytest.approx(math.exp(-1.5))
    assert formulas.shape_exp(0.25, scale=2, power=1) == pytest.approx(math.exp(-0.5))
    for impossible in (math.nan, -0.1):
        with pytest.raises(ValueError, match="error is from 0"):
            formulas.shape_tanh(impossible, 3.0)


def test_cer_and_nll_is_the_published_harmonic_mean():
    published = {"beta_c": 3.0, "tau_n": 3.0, "lambda_c": 0.6, "lambda_n": 0.4}
    # Uc = 1 - tanh(0) = 1, Un = exp(-1) = 0.367879: 1 / (0.6 + 0.4 / 0.367879) = 1 / 1.687313
    assert formulas.cer_and_nll(0.0, 3.0, **published) == pytest.approx(1 / 1.6873127, rel=1e-6)
    # Uc = 1 - tanh(0.3) = 0.708687, Un = exp(-0.5) = 0.606531: 1 / (0.846636 + 0.659489)
    assert formulas.cer_and_nll(0.1, 1.5, **published) == pytest.approx(0.663959, rel=1e-5)
    assert formulas.cer_and_nll(0.0, 0.0, **published) == 1.0
    assert formulas.cer_and_nll(50.0, 1.0, **published) == 0.0
    equal = published | {"lambda_c": 1.0, "lambda_n": 1.0}
    assert formulas.cer_and_nll(0.0, 3.0, **equal) == pytest.approx(2 / (1 + math.e))


def test_error_exp():
    assert formulas.error_exp(0.0, 2.5) == 1.0
    assert formulas.error_exp(0.4, 2.5) == pytest.approx(1 / math.e)
    assert formulas.error_exp(2.0, 2.5) == pytest.approx(math.exp(-5))


def test_similarity_and_opinion_score_map_their_range_to_0_and_1():
    assert [formulas.similarity(s) for s in (-1.0, 0.0, 0.6, 1.0)] == [0.0, 0.5, 0.8, 1.0]
    assert [formulas.opinion_score(d) for d in (1.0, 3.0, 5.0)] == [0.0, 0.5, 1.0]


EMOTIONS = {"happy": 0.5, "sad": 0.2, "neutral": 0.3}


def test_emotion_is_the_targets_probability_or_what_is_not_neutral():
    assert formulas.emotion(EMOTIONS, "sad") == 0.2
    assert formulas.emotion(EMOTIONS, None) == pytest.approx(0.7)
    assert formulas.neutral_penalty(EMOTIONS) == -0.3
    with pytest.raises(ValueError, match=r"knows \['happy', 'neutral', 'sad'\], not 'angry'"):
        formulas.emotion(EMOTIONS, "angry")


def test_laughter_counts_where_text_and_voice_laugh():
    assert formulas.laughter("哈哈，真好笑", 0.5) == 1.0
    assert formulas.laughter("他嘿嘿一笑", 0.5) == 1.0
    assert formulas.laughter("哈哈，真好笑", 0.0) == 0.0
    assert formulas.laughter("哈尔滨很冷", 0.5) == 0.0
    assert formulas.laughter("他哈了一口气，嘿，走吧，呵", 0.5) == 0.0


def test_laughter_that_is_heard_is_no_error_in_the_text():
    assert formulas.without_laughter("哈哈哈，走吧", "走吧", [], 1.2) == ("，走吧", "走吧", [])
    assert formulas.without_laughter("哈哈哈，走吧", "哈走吧", [0.1, 0.5, 0.7], 1.2) == ("，走吧", "走吧", [0.5, 0.7])
    assert formulas.without_laughter("哈哈哈，走吧", "走吧", [], 0.0) == ("哈哈哈，走吧", "走吧", [])
    assert formulas.without_laughter("哈尔滨", "哈尔滨", [], 1.2) == ("哈尔滨", "哈尔滨", [])


def test_length_forgives_the_tolerance_and_is_symmetric_in_ratio():
    assert formulas.length(2.0, 2.0, 0.25) == formulas.length(2.4, 2.0, 0.25) == 1.0
    assert formulas.length(4.0, 2.0, 0.25) == pytest.approx(1.25 / 2)
    assert formulas.length(1.0, 2.0, 0.25) == pytest.approx(1.25 / 2)
    assert formulas.length(0.0, 2.0, 0.25) == 0.0


def test_silence_repetition_and_over_length():
    assert [formulas.silence(r, 0.2) for r in (0.0, 0.2, 0.6, 1.0)] == pytest.approx([1.0, 1.0, 0.5, 0.0])
    assert formulas.repetition([1, 2, 3, 4, 5], 4) == 1.0
    assert formulas.repetition([7] * 7, 4) == 0.25  # four 4-grams, all the same
    assert formulas.repetition([1, 2], 4) == 1.0
    assert [formulas.over_length(n, 100, 20) for n in (0, 80, 85, 90, 100, 500)] == [0.0, 0.0, -0.25, -0.5, -1.0, -1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: formulas.error_exp(math.nan, 2.5),
        lambda: formulas.error_exp(-0.1, 2.5),
        lambda: formulas.cer_and_nll(0.1, math.nan, 3.0, 3.0, 0.6, 0.4),
        lambda: formulas.similarity(1.1),
        lambda: formulas.opinion_score(0.5),
        lambda: formulas.silence(1.5, 0.2),
        lambda: formulas.length(1.0, 0.0, 0.25),
        lambda: formulas.over_length(5, 10, 11),
        lambda: formulas.gate(0.1, full_until=0.3, none_from=0.3),
    ],
)
def test_what_is_outside_its_range_is_refused(call):
    with pytest.raises(ValueError, match=r"from|needs"):
        call()


def test_weighted_sum_and_harmonic_mean():
    values, weights = {"cer": 0.5, "mos": 1.0}, {"cer": 3.0, "mos": 1.0}
    assert formulas.weighted_sum(values, weights) == 0.625
    assert formulas.weighted_harmonic_mean(values, weights) == pytest.approx(4 / 7)
    assert formulas.weighted_harmonic_mean({**values, "mos": 0.0}, weights) == 0.0
    with pytest.raises(ValueError, match="not negative"):
        formulas.weighted_harmonic_mean({**values, "mos": -0.5}, weights)


def test_terms_without_weight_and_weights_without_term_are_refused():
    for values, weights in (({"a": 1.0}, {"b": 1.0}), ({"a": 1.0, "b": 1.0}, {"a": 1.0})):
        with pytest.raises(ValueError, match="are not the same"):
            formulas.weighted_sum(values, weights)
    with pytest.raises(ValueError, match="weights are positive"):
        formulas.weighted_sum({"a": 1.0}, {"a": 0.0})


def test_the_gate_is_open_to_a_tenth_and_shut_from_three_tenths():
    assert [formulas.gate(e, 0.10, 0.30) for e in (0.0, 0.10, 0.30, 2.0)] == [1.0, 1.0, 0.0, 0.0]
    assert formulas.gate(0.15, 0.10, 0.30) == pytest.approx(0.75)
