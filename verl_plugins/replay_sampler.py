"""verl's replay buffer with four differences: how often it looks, what happens when a rollout fails, how long it draws
other groups (verl_plugins/group_filter.py), what it logs.

trainer.v1.sampler.custom_sampler: {path: pkg://verl_plugins.replay_sampler, name: StrictReplayBuffer}
trainer.v1.sampler.sampler_kwargs: {poll_interval: 0.1, filter_groups: {...}, train_batch_size: N, drift: {...},
                                    audio: {...}}
"""

import time
from typing import Any

import transfer_queue as tq
from omegaconf import DictConfig, OmegaConf
from transfer_queue import KVBatchMeta

from reward_tts.client import ServerConfig
from verl_plugins import versions
from verl_plugins.group_filter import LimitedGroupFilter
from verl_plugins.reward_metrics import Drift, batch_metrics
from verl_plugins.rollout_audio import RolloutAudio

versions.require("verl", versions.VERL, "verl_plugins/replay_sampler.py")


class StrictReplayBuffer(LimitedGroupFilter):
    """verl 0.9.1 polls every 2 s, without a key to change it, and trains on what is left of a group with a failed
    rollout or reward (its `failure` status). Here such a group stops the run. In training it logs the score alone; here
    each batch adds the metrics of verl_plugins/reward_metrics.py."""

    def __init__(self, sampler_kwargs: DictConfig, **kwargs: object):
        """
        Args:
            sampler_kwargs: `poll_interval` in seconds; `filter_groups` and `train_batch_size` of
                `LimitedGroupFilter`; `drift`: arguments of `reward_metrics.Drift`; `audio`: those of
                `rollout_audio.RolloutAudio`, with `secret_env` of recipe.server.
            kwargs: what verl passes to every sampler.
        """
        super().__init__(
            filter_groups=sampler_kwargs.filter_groups,
            train_batch_size=sampler_kwargs.train_batch_size,
            sampler_kwargs=sampler_kwargs,
            poll_interval=float(sampler_kwargs.poll_interval),
            **kwargs,
        )
        audio = OmegaConf.to_container(sampler_kwargs.audio, resolve=True)
        secret = ServerConfig.secret_headers(audio.pop("secret_env"))
        self._audio = RolloutAudio(**audio, headers=secret)
        self._drift = Drift(**OmegaConf.to_container(sampler_kwargs.drift, resolve=True))
        self._last_batch_at = time.monotonic()

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[KVBatchMeta, dict]:
        """verl's batch, and in training its metrics."""
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        if partition_id == "val":
            return batch, metrics
        now = time.monotonic()
        seconds, self._last_batch_at = now - self._last_batch_at, now
        infos = self._reward_infos(batch)
        self._audio.log(global_steps, infos)
        found = batch_metrics(infos, [key.split("_")[0] for key in batch.keys], seconds)
        return batch, {**metrics, **found, **self._drift.check(found)}

    @staticmethod
    def _reward_infos(batch: KVBatchMeta) -> list[dict[str, Any]]:
        """What the reward function returned, in the order of the batch's keys ({uid}_{session}_{index})."""
        data = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
        fields = [getattr(value, "data", value) for value in data["extra_fields"]]
        return [field["reward_extra_info"] for field in fields]

    def _sync_metadata_from_transfer_queue(self) -> None:
        """Called by verl at each poll.

        Raises:
            RuntimeError: a rollout or its reward failed.
        """
        super()._sync_metadata_from_transfer_queue()
        failed = sorted(uid for uids in self.failure_keys.values() for uid in uids)
        if failed:
            raise RuntimeError(
                f"a rollout or its reward failed for {len(failed)} prompt(s). The reason is in the log above, at "
                f"'Error in _run_prompt for uid={failed[0]}'. Nothing was trained on this batch; the run continues "
                "from the last checkpoint once the reason is gone."
            )
