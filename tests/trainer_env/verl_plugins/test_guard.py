"""What the guard's observer asks for and what it takes of the hearing, with the files of a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from speech.files import append_jsonl
from tests.helpers.guard_run import asked, batch, hear, observer
from verl_plugins.guard import draw


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
