"""What a user sees of the reward while training: a batch's terms and sound as metrics, and a warning when they drift.

verl 0.9.1 logs the score alone in training (its validation logs what else the reward function returns). The replay
buffer (verl_plugins/replay_sampler.py) hands every batch's `reward_extra_info` to this module.
"""

import json
import logging
import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from reward_tts.measures import Span
from speech.files import whole_file

log = logging.getLogger(__name__)
SPREAD_BELOW = 1e-9  # of the scores of a group: then none of its rollouts can be preferred
_SOUND_NEEDS = ("no_speech", "bad_speech")  # rows with one of these have no sound; nor have those with token_ear_read
_NOT_SOUND = ("score", "error_rate", "gate", "num_tokens", "stray_text", *_SOUND_NEEDS)


@dataclass(frozen=True)
class Batch:
    """What an observer sees of a batch of rollouts (verl_plugins/replay_sampler.py).

    Attributes:
        step: from 1.
        infos: what the reward function returned for each, numbers and other things.
        groups: of each, its prompt.
        lengths: of each response, in tokens.
        seconds: since the last batch.
        came: with dynamic sampling: {prompt: infos} of all groups that came in the step, whether they stayed or not.
    """

    step: int
    infos: Sequence[Mapping[str, Any]]
    groups: Sequence[str]
    lengths: Sequence[int]
    seconds: float
    came: Mapping[str, Sequence[Mapping[str, Any]]] | None = None

    def of_the_policy(self) -> tuple[list[str], list[Mapping[str, Any]]]:
        """The prompt and the infos of each rollout to judge the policy by. With dynamic sampling easy texts leave the
        batch as it learns: a mean over what stays, such as the speaking rate of two languages, moves by that alone."""
        if self.came is None:
            return list(self.groups), list(self.infos)
        pairs = [(group, info) for group, infos in self.came.items() for info in infos]
        return [group for group, _ in pairs], [info for _, info in pairs]


class BatchMetrics:
    """The observer that adds `batch_metrics`.

    Args:
        max_response_length: data.max_response_length, where a rollout is cut off.
    """

    def __init__(self, max_response_length: int):
        self.max_response_length = max_response_length

    def observe(self, batch: Batch, found: Mapping[str, float]) -> dict[str, float]:
        """Metrics of the batch; `found`: those of the observers before."""
        return batch_metrics(batch, self.max_response_length)


def batch_metrics(batch: Batch, max_response_length: int) -> dict[str, float]:
    """Metrics of one batch of rollouts.

    Returns:
        reward/NAME/{mean,std,min,max} of every number; of what is measured on a wave (duration, speaking rate, scorers)
        over the rows that have one, in the mean each audited row for those that were read like it, too: unsure rows
        are all heard, and are not like them.
        reward/error_rate/LANGUAGE/mean of each language, where the batch has several: their units differ.
        reward/groups_without_spread: share of groups whose scores are all the same.
        reward/clipped_ratio: share of the responses that are as long as a response may be (verl 0.9.1's
        response_length/clip_ratio is the share of those as long as the longest of the batch).
        reward/over_length_ratio: share of the rollouts that the term over_length punishes, where the recipe has it.
        reward/server/seconds/{mean,max} of a request, reward/server/attempts/max of one (above 1 with a warning),
        reward/server/mismatched_answers that were thrown away, and reward/server/share_of_step: how long at least one
        was under way; with dynamic sampling of all rollouts that came, not only of those that stayed.
    """
    clipped = [length >= max_response_length for length in batch.lengths]
    found = _numbers(batch.infos) | _shares(batch) | {"clipped_ratio": float(np.mean(clipped))} | _server(batch)
    return {f"reward/{name}": value for name, value in found.items()}


def _numbers(infos: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    read, heard_at_random = (sum(i.get(f"token_ear_{way}") or 0.0 for i in infos) for way in ("read", "audited"))
    audited = (read + heard_at_random) / heard_at_random if heard_at_random else 1.0
    for name in sorted({key for info in infos for key, value in info.items() if _is_number(value)}):
        sound = name not in _NOT_SOUND and not name.startswith("term_")
        of_wave = sound and not name.startswith("token_ear_")
        if of_wave and read and not heard_at_random:
            continue  # those that were heard are not like the others
        lacks = (*(_SOUND_NEEDS if sound else ()), *(("token_ear_read",) if of_wave else ()))
        rows = [i for i in infos if _is_number(i.get(name)) and not any(i.get(key) for key in lacks)]
        if values := [row[name] for row in rows]:
            stand_for = [row.get("token_ear_audited", 0.0) * (audited - 1.0) + 1.0 for row in rows]
            mean = np.average(values, weights=stand_for if of_wave else None)
            parts = {"mean": mean, "std": np.std(values), "min": min(values), "max": max(values)}
            found |= {f"{name}/{part}": float(value) for part, value in parts.items()}
    return found


def _shares(batch: Batch) -> dict[str, float]:
    """What is of some rows together: a language's, a group's, those that were too long."""
    rates, scores = defaultdict(list), defaultdict(list)
    for info, group in zip(batch.infos, batch.groups, strict=True):
        rates[info.get("language")].append(info.get("error_rate"))
        scores[group].append(info["score"])
    several = rates if len(rates) > 1 else {}
    found = {f"error_rate/{language}/mean": float(np.mean(own)) for language, own in several.items()}
    flat = [max(group) - min(group) < SPREAD_BELOW for group in scores.values()]
    found["groups_without_spread"] = float(np.mean(flat))
    punished = [
        i["term_over_length"] < 0 and not any(i.get(key) for key in _SOUND_NEEDS)
        for i in batch.infos
        if "term_over_length" in i
    ]
    return found | ({"over_length_ratio": float(np.mean(punished))} if punished else {})


def _server(batch: Batch) -> dict[str, float]:
    rows = batch.of_the_policy()[1]  # with dynamic sampling also those of groups that were thrown away
    spans = [Span.from_info(info["server_span"]) for info in rows if info["server_span"]]
    if not spans:
        return {}
    seconds, attempts = [span.end - span.begin for span in spans], [span.attempts for span in spans]
    if max(attempts) > 1:
        log.warning(
            "%d of %d rollouts were sent to the reward server more than once, one of them %d times: it "
            "restarted or is hard to reach; its log tells more",
            *(sum(count > 1 for count in attempts), len(attempts), max(attempts)),
        )
    under_way = union([(span.begin, span.end) for span in spans])
    return {
        "server/seconds/mean": float(np.mean(seconds)),
        "server/seconds/max": max(seconds),
        "server/attempts/max": float(max(attempts)),
        "server/mismatched_answers": float(sum(span.mismatches for span in spans)),
        "server/share_of_step": min(1.0, under_way / batch.seconds) if batch.seconds > 0 else 0.0,
    }


def as_if_all_were_heard(sources: Sequence[str], infos: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """A validation's rows, in which rows that the token ear read have the mean of the audited ones of their source in
    place of a measure of the wave: then the mean of all rows is that of `batch_metrics`. Where none was audited no row
    has it: those that were heard are not like the others.

    Args:
        sources: data source of each row.
        infos: {what the reward function returned: of each row, None where it has none}.
    """
    done, read, audited = dict(infos), infos.get("token_ear_read", []), infos.get("token_ear_audited", [])
    for source in {source for source, is_read in zip(sources, read, strict=False) if is_read}:
        rows = [i for i, one in enumerate(sources) if one == source]
        for name, values in infos.items():
            if any(_is_number(values[i]) for i in rows if read[i]) or not any(_is_number(values[i]) for i in rows):
                continue  # not of a wave
            heard = [values[i] for i in rows if audited[i] and _is_number(values[i])]
            mean = fmean(heard) if heard else None
            own = {i: mean if read[i] or mean is None else values[i] for i in rows}
            done[name] = [own.get(i, value) for i, value in enumerate(done[name])]
    return done


def by_language(sources: Sequence[str], infos: Mapping[str, list[Any]]) -> list[str]:
    """NAME/LANGUAGE as the source of a validation's rows, of those that are of several languages; else nothing.

    Args: see as_if_all_were_heard.
    """
    languages = infos.get("language", [])
    if len(set(languages)) < 2:
        return []
    return [f"{source}/{language}" for source, language in zip(sources, languages, strict=True)]


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
    """Warns of reward hacking: a measure whose mean over the last steps leaves that of the first ones by more than its
    share. One step is too few to compare with: its texts alone make a difference.

    Args:
        limits: {number of the reward function: largest relative change of its mean}, such as {"log_f0_std": 0.1}; of
            what does not depend on how long the texts are.
        window: steps, of the first and of the last mean.
        file: keeps the means of the first steps, so that a resumed run compares with the same.
    """

    def __init__(self, limits: Mapping[str, float], window: int, file: str | Path):
        self.limits, self.window, self.file = dict(limits), window, Path(file)
        self.last = {name: deque(maxlen=window) for name in limits}
        self.first: dict[str, list[float]] = json.loads(self.file.read_text()) if self.file.exists() else {}

    def observe(self, batch: Batch, found: Mapping[str, float]) -> dict[str, float]:
        """{reward/NAME/drift: relative change of the mean}, of the means that BatchMetrics found, with dynamic sampling
        of those of all groups that came; a warning in the log where it is too large."""
        if batch.came is not None:
            found = {f"reward/{name}": value for name, value in _numbers(batch.of_the_policy()[1]).items()}
        drifts = {}
        for name, limit in self.limits.items():
            mean = found.get(f"reward/{name}/mean")
            if mean is None:
                continue
            self.last[name].append(mean)
            self._begin(name, mean)
            start, now = fmean(self.first[name]), fmean(self.last[name])
            drift = now / start - 1.0 if start else 0.0
            drifts[f"reward/{name}/drift"] = drift
            if abs(drift) > limit and len(self.last[name]) == self.window:
                log.warning(
                    "sign of reward hacking: %s is %.4g over the last %d steps, %+.0f %% of the first ones' %.4g "
                    "(limit %.0f %%). Listen to rollouts; a term or a gate on it may be missing in recipe.reward",
                    *(name, now, self.window, 100 * drift, start, 100 * limit),
                )
        return drifts

    def _begin(self, name: str, mean: float) -> None:
        first = self.first.setdefault(name, [])
        if len(first) == self.window:
            return
        first.append(mean)
        with whole_file(self.file) as temporary:
            temporary.write_text(json.dumps(self.first))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
