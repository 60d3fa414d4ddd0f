"""The split of a step, with numbers worked out by hand."""

import pytest

from benchmarks.step import server_seconds, split, steps_of

TRAIN = """\
(TaskRunnerV1 pid=7) step:0 - val-core/x/reward/mean@1:np.float64(0.6)
(TaskRunnerV1 pid=7) step:1 - reward/server/share_of_step:0.1 - timing_s/gen:9.0 - timing_s/adv:9.0 - timing_s/step:9.0
(TaskRunnerV1 pid=7) step:1 - reward/server/share_of_step:0.6 - timing_s/gen:10.0 - timing_s/old_log_prob:0.5 \
- timing_s/adv:0.5 - timing_s/update_actor:4.0 - timing_s/update_weights:0.25 - timing_s/save_checkpoint:0.5 \
- timing_s/testing:3.0 - timing_s/step:16.0
(TaskRunnerV1 pid=7) step:2 - reward/server/share_of_step:0.5 - timing_s/gen:10.0 - timing_s/old_log_prob:0.5 \
- timing_s/adv:0.5 - timing_s/update_actor:4.0 - timing_s/update_weights:0.25 - timing_s/save_checkpoint:0.5 \
- timing_s/step:16.0
"""
SERVE = """\
ready
instance 0: 30 rows; batches by size {1: 30}; padding 5.0% of the tokens; seconds: token2wav 3.0, asr 1.0, prosody 0.5
instance 1: 10 rows; batches by size {1: 10}; padding 4.9% of the tokens; seconds: token2wav 1.0, asr 0.6, mos 0.5
stopped
"""


def test_a_step_is_read_once_and_validation_alone_is_none():
    assert [step["timing_s/gen"] for step in steps_of(TRAIN)] == [10.0, 10.0]


def test_steps_from_which_a_resumed_run_went_back_are_none():
    lives = [f"step:{n} - timing_s/step:{seconds}" for n, seconds in ((1, 9.0), (2, 9.0), (3, 9.0), (1, 4.0), (2, 5.0))]
    assert steps_of("\n".join(lives)) == [{"timing_s/step": 4.0}, {"timing_s/step": 5.0}]


def test_seconds_of_a_row_are_over_all_instances():
    parts, instances = server_seconds(SERVE)
    assert parts == pytest.approx({"token2wav": 0.1, "asr": 0.04, "prosody": 0.0125, "mos": 0.0125})
    assert instances == 2


def test_a_server_that_said_nothing_is_an_error():
    with pytest.raises(ValueError, match="the server says it when it ends"):
        server_seconds("ready\n")


def test_parts_of_a_step_add_up():
    """Under way: 0.6 * 10 = 6 s, then 0.5 * (10 + the 6 s after the first batch and 3 s of validation) = 9.5 s, so
    7.75 s of each step; 40 rows on two instances: 2, 0.8 and 0.5 s. verl's 16 s hold the checkpoint's 0.5 s."""
    found = split(steps_of(TRAIN), *server_seconds(SERVE), 40)
    hand = {"rollout alone": 2.25, "token2wav": 2.0, "ASR": 0.8, "scorers": 0.5, "waiting": 4.45}
    hand |= {"log-probabilities, advantages": 1.0, "update": 4.0, "weights": 0.25, "not named": 0.25}
    assert found == pytest.approx(hand | {"validation, checkpoints": 2.0})
    assert sum(found.values()) == pytest.approx(16.0 + 1.5)


def test_the_step_before_those_that_are_counted_says_when_its_batch_was():
    steps = steps_of(TRAIN)
    assert split(steps[1:], *server_seconds(SERVE), 40, steps[0])["rollout alone"] == pytest.approx(0.5)
    assert split(steps[1:], *server_seconds(SERVE), 40)["rollout alone"] == pytest.approx(5.0)


def test_the_token_ear_has_its_own_line():
    found = split(steps_of(TRAIN), {"token2wav": 0.1, "asr": 0.04, "token_ear": 0.02}, 2, 40)
    names = ("token2wav", "ASR", "token ear", "scorers", "waiting")
    assert [found[name] for name in names] == pytest.approx([2.0, 0.8, 0.4, 0.0, 4.55])
