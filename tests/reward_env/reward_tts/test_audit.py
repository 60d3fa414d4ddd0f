"""The bounds of the token ear's audit: they hold at every time, and follow what changes."""

import random
from collections import Counter

import pytest

from reward_tts.server.audit import Audit, UpperBound


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_a_bound_holds_at_every_time_in_95_of_100_runs(share):
    """Alpha 0.05; looked at after each of 600 numbers that are 1 with the probability `share`, else 0."""
    failed = 0
    for run in range(200):
        rng, bound, worst = random.Random(run), UpperBound(0.05), 1.0
        for _ in range(600):
            bound.add(float(rng.random() < share))
            worst = min(worst, bound.value)
        failed += worst < share
    assert failed <= 10


def test_a_bound_narrows_as_evidence_comes():
    """n zeros: slack (ln(10 / 0.05) + psi V) / (rate n); V = sum 0.25 / i^2 < 0.42; with rate 0.95 psi = 2.0457."""
    bound, values = UpperBound(0.05), []
    for _ in range(1000):
        bound.add(0.0)
        values.append(bound.value)
    assert values[0] == 1.0
    assert values[-1] == pytest.approx((5.2983 + 2.04573 * 0.4110) / 0.95 / 1000, rel=1e-3)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        bound.add(1.5)


def test_an_ear_that_agrees_with_the_wave_is_trusted_after_a_first_step():
    """Of 270 rows ten differ by 0.2 of a reward of at most 1.2: a mean of 0.0062 of the span, and a slack of about
    (7.1 + 2.05 x 0.3) / 0.95 / 270 = 0.030, where rates up to 1/2 had 0.054: bound 2 x 1.2 x 0.036 = 0.087, not 0.14.
    """
    audit = Audit(span=1.2, window=4000, level=0.95)
    for row in range(270):
        audit.add(0.2 if row % 27 == 13 else 0.0)
    assert 0.075 < audit.bounds.group < 0.095


def test_the_bounds_follow_an_ear_that_becomes_wrong():
    audit = Audit(span=1.0, window=2000, level=0.95)
    for _ in range(4500):
        audit.add(0.0)
    good = audit.bounds
    assert -0.06 < good.bias_low < 0 < good.bias_high < 0.06 and good.group < 0.06 and good.audits == 1500
    for _ in range(2000):
        audit.add(-0.3)
    worse = audit.bounds
    assert worse.bias_low < -0.3 < worse.bias_high < -0.2 and 0.6 < worse.group < 0.7
    assert Counter(map(type, vars(worse).values())) == {float: 3, int: 1}
