"""What a run left, for the page: the evaluation's utterances side by side, the training's curves, rollouts to hear."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.records import read_utterances
from infer.reward_curve import Curve, read_log

CURVES = {  # title: metrics of verl's log, those that are there are drawn
    "reward and error": ("critic/score/mean", "reward/error_rate/mean"),
    "F0 spread, speaking rate, silence": (
        "reward/log_f0_std/mean",
        "reward/speaking_rate/mean",
        "reward/silence_ratio/mean",
    ),
}


@dataclass(frozen=True)
class Comparison:
    """One text by two systems.

    Attributes:
        index, text: of the evaluation.
        gain: error of the baseline less that of the candidate.
        rows: {system: its line of utterances.jsonl}.
    """

    index: int
    text: str
    gain: float
    rows: dict[str, dict[str, Any]]


def kinds(row: dict[str, Any]) -> list[str]:
    """Kinds of error in one utterance, for filters."""
    return [kind for kind in ("substitutions", "deletions", "insertions") if row.get(kind)] or ["none"]


def compared(eval_dir: str, decoding: str, baseline: str, candidate: str) -> list[Comparison]:
    """All texts that both spoke, the largest gain or loss first. Empty where nothing was evaluated yet."""
    path = Path(eval_dir, "utterances.jsonl")
    if not path.is_file():
        return []
    found: dict[int, dict[str, dict]] = {}
    head = "error_rate"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["decoding"] == decoding and row["system"] in (baseline, candidate) and row["sample"] == 0:
            found.setdefault(row["index"], {})[row["system"]] = row
            head = "pinyin_error" if row.get("pinyin_error") is not None else head
    both = {index: rows for index, rows in found.items() if {baseline, candidate} <= rows.keys()}
    result = [
        Comparison(index, rows[baseline]["text"], rows[baseline][head] - rows[candidate][head], rows)
        for index, rows in both.items()
    ]
    return sorted(result, key=lambda one: (-abs(one.gain), one.index))


def spoken_tokens(eval_dir: str, system: str, decoding: str, language: str) -> dict[int, Any]:
    """{text index: utterance} of the first samples of an evaluated system, for waves that were not kept."""
    path = Path(eval_dir, "tokens", f"{system}.{decoding}.jsonl")
    if not path.is_file():
        return {}
    return {u.index: u for u in read_utterances(str(path), language) if u.sample == 0}


def curves(log: str) -> dict[str, dict[str, Curve]]:
    """{title: {metric: curve}} of a training's log, as far as it has come."""
    path = Path(log)
    if not path.is_file():
        return {}
    found = {title: {key: read_log(path, key) for key in keys} for title, keys in CURVES.items()}
    return {
        title: {key: curve for key, curve in several.items() if curve}
        for title, several in found.items()
        if any(several.values())
    }


def rollouts(folder: str) -> list[dict[str, Any]]:
    """Rollouts that were written to be heard (trainer.v1.sampler.sampler_kwargs.audio), the newest first."""
    path = Path(folder, "rollouts.jsonl")
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return rows[::-1]
