"""Processes and files of a reward server, as seen from outside."""

import os
import signal
from pathlib import Path

_FRONT = b"reward_tts.server.front"
_ROLES = {b"tritonserver/bin/tritonserver": "triton", b"python_backend_stub": "stub", _FRONT: "front"}


def workspace_of(server) -> Path:
    """The server's folder of sockets and of its Tritons."""
    (found,) = Path(f"/tmp/verl_tts_serving_{os.getuid()}").glob(f"{server.process.pid}_*")
    return found


def processes_of(server) -> dict[str, list[int]]:
    """Pids of the server's other processes: triton, stub (several), front."""
    found: dict[str, list[int]] = {role: [] for role in _ROLES.values()}
    named = f"verl_tts_serving_{os.getuid()}/{server.process.pid}_".encode()
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if named in line:
            program = _FRONT if _FRONT in line else line.split(b"\0")[0]
            roles = [role for part, role in _ROLES.items() if program.endswith(part)]
            for role in roles:
                found[role].append(int(folder.name))
    return {role: sorted(pids) for role, pids in found.items()}


def send(pids: list[int], number: signal.Signals) -> None:
    """A signal to each; one that has ended is passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def left_behind(pid: int) -> list[str]:
    """Shared memory, files and processes of a server that has ended."""
    shared = [str(path) for path in Path("/dev/shm").glob(f"pytrtion{pid}-*")]
    files = [str(path) for path in Path(f"/tmp/verl_tts_serving_{os.getuid()}").glob(f"{pid}_*")]
    lines = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode() if folder.name.isdigit() else ""
        except OSError:
            continue
        if f"verl_tts_serving_{os.getuid()}/{pid}_" in line:
            lines.append(line)
    return [*shared, *files, *lines]
