"""verl's look at its queue, without what it knows already.

verl 0.9.1 polls for the tags of every rollout in the queue (`kv_list`): with 100 000 of them that is a second and more,
ten times a second, of which most tell what the poll before told. Here a poll asks for `prompts_per_poll` of the prompts
that are not finished yet, in turns, and all tags are read where a batch may be complete.
"""

import transfer_queue as tq
from transfer_queue import KVBatchMeta

from verl_plugins.group_filter import LimitedGroupFilter


class QueuePolls(LimitedGroupFilter):
    """A replay buffer of the synchronous trainer, to which alone prompts come only by `refill_fn`.

    Args:
        prompts_per_poll: of those that are not finished.
        rollouts_per_prompt: actor_rollout_ref.rollout.n, so that a finished group's rollouts can be asked for by name.
        kwargs: of `LimitedGroupFilter`.
    """

    def __init__(self, prompts_per_poll: int, rollouts_per_prompt: int, **kwargs: object):
        super().__init__(**kwargs)
        self._prompts_per_poll, self._rollouts = prompts_per_poll, rollouts_per_prompt
        self._partition, self._batch_size, self._is_known, self._last = "", 0, False, ""
        self.asked = 0  # keys, since the start: what the polls cost

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[KVBatchMeta, dict]:
        """verl's."""
        self._partition, self._batch_size, self._is_known = partition_id, batch_size, False
        return super().sample(global_steps, partition_id, batch_size)

    def _refill(self, count: int) -> int:
        self._is_known = False
        return super()._refill(count)

    def _sync_metadata_from_transfer_queue(self) -> None:
        """Called by verl at each poll: what has become of some prompts, or everything."""
        if not (self._is_known and self._look()) or self._may_be_complete():
            super()._sync_metadata_from_transfer_queue()
            self.asked += sum(map(len, self.partitions.values()))
            self._is_known = True

    def _may_be_complete(self) -> bool:
        """Whether verl may take its batch now: then it needs the tags of all rollouts."""
        unfinished = self.pending_keys[self._partition] or self.running_keys[self._partition]
        settled = len(self.finished_keys[self._partition]) + len(self.failure_keys[self._partition])
        return not unfinished or (self.filter_groups_metric is None and settled >= self._batch_size)

    def _look(self) -> bool:
        """Brings some unfinished prompts up to date; False if one of them has gone from the queue."""
        sets = {
            "pending": self.pending_keys[self._partition],
            "running": self.running_keys[self._partition],
            "finished": self.finished_keys[self._partition],
            "failure": self.failure_keys[self._partition],
        }
        unfinished = sorted(sets["pending"] | sets["running"])
        uids = self._next(unfinished)
        found = self._tags(uids)
        if found is None:
            return False
        for uid, tag in zip(uids, found, strict=True):
            sets["pending"].discard(uid)
            sets["running"].discard(uid)
            sets[tag["status"]].add(uid)
        settled = [uid for uid, tag in zip(uids, found, strict=True) if tag["status"] == "finished"]
        if not settled or self.filter_groups_metric is None or self._partition == "val":
            return True
        keys = [f"{uid}_{session}_0" for uid in settled for session in range(self._rollouts)]
        tags = self._tags(keys)
        if tags is not None:
            self.partitions[self._partition].update(zip(keys, tags, strict=True))
        return tags is not None

    def _rollouts_of(self, partition_id: str, uids: set[str]) -> list[str]:
        """Those of `_look`, without a walk over all keys."""
        keys = [f"{uid}_{session}_0" for uid in uids for session in range(self._rollouts)]
        known = self.partitions[partition_id]
        return keys if all(key in known for key in keys) else super()._rollouts_of(partition_id, uids)

    def _next(self, unfinished: list[str]) -> list[str]:
        """The turn of some; their names are random, so that the order of names is as good as any."""
        after = [uid for uid in unfinished if uid > self._last][: self._prompts_per_poll]
        turn = after + unfinished[: self._prompts_per_poll - len(after)]
        self._last = turn[-1] if turn else ""
        return list(dict.fromkeys(turn))

    def _tags(self, keys: list[str]) -> list[dict] | None:
        """Tags of the keys, in their order; None if one of them is not in the queue."""
        if not keys:
            return []
        self.asked += len(keys)
        tags = tq.get_client().kv_retrieve_meta(keys=keys, partition_id=self._partition).custom_meta
        return list(tags) if len(tags) == len(keys) else None
