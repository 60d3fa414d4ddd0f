"""What benchmarks/soak.py does to a reward server and to what it answers."""

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable

import grpc
import psutil
from tritonclient.grpc.service_pb2 import ModelInferResponse

from benchmarks.reward_server import Server
from tests.helpers.fault_proxy import FaultProxy
from tests.helpers.server_processes import processes_of, send

FRONTS = ("tts_sent_again_total", "tts_mismatched_answers_total")
_STOPPED_S = 3.0
_LOOP = [sys.executable, "-c", "while True: pass"]


def metric(server: Server, name: str) -> float:
    """Sum of a metric over its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


class Harm:
    """Does something bad every `pause_s` seconds on average, until it is told to stop; takes the cores for `busy_s`.

    Attributes:
        done: {what: how often}.
        counted: {metric: what the fronts that were ended had counted}.
    """

    def __init__(self, server: Server, pause_s: float, busy_s: float, seed: int):
        self.done: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self._server, self._pause_s, self._busy_s, self._random = server, pause_s, busy_s, random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Harm":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._random.expovariate(1 / self._pause_s)):
            found = processes_of(self._server)
            what = self._random.choice(["triton", "stub", "front", "stopped", "busy"])
            if what == "busy":
                others = [subprocess.Popen(_LOOP) for _ in range(2 * psutil.cpu_count())]
                time.sleep(self._busy_s)
                for other in others:
                    other.kill()
                    other.wait()
            elif what == "stopped" and found["stub"]:
                send(found["stub"], signal.SIGSTOP)
                time.sleep(_STOPPED_S)
                send(found["stub"], signal.SIGCONT)
            elif found.get(what):
                if what == "front":
                    with contextlib.suppress(OSError):  # no metrics while Triton is away
                        self.counted.update({name: metric(self._server, name) for name in FRONTS})
                send([self._random.choice(found[what])], signal.SIGKILL)
            else:
                continue
            self.done[what] += 1


class Proxy(FaultProxy):
    """A FaultProxy that passes the server's own errors on as they are."""

    async def ModelInfer(self, request, context):
        """Triton's inference."""
        return await _passed_on(super().ModelInfer(request, context), context)

    async def ModelReady(self, request, context):
        """As the server says."""
        return await _passed_on(super().ModelReady(request, context), context)

    async def ModelStatistics(self, request, context):
        """As the server says."""
        return await _passed_on(super().ModelStatistics(request, context), context)


async def _passed_on(answer: Awaitable, context: grpc.aio.ServicerContext) -> object:
    try:
        return await answer
    except grpc.aio.AioRpcError as error:
        await context.abort(error.code(), error.details())


class Mixer:
    """Of a FaultProxy: a share of the answers becomes the answer before. `mixed`: how many."""

    def __init__(self, share: float, seed: int):
        self._share, self._random, self._last, self.mixed = share, random.Random(seed), b"", 0

    def __call__(self, answer: ModelInferResponse) -> None:
        before, self._last = self._last, answer.SerializeToString()
        if before and self._random.random() < self._share:
            self.mixed += 1
            answer.ParseFromString(before)
