"""The curve of a run, with values worked out by hand."""

import pytest
from torch.utils.tensorboard import SummaryWriter

from infer.reward_curve import read_curve, smooth

LIVES = [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5), (1, 0.6), (2, 0.7)]  # killed at 5, and begun anew


def test_steps_of_a_life_that_is_gone_are_on_no_curve(tmp_path):
    """In the log, verl validates the step that it loads, and tells that alone."""
    lines = [f"step:{step} - score:{value}\n" for step, value in LIVES]
    (tmp_path / "train.log").write_text("".join(lines))
    assert read_curve(f"{tmp_path}/train.log", "score") == [(1, 0.6), (2, 0.7)]
    (tmp_path / "train.log").write_text("".join([*lines[:5], "step:3 - val:0.5\n", "step:4 - score:np.float64(0.8)\n"]))
    assert read_curve(f"{tmp_path}/train.log", "score") == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.8)]


def test_events_of_a_life_that_is_gone_are_on_no_curve(tmp_path):
    for life, told in (("b", LIVES[:5]), ("a", LIVES[5:])):
        with SummaryWriter(tmp_path / life) as writer:
            for step, value in told:
                writer.add_scalar("score", value, step)
    assert read_curve(str(tmp_path), "score") == [(1, pytest.approx(0.6)), (2, pytest.approx(0.7))]


def test_the_line_is_a_running_mean_that_a_nan_does_not_end():
    nan = float("nan")
    assert smooth([1.0, 2.0, 4.0, 9.0], 2) == pytest.approx([1.0, 1.5, 3.0, 6.5])
    assert smooth([1.0, nan, 1.0, 3.0, 1.0], 2) == pytest.approx([1.0, 1.0, 1.0, 2.0, 2.0])
    assert smooth([1.0, nan, nan, 3.0], 2) == pytest.approx([1.0, 1.0, nan, 3.0], nan_ok=True)
