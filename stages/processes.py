"""Running commands so that nothing of them survives: own session each, orphans adopted, everything ended at the end."""

import ctypes
import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from speech.files import NO_LOCKS

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.2
RUN_LOCK = "run.lock"  # in the work folder, of a run that makes something there
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def _leave(number: int, _frame: object) -> None:
    """Signal handler: end this run through its `finally` clauses, with the status that shells give (128 + signal).

    Not `print`: the signal may come in the middle of one, and Python refuses a second write to the same buffer.
    """
    with suppress(OSError):  # the terminal may be gone
        os.write(1, f"run.sh: {signal.Signals(number).name}: ending what this run started\n".encode())
    raise SystemExit(128 + number)


def leave_on_signals() -> None:
    """From now on a signal that asks this run to end does so by `_leave`. Not SIGHUP of whom `nohup` started."""
    for number in _ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)


def ignore_signals() -> None:
    """From now on nothing interrupts this run: it is ending what it started."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends (Ray's and vLLM's daemons)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants(root: int, spare: Collection[int] = ()) -> list[psutil.Process]:
    """All living descendants of root; the trees of `spare` are left out."""
    spared = {*spare, *(p.pid for one in spare for p in _below(one))}
    return [p for p in _below(root) if p.pid not in spared]


def _below(pid: int) -> list[psutil.Process]:
    try:
        return [process for process in psutil.Process(pid).children(recursive=True) if _lives(process)]
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def end_descendants(grace_s: float, spare: Collection[int] = ()) -> int:
    """End every descendant of this process but the trees of `spare`; returns how many had to be asked."""
    left = descendants(os.getpid(), spare)
    asked = len(left)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        psutil.wait_procs(left, timeout=grace_s)
        if not (left := descendants(os.getpid(), spare)):
            break
    return asked


def children_without(variable: str) -> list[int]:
    """Pids of this process's children, adopted ones too, whose environment does not have it."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if variable not in child.environ():
                found.append(child.pid)
    return found


def start(argv: Sequence[str], env: dict[str, str], stdout: int | BinaryIO, cwd: Path) -> subprocess.Popen[bytes]:
    """Start argv in its own session, both outputs to stdout; it is asked to end if this process dies."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
        start_new_session=True,
        preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
    )


def stop(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask a process to end, then end it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_logged(
    argv: Sequence[str],
    env: dict[str, str],
    log: BinaryIO,
    cwd: Path,
    grace_s: float,
    show: Callable[[bytes], None],
    watch: Callable[[], None],
) -> Generator[int, None, int]:
    """Run argv to its end, its output both to log and to `show`; gives its pid again and again while it runs, so that
    the caller can do something else in between, and returns its exit status.

    `watch` is called as often.

    The status is taken when argv itself ends: a daemon it left behind may keep the pipe open for ever. An exception
    here (Ctrl-C, disk full), or closing this, stops argv before anything that it started, so that it can do so in its
    own way.
    """
    process = start(argv, env, subprocess.PIPE, cwd)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)

    def copy() -> None:
        while chunk := process.stdout.read(1 << 16):
            log.write(chunk)
            log.flush()
            show(chunk)

    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while process.poll() is None:
                if selector.select(_POLL_S):
                    copy()
                    time.sleep(0.01)  # after the end of the pipe select returns at once, always
                watch()
                yield process.pid
            copy()
    finally:
        stop(process, grace_s)
        process.stdout.close()
    return process.returncode


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold folder/name for as long as this process runs; SystemExit with the holder's pid if another one does.
    Where the file system has no locks that is said, and nothing is held."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SystemExit(
                f"run.sh: another run works in {os.path.relpath(folder)} (pid {file.read().strip()}). "
                "Wait for it, stop it, or give this one its own folder: recipe.work_dir=exp/NAME "
                "(how: docs/training.md)"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            where = os.path.relpath(folder)
            print(f"run.sh: {where} cannot be locked ({error.strerror}): let no other run work in it", flush=True)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
