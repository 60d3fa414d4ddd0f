"""verl's replay buffer with two differences: how often it looks, and what happens when a rollout fails.

trainer.v1.sampler.custom_sampler: {path: pkg://verl_plugins.replay_sampler, name: StrictReplayBuffer}
trainer.v1.sampler.sampler_kwargs: {poll_interval: 0.1}
"""

from omegaconf import DictConfig
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from verl_plugins import versions

versions.require("verl", versions.VERL, "verl_plugins/replay_sampler.py")


class StrictReplayBuffer(ReplayBuffer):
    """verl 0.9.1 polls every 2 s, without a key to change it, and trains on what is left of a group with a failed
    rollout or reward (its `failure` status). Here such a group stops the run."""

    def __init__(self, sampler_kwargs: DictConfig, **kwargs: object):
        """
        Args:
            sampler_kwargs: `poll_interval` in seconds.
            kwargs: what verl passes to every sampler.
        """
        super().__init__(sampler_kwargs=sampler_kwargs, poll_interval=float(sampler_kwargs.poll_interval), **kwargs)

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
