"""Dynamic sampling with an end: groups without spread are replaced by others, but not for ever.

verl 0.9.1's replay buffer of the synchronous trainer does the replacing (DAPO, arXiv 2503.14476, section 3.2): a group
whose `metric` is the same for all its rollouts is thrown away and up to two prompts are drawn for it, until the batch
is full. It knows no limit: `algorithm.filter_groups.max_num_gen_batches` is of its older trainer, and ignored. Where a
reward has no spread any more, because all is right or all is wrong, one step would then go on for ever. Here that key
counts: once so many batches were drawn for a step (GLM-TTS: the first and three more), groups without spread fill what
is left of the batch. Their advantages are 0, so they teach nothing; the log says so, and metrics count them.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

log = logging.getLogger(__name__)


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
            filter_groups: algorithm.filter_groups: enable, metric, max_num_gen_batches (0: no limit),
                max_inflight_gen_batches.
            train_batch_size: data.train_batch_size, prompts of a step.
            refill_fn: verl's: draws so many prompts more.
            kwargs: what verl passes to every replay buffer.

        Raises:
            ValueError: a limit of one batch, which never draws again, or a negative one.
        """
        self._drawn = self._kept = 0
        self._limit, self._draw = int(filter_groups["max_num_gen_batches"]), refill_fn
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

    @property
    def exhausted(self) -> bool:
        """Whether as many batches were drawn for this step as may be."""
        return self._limit > 0 and self._drawn >= (self._limit - 1) * self.train_batch_size

    def _refill(self, count: int) -> int:
        self._drawn += count
        return self._draw(count)

    def _dapo_filtered_keys(self, partition_id: str) -> tuple[set[str], Counter]:
        """verl's: the groups to throw away. None once the limit is reached."""
        return (set(), Counter()) if self.exhausted else super()._dapo_filtered_keys(partition_id)

    def _select_prompt_uids(
        self, partition_id: str, sampleable_keys: set[str], batch_size: int
    ) -> tuple[list[str], dict[str, dict], dict[str, int]]:
        """verl's choice, with groups without spread last."""
        uids, *snapshots = super()._select_prompt_uids(partition_id, sampleable_keys, len(sampleable_keys))
        if self.exhausted and partition_id != "val":
            flat, _ = super()._dapo_filtered_keys(partition_id)
            uids.sort(key=lambda uid: uid in flat)
            self._kept = len(flat.intersection(uids[:batch_size]))
        return uids[:batch_size], *snapshots

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """verl's batch and metrics, and in training training/filter_groups/drawn_again (batches) and
        training/filter_groups/kept_without_spread (groups, above 0 only where the limit was reached)."""
        self._drawn = self._kept = 0
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        if partition_id == "val" or self.filter_groups_metric is None:
            return batch, metrics
        if self._kept:
            log.warning(
                "step %d: after %d batches (algorithm.filter_groups.max_num_gen_batches) %d of %d groups have the same "
                "%s for all rollouts; they stay in the batch and teach nothing. If this goes on, the texts are too "
                "easy or too hard, or the reward is too coarse",
                *(global_steps, self._limit, self._kept, batch_size, self.filter_groups_metric),
            )
        found = {"drawn_again": self._drawn / self.train_batch_size, "kept_without_spread": float(self._kept)}
        return batch, metrics | {f"training/filter_groups/{name}": value for name, value in found.items()}
