"""What one look at verl's queue costs when so many rollouts are finished: verl 0.9.1's own, and ours.

    python -m benchmarks.polling --rollouts 1000 10000 100000

The queue is the real one (TransferQueue on Ray), with tags as verl 0.9.1 puts them. All prompts but 256 are finished.
"""

import argparse
import time

import ray
import transfer_queue as tq
from omegaconf import OmegaConf
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from verl_plugins.queue_polls import QueuePolls

_CHUNK = 5000  # keys that are put at once
FILTER_OFF = {"enable": False, "metric": "score", "max_num_gen_batches": 0, "max_inflight_gen_batches": 1}


def rollout_tag(length: int) -> dict:
    """As verl's agent loop writes one."""
    return {
        "status": "success",
        "prompt_len": 50,
        "response_len": length,
        "seq_len": 50 + length,
        "global_steps": 1,
        "min_global_steps": 1,
        "max_global_steps": 1,
    }


def put(tags: dict[str, dict], partition: str = "train") -> None:
    """Tags into the queue."""
    keys = list(tags)
    for first in range(0, len(keys), _CHUNK):
        some = keys[first : first + _CHUNK]
        tq.kv_batch_put(keys=some, partition_id=partition, tags=[tags[key] for key in some])


def buffer(prompts_per_poll: int = 256, rollouts: int = 8, batch: int = 2, refill=None, **filter_groups) -> QueuePolls:
    """Our replay buffer, as verl makes it."""
    settings = OmegaConf.create({**FILTER_OFF, "min_spread": 0.0, **filter_groups})
    return QueuePolls(
        prompts_per_poll=prompts_per_poll,
        rollouts_per_prompt=rollouts,
        filter_groups=settings,
        train_batch_size=batch,
        refill_fn=refill or (lambda count: count),
        poll_interval=0.01,
        **_VERLS,
    )


_VERLS = {
    "trainer_mode": "sync",
    "trainer_config": None,
    "max_off_policy_threshold": None,
    "max_off_policy_strategy": "drop",
    "sampler_kwargs": None,
}


def seconds_of_a_poll(polls: ReplayBuffer, times: int) -> float:
    """The quickest of some."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        polls._sync_metadata_from_transfer_queue()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--group", type=int, default=8, help="rollouts of a prompt")
    args = parser.parse_args()
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)  # the queue alone wants three
    tq.init()
    print("| finished rollouts | verl's poll, ms | ours, ms | keys asked by ours |\n|---|---|---|---|", flush=True)
    there = 0
    for count in args.rollouts:
        prompts = range(there, count // args.group)
        there = count // args.group
        tags = {f"a{p}": {"is_prompt": True, "status": "finished", "global_steps": 1} for p in prompts}
        tags |= {f"a{p}_{session}_0": rollout_tag(150) for p in prompts for session in range(args.group)}
        tags |= {f"b{p}": {"is_prompt": True, "status": "running", "global_steps": 1} for p in range(256)}
        put(tags)
        ours, theirs = buffer(rollouts=args.group, batch=there + 256), ReplayBuffer(**_VERLS)
        ours._partition, ours._batch_size = "train", there + 256
        ours._sync_metadata_from_transfer_queue()  # the first poll of a step reads all
        asked = ours.asked
        ms = [1000 * seconds_of_a_poll(one, 5) for one in (theirs, ours)]
        print(f"| {count} | {ms[0]:.1f} | {ms[1]:.1f} | {(ours.asked - asked) // 5} |", flush=True)
    tq.close()
    ray.shutdown()


if __name__ == "__main__":
    main()
