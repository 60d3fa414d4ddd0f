"""Tests by betting: literal values worked out by hand, false alarms on clean draws, alarms on planted changes."""

import math
import random

import pytest

from verl_plugins.evidence import Guard, Heard, Rise, upper_bound

SOUND = {"speaking_rate": 4.0}


def guard(**changed) -> Guard:
    options = {"alpha": 0.01, "baseline": 64, "kept": 0.5, "margin": 0.01, "cap": 0.5, "drift": {"speaking_rate": 0.1}}
    return Guard(**options | changed)


def test_the_wealth_of_one_observation_is_the_mean_of_its_stakes():
    """Half of the stake waits; the other half is bet in six parts at even odds: x = 1 against a level of 1/2."""
    expected = 0.5 + 0.5 * (6 + 0.03 + 0.06 + 0.12 + 0.25 + 0.5 + 0.9) / 6
    assert Rise(0.5, 0.0, 1.0).see(1.0) == pytest.approx(expected)


def test_what_is_at_the_level_changes_no_wealth():
    rise = Rise(0.25, 0.0, 1.0)
    assert [rise.see(0.25) for _ in range(5)] == pytest.approx([1.0] * 5)


def test_a_level_outside_the_range_is_refused():
    with pytest.raises(ValueError, match=r"between 0\.0 and 1\.0, got 1\.0"):
        Rise(1.0, 0.0, 1.0)


def test_the_bound_of_zeros_wins_exactly_what_alpha_asks():
    """Of n zeros, betting on "at least m" wins the mean over stakes s of (1 + s m / (1 - m)) ** n."""
    bound = upper_bound([0.0] * 50, 0.0, 1.0, 0.05)
    won = sum((1 + s * bound / (1 - bound)) ** 50 for s in (0.03, 0.06, 0.12, 0.25, 0.5, 0.9)) / 6
    assert won == pytest.approx(20.0, rel=1e-6)


def test_bounds_hold_as_often_as_they_promise():
    drawn = random.Random(1)
    missed = sum(upper_bound([float(drawn.random() < 0.2) for _ in range(40)], 0.0, 1.0, 0.1) < 0.2 for _ in range(200))
    assert missed <= 20


def test_wealth_on_a_true_level_seldom_reaches_one_by_alpha():
    """20 of 400 would be alpha = 0.05; betting is careful, so it is fewer."""
    drawn, reached = random.Random(2), 0
    for _ in range(400):
        rise = Rise(0.3, 0.0, 1.0)
        reached += any(rise.see(float(drawn.random() < 0.3)) >= 20 for _ in range(300))
    assert reached <= 20


def test_a_rise_that_begins_late_is_found():
    rise = Rise(0.3, 0.0, 1.0)
    for i in range(1000):
        rise.see(0.2 if i % 2 else 0.4)
    assert math.log(rise.wealth) < 3
    wealth = [rise.see(0.8) for _ in range(40)]
    assert max(wealth) > 1000


def seen(test: Guard, count: int, reward: float, other: float, rate: float = 4.0) -> Guard:
    for i in range(count):
        swing = 0.05 if i % 2 else -0.05
        test.see(Heard(reward + swing, other + swing, {"speaking_rate": rate * (1 + swing)}))
    return test


def test_a_gain_that_both_hear_is_no_alarm():
    assert seen(seen(guard(), 64, 0.3, 0.35), 2000, 0.1, 0.15).alarms == []


def test_a_gain_that_the_reward_alone_hears_is_the_gap():
    test = seen(seen(guard(), 64, 0.3, 0.35), 300, 0.05, 0.4)
    assert test.alarms == ["gap"]
    assert test.evidence["gap"] >= test.needed == pytest.approx(math.log(600))


def test_an_alarm_stays_when_the_evidence_falls_again():
    """Ville's bound is of the largest wealth. At 1e922d5 an alarm was what the present wealth said."""
    test = seen(guard(), 64, 0.3, 0.35)
    while not test.alarms:
        test.see(Heard(0.0, 0.5, SOUND))
    assert test.evidence["gap"] >= test.needed
    for _ in range(20):
        test.see(Heard(0.3, 0.3, SOUND))
    assert test.evidence["gap"] < test.needed and test.alarms == ["gap"]


@pytest.mark.parametrize(("rate", "claim"), [(6.0, "speaking_rate up"), (2.4, "speaking_rate down")])
def test_drift_of_sound_is_named_with_its_way(rate: float, claim: str):
    assert seen(seen(guard(), 64, 0.3, 0.35), 300, 0.3, 0.35, rate).alarms == [claim]


def test_nothing_is_claimed_before_the_baseline_is_whole():
    test = seen(guard(), 63, 0.3, 0.35)
    assert (test.alarms, test.evidence) == ([], {})
