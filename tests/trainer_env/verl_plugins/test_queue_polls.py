"""Polls of the real TransferQueue: the batch is verl's, and what a poll asks for does not grow. And a dead worker."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest
import ray
import transfer_queue as tq
from ray.exceptions import ActorUnavailableError
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from benchmarks.polling import _VERLS, buffer, put, rollout_tag
from verl_plugins.liveness import Liveness, workers_of

GROUP = 4


@pytest.fixture(scope="module")
def queue():
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)  # one for each of the queue's actors
    tq.init()
    yield
    tq.close()
    ray.shutdown()


def prompt(status: str) -> dict:
    return {"is_prompt": True, "status": status, "global_steps": 1}


def finish(uids: list[str], partition: str) -> None:
    put({f"{uid}_{session}_0": rollout_tag(20) for uid in uids for session in range(GROUP)}, partition)
    put({uid: prompt("finished") for uid in uids}, partition)


def test_the_batch_is_verls_and_a_poll_asks_for_a_part_of_what_is_unfinished(queue):
    uids = [f"{number:03d}" for number in range(200)]
    ours = buffer(prompts_per_poll=16, rollouts=GROUP, batch=200)
    put({uid: prompt("pending") for uid in uids}, "steady")

    def work() -> None:
        for first in range(0, 200, 10):
            finish(uids[first : first + 10], "steady")
            time.sleep(0.02)

    worker = threading.Thread(target=work)
    polls = 0

    def counted() -> None:
        nonlocal polls
        polls += 1
        type(ours)._sync_metadata_from_transfer_queue(ours)

    ours._sync_metadata_from_transfer_queue = counted
    worker.start()
    batch, _ = ours.sample(1, "steady", 200)
    worker.join()
    assert sorted(batch.keys) == [f"{uid}_{session}_0" for uid in uids for session in range(GROUP)]
    assert {tag["response_len"] for tag in batch.tags} == {20}
    everything = 200 + 200 * GROUP
    assert ours.asked <= 2 * everything + 16 * polls  # all at the first poll and at the last one
    tq.kv_clear(keys=batch.keys, partition_id="steady")


@pytest.mark.parametrize("finished", [100, 2000])
def test_what_a_poll_asks_for_does_not_grow_with_what_is_finished(queue, finished):
    partition = f"grown{finished}"
    uids = [f"a{number}" for number in range(finished)]
    put({f"b{number}": prompt("running") for number in range(32)}, partition)
    finish(uids, partition)
    ours = buffer(prompts_per_poll=16, rollouts=GROUP, batch=finished + 32)
    ours._partition, ours._batch_size = partition, finished + 32
    ours._sync_metadata_from_transfer_queue()
    assert len(ours.finished_keys[partition]) == finished and len(ours.running_keys[partition]) == 32
    before = ours.asked
    for _ in range(4):
        ours._sync_metadata_from_transfer_queue()
    assert ours.asked - before == 4 * 16
    put({"b7": prompt("failure"), "b30": prompt("finished")}, partition)
    for _ in range(2):  # 16 of 32 in each poll: all are seen in two
        ours._sync_metadata_from_transfer_queue()
    assert ours.failure_keys[partition] == {"b7"} and "b30" in ours.finished_keys[partition]
    theirs = ReplayBuffer(**_VERLS)
    theirs._sync_metadata_from_transfer_queue()
    assert ours.running_keys[partition] == theirs.running_keys[partition]
    tq.kv_clear(keys=list(tq.kv_list(partition)[partition]), partition_id=partition)


def test_a_prompt_that_goes_from_the_queue_is_noticed(queue):
    put({uid: prompt("running") for uid in ("a", "b")}, "gone")
    ours = buffer(rollouts=GROUP, batch=2)
    ours._partition, ours._batch_size = "gone", 2
    ours._sync_metadata_from_transfer_queue()
    tq.kv_clear(keys=["a"], partition_id="gone")
    ours._sync_metadata_from_transfer_queue()
    assert ours.running_keys["gone"] == {"b"}
    tq.kv_clear(keys=["b"], partition_id="gone")


@ray.remote(num_cpus=0)
class Worker:
    """As verl's: an actor with an event loop."""

    async def pid(self) -> int:
        return os.getpid()

    async def block(self) -> None:
        time.sleep(1.0)  # the loop is busy, the worker lives


class Trainer:
    """Where verl's trainer keeps its workers."""

    def __init__(self, agents: list, rewards: list):
        self.agent_loop_manager = type("Manager", (), {"agent_loop_workers": agents})()
        self.reward_loop_manager = type("Manager", (), {"reward_loop_workers": rewards})()

    def refill(self, count: int) -> int:
        return count


@pytest.mark.parametrize(("dead", "name"), [(0, "AgentLoopWorker 0"), (2, "RewardLoopWorker 1")])
def test_a_worker_that_is_killed_ends_the_run_with_its_name(queue, dead, name):
    workers = [Worker.remote() for _ in range(3)]
    pids = ray.get([worker.pid.remote() for worker in workers])
    trainer = Trainer(workers[:1], workers[1:])
    assert list(workers_of(trainer.refill)) == ["AgentLoopWorker 0", "RewardLoopWorker 0", "RewardLoopWorker 1"]
    liveness = Liveness(lambda: workers_of(trainer.refill), every_s=0.0)
    busy = workers[1].block.remote()
    for _ in range(20):  # a busy worker is not a dead one
        liveness.check()
    ray.get(busy)
    os.kill(pids[dead], signal.SIGKILL)
    deadline = time.monotonic() + 300
    with pytest.raises(RuntimeError, match=rf"^{name} is dead, and with it the rollouts that it had"):
        while time.monotonic() < deadline:
            liveness.check()
            time.sleep(0.05)
    for worker in workers:
        ray.kill(worker)


def test_a_worker_that_ray_does_not_reach_for_a_moment_is_asked_again(queue, monkeypatch):
    worker, asked = Worker.remote(), []
    ray.get(worker.pid.remote())

    def get(ref: ray.ObjectRef) -> None:
        asked.append(ref)
        if len(asked) == 1:
            raise ActorUnavailableError("no route to host", None)

    monkeypatch.setattr(ray, "get", get)
    liveness = Liveness(lambda: {"AgentLoopWorker 0": worker}, every_s=0.0)
    deadline = time.monotonic() + 300
    while len(asked) < 2 and time.monotonic() < deadline:
        liveness.check()
        time.sleep(0.05)
    assert len(set(asked)) == 2
    ray.kill(worker)


def test_before_there_are_workers_nothing_is_asked():
    Liveness(lambda: workers_of(lambda count: count), every_s=0.0).check()


def test_a_worker_that_does_not_answer_is_asked_once(monkeypatch):
    """It was asked again with each look, every 10 s, and the answers thrown away."""
    asked = []
    worker = SimpleNamespace(__ray_ready__=SimpleNamespace(remote=lambda: asked.append(object()) or asked[-1]))
    monkeypatch.setattr(ray, "wait", lambda refs, **_: ([], refs))
    liveness = Liveness(lambda: {"AgentLoopWorker 0": worker}, every_s=0.0)
    for _ in range(3):
        liveness.check()
    assert len(asked) == 1
