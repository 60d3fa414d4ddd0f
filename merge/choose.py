"""Which checkpoint of a GRPO run is merged, by what the guard heard of it (docs/training.md, "The guard").

In the run's folder `guard`: alarm.json of verl_plugins/guard.py ({"action", "since", "last_good", "why"}),
held_out.json of infer/guard.py ({"steps": {step: {"error", "texts"}}}). What is chosen so must still be there: see
`kept_steps`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class NoChoice(ValueError):
    """There is nothing to choose by; the message says what to do."""


def saved_steps(grpo_dir: str | Path) -> list[int]:
    """Steps whose checkpoint verl has finished and not taken away since, ascending: of one that is rotated out
    (max_actor_ckpt_to_keep) an empty folder is left."""
    root, tracker = Path(grpo_dir), Path(grpo_dir) / "latest_checkpointed_iteration.txt"
    if not tracker.is_file():
        return []
    last = int(tracker.read_text())
    found = [int(p.parents[1].name.rpartition("_")[2]) for p in root.glob("global_step_*/actor/fsdp_config.json")]
    return sorted(step for step in found if step <= last)


def kept_steps(grpo_dir: str | Path) -> set[int]:
    """Steps that somebody may go back to, so that no rotation takes them away: the guard's last good one, and the best
    one by stage `checkpoints`, whose best.json lies beside the run's folder (recipes/common/checkpoints.yaml)."""
    good = _read(Path(grpo_dir) / "guard/alarm.json").get("last_good")
    ranking = _read(Path(grpo_dir).parent / "checkpoints/best.json").get("ranking", [])
    best = before_alarm(grpo_dir, [row["step"] for row in ranking])[:1]
    return {step for step in (good, *best) if step is not None}


def before_alarm(grpo_dir: str | Path, steps: Sequence[int]) -> list[int]:
    """Those of the steps that spoke before the evidence of the guard's alarm rose, in their order; without one all."""
    since = _read(Path(grpo_dir) / "guard/alarm.json").get("since")
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
        print(f"left out, from behind the alarm of the guard ({grpo_dir}/guard/alarm.json): steps {behind}", flush=True)
    return good


def chosen_step(grpo_dir: str, step: int | str | None) -> int | None:
    """The step to merge, None for the newest complete one.

    Args:
        grpo_dir: of the run.
        step: a number; "best": the one of least error on held-out texts by the guard's ASR, of those that are saved,
            spoke before the evidence of an alarm rose and were heard on as many texts as any other; None: the newest,
            or, of a run that the guard has stopped, the last good one.

    Raises:
        NoChoice: nothing was heard of any saved checkpoint, or none is older than what the guard stopped for.
    """
    folder = Path(grpo_dir) / "guard"
    alarm = _read(folder / "alarm.json")
    stopped = alarm if alarm.get("action") == "stop" else {}
    if step == "best":
        saved = saved_steps(grpo_dir)
        heard = {int(number): one for number, one in _read(folder / "held_out.json").get("steps", {}).items()}
        good = _told_before_alarm(grpo_dir, [number for number in saved if number in heard])
        if not good:
            raise NoChoice(
                f"merge.step=best: of the saved checkpoints {saved} none was heard on held-out texts (heard: "
                f"{sorted(heard)}). Validate at the steps that are saved (trainer.test_freq) with "
                "guard.action=warn, or name merge.step=N"
            )
        return _least_error({number: heard[number] for number in good})
    if step is None and stopped:
        if stopped["last_good"] is None:
            raise NoChoice(f"{stopped['why']}; no checkpoint is older. To take one nevertheless: merge.step=N")
        print(f"step {stopped['last_good']}, the last good one. {stopped['why']}", flush=True)
        return stopped["last_good"]
    return step


def _least_error(heard: dict[int, dict[str, Any]]) -> int:
    """Of the steps of held_out.json whose texts were all heard: a few easy texts make no good model."""
    most = max(one["texts"] for one in heard.values())
    whole = {number: one["error"] for number, one in sorted(heard.items()) if one["texts"] == most}
    partly = [f"step {number} ({one['texts']})" for number, one in sorted(heard.items()) if one["texts"] < most]
    best = min(whole, key=lambda number: (whole[number], number))
    shown = ", ".join(f"{number}: {error:.4f}" for number, error in whole.items())
    print(f"step {best}: the least error on {most} held-out texts by the guard's ASR, of {shown}", flush=True)
    if partly:
        print(f"left out, heard on fewer of these texts: {', '.join(partly)}", flush=True)
    return best


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
