"""The guard's alarms, with the files of a run: when they come, what stays good, and what a run that is resumed says."""

import json
import logging
from pathlib import Path

import pytest

from merge.choose import chosen_step
from speech.files import append_jsonl
from tests.helpers.guard_run import batch, hear, observer
from tests.helpers.saved_steps import save_steps


def test_a_gain_only_the_reward_hears_stops_the_run_with_its_step(tmp_path: Path):
    save_steps(tmp_path, 4, 8)
    guard = observer(tmp_path)
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 6, 40, 0.1, 0.1)
    metrics = guard.observe(batch(7), {})
    assert json.loads((tmp_path / "guard/calm.json").read_text()) == {"step": 5}
    assert metrics["guard/other_error"] == pytest.approx((12 * 0.3 + 40 * 0.1) / 52)
    hear(tmp_path, 8, 200, 0.0, 0.5)
    with pytest.raises(
        RuntimeError, match=r"^guard: the reward's ASR reports an error of 0\.000 where the first"
    ) as told:
        guard.observe(batch(9), {})
    assert "0.300, an ASR of another family hears 0.500 where it heard 0.300" in str(told.value)
    # Rollouts of step 6 are of the weights of step 5, those of step 8 of step 7.
    assert "it began after step 5, the last good checkpoint is step 4" in str(told.value)
    alarm = json.loads((tmp_path / "guard/alarm.json").read_text())
    assert (alarm["claim"], alarm["step"], alarm["last_good"], alarm["action"]) == ("gap", 9, 4, "stop")
    assert (tmp_path / "guard/curves.png").stat().st_size > 1000
    assert chosen_step(str(tmp_path), None) == 4  # what merge takes


def test_a_stopped_run_that_is_started_again_stops_again(tmp_path: Path):
    guard = observer(tmp_path)
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 3, 200, 0.0, 0.5)
    for again in (guard, observer(tmp_path)):
        with pytest.raises(RuntimeError, match=r"no checkpoint is that old|last good checkpoint"):
            again.observe(batch(4), {})


def alarm(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "guard/alarm.json").read_text())


def test_an_alarm_stays_when_the_evidence_falls_again_and_a_new_process_stops_too(tmp_path: Path):
    """A crossing within what is read at once, and what was heard since then."""
    guard = observer(tmp_path, baseline=64)
    hear(tmp_path, 1, 64, 0.3, 0.35)
    while not guard.test.alarms:
        hear(tmp_path, 2, 1, 0.0, 0.5)
        guard._take()
    hear(tmp_path, 3, 20, 0.3, 0.3)
    again = observer(tmp_path, baseline=64)
    assert again.test.evidence["gap"] < again.test.needed and again.test.alarms == ["gap"]
    with pytest.raises(RuntimeError, match="began after step"):
        again.observe(batch(4), {})
    assert alarm(tmp_path)["claim"] == "gap"


def test_of_several_alarms_the_one_that_began_first_says_what_is_good(tmp_path: Path):
    """At 1e922d5 the second took the place of the first, and merge.step=best chose a checkpoint of a hack."""
    save_steps(tmp_path, 5, 10, 20, 30)
    guard = observer(tmp_path, "warn")
    validated = {"id": "1", "kind": "held_out", "text": "a", "reward": 0.0}
    errors = {5: 0.25, 10: 0.21, 20: 0.14, 30: 0.12}
    append_jsonl(tmp_path / "guard/heard.jsonl", [validated | {"step": s, "other": e} for s, e in errors.items()])
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 10, 4, 0.3, 0.3)
    hear(tmp_path, 11, 200, 0.0, 0.5)
    guard.observe(batch(12), {})
    hear(tmp_path, 30, 4, 0.0, 0.5)
    hear(tmp_path, 31, 200, 0.0, 0.5, rate=8.0)
    guard.observe(batch(32), {})
    assert guard.test.alarms == ["gap", "speaking_rate up"]
    # The hack is in rollouts of step 11: it is the checkpoint of step 10 that spoke them, and step 10's are step 9's.
    assert (alarm(tmp_path)["claim"], alarm(tmp_path)["since"]) == ("gap", 9)
    assert chosen_step(str(tmp_path), "best") == 5
    with pytest.raises(RuntimeError, match=r"speaking_rate has risen .* after step 29, the last good .* is step 5"):
        observer(tmp_path).observe(batch(32), {})  # all of it at once, and now to stop
    assert (alarm(tmp_path)["since"], alarm(tmp_path)["action"], alarm(tmp_path)["last_good"]) == (9, "stop", 5)


def test_a_row_in_the_middle_of_a_step_vouches_for_nothing(tmp_path: Path):
    """Evidence at the ends of steps 5 to 8, none for one row of step 9."""
    save_steps(tmp_path, *range(1, 10))
    guard, evidence = observer(tmp_path), []
    hear(tmp_path, 1, 12, 0.3, 0.3)
    for step, count, reward, other in (
        (4, 1, 0.3, 0.3),
        (5, 2, 0.0, 0.5),
        (6, 1, 0.0, 0.5),
        (7, 1, 0.3, 0.3),
        (8, 1, 0.0, 0.5),
        (9, 1, 0.3, 0.0),
    ):
        hear(tmp_path, step, count, reward, other)
        guard.observe(batch(step + 1), {})
        evidence.append(guard.test.evidence["gap"])
    assert [found > 0 for found in evidence] == [False, True, True, True, True, False]
    hear(tmp_path, 9, 200, 0.0, 0.5)
    with pytest.raises(RuntimeError, match=r"began after step 3, the last good checkpoint is step 3"):
        guard.observe(batch(10), {})


@pytest.mark.parametrize(
    ("bad", "now", "since", "good"),
    [(11, 12, 9, 5), (12, 13, 10, 10), (15, 11, 10, 10)],
    ids=["of_the_checkpoint_itself", "of_the_resumed_run", "of_what_was_lost"],
)
def test_steps_that_a_resumed_run_has_lost_are_not_good(tmp_path: Path, bad: int, now: int, since: int, good: int):
    """Saved at 5 and 10, killed in 15 or 16, step 14's rollouts were good; those that show the hack are of the steps
    after the resumption, the first of them of step 10's weights, or were heard late."""
    save_steps(tmp_path, 5, 10)
    before = observer(tmp_path)
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 14, 4, 0.3, 0.3)
    before.observe(batch(15), {})
    again = observer(tmp_path)
    hear(tmp_path, bad, 200, 0.0, 0.5)
    with pytest.raises(RuntimeError, match=rf"began after step {since}, the last good checkpoint is step {good};"):
        again.observe(batch(now), {})


def test_a_warning_is_given_once_and_the_run_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    guard = observer(tmp_path, "warn")
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 3, 200, 0.0, 0.5)
    with caplog.at_level(logging.WARNING):
        for step in (4, 5):
            guard.observe(batch(step), {})
    assert sum(record.getMessage().startswith("guard: ") for record in caplog.records) == 1


def test_an_unknown_action_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="warn, stop or null, got 'halt'"):
        observer(tmp_path, "halt")
