"""Many more rows than the reward servers can measure at once: what the client makes of it, in simulated time.

    python -m benchmarks.overload --rows 2048 --rate 58

The clients are the real ones (reward_tts.client), one for each of verl's reward workers; the servers are first in,
first out, with batches, and time is that of an event loop which never waits but jumps to what comes next. A step may
become longer; no row may fail, be sent twice to a server that lives, or wait while a server has nothing to do.
"""

import argparse
import asyncio
import random
import selectors
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from tritonclient.utils import InferenceServerException

from reward_tts.client import RewardClient, RewardError, ServerConfig
from reward_tts.measures import Measures, Status, row_checksum

TOKENS, TEXT, LANGUAGE = [1] * 150, "你好", "zh"  # of every row


class _Jumping(selectors.SelectSelector):
    """Nothing comes from outside: instead of waiting, time goes on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list:
        self.now += timeout or 0.0
        return super().select(0)


class SimulatedTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next thing to do."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def simulated(coroutine: Coroutine) -> Any:
    """Its result, as asyncio.run."""
    with asyncio.Runner(loop_factory=SimulatedTime) as runner:
        return runner.run(coroutine)


class SimulatedServer:
    """First in, first out; batches of up to `batch` rows, `rate` rows a second. Use `handle` as the way there.

    Args:
        rate: rows a second when batches are full; a smaller batch takes as much less time.
        batch: rows.
        dies_at: seconds at which it loses what it has, and is away for `away_s`.
        silent: it takes rows and answers nothing, as a machine that is gone from the network.
        stuck_until: seconds until which it takes rows and finishes none, and answers whatever else it is asked.
        status: of every row.

    Attributes:
        served: rows that were worked on, for somebody or for nobody.
        most_under_way: rows there at the same time.
        digest: of what it tells of itself.
    """

    def __init__(
        self,
        rate: float,
        batch: int = 16,
        dies_at: Sequence[float] = (),
        away_s: float = 3.0,
        silent: bool = False,
        stuck_until: float = 0.0,
        status: Status = Status.OK,
    ):
        self.rate, self.batch, self.dies_at, self.away_s, self.silent = rate, batch, dies_at, away_s, silent
        self.stuck_until, self.status, self.digest = stuck_until, int(status), "as it was"
        self.served = self.most_under_way = self.finished = 0
        self._queue: deque[tuple[float, asyncio.Future]] = deque()
        self._working: list[tuple[float, asyncio.Future]] = []
        self._work = asyncio.Event()
        self._away = False
        checksum = row_checksum(TOKENS, TEXT, LANGUAGE, None)
        self._measures = Measures("simulated", self.status, "", TEXT, [], None, 1.0, len(TOKENS), 25.0, {}, checksum)
        self._tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._die())]

    async def infer(self, model_name: str, inputs: list, *, headers: Any) -> Any:
        """One row."""
        self._refuse_if_away()
        place = asyncio.get_running_loop().create_future()
        if self.silent:
            return await place
        self._queue.append((asyncio.get_running_loop().time(), place))
        self.most_under_way = max(self.most_under_way, len(self._queue) + len(self._working))
        self._work.set()
        return await place

    async def is_model_ready(self, model_name: str, *, headers: Any, client_timeout: float) -> bool:
        """Not while it is away."""
        await self._wait_if_silent(client_timeout)
        return not self._away

    async def get_inference_statistics(self, model_name: str, *, headers: Any, client_timeout: float) -> int:
        """Rows that were worked on so far."""
        await self._wait_if_silent(client_timeout)
        self._refuse_if_away()
        return self.served

    async def close(self) -> None:
        """Ends it."""
        for task in self._tasks:
            task.cancel()

    async def _wait_if_silent(self, seconds: float) -> None:
        if self.silent:
            await asyncio.sleep(seconds)
            raise InferenceServerException("Deadline Exceeded", status="StatusCode.DEADLINE_EXCEEDED")

    def _refuse_if_away(self) -> None:
        if self._away:
            raise InferenceServerException("away", status="StatusCode.UNAVAILABLE")

    async def _serve(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await self._work.wait()
            self._working = [self._queue.popleft() for _ in range(min(self.batch, len(self._queue)))]
            seconds = len(self._working) / self.rate
            await asyncio.sleep(max(seconds, self.stuck_until - clock()))
            for came, place in self._working:
                self.served += 1
                if not place.done():
                    place.set_result(self._answer(clock() - came, seconds))
                    self.finished += 1
            self._working = []
            if not self._queue:
                self._work.clear()

    async def _die(self) -> None:
        for moment in self.dies_at:
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            self._away = True
            for _, place in [*self._queue, *self._working]:
                if not place.done():
                    place.set_exception(InferenceServerException("died", status="StatusCode.UNAVAILABLE"))
            self._queue.clear()
            await asyncio.sleep(self.away_s)
            self._away = False

    def _answer(self, seconds: float, service_s: float) -> Any:
        measures = Measures(**{**vars(self._measures), "service_s": service_s})
        outputs = {"MEASURES": np.array([[measures.to_json().encode()]], object), "STATUS": np.array([[self.status]])}
        told = {"tts_seconds": SimpleNamespace(double_param=seconds)}
        told |= {"tts_server": SimpleNamespace(string_param=self.digest)}
        return SimpleNamespace(as_numpy=outputs.get, get_response=lambda: SimpleNamespace(parameters=told))


@dataclass(frozen=True)
class Outcome:
    """What became of the rows: seconds until the last, the ideal ones, failed rows, rows that the servers worked on,
    the most under way at one server, and the most attempts of one row."""

    rows: int
    seconds: float
    ideal_s: float
    failed: int
    served: int
    most_under_way: int
    most_attempts: int

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {self.failed} failed, {self.served / self.rows:.3f} served for each, "
            f"{self.seconds:.1f} s ({self.seconds / self.ideal_s:.3f} of the ideal), at most {self.most_under_way} "
            f"under way at a server, at most {self.most_attempts} attempts"
        )


def config(servers: int, processes: int, **changes: Any) -> ServerConfig:
    """That of recipes/common/recipe_base.yaml, but for the servers' names."""
    return ServerConfig(
        **{
            "host": "server",
            "grpc_port": 0,
            "more": tuple(f"server:{number}" for number in range(1, servers)),
            "model": "simulated",
            "recipe": "simulated",
            "secret_env": None,
            "concurrency": 512,
            "processes": processes,
            "queue_s": 1.0,
            "watch_s": 2.0,
            "deadline_s": 60.0,
            "give_up_s": 300.0,
            "max_attempts": 20,
            "backoff_s": 0.5,
            "backoff_cap_s": 10.0,
            **changes,
        }
    )


async def overload(
    rows: int, rates: Sequence[float], processes: int = 8, dies_at: Sequence[float] = (), **changes: Any
) -> Outcome:
    """All rows at once, each to a process by chance, as verl's agent loops do it. One server for each of the `rates`;
    the first dies at the times given. `changes`: of the client's configuration."""
    servers = [SimulatedServer(rate, dies_at=() if number else dies_at) for number, rate in enumerate(rates)]
    settings = config(len(servers), processes, **changes)
    by_address = dict(zip(settings.addresses, servers, strict=True))
    clients = [RewardClient(settings, connect=by_address.__getitem__) for _ in range(processes)]
    chosen, clock = random.Random(0), asyncio.get_running_loop().time

    async def one(index: int) -> int:
        try:
            answer = await chosen.choice(clients).ask(TOKENS, TEXT, LANGUAGE, index)
        except RewardError:
            return 0
        return answer.attempts

    attempts = await asyncio.gather(*(one(index) for index in range(rows)))
    seconds = clock()
    for client in clients:
        await client.close()
    return Outcome(
        rows,
        seconds,
        rows / sum(rates),
        attempts.count(0),
        sum(server.served for server in servers),
        max(server.most_under_way for server in servers),
        max(attempts),
    )


def main() -> None:
    """Prints one line for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2048, 20000])
    parser.add_argument("--rate", type=float, nargs="+", default=[58.0], help="rows a second, of each server")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--dies-at", type=float, nargs="*", default=[], help="seconds, of the first server")
    args = parser.parse_args()
    for rows in args.rows:
        print(simulated(overload(rows, args.rate, args.processes, args.dies_at)), flush=True)


if __name__ == "__main__":
    main()
