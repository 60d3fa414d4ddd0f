"""verl's replay buffer with five differences: how often and how far it looks (verl_plugins/queue_polls.py), what
happens when a rollout fails or a worker dies (liveness.py), how long it draws other groups (group_filter.py), the order
of the rows where a batch has several updates, who sees a batch (`observers`).

trainer.v1.sampler.custom_sampler: {path: pkg://verl_plugins.replay_sampler, name: StrictReplayBuffer}
trainer.v1.sampler.sampler_kwargs: see recipes/common/grpo_base.yaml
"""

import time
from functools import partial
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig
from transfer_queue import KVBatchMeta

from verl_plugins import patches, versions
from verl_plugins.group_filter import infos_of
from verl_plugins.liveness import Liveness, workers_of
from verl_plugins.queue_polls import QueuePolls
from verl_plugins.reward_metrics import Batch

versions.require("verl", versions.VERL, "verl_plugins/replay_sampler.py")


class StrictReplayBuffer(QueuePolls):
    """verl 0.9.1 polls every 2 s, without a key to change it, and trains on what is left of a group with a failed
    rollout or reward (its `failure` status). Here such a group stops the run. In training it logs the score alone; here
    observers see each batch and add metrics."""

    def __init__(self, sampler_kwargs: DictConfig, refill_fn: Any, **kwargs: object):
        """
        Args:
            sampler_kwargs: `poll_interval` and `liveness_interval` in seconds; `prompts_per_poll` and
                `rollouts_per_prompt` of `QueuePolls`; `filter_groups` and `train_batch_size` of `LimitedGroupFilter`;
                `ppo_mini_batch_size`, prompts of an update;
                `observers`: {name: {_target_: a class with `observe`, as reward_metrics.BatchMetrics has, ...}}, asked
                in this order, or null in place of one; `held_out`, where it has it, sees the batches of validations.
            refill_fn: a method of the trainer.
            kwargs: what verl passes to every sampler.
        """
        patches.let_audited_rows_stand_for_others()
        super().__init__(
            prompts_per_poll=int(sampler_kwargs.prompts_per_poll),
            rollouts_per_prompt=int(sampler_kwargs.rollouts_per_prompt),
            filter_groups=sampler_kwargs.filter_groups,
            train_batch_size=sampler_kwargs.train_batch_size,
            sampler_kwargs=sampler_kwargs,
            poll_interval=float(sampler_kwargs.poll_interval),
            refill_fn=refill_fn,
            **kwargs,
        )
        self._several_updates = sampler_kwargs.ppo_mini_batch_size < sampler_kwargs.train_batch_size
        self._observers = [instantiate(one, _convert_="all") for one in sampler_kwargs.observers.values() if one]
        self._liveness = Liveness(partial(workers_of, refill_fn), float(sampler_kwargs.liveness_interval))
        self._last_batch_at = time.monotonic()

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[KVBatchMeta, dict]:
        """verl's batch, and in training its metrics."""
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        if partition_id == "val":
            self._tell_held_out(global_steps, batch)
            return batch, metrics
        now = time.monotonic()
        seconds, self._last_batch_at = now - self._last_batch_at, now
        seen, found = self._seen(global_steps, batch, seconds, self.came or None), {}
        for observer in self._observers:
            found |= observer.observe(seen, found)
        return batch, {**metrics, **found}

    def _materialize_batch(
        self, partition_id: str, selected_prompt_uids: list[str], partition_snapshot: dict[str, dict]
    ) -> KVBatchMeta:
        """verl's, whose rows are in the order in which they were finished and judged, so that the first of several
        updates would be of the short rollouts and the last of the long ones. Here such a batch is in the order of its
        prompts, as in verl's older trainer. One update is of all rows: verl's order, which pads micro batches less."""
        if self._several_updates and partition_id != "val":
            places = {uid: place for place, uid in enumerate(self.prompt_global_steps[partition_id])}

            def place(row: tuple[str, dict]) -> tuple[int, int]:
                uid, session, _ = row[0].split("_")
                return places.get(uid, len(places)), int(session)  # those that are not chosen have none any more

            partition_snapshot = dict(sorted(partition_snapshot.items(), key=place))
        return super()._materialize_batch(partition_id, selected_prompt_uids, partition_snapshot)

    def _tell_held_out(self, step: int, batch: KVBatchMeta) -> None:
        told = [observer for observer in self._observers if hasattr(observer, "held_out")]
        if told:
            seen = self._seen(step, batch, 0.0)
            for observer in told:
                observer.held_out(seen)

    def _seen(self, step: int, batch: KVBatchMeta, seconds: float, came: dict[str, list] | None = None) -> Batch:
        groups, lengths = [key.split("_")[0] for key in batch.keys], [tag["response_len"] for tag in batch.tags]
        return Batch(step, infos_of(batch.keys, batch.partition_id), groups, lengths, seconds, came)

    def _sync_metadata_from_transfer_queue(self) -> None:
        """Called by verl at each poll.

        Raises:
            RuntimeError: a rollout or its reward failed, or a worker died.
        """
        super()._sync_metadata_from_transfer_queue()
        failed = sorted(uid for uids in self.failure_keys.values() for uid in uids)
        if failed:
            raise RuntimeError(
                f"a rollout or its reward failed for {len(failed)} prompt(s). The reason is in the log above, at "
                f"'Error in _run_prompt for uid={failed[0]}'. Nothing was trained on this batch; the run continues "
                "from the last checkpoint once the reason is gone."
            )
        self._liveness.check()
