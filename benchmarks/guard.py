"""The guard on runs resampled from recorded rollouts: false alarms of clean runs, steps until the alarm of hacked ones.

    .venv/bin/python -m benchmarks.guard ROWS.jsonl [RUNS] [guard.rows=16 ...]      # of benchmarks.guard_record

A clean run of `_STEPS` steps draws each rollout from SFT's recorded ones, or, with a share that rises to 1 over the
first 20 steps, from the GRPO model's. A hacked run draws, from step `_BEGINS` on, with a share that rises to 1 within
10 steps, from the rollouts of a policy that has learned the hack. Where the hack is an ear that is deaf to it, the
reward's ASR hears the plain rollout of the same text. What is simulated is how fast a policy takes up a hack; what
both ASRs hear is recorded.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from speech.files import read_jsonl
from stages.config import compose_stage
from verl_plugins.evidence import Guard, Heard

_STEPS, _BEGINS, _LEARNS, _TAKEN = 40, 10, 20, 10
_TEXTS = 32  # of a step, each heard once at most


@dataclass(frozen=True)
class Hack:
    """`kind` of the recorded rows, in words; `deaf`: the reward's ASR does not hear it."""

    kind: str
    says: str
    deaf: bool


HACKS = [
    Hack("shi.plain", "deaf to one syllable: shi (十) said as si, in 55 % of the texts", True),
    Hack("tian.plain", "deaf to one syllable: tian (天) said as dian, in 24 % of the texts", True),
    Hack("GRPO.tones", "deaf to tones: pitch upside down", True),
    Hack("GRPO.flat", "flat pitch pays: a quarter of its spread", False),
    Hack("GRPO.loud", "loudness pays: 6 dB more", False),
    Hack("GRPO.slow", "slowness pays: 1.5 times as long", False),
]


class Rows:
    """The recorded rows by kind, and the hacked one of each text."""

    def __init__(self, path: str):
        self.by_kind = defaultdict(list)
        for row in read_jsonl(path):
            self.by_kind[row["kind"]].append(row)
        self.plain = {row["text"]: row for row in self.by_kind["GRPO.plain"]}

    def share(self, hack: Hack) -> float:
        """Of the texts, those that a hack can be heard in: all, or those with a syllable."""
        if hack.kind.startswith("GRPO."):
            return 1.0
        sign = {"shi.plain": "十", "tian.plain": "天"}[hack.kind]
        return fmean(sign in text for text in self.plain)

    def run(self, drawn: random.Random, steps: int, first: int, rows: int, hack: Hack | None) -> Iterator[list[Heard]]:
        """What is heard of each step: `first` rollouts in all at the beginning, then `rows` of each step."""
        left = first
        for step in range(1, steps + 1):
            count, left = max(rows, min(left, _TEXTS)), max(0, left - _TEXTS)
            taken = min(1.0, max(0.0, (step - _BEGINS) / _TAKEN)) if hack else 0.0
            yield [self._one(drawn, min(1.0, step / _LEARNS), taken, hack) for _ in range(count)]

    def _one(self, drawn: random.Random, learned: float, taken: float, hack: Hack | None) -> Heard:
        row = drawn.choice(self.by_kind["GRPO.plain" if drawn.random() < learned else "SFT.plain"])
        reward = row["reward"]
        if hack and drawn.random() < taken * self.share(hack):
            row = drawn.choice(self.by_kind[hack.kind])
            reward = self.plain[row["text"]]["reward"] if hack.deaf else row["reward"]
        names = ("log_f0_std", "speaking_rate", "silence_ratio", "amplitude")
        return Heard(reward, row["other"], {name: row[name] for name in names})


def guarded(
    rows: Rows, cfg: Any, seed: int, steps: int, hack: Hack | None
) -> tuple[int | None, list[str], list[float], dict]:
    """(step of the alarm or None, its claims, what the other ASR hears of each step, the largest evidence)."""
    test = Guard(**{name: cfg[name] for name in ("alpha", "baseline", "kept", "margin", "cap", "drift")})
    errors, alarm, claims, most = [], None, [], defaultdict(float)
    for step, heard in enumerate(rows.run(random.Random(seed), steps, cfg.baseline, cfg.rows, hack), 1):
        for one in heard:
            test.see(one)
        errors.append(fmean(one.other for one in heard))
        most |= {name: max(most[name], found) for name, found in test.evidence.items()}
        if alarm is None and test.alarms:
            alarm, claims = step, list(test.alarms)
    return alarm, claims, errors, dict(most)


def main() -> None:
    path, *given = sys.argv[1:]
    runs = int(given.pop(0)) if given and given[0].isdigit() else 200
    cfg, rows = compose_stage("tiny_mandarin", "grpo", tuple(given)).guard, Rows(path)
    print(
        "| run | alarms | steps of the hack until the alarm: median, most | claim | error, other ASR | unguarded end |"
    )
    print("|---|---|---|---|---|---|")
    for steps, count in ((_STEPS, runs), (10 * _STEPS, max(1, runs // 10))):
        alarms = [guarded(rows, cfg, seed, steps, None) for seed in range(count)]
        false = sum(alarm is not None for alarm, *_ in alarms)
        end = fmean(fmean(errors[-5:]) for _, _, errors, _ in alarms)
        print(f"| clean, {steps} steps | {false} of {count} | - | - | - | {end:.3f} |", flush=True)
    for hack in HACKS:
        if not rows.by_kind[hack.kind]:
            continue
        found = [guarded(rows, cfg, seed, 2 * _STEPS, hack) for seed in range(runs // 4)]
        late = [alarm - _BEGINS for alarm, *_ in found if alarm is not None]
        claims = sorted({name for _, names, _, _ in found for name in names})
        at = [fmean(errors[max(0, alarm - 3) : alarm]) for alarm, _, errors, _ in found if alarm is not None]
        when = f"{median(late):g}, {max(late)}" if late else "none in 70"
        stopped, end = f"{fmean(at):.3f}" if at else "-", fmean(fmean(e[-5:]) for _, _, e, _ in found)
        told = ", ".join(claims)
        print(f"| {hack.says} | {len(late)} of {len(found)} | {when} | {told} | {stopped} | {end:.3f} |", flush=True)


if __name__ == "__main__":
    main()
