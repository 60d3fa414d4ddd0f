"""The guard's observer with the files of a run; the hearing's lines are written here as infer/guard.py writes them."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from merge.choose import chosen_step
from speech.files import append_jsonl
from tests.helpers.saved_steps import save_steps
from verl_plugins.guard import GuardObserver, draw
from verl_plugins.reward_metrics import Batch

SETTINGS = {"rows": 3, "baseline": 12, "alpha": 0.05, "kept": 0.5, "margin": 0.01, "cap": 0.5, "held_out": 2}
SETTINGS |= {"drift": {"speaking_rate": 0.1}, "behind": 4}


def observer(tmp_path: Path, action: str | None = "stop", **changed) -> GuardObserver:
    return GuardObserver(tmp_path, SETTINGS | {"action": action} | changed)


def batch(step: int, prompts: int = 6, bad: int | None = None, silent: int = 0) -> Batch:
    """Two rollouts of each prompt; those of prompt `bad` are bad speech, the first `silent` prompts say nothing."""
    infos, groups = [], []
    for prompt in range(prompts):
        for sample in range(2):
            wrong = float(prompt == bad)
            infos.append({"text": f"text {prompt}", "language": "zh", "voice": "", "transcript": f"heard {prompt}"})
            infos[-1] |= {"speech_tokens": f"{prompt} {sample} 7" * (prompt >= silent), "bad_speech": wrong}
            groups.append(f"uid{prompt}")
    return Batch(step, infos, groups, [3] * len(infos), 1.0)


def asked(tmp_path: Path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "guard/asked.jsonl").read_text().splitlines()]


def hear(tmp_path: Path, step: int, count: int, reward: float, other: float, rate: float = 4.0) -> None:
    with open(tmp_path / "guard/heard.jsonl", "a") as file:
        for i in range(count):
            row = {"id": f"{step}.rollout.{i}", "kind": "rollout", "step": step, "reward": reward, "other": other}
            file.write(json.dumps(row | {"sound": {"speaking_rate": rate}}) + "\n")


def test_each_step_asks_for_rollouts_of_different_texts(tmp_path: Path):
    guard = observer(tmp_path)
    for step in (1, 2, 3):
        guard.observe(batch(step, bad=0), {})
    rows = asked(tmp_path)
    counts = [sum(row["step"] == step for row in rows) for step in (1, 2, 3)]
    assert counts == [5, 5, 3]  # as fast as there are texts until the baseline of 12 is asked for, then 3 of each
    assert all(len({row["text"] for row in rows if row["step"] == step}) == counts[step - 1] for step in (1, 2, 3))
    assert "text 0" not in {row["text"] for row in rows}
    assert rows[0]["tokens"][2] == 7 and rows[0]["voice"] is None


def test_with_dynamic_sampling_rollouts_are_of_all_groups_that_came(tmp_path: Path):
    """Of 6 prompts the first two stay in the batch."""
    whole = batch(1)
    came = {f"uid{n}": whole.infos[2 * n : 2 * n + 2] for n in range(6)}
    observer(tmp_path).observe(replace(whole, infos=whole.infos[:4], groups=whole.groups[:4], came=came), {})
    assert sorted(row["text"] for row in asked(tmp_path)) == [f"text {n}" for n in range(6)]


def test_held_out_texts_are_the_same_in_each_validation(tmp_path: Path):
    guard = observer(tmp_path)
    for step in (0, 10):
        guard.held_out(batch(step))
    rows = asked(tmp_path)
    assert [row["kind"] for row in rows] == ["held_out"] * 4
    assert [row["text"] for row in rows[:2]] == [row["text"] for row in rows[2:]]


def test_held_out_texts_are_the_same_where_a_checkpoint_says_nothing(tmp_path: Path):
    guard = observer(tmp_path, held_out=4)
    for step, wrong in ((0, {}), (10, {"silent": 4}), (20, {"bad": 5})):
        guard.held_out(batch(step, **wrong))
    rows = asked(tmp_path)
    assert [row["text"] for row in rows] == ["text 3", "text 0", "text 5", "text 1"] * 3
    assert [bool(row["tokens"]) for row in rows[4:]] == [False, False, True, False, True, True, False, True]


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


def test_a_resumed_run_adds_no_point_to_the_curves(tmp_path: Path):
    guard, curves = observer(tmp_path), tmp_path / "guard/curves.jsonl"
    hear(tmp_path, 1, 12, 0.3, 0.3)
    guard.observe(batch(2), {})
    hear(tmp_path, 2, 3, 0.2, 0.2)
    guard.observe(batch(3), {})
    before = curves.read_text()
    assert before.count("\n") == 2
    again = observer(tmp_path)
    assert len(again.test.first) == 12
    assert curves.read_text() == before


def test_a_row_that_was_heard_late_takes_no_life_back_to_its_step(tmp_path: Path):
    """Memory was short for one of step 2, and those of 3 to 9 were heard meanwhile."""
    guard = observer(tmp_path)
    hear(tmp_path, 1, 12, 0.3, 0.3)
    guard.observe(batch(2), {})
    with open(tmp_path / "guard/heard.jsonl", "a") as file:
        for number, step in enumerate((9, 2)):
            row = {"id": f"17.{number}", "kind": "rollout", "step": step, "reward": 0.3, "other": 0.3}
            file.write(json.dumps(row | {"sound": {"speaking_rate": 4.0}}) + "\n")
    guard.observe(batch(10), {})
    assert json.loads((tmp_path / "guard/curves.jsonl").read_text().splitlines()[-1])["step"] == 9
    assert json.loads((tmp_path / "guard/calm.json").read_text()) == {"step": 8}


def test_the_picture_is_of_the_last_life_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn, plot = {}, Axes.plot

    def recorded(axes, x, y, label):
        drawn[label] = list(zip(x, y, strict=True))
        return plot(axes, x, y, label=label)

    monkeypatch.setattr(Axes, "plot", recorded)
    lines = [{"step": s, "needed": 3.0, "guard/reward_error": e} for s, e in ((4, 0.5), (5, 0.4), (6, 0.3), (5, 0.6))]
    (tmp_path / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    draw(tmp_path)
    assert drawn == {"reward_error": [(4, 0.5), (5, 0.6)]}


def test_a_warning_is_given_once_and_the_run_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    guard = observer(tmp_path, "warn")
    hear(tmp_path, 1, 12, 0.3, 0.3)
    hear(tmp_path, 3, 200, 0.0, 0.5)
    with caplog.at_level(logging.WARNING):
        for step in (4, 5):
            guard.observe(batch(step), {})
    assert sum(record.getMessage().startswith("guard: ") for record in caplog.records) == 1


def answer(tmp_path: Path, rows: list[dict], **more) -> None:
    lines = [{key: row[key] for key in ("id", "step", "kind")} | more for row in rows]
    append_jsonl(tmp_path / "guard/heard.jsonl", lines)


def test_a_guard_that_is_late_says_so_and_asks_for_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Five steps late is more than four, and said at once; then each fourth step."""
    guard, sound = observer(tmp_path), {"reward": 0.3, "other": 0.3, "sound": {"speaking_rate": 4.0}}
    found = [guard.observe(batch(step), {}) for step in range(1, 51)]
    assert [row["step"] for row in asked(tmp_path)] == [1] * 6 + [2] * 6 + [3] * 3 + [4] * 3
    assert [one["guard/behind"] for one in found] == list(range(1, 51))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 12 and told[0].startswith("the guard is 5 steps late, its last rollout is of step 0: it asks")
    answer(tmp_path, asked(tmp_path)[:15], **sound)
    assert guard.observe(batch(51), {})["guard/behind"] == 48.0
    answer(tmp_path, asked(tmp_path)[15:], **sound)
    assert guard.observe(batch(52), {})["guard/behind"] == 1.0
    assert [row["step"] for row in asked(tmp_path)[18:]] == [52] * 3


def test_rows_that_the_ear_refuses_are_told_once_and_do_not_count(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Of a baseline of 12 that was asked for, 4 are left out: 4 more of the next step, where 3 would be usual."""
    guard = observer(tmp_path)
    for step in (1, 2):
        guard.observe(batch(step), {})
    why = "rows in language 'en' are left out: ValueError: does not know ['en']"
    answer(tmp_path, asked(tmp_path)[:4], kind="left_out", why=why)
    assert guard.observe(batch(3), {})["guard/behind"] == 3.0
    assert [row["step"] for row in asked(tmp_path)[12:]] == [3] * 4
    answer(tmp_path, asked(tmp_path)[4:], kind="left_out", why=why)
    assert guard.observe(batch(4), {})["guard/behind"] == 1.0
    assert [record.getMessage() for record in caplog.records] == [f"the guard hears nothing of {why}"]


def test_a_run_goes_on_behind_half_a_line_that_a_full_disk_left(tmp_path: Path):
    observer(tmp_path).observe(batch(1), {})
    hear(tmp_path, 1, 2, 0.3, 0.3)
    for name in ("asked.jsonl", "heard.jsonl"):
        with open(tmp_path / "guard" / name, "a") as file:
            file.write('{"id": "17')
    again = observer(tmp_path)
    again.observe(batch(2), {})
    assert [row["step"] for row in asked(tmp_path)] == [1] * 6 + [2] * 6


def test_without_a_guard_nothing_is_written(tmp_path: Path):
    guard = observer(tmp_path, None)
    guard.held_out(batch(0))
    assert guard.observe(batch(1), {}) == {}
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_action_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="warn, stop or null, got 'halt'"):
        observer(tmp_path, "halt")
