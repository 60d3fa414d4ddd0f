"""The command that runs while a stage does (the guard's hearing beside train), and is started again where it dies."""

import subprocess
from pathlib import Path

from stages import processes
from stages.config import ROOT


class Beside:
    """Starts it.

    Args:
        argv, environment: of the command.
        log: file of what it prints.
        restarts: times at most that it is started again.
    """

    def __init__(self, argv: list[str], environment: dict[str, str], log: Path, restarts: int):
        self.name, self._argv, self._environment, self.log = log.stem, argv, environment, log
        self._left, self._most = restarts, restarts
        self._process: subprocess.Popen[bytes] | None = self._start("wb")

    def _start(self, mode: str) -> subprocess.Popen[bytes]:
        with open(self.log, mode) as file:
            return processes.start(self._argv, self._environment, file, ROOT)

    def watch(self) -> str | None:
        """If it has ended: starts it again, and says so, or that it will not be."""
        if self._process is None or self._process.poll() is None:
            return None
        ended = f"{self.name} has ended (exit status {self._process.returncode})"
        if not self._left:
            self._process = None
            return f"{ended} and is not started again: the run goes on without it"
        self._left -= 1
        self._process = self._start("ab")
        return f"{ended} and is started again ({self._most - self._left} of {self._most} times at most)"

    def stop(self, grace_s: float) -> None:
        """Ask it to end, then end it."""
        if self._process:
            processes.stop(self._process, grace_s)
            self._process = None
