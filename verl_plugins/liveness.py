"""verl's workers that nobody looks at: one that has died ends the run, with its name.

verl 0.9.1's synchronous trainer starts prompts in its agent loop workers and then polls its queue without an end. If
the process of such a worker has died, its prompts stay `running` for ever. A dead reward loop worker shows only in the
rollouts that it had or gets.
"""

import time
from collections.abc import Callable, Mapping

import ray
from ray.exceptions import ActorUnavailableError, RayActorError


class Liveness:
    """Asks Ray's actors for a sign of life, without waiting for it: one that is busy answers when it can, only a dead
    one is an error.

    Args:
        actors: gives {name: handle} of those that there are now.
        every_s: seconds between questions.
    """

    def __init__(self, actors: Callable[[], Mapping[str, ray.actor.ActorHandle]], every_s: float):
        self._actors, self._every_s = actors, every_s
        self._asked: dict[str, ray.ObjectRef] = {}
        self._next = 0.0

    def check(self) -> None:
        """Does nothing before its time.

        Raises:
            RuntimeError: an actor is dead.
        """
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + self._every_s
        for name, actor in self._actors().items():
            if name not in self._asked:  # one that is busy for minutes finds one question, not a queue of them
                self._asked[name] = actor.__ray_ready__.remote()
        names = {ref: name for name, ref in self._asked.items()}
        answered, _ = ray.wait(list(names), num_returns=len(names), timeout=0) if names else ([], [])
        for ref in answered:
            del self._asked[names[ref]]
            try:
                ray.get(ref)
            except ActorUnavailableError:  # a RayActorError, too: Ray does not reach it now; it is asked again
                continue
            except RayActorError as error:
                raise RuntimeError(
                    f"{names[ref]} is dead, and with it the rollouts that it had: {error} The run continues from the "
                    "last checkpoint when it is started again."
                ) from error


def workers_of(refill: Callable) -> dict[str, ray.actor.ActorHandle]:
    """The workers of the trainer whose method verl 0.9.1 hands to its replay buffer, which is told of no other way to
    them."""
    trainer = getattr(refill, "__self__", None)
    found = {}
    for manager, attribute, kind in (
        ("agent_loop_manager", "agent_loop_workers", "AgentLoopWorker"),
        ("reward_loop_manager", "reward_loop_workers", "RewardLoopWorker"),
    ):
        for number, worker in enumerate(getattr(getattr(trainer, manager, None), attribute, None) or []):
            found[f"{kind} {number}"] = worker
    return found
