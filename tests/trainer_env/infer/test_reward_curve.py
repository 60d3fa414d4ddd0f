"""The curve of a run, with values worked out by hand."""

import pytest

from infer.reward_curve import smooth


def test_the_line_is_a_running_mean_that_a_nan_does_not_end():
    nan = float("nan")
    assert smooth([1.0, 2.0, 4.0, 9.0], 2) == pytest.approx([1.0, 1.5, 3.0, 6.5])
    assert smooth([1.0, nan, 1.0, 3.0, 1.0], 2) == pytest.approx([1.0, 1.0, 1.0, 2.0, 2.0])
    assert smooth([1.0, nan, nan, 3.0], 2) == pytest.approx([1.0, 1.0, nan, 3.0], nan_ok=True)
