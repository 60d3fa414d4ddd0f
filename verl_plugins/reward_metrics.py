"""What a user sees of the reward while training: a batch's terms and sound as metrics, and a warning when they drift.

verl 0.9.1 logs the score alone in training (its validation logs what else the reward function returns). The replay
buffer (verl_plugins/replay_sampler.py) hands every batch's `reward_extra_info` to this module.
"""

import json
import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger(__name__)
SPREAD_BELOW = 1e-9  # of the scores of a group: then none of its rollouts can be preferred
_SOUND_NEEDS = ("no_speech", "bad_speech")  # rows with one of these have no sound
_NOT_SOUND = ("score", "error_rate", "gate", "num_tokens", "stray_text", *_SOUND_NEEDS)


def batch_metrics(
    infos: Sequence[Mapping[str, Any]],
    groups: Sequence[str],
    step_seconds: float,
    lengths: Sequence[int],
    max_response_length: int,
) -> dict[str, float]:
    """Metrics of one batch of rollouts.

    Args:
        infos: what the reward function returned for each, numbers and other things.
        groups: of each, its prompt.
        step_seconds: since the last batch, for the reward server's share.
        lengths: of each response, in tokens.
        max_response_length: data.max_response_length, where a rollout is cut off.

    Returns:
        reward/NAME/{mean,std,min,max} of every number; of what is measured on a wave (duration, speaking rate, scorers)
        over the rows that have one. reward/groups_without_spread: share of groups whose scores are all the same.
        reward/clipped_ratio: share of the responses that are as long as a response may be (verl 0.9.1's
        response_length/clip_ratio is the share of those as long as the longest of the batch).
        reward/over_length_ratio: share of the rollouts that the term over_length punishes, where the recipe has it.
        reward/server/seconds/{mean,max} of a request, reward/server/attempts/max of one (above 1 with a warning), and
        reward/server/share_of_step: how long at least one was under way.
    """
    metrics: dict[str, float] = {}
    for name in sorted({key for info in infos for key, value in info.items() if _is_number(value)}):
        sound = name not in _NOT_SOUND and not name.startswith("term_")
        values = [info[name] for info in infos if name in info and not (sound and any(info[k] for k in _SOUND_NEEDS))]
        if values:
            parts = {"mean": np.mean(values), "std": np.std(values), "min": min(values), "max": max(values)}
            metrics |= {f"reward/{name}/{part}": float(value) for part, value in parts.items()}
    scores = defaultdict(list)
    for info, group in zip(infos, groups, strict=True):
        scores[group].append(info["score"])
    flat = [max(group) - min(group) < SPREAD_BELOW for group in scores.values()]
    metrics["reward/groups_without_spread"] = float(np.mean(flat))
    metrics["reward/clipped_ratio"] = float(np.mean([length >= max_response_length for length in lengths]))
    if punished := [i["term_over_length"] < 0 and not i["no_speech"] for i in infos if "term_over_length" in i]:
        metrics["reward/over_length_ratio"] = float(np.mean(punished))
    spans = [tuple(map(float, info["server_span"].split())) for info in infos if info["server_span"]]
    if spans:
        seconds, attempts = [end - begin for begin, end, _ in spans], [count for *_, count in spans]
        metrics |= {"reward/server/seconds/mean": float(np.mean(seconds)), "reward/server/seconds/max": max(seconds)}
        metrics["reward/server/attempts/max"] = max(attempts)
        if max(attempts) > 1:
            log.warning(
                "%d of %d rollouts were sent to the reward server more than once, one of them %d times: it is "
                "overloaded, restarts or is hard to reach (recipe.server.deadline_s, its log)",
                *(sum(count > 1 for count in attempts), len(attempts), max(attempts)),
            )
        under_way = union([(begin, end) for begin, end, _ in spans])
        metrics["reward/server/share_of_step"] = min(1.0, under_way / step_seconds) if step_seconds > 0 else 0.0
    return metrics


def union(spans: Sequence[tuple[float, float]]) -> float:
    """Length of what the spans (begin, end) cover together.

    >>> union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    covered, reached = 0.0, -math.inf
    for begin, end in sorted(spans):
        covered += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return covered


class Drift:
    """Warns of reward hacking: a measure that leaves the starting model's by more than its share, several steps on end.

    Args:
        limits: {number of the reward function: largest relative change of its mean}, such as {"log_f0_std": 0.1}.
        patience: steps on end.
        file: keeps the starting model's means, so that a resumed run compares with the same.
    """

    def __init__(self, limits: Mapping[str, float], patience: int, file: str | Path):
        self.limits, self.patience, self.file = dict(limits), patience, Path(file)
        self.beyond: dict[str, int] = dict.fromkeys(limits, 0)
        self.start = json.loads(self.file.read_text()) if self.file.exists() else {}

    def check(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """{reward/NAME/drift: relative change of the mean}; a warning in the log where it has been too large."""
        found = {}
        for name, limit in self.limits.items():
            now = metrics.get(f"reward/{name}/mean")
            if now is None:
                continue
            if name not in self.start:
                self._begin(name, now)
            drift = now / self.start[name] - 1.0 if self.start[name] else 0.0
            found[f"reward/{name}/drift"] = drift
            self.beyond[name] = self.beyond[name] + 1 if abs(drift) > limit else 0
            if self.beyond[name] >= self.patience:
                log.warning(
                    "sign of reward hacking: %s is %.4g, %+.0f %% of the starting model's %.4g (limit %.0f %%), for %d "
                    "steps. Listen to rollouts; a term or a gate on it may be missing in recipe.reward",
                    *(name, now, 100 * drift, self.start[name], 100 * limit, self.beyond[name]),
                )
        return found

    def _begin(self, name: str, mean: float) -> None:
        self.start[name] = mean
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_name(self.file.name + ".tmp")
        temporary.write_text(json.dumps(self.start))
        temporary.replace(self.file)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
