"""infer.statistics against values worked out by hand."""

import pytest

from infer.statistics import Bootstrap, mean_per_text

BOOTSTRAP = Bootstrap(resamples=10_000, seed=0, level=0.95)


def test_five_values_have_an_interval_as_wide_as_students():
    # Of five draws from {0, 0, 0, 0, 1} up to k are 1 with 0.328, 0.737, 0.942, 0.9933, 0.99968 for k from 0. A plain
    # percentile of 97.5 % would be k = 3. Phi(-sqrt(5 / 4) t) is 0.00095 for 95 % (t = 2.776), 0.204 for 50 % (0.741).
    wide, narrow = BOOTSTRAP.mean([0.0] * 4 + [1.0]), Bootstrap(10_000, 0, 0.5).mean([0.0] * 4 + [1.0])
    assert (wide.value, wide.low, wide.high) == (0.2, 0.0, 0.8)
    assert (narrow.value, narrow.low, narrow.high) == (0.2, 0.0, 0.4)


def test_fewer_than_five_texts_have_no_interval_and_no_verdict():
    one, four = BOOTSTRAP.difference([0.2], [0.1]), BOOTSTRAP.mean([0.1] * 4)
    assert (one.absolute.value, one.absolute.low, one.absolute.high) == (pytest.approx(-0.1), None, None)
    assert one.as_dict()["excludes_0"] is one.relative.low is four.high is None


def test_a_mean_without_spread_has_an_interval_without_width():
    estimate = BOOTSTRAP.mean([0.25] * 7)
    assert (estimate.value, estimate.low, estimate.high) == (0.25, 0.25, 0.25)


def test_the_interval_of_many_values_is_about_two_standard_errors():
    # 400 values, half 0 and half 1: standard deviation 0.5, standard error 0.025, 1.96 of them 0.049.
    estimate = BOOTSTRAP.mean([0.0, 1.0] * 200)
    assert estimate.low == pytest.approx(0.451, abs=0.003)
    assert estimate.high == pytest.approx(0.549, abs=0.003)


def test_pairing_takes_the_difficulty_of_the_texts_out():
    # Every text gets 0.1 better, however hard it is: the difference is certain though the means are not.
    difference = BOOTSTRAP.difference([0.5, 0.25, 1.0, 0.75, 0.1], [0.4, 0.15, 0.9, 0.65, 0.0])
    estimate = difference.absolute
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((-0.1, -0.1, -0.1))
    assert estimate.excludes_zero


def test_halving_every_error_is_minus_half_relative():
    relative = BOOTSTRAP.difference([0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5]).relative
    assert (relative.value, relative.low, relative.high) == pytest.approx((-0.5, -0.5, -0.5))


def test_a_difference_that_goes_both_ways_does_not_exclude_zero():
    difference = BOOTSTRAP.difference([0.2, 0.4, 0.2, 0.4, 0.2, 0.4], [0.4, 0.2, 0.4, 0.2, 0.4, 0.2])
    assert difference.absolute.value == pytest.approx(0.0)
    assert difference.absolute.excludes_zero is False
    assert difference.as_dict()["excludes_0"] is False


def test_no_relative_difference_to_a_faultless_baseline():
    difference = BOOTSTRAP.difference([0.0, 0.0], [0.1, 0.3])
    assert difference.relative is None
    assert difference.absolute.value == pytest.approx(0.2)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = [0.1, 0.7, 0.2, 0.9, 0.4, 0.3]
    few = Bootstrap(50, seed=1, level=0.95)
    assert few.mean(values) == few.mean(values)
    assert few.mean(values) != Bootstrap(50, seed=2, level=0.95).mean(values)


def test_blocks_of_resamples_add_up(monkeypatch):
    whole = Bootstrap(1000, 0, 0.95).mean([0.0, 1.0, 3.0, 4.0, 8.0])
    monkeypatch.setattr("infer.statistics._VALUES_AT_ONCE", 500)  # ten blocks of a hundred resamples
    assert Bootstrap(1000, 0, 0.95).mean([0.0, 1.0, 3.0, 4.0, 8.0]) == whole


def test_different_texts_cannot_be_paired():
    with pytest.raises(ValueError, match="the same texts: 2 values against 3"):
        BOOTSTRAP.difference([0.1, 0.2], [0.1, 0.2, 0.3])


def test_no_values_have_no_mean():
    with pytest.raises(ValueError, match="no values"):
        BOOTSTRAP.mean([])


def test_samples_of_a_text_are_averaged_and_unknown_values_left_out():
    assert mean_per_text([1.0, 0.0, None, 0.5], [7, 7, 7, 9]) == {7: 0.5, 9: 0.5}
    assert mean_per_text([None], [3]) == {}
