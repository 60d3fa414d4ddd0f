"""The checkpoint that is merged, by the files that the guard leaves."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from merge.choose import (
    LOSSES,
    NoChoice,
    chosen_step,
    held_out,
    kept_steps,
    last_step,
    latest,
    least_loss,
    saved_steps,
    unfinished,
)
from speech.faults import UserError
from speech.files import append_jsonl, write_jsonl
from tests.helpers.saved_steps import save_steps


@pytest.fixture
def grpo(tmp_path: Path) -> Path:
    """A run with checkpoints of steps 10, 20 and 30."""
    save_steps(tmp_path, 10, 20, 30)
    (tmp_path / "guard").mkdir()
    return tmp_path


def left(grpo: Path, heard: Sequence[dict] = (), **files: dict) -> str:
    for name, content in files.items():
        (grpo / "guard" / f"{name}.json").write_text(json.dumps(content))
    write_jsonl(grpo / "guard/heard.jsonl", heard)
    return str(grpo)


def heard(texts: int = 10, life: int = 1, **errors: float) -> list[dict]:
    """Lines of heard.jsonl that a process asked for, by `_STEP=error`."""
    rows = [(int(step[1:]), f"text {n}", error) for step, error in errors.items() for n in range(texts)]
    return [
        {"id": f"{life}.{i}", "kind": "held_out", "step": step, "text": text, "other": e, "reward": 0}
        for i, (step, text, e) in enumerate(rows)
    ]


HEARD = heard(_0=0.01, _10=0.21, _20=0.14, _30=0.12)


@pytest.mark.parametrize("asked", [None, 20])
def test_without_a_guard_the_choice_is_as_asked(grpo: Path, asked: int | None):
    assert chosen_step(str(grpo), asked) == asked


def test_best_is_the_least_error_of_the_saved_ones(grpo: Path):
    assert chosen_step(left(grpo, HEARD), "best") == 30


def test_best_passes_over_what_verl_has_taken_away_or_not_finished(grpo: Path):
    """verl rotates the actor's folder out and leaves the step's; its tracker file comes after all else."""
    shutil.rmtree(grpo / "global_step_30/actor")
    save_steps(grpo, 40)
    (grpo / "latest_checkpointed_iteration.txt").write_text("30")
    assert saved_steps(grpo) == [10, 20]
    assert chosen_step(left(grpo, HEARD + heard(_40=0.01)), "best") == 20


def test_of_an_empty_tracker_the_newest_whole_step_counts(grpo: Path):
    """verl empties it before it writes; at b75001f0 a kill or a full disk in that moment ended each run after it."""
    for step in (10, 20):  # 30 has no data.pt: verl had not come to it
        (grpo / f"global_step_{step}/data.pt").touch()
    (grpo / "latest_checkpointed_iteration.txt").write_text("")
    assert (last_step(grpo), saved_steps(grpo)) == (20, [10, 20])
    assert unfinished(grpo) == [grpo / "global_step_30"]
    for step in (10, 20):
        (grpo / f"global_step_{step}/data.pt").unlink()
    assert (last_step(grpo), saved_steps(grpo)) == (None, [])


def test_best_passes_over_what_was_heard_in_part(grpo: Path, capsys: pytest.CaptureFixture[str]):
    rows = heard(_10=0.2, _20=0.1) + heard(8, _30=0.05)
    assert chosen_step(left(grpo, rows), "best", 0.9) == 20
    told = "left out, heard on less than 90% of 10 texts that the others were heard on, too: steps 30 (8)\n"
    assert told in capsys.readouterr().out


def test_best_compares_by_the_texts_that_all_were_heard_on(grpo: Path, capsys: pytest.CaptureFixture[str]):
    """Step 10 has 0.05 on nine texts and 0.5 on a hard one, 0.095 in the mean; 20 has 0.06 on the nine. At ee8aa784 it
    was 20. Step 30, as good as any on eight of the nine and on the hard one, shares eight with the two."""
    rows = heard(_10=0.05, _20=0.06, _30=0.01)
    rows[9] |= {"other": 0.5}
    hard, of_nine = "text 9", [row for row in rows if (row["step"], row["text"]) != (20, "text 9")]
    assert of_nine[9]["text"] == hard and len(of_nine) == 29
    partly = [row for row in of_nine if (row["step"], row["text"]) != (30, "text 0")]
    assert chosen_step(left(grpo, partly), "best", 0.9) == 10
    told = capsys.readouterr().out
    assert "step 10: the least error on 9 held-out texts by the guard's ASR, of 10: 0.0500, 20: 0.0600\n" in told
    assert "steps 30 (9)" in told
    assert chosen_step(left(grpo, partly), "best", 0.8) == 30  # by eight


def test_of_a_step_the_newest_life_alone_counts(grpo: Path):
    """Step 20 came to be twice, by other weights; the second was heard on half of the texts, of which the first's are
    not the other half."""
    again = heard(life=2, _10=0.2) + heard(5, life=2, _20=0.0)
    rows = heard(_10=0.3, _20=0.1)
    assert chosen_step(left(grpo, rows), "best", 0.9) == 20
    assert chosen_step(left(grpo, again + rows), "best", 0.9) == 10
    assert chosen_step(left(grpo, rows + again + heard(life=2, _20=0.1)), "best", 0.9) == 20


@pytest.mark.parametrize(("kind", "step", "best"), [("rollout", 21, 20), ("rollout", 20, 10), ("left_out", 20, 20)])
def test_of_the_step_that_was_loaded_what_was_heard_before_counts_too(grpo: Path, kind: str, step: int, best: int):
    """It was heard on ten texts, and in the next process, before that trained, on two. A process with a rollout of this
    step has trained it itself."""
    rows = heard(_10=0.2, _20=0.1) + heard(2, life=2, _20=0.1)
    row = {"id": "2.2", "kind": kind, "step": step, "other": 0, "reward": 0}
    assert chosen_step(left(grpo, [*rows, row]), "best", 0.9) == best
    assert kept_steps(grpo) == {best}


def test_best_of_a_run_that_was_heard_before_7416dde(grpo: Path):
    """It was resumed from step 10, whose validation held_out.json counts twice, and a text of which nothing was said
    was not heard: 20, 9 and 9 texts."""
    rows = heard(_10=0.3) + heard(_10=0.3) + heard(9, _20=0.12, _30=0.1)
    counted = {"10": {"error": 0.3, "texts": 20}, "20": {"error": 0.12, "texts": 9}, "30": {"error": 0.1, "texts": 9}}
    assert chosen_step(left(grpo, rows, held_out={"steps": counted}), "best", 0.9) == 30


def test_means_of_held_out_texts_are_by_step():
    """A run that was resumed from step 10 has heard its two texts again."""
    first = ((1, 10, "a", 0.9, 0), (1, 10, "b", 0.4, 0.5), (1, 20, "a", 1, 1))
    again = ((2, 10, "a", 0.2, 0), (2, 10, "b", 0.4, 0.5))
    rows = [
        {"id": f"{life}.0", "kind": "held_out", "step": step, "text": text, "other": other, "reward": reward}
        for life, step, text, other, reward in (*first, *again)
    ]
    found = held_out([*rows, rows[0] | {"kind": "rollout", "id": "2.1"}])["steps"]
    assert found["10"] == pytest.approx({"error": 0.3, "standard_error": 0.1, "texts": 2, "reward_error": 0.25})
    assert found["20"] == {"error": 1, "standard_error": None, "texts": 1, "reward_error": 1}


def test_best_passes_over_what_came_after_the_alarm_began(grpo: Path):
    alarm = {"action": "warn", "since": 24, "last_good": 20, "why": "guard: x"}
    assert chosen_step(left(grpo, HEARD, alarm=alarm), "best") == 20


def test_best_of_nothing_heard_says_what_to_do(grpo: Path):
    with pytest.raises(NoChoice, match=r"saved checkpoints \[10, 20, 30\] none was heard.*trainer\.test_freq"):
        chosen_step(str(grpo), "best")


def test_a_stopped_run_goes_back_to_its_last_good_checkpoint(grpo: Path):
    alarm = {"action": "stop", "since": 14, "last_good": 10, "why": "guard: x"}
    assert chosen_step(left(grpo, alarm=alarm), None) == 10


def test_a_run_that_was_only_warned_keeps_its_newest(grpo: Path):
    alarm = {"action": "warn", "since": 14, "last_good": 10, "why": "guard: x"}
    assert chosen_step(left(grpo, alarm=alarm), None) is None


def test_a_stopped_run_without_a_good_checkpoint_merges_none(grpo: Path):
    alarm = {"action": "stop", "since": 3, "last_good": None, "why": "guard: pitch fell"}
    with pytest.raises(NoChoice, match=r"guard: pitch fell; no checkpoint is older.*merge\.step=N"):
        chosen_step(left(grpo, alarm=alarm), None)
    assert chosen_step(str(grpo), 30) == 30


def test_of_an_sft_the_saved_step_of_least_loss_is_the_best(tmp_path):
    assert least_loss(tmp_path) is None
    save_steps(tmp_path, 10, 20, 30, part="")
    assert least_loss(tmp_path) is None  # nothing was validated
    losses = {5: 0.1, 10: 1.5, 20: 1.0, 30: 1.0, 40: 0.5}  # 5 is not saved, 40 is not whole
    append_jsonl(tmp_path / LOSSES, [{"step": step, "loss": loss} for step, loss in losses.items()])
    assert least_loss(tmp_path) == 20  # the first of equals
    append_jsonl(tmp_path / LOSSES, [{"step": 20, "loss": 1.2}])  # after an interruption
    assert least_loss(tmp_path) == 30


def test_what_verl_goes_on_with_must_be_there(tmp_path):
    """verl says nothing, and begins again."""
    assert latest(tmp_path) is None
    save_steps(tmp_path, 10)
    assert latest(tmp_path) == tmp_path / "global_step_10"
    shutil.rmtree(tmp_path / "global_step_10")
    for step in (20, 30):
        (tmp_path / f"global_step_{step}").mkdir()
    (tmp_path / "global_step_20/data_0.pt").touch()
    with pytest.raises(UserError, match=r"names global_step_10, which is not there.* \(whole are \[20\]\)"):
        latest(tmp_path)
