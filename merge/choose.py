"""Which checkpoint of a GRPO run is merged, by what the guard heard of it (docs/training.md, "The guard"), and which of
an SFT by verl is exported, by its loss on held-out rows.

In `guard_folder`: alarm.json of verl_plugins/guard.py ({"action", "since", "last_good", "why"}) and its calm.json
({"step": the last one without evidence of any claim}), heard.jsonl of infer/guard.py (see `held_out`). Beside an SFT's
checkpoints: LOSSES of verl_plugins/sft_trainer.py ({"step", "loss"}, nats per labelled token). What is chosen so must
still be there: see `kept_steps`.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from speech.faults import UserError
from speech.files import growing_lines

ASKED, HEARD, HELD_OUT, ALARM, CALM = "asked.jsonl", "heard.jsonl", "held_out.json", "alarm.json", "calm.json"
LOSSES = "held_out_loss.jsonl"
TRACKER = "latest_checkpointed_iteration.txt"  # verl writes it after everything else of a checkpoint
LEFT_OUT = "left_out"  # `kind` of a row of heard.jsonl that the guard's ASR refuses, with `why`
HEARD_SHARE = 0.9  # merge.heard_share of recipes/common/merge_base.yaml, which the trainer's configuration has not
RANKING = "VERL_TTS_RANKING"  # stages/standard.yaml sets it for the trainer: best.json of stage `checkpoints`


class NoChoice(UserError):
    """There is nothing to choose by; the message says what to do."""


def guard_folder(grpo_dir: str | Path) -> Path:
    """Where the guard of the run in `grpo_dir` writes and merge reads. No setting: an alarm that one of them looks for
    in another place is lost without a word."""
    return Path(grpo_dir) / "guard"


def latest(folder: str | Path) -> Path | None:
    """The checkpoint with which verl goes on in `folder`; None where it begins. Of an empty tracker that of
    `last_step`, which stages/disk.py writes into it before the training starts.

    Raises:
        UserError: it is not there, of which verl would say nothing, and begin.
    """
    tracker = Path(folder) / TRACKER
    if not tracker.is_file():
        return None
    if (step := tracker.read_text().strip() or last_step(folder, part_of(folder))) is None:
        return None
    path = tracker.parent / f"global_step_{step}"
    if not path.is_dir():
        places = tracker.parent.glob("global_step_*/data*.pt")  # of the rows, which verl writes last
        whole = sorted({int(place.parent.name.rpartition("_")[2]) for place in places})
        raise UserError(
            f"{tracker} names {path.name}, which is not there: verl would begin again at step 0. Write the number of "
            f"another one into that file (whole are {whole}), or begin again in another folder"
        )
    return path


def saved_steps(folder: str | Path, part: str = "actor") -> list[int]:
    """Steps whose checkpoint verl has finished and not taken away since, ascending: of one that is rotated out
    (max_actor_ckpt_to_keep) an empty folder is left. `part` of verl's SFT checkpoints is ""."""
    if (last := last_step(folder, part)) is None:
        return []
    return sorted(step for path in _parts(folder, part) if (step := _step(path)) <= last)


def least_loss(folder: str | Path) -> int | None:
    """Of the saved steps of verl's SFT in `folder` the one of least loss on held-out rows, the first of equals; None
    where no saved one was validated. What was validated twice, before and after an interruption, counts as of the last
    time."""
    rows, _ = growing_lines(Path(folder) / LOSSES)
    losses = {row["step"]: row["loss"] for row in rows}
    saved = [step for step in saved_steps(folder, part="") if step in losses]
    return min(saved, key=lambda step: (losses[step], step), default=None)


def last_step(folder: str | Path, part: str = "actor") -> int | None:
    """Step of the newest checkpoint that verl has finished, by its tracker; None where there is none. verl empties that
    file before it writes it, so that a kill or a full disk in this moment leaves nothing in it: then the newest folder
    counts that has all that verl writes before."""
    tracker = Path(folder) / TRACKER
    if not tracker.is_file():
        return None
    if told := tracker.read_text().strip():
        return int(told)
    return max((_step(path) for path in _parts(folder, part) if any(path.glob("data*.pt"))), default=None)


def _parts(folder: str | Path, part: str) -> list[Path]:
    return [path for path in Path(folder).glob("global_step_*") if (path / part / "fsdp_config.json").exists()]


def part_of(folder: str | Path) -> str:
    """Where in a step's folder the weights are: "actor" of verl's GRPO, "" of its SFT."""
    return "" if _parts(folder, "") else "actor"


def unfinished(folder: str | Path) -> list[Path]:
    """Folders of checkpoints that verl began to write and did not finish: nobody reads them, nothing counts them."""
    last = last_step(folder, part_of(folder)) or 0
    folders = (path for path in Path(folder).glob("global_step_*") if path.name.rpartition("_")[2].isdecimal())
    return sorted(path for path in folders if _step(path) > last)


def _step(folder: Path) -> int:
    return int(folder.name.rpartition("_")[2])


def kept_steps(grpo_dir: str | Path) -> set[int]:
    """Steps that somebody may go back to, so that no rotation takes them away: the guard's last good one, and what an
    alarm would call so now; that of least error by the guard's ASR, of those heard on as many texts as any, and of
    those on HEARD_SHARE of them, for merge.step=best; the best one by stage `checkpoints`, whose best.json the
    environment names; without that it lies beside the run's folder."""
    folder, saved = guard_folder(grpo_dir), saved_steps(grpo_dir)
    good, calm = _read(folder / ALARM).get("last_good"), _read(folder / CALM).get("step")
    would_be = [step for step in saved if calm is not None and step <= calm][-1:]
    heard = _by_text(growing_lines(folder / HEARD)[0])
    heard = {step: heard[step] for step in before_alarm(grpo_dir, saved) if step in heard}
    by_guard = [_least(_compared(heard, share)) for share in (1.0, HEARD_SHARE)] if heard else []
    beside = Path(grpo_dir).parent / "checkpoints/best.json"
    ranking = _read(Path(os.environ.get(RANKING, beside))).get("ranking", [])
    best = before_alarm(grpo_dir, [row["step"] for row in ranking])[:1]
    return {step for step in (good, *would_be, *by_guard, *best) if step is not None}


def before_alarm(grpo_dir: str | Path, steps: Sequence[int]) -> list[int]:
    """Those of the steps that spoke before the evidence of the guard's alarm rose, in their order; without one all."""
    since = _read(guard_folder(grpo_dir) / ALARM).get("since")
    return [step for step in steps if since is None or step <= since]


def ranked_steps(grpo_dir: str | Path, ranking: str | Path) -> list[int]:
    """Steps of stage `checkpoints`' best.json, the best one first, without those from behind an alarm of the guard:
    its hacks of the sound raise no error.

    Raises:
        NoChoice: there is no other.
    """
    ranked = [row["step"] for row in _read(Path(ranking))["ranking"]]
    if later := sorted(set(saved_steps(grpo_dir)) - set(ranked)):
        print(f"not in {ranking}: saved steps {later}; stage checkpoints ranks them, too", flush=True)
    good = _told_before_alarm(grpo_dir, ranked)
    if not good:
        raise NoChoice(f"merge.step=best: {ranking} knows no others. To take one nevertheless: merge.step=N")
    return good


def _told_before_alarm(grpo_dir: str | Path, steps: Sequence[int]) -> list[int]:
    good = before_alarm(grpo_dir, steps)
    if behind := sorted(set(steps) - set(good)):
        file = guard_folder(grpo_dir) / ALARM
        print(f"left out, from behind the alarm of the guard ({file}): steps {behind}", flush=True)
    return good


def chosen_step(grpo_dir: str, step: int | str | None, heard_share: float = 1.0) -> int | None:
    """The step to merge, None for the newest complete one.

    Args:
        grpo_dir: of the run.
        step: a number; "best": the one of least error on held-out texts by the guard's ASR, of those that are saved,
            spoke before the evidence of an alarm rose and were heard on nearly as many texts as any other, by the texts
            that all of these were heard on; None: the newest, or, of a run that the guard has stopped, the last good
            one.
        heard_share: with "best": how many, of the most that one was heard on.

    Raises:
        NoChoice: nothing was heard of any saved checkpoint, or none is older than what the guard stopped for.
    """
    folder = guard_folder(grpo_dir)
    alarm = _read(folder / ALARM)
    stopped = alarm if alarm.get("action") == "stop" else {}
    if step == "best":
        saved = saved_steps(grpo_dir)
        heard = _by_text(growing_lines(folder / HEARD)[0])  # held_out.json has no texts to compare by
        good = _told_before_alarm(grpo_dir, [number for number in saved if number in heard])
        if not good:
            raise NoChoice(
                f"merge.step=best: of the saved checkpoints {saved} none was heard on held-out texts (heard: "
                f"{sorted(heard)}). Validate at the steps that are saved (trainer.test_freq) with "
                "guard.action=warn, or name merge.step=N"
            )
        return _least_error({number: heard[number] for number in good}, heard_share)
    if step is None and stopped:
        if stopped["last_good"] is None:
            raise NoChoice(f"{stopped['why']}; no checkpoint is older. To take one nevertheless: merge.step=N")
        print(f"step {stopped['last_good']}, the last good one. {stopped['why']}", flush=True)
        return stopped["last_good"]
    return step


def held_out(heard: list[dict[str, Any]]) -> dict[str, Any]:
    """{"steps": {step: {"error", "standard_error", "reward_error", "texts"}}}: means over its held-out texts."""
    steps = {}
    for step, texts in sorted(_by_text(heard).items()):
        other = [row["other"] for row in texts.values()]
        spread = stdev(other) / len(other) ** 0.5 if len(other) > 1 else None
        steps[str(step)] = {"error": fmean(other), "standard_error": spread, "texts": len(other)}
        steps[str(step)]["reward_error"] = fmean(row["reward"] for row in texts.values())
    return {"steps": steps}


def _by_text(heard: list[dict[str, Any]]) -> dict[int, dict[str, dict[str, Any]]]:
    """{step: {text: its row}} of held-out texts. A run that is resumed may come by other weights to a step that it had
    come to before: of each step the rows of the newest process count, which the id of a row begins with
    (verl_plugins/guard.py). What it validates before it trains is the step that it has loaded: texts that it did not
    come to hear are those of the process before. Rollouts of a step come before its validation."""
    lives = defaultdict[int, dict[int, dict[str, dict[str, Any]]]](lambda: defaultdict(dict))
    begun = dict[int, tuple[int, bool]]()  # the first step of each process, and whether a validation alone is of it
    for row in heard:
        if row["kind"] != LEFT_OUT:
            life, one = int(row["id"].partition(".")[0]), (row["step"], row["kind"] == "held_out")
            begun[life] = min(begun.get(life, one), one)
            if row["kind"] == "held_out":
                lives[row["step"]][life][row["text"]] = row
    found = dict[int, dict[str, dict[str, Any]]]()
    for step, of_step in lives.items():
        for life, texts in sorted(of_step.items()):
            found[step] = (found.get(step, {}) if begun[life] == (step, True) else {}) | texts
    return found


def _least_error(heard: dict[int, dict[str, dict[str, Any]]], share: float) -> int:
    errors, most = _compared(heard, share), max(map(len, heard.values()))
    best, texts = _least(errors), len(_shared(heard[step] for step in errors))
    shown = ", ".join(f"{step}: {error:.4f}" for step, error in errors.items())
    print(f"step {best}: the least error on {texts} held-out texts by the guard's ASR, of {shown}", flush=True)
    if partly := [f"{step} ({len(heard[step])})" for step in sorted(heard.keys() - errors.keys())]:
        told = f"left out, heard on less than {share:.0%} of {most} texts that the others were heard on, too"
        print(f"{told}: steps {', '.join(partly)}", flush=True)
    return best


def _compared(heard: dict[int, dict[str, dict[str, Any]]], share: float) -> dict[int, float]:
    """{step: mean error} over the texts that all of them were heard on: a text that is hard counts for each or for
    none. Those heard on few texts are left out, from the fullest on: what is shared is never less than `share` of the
    texts of the fullest, as a few easy texts make no good model."""
    steps, least = list[int](), share * max(map(len, heard.values()))
    for step in sorted(heard, key=lambda step: (-len(heard[step]), step)):
        if len(_shared(heard[one] for one in (*steps, step))) >= least:
            steps.append(step)
    texts = _shared(heard[step] for step in steps)
    return {step: fmean(heard[step][text]["other"] for text in texts) for step in sorted(steps)}


def _shared(steps: Iterable[dict[str, dict[str, Any]]]) -> set[str]:
    return set.intersection(*map(set, steps))


def _least(errors: dict[int, float]) -> int:
    return min(errors, key=lambda step: (errors[step], step))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
