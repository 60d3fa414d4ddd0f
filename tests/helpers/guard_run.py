"""A run for the guard's observer: rollouts to ask for, and lines of the hearing as infer/guard.py writes them."""

import json
from pathlib import Path

from verl_plugins.guard import GuardObserver
from verl_plugins.reward_metrics import Batch

SETTINGS = {"rows": 3, "baseline": 12, "alpha": 0.05, "kept": 0.5, "margin": 0.01, "cap": 0.5, "held_out": 2}
SETTINGS |= {"drift": {"speaking_rate": 0.1}, "behind": 4}


def observer(tmp_path: Path, action: str | None = "stop", **changed) -> GuardObserver:
    """Of a run in this folder, with SETTINGS but for what is changed."""
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
    """What the observer has asked for."""
    return [json.loads(line) for line in (tmp_path / "guard/asked.jsonl").read_text().splitlines()]


def hear(tmp_path: Path, step: int, count: int, reward: float, other: float, rate: float = 4.0) -> None:
    with open(tmp_path / "guard/heard.jsonl", "a") as file:
        for i in range(count):
            row = {"id": f"{step}.rollout.{i}", "kind": "rollout", "step": step, "reward": reward, "other": other}
            file.write(json.dumps(row | {"sound": {"speaking_rate": rate}}) + "\n")
