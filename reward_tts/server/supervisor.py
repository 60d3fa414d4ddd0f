"""Keeps a reward server answering: the models stay loaded; Triton and the front, when they have died, start again."""

import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_tts.addresses import taken
from reward_tts.server.leftovers import new_workspace, remove_workspace
from reward_tts.server.metrics import PipelineMetrics, metrics_told
from reward_tts.server.places import METRICS_SOCKET, STUB_ILL
from reward_tts.server.pytriton_adapter import NotReady, RunningTriton

log = logging.getLogger(__name__)
_LOOK_EVERY_S = 0.2
_POLL_S = 0.05
_FRONT_END_S = 5.0  # beyond drain_s, for the front to end


class StubIll(Exception):
    """Triton took a stub that got no time for dead: batches of it may be answered with others' answers, or never."""


@dataclass
class Deaths:
    """How often something may die: `most` times in `minutes`. `counts`: {who: how often so far}."""

    most: int
    minutes: float

    def __post_init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._begin = time.monotonic()
        self._times: deque[float] = deque()

    def count(self, who: str, reason: str) -> None:
        """One more. Raises RuntimeError if it was one too many."""
        now = time.monotonic()
        self.counts[who] += 1
        self._times.append(now)
        while now - self._times[0] > 60 * self.minutes:
            self._times.popleft()
        ago = now - self._begin
        log.error("%s; %s is started again (time %d in %.0f s)", reason, who, self.counts[who], ago)
        if len(self._times) > self.most:
            raise RuntimeError(
                f"Triton or the front died {len(self._times)} times in {self.minutes} minutes: {reason}. "
                "server.restarts says how often they may"
            )


class Front:
    """The process on the public ports; see reward_tts/server/front/__main__.py.

    Args:
        workspace: of the server.
        settings: as one line of JSON.
    """

    def __init__(self, workspace: Path, settings: dict[str, Any]):
        self._settings = settings
        argv = [sys.executable, "-m", "reward_tts.server.front", str(workspace)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE)
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()  # and stays open: its end is the server's

    def death(self) -> str:
        """How it ended; empty while it lives."""
        status = self._process.poll()
        return "" if status is None else f"the front has ended (exit status {status})"

    def wait_listening(self, stop: threading.Event) -> None:
        """Waits until it listens, has ended, or `stop`."""
        host, port = self._settings["host"], self._settings["ports"]["http_port"]
        while not self.death() and not stop.wait(_POLL_S):
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
                return

    def stop(self) -> None:
        """Ends it after what was begun; nothing if it has ended."""
        self._process.terminate()
        try:
            self._process.wait(self._settings["drain_s"] + _FRONT_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()


def serve(
    start_triton: Callable[[Path], RunningTriton],
    settings: dict[str, Any],
    ready: str,
    deaths: Deaths,
    metrics: PipelineMetrics,
    lost: Callable[[], str],
) -> None:
    """Serves until SIGTERM or SIGINT, finishes what was begun, and leaves no process, shared memory or file.

    Args:
        start_triton: makes a Triton in a folder that is not there yet.
        settings: of the front.
        ready: what to print when it answers.
        deaths: of Triton and of the front.
        metrics: of the pipelines.
        lost: why the models can compute nothing any more; empty while they can.

    Raises:
        RuntimeError: another PyTriton than the tested one, Triton does not get ready, something died too often, or the
            models are lost.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    os.umask(0o077)
    workspace = new_workspace()
    try:
        with metrics_told(metrics, workspace / METRICS_SOCKET):
            _supervise(start_triton, workspace, settings, ready, deaths, stop, lost)
    finally:
        remove_workspace(workspace)


def _supervise(
    start_triton: Callable[[Path], RunningTriton],
    workspace: Path,
    settings: dict[str, Any],
    ready: str,
    deaths: Deaths,
    stop: threading.Event,
    lost: Callable[[], str],
) -> None:
    front = Front(workspace, settings)
    try:
        for number in itertools.count():
            try:
                with start_triton(workspace / str(number)) as triton:
                    (workspace / STUB_ILL).unlink(missing_ok=True)  # of the Triton before
                    front.wait_listening(stop)
                    print(f"READY {ready} (start {number + 1} of Triton)", flush=True)
                    while not (died := triton.death()) and not stop.wait(_LOOK_EVERY_S):
                        if why := lost():
                            raise RuntimeError(f"{why}. The server ends, as only a new one can help")
                        if (workspace / STUB_ILL).exists():
                            raise StubIll("Triton has taken a backend stub for ill that got no time for a second")
                        if ended := front.death():
                            deaths.count("front", ended)
                            front = Front(workspace, settings)
                    if stop.is_set():
                        print("stopping: finishing what was begun", flush=True)
                        front.stop()
                        return
                    deaths.count("triton", died)
            except (NotReady, StubIll) as error:  # what is left of that Triton has been ended
                if stop.is_set():
                    return
                if number == 0 and isinstance(error, NotReady) and not error.crashed:
                    raise  # it has never answered: settings, not bad luck
                deaths.count("triton", str(error))
    finally:
        front.stop()


def check_ports(host: str, ports: dict[str, int]) -> None:
    """SystemExit that names the first port that is taken and the key to change."""
    if key := taken(host, ports):
        hint = f"Stop what listens there, or choose another: recipe.server.{key}=PORT"
        raise SystemExit(f"port {ports[key]} of {host} (recipe.server.{key}) is taken. {hint}")
