"""What a reward server keeps outside its own process, and how it goes away even if that process was killed.

Each server has a workspace, a folder named by its pid and start time, under one folder of the user. Triton's processes
have the workspace in their command lines; shared memory has the pid in its name.
"""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

_SHM_PREFIX = "pytrtion"  # sic: PyTriton's shared memory is /dev/shm/pytrtion<pid>-<random>
_KILL_WAIT_S = 5.0


def new_workspace() -> Path:
    """Where this process may make its workspace (PyTriton makes it)."""
    return _workspaces() / _identity(os.getpid())


def remove_leftovers() -> None:
    """Ends and removes what servers left behind whose process was killed; those that live are left alone."""
    for workspace in _workspaces().iterdir():
        pid = int(workspace.name.split("_")[0])
        if workspace.name != _identity(pid):
            print(f"removing what the killed server {pid} left behind", flush=True)
            remove_workspace(workspace)


def remove_workspace(workspace: Path) -> None:
    """Ends the processes of a workspace; removes their shared memory and the folder."""
    deadline = time.monotonic() + _KILL_WAIT_S
    while (users := _users_of(workspace)) and time.monotonic() < deadline:
        for pid in users:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for shared in Path("/dev/shm").glob(f"{_SHM_PREFIX}{workspace.name.split('_')[0]}-*"):
        shared.unlink(missing_ok=True)
    shutil.rmtree(workspace, ignore_errors=True)


def _workspaces() -> Path:
    """Folder of this user's workspaces."""
    folder = Path(tempfile.gettempdir()) / f"verl_tts_servers_{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _identity(pid: int) -> str:
    """pid and its start time (clock ticks since boot), never used again, unlike a pid; '<pid>_gone' if gone."""
    try:
        return f"{pid}_{Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid}_gone"


def _users_of(workspace: Path) -> list[int]:
    """Other processes (tritonserver, its Python stubs) whose command line names the workspace."""
    users = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if str(workspace).encode() in (folder / "cmdline").read_bytes():
                users.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended, or is not ours
            continue
    return users
