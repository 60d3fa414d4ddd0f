"""Dynamic sampling with an end: groups without spread are replaced by others, but not for ever.

verl 0.9.1's replay buffer of the synchronous trainer does the replacing (DAPO, arXiv 2503.14476, section 3.2): a group
whose `metric` is the same for all its rollouts is thrown away and up to two prompts are drawn for it, until the batch
is full. Two things are different here, both by keys of `algorithm.filter_groups`:

`max_num_gen_batches`: verl's knows no limit, this key is of its older trainer, and ignored. Where a reward has no
spread any more, because all is right or all is wrong, one step would then go on for ever. Once so many batches were
drawn for a step (GLM-TTS: three in all; never a prompt more), groups without spread fill what is left of the batch. The
log says so, and metrics count them.

`min_spread` and `metric: terms`: a reward that is continuous, such as a similarity, is never quite the same. A group is
without spread where the standard deviation of its metric is below min_spread (GLM-TTS: 0.01), and with `terms` where
that is so of every term of the reward, one by one.

What is thrown away is the easy and the hard: the groups that stay say little of how good the policy is. Metrics of all
groups that came in a step say that: reward/all_groups/score/mean, .../error_rate/mean, and .../flat, the share of
groups without spread. Observers (replay_sampler.py) that judge the policy look at all of them, too: `came`.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import transfer_queue as tq
from verl.trainer.config import FilterGroupsConfig
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from verl_plugins.reward_metrics import SPREAD_BELOW

log = logging.getLogger(__name__)
TERMS = "terms"  # as `metric`: all numbers term_NAME of the reward function
OF_ALL = ("score", "error_rate")  # numbers of the reward function whose mean over all groups is logged


@dataclass
class FilterGroups(FilterGroupsConfig):
    """verl's algorithm.filter_groups, and the least spread of a group."""

    min_spread: float = 0.0


def without_spread(infos: list[Mapping[str, Any]], metric: str, min_spread: float) -> bool:
    """Whether rollouts of a group are alike, by what the reward function returned for them.

    Raises:
        KeyError: it returned no such number.
    """
    names = [name for name in infos[0] if name.startswith("term_")] if metric == TERMS else [metric]
    if not names or any(name not in info for info in infos for name in names):
        raise KeyError(f"algorithm.filter_groups.metric={metric}: the reward function returned {sorted(infos[0])}")
    values = [[info[name] for info in infos] for name in names]
    return len(infos) > 1 and all(np.ptp(v) < SPREAD_BELOW or np.std(v) < min_spread for v in values)


def infos_of(keys: Sequence[str], partition_id: str) -> list[dict[str, Any]]:
    """What the reward function returned for rollouts of verl's queue, in the order of their keys
    ({uid}_{session}_{index})."""
    data = tq.kv_batch_get(keys=keys, partition_id=partition_id, select_fields=["extra_fields"])
    return [getattr(fields, "data", fields)["reward_extra_info"] for fields in data["extra_fields"]]


class LimitedGroupFilter(ReplayBuffer):
    """verl's replay buffer with its group filter switched on by `filter_groups`, and that filter limited."""

    def __init__(
        self,
        filter_groups: Mapping[str, Any],
        train_batch_size: int,
        refill_fn: Callable[[int], int],
        **kwargs: object,
    ):
        """
        Args:
            filter_groups: algorithm.filter_groups: enable, metric, min_spread, max_num_gen_batches (0: no limit),
                max_inflight_gen_batches.
            train_batch_size: data.train_batch_size, prompts of a step.
            refill_fn: verl's: draws so many prompts more.
            kwargs: what verl passes to every replay buffer.

        Raises:
            ValueError: a limit of one batch, which never draws again, or a negative one.
        """
        self._begin()
        self._limit, self._draw = int(filter_groups["max_num_gen_batches"]), refill_fn
        self._min_spread = float(filter_groups["min_spread"])
        enabled = bool(filter_groups["enable"])
        if enabled and (self._limit < 0 or self._limit == 1):
            raise ValueError(f"algorithm.filter_groups.max_num_gen_batches is 0 or above 1, got {self._limit}")
        super().__init__(
            refill_fn=self._refill,
            filter_groups_metric=str(filter_groups["metric"]) if enabled else None,
            train_batch_size=train_batch_size,
            gen_batch_size=1,  # the trainer's own choice where groups are filtered: exact numbers of prompts
            max_inflight_gen_batches=filter_groups["max_inflight_gen_batches"],
            **kwargs,
        )

    def _begin(self) -> None:
        """Nothing was drawn or seen for this step."""
        self._drawn = self._thrown = self._kept = 0
        self._all: dict[str, list[float]] = defaultdict(list)
        self.came: dict[str, list[Mapping[str, Any]]] = {}  # of each group: what the reward function returned

    @property
    def _may_come(self) -> int:
        """Prompts that may be drawn after the first batch. So many groups may be thrown away, too: what is left is
        never less than a batch, however late they finish."""
        return (self._limit - 1) * self.train_batch_size

    @property
    def exhausted(self) -> bool:
        """Whether as many batches were drawn for this step as may be, or as many groups thrown away."""
        return self._limit > 0 and max(self._drawn, self._thrown) >= self._may_come

    def _refill(self, count: int) -> int:
        if self._limit > 0:
            count = min(count, self._may_come - self._drawn)
        self._drawn += count
        return self._draw(count) if count else 0

    def _dapo_filtered_keys(self, partition_id: str) -> tuple[set[str], Counter]:
        """verl's: the groups to throw away. None once the limit is reached."""
        if self.exhausted:
            return set(), Counter()
        flat, means = self._flat(partition_id)
        if self._limit > 0 and len(flat) > (left := self._may_come - self._thrown):
            flat = set(sorted(flat)[:left])
            means = Counter(self._dapo_classification_cache[partition_id][uid] for uid in flat)
        self._thrown += len(flat)
        return flat, means

    def _flat(self, partition_id: str) -> tuple[set[str], Counter]:
        """The groups without spread, and how many there are of each mean. verl's own method, which looks only at groups
        that are not in its cache yet: here they always are."""
        known = self._dapo_classification_cache[partition_id]
        new = self.finished_keys[partition_id] - known.keys()
        if partition_id != "val" and self.filter_groups_metric is not None and new:
            keys = self._rollouts_of(partition_id, new)
            groups = defaultdict(list)
            for key, info in zip(keys, infos_of(keys, partition_id), strict=True):
                groups[key.split("_")[0]].append(info)
            self.came |= groups
            for uid, infos in groups.items():
                flat = without_spread(infos, self.filter_groups_metric, self._min_spread)
                known[uid] = float(np.mean([info["score"] for info in infos])) if flat else None
                self._all["flat"].append(float(flat))
                for name in OF_ALL:
                    self._all[f"{name}/mean"] += [info[name] for info in infos if info.get(name) is not None]
        return super()._dapo_filtered_keys(partition_id)

    def _rollouts_of(self, partition_id: str, uids: set[str]) -> list[str]:
        """Keys of the rollouts of finished groups."""
        return [key for key in self.partitions[partition_id] if key.split("_")[0] in uids]

    def _select_prompt_uids(
        self, partition_id: str, sampleable_keys: set[str], batch_size: int
    ) -> tuple[list[str], dict[str, dict], dict[str, int]]:
        """verl's choice, with groups without spread last."""
        uids, *snapshots = super()._select_prompt_uids(partition_id, sampleable_keys, len(sampleable_keys))
        if self.exhausted and partition_id != "val":
            flat, _ = self._flat(partition_id)
            uids.sort(key=lambda uid: uid in flat)
            self._kept = len(flat.intersection(uids[:batch_size]))
        return uids[:batch_size], *snapshots

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """verl's batch and metrics, and in training training/filter_groups/drawn_again (batches),
        training/filter_groups/kept_without_spread (groups, above 0 only where the limit was reached) and those of all
        groups."""
        self._begin()
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        if partition_id == "val" or self.filter_groups_metric is None:
            return batch, metrics
        if self._kept:
            log.warning(
                "step %d: after %d batches (algorithm.filter_groups.max_num_gen_batches) %d of %d groups have "
                "no spread in %s (min_spread %g); they stay in the batch and teach nothing. If this goes on, the texts "
                "are too easy or too hard, or the reward is too coarse",
                *(global_steps, self._limit, self._kept, batch_size, self.filter_groups_metric, self._min_spread),
            )
        found = {"drawn_again": self._drawn / self.train_batch_size, "kept_without_spread": float(self._kept)}
        found = {f"training/filter_groups/{name}": value for name, value in found.items()}
        found |= {f"reward/all_groups/{name}": float(np.mean(values)) for name, values in self._all.items() if values}
        return batch, metrics | found
