"""What a reward server keeps outside its own process, and how it goes away even if that process was killed.

Each server has a workspace, a folder named by its pid, start time and machine, under one folder that this user alone
may enter, and which several machines may share: each looks after its own.
In it each Triton that it starts has a folder of its own. Triton's processes and the front have the workspace in their
command lines; shared memory has the pid in its name, or is mapped by one of them.
"""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import tempfile
import time
from pathlib import Path

_SHM = Path("/dev/shm")
_SHM_PREFIX = "pytrtion"  # sic: PyTriton's shared memory is /dev/shm/pytrtion<pid>-<random>
_KILL_WAIT_S = 5.0
_SOCKET_PATH = 107  # bytes, and one that ends it: sun_path in unix(7)


def new_workspace() -> Path:
    """The folder of this process, made."""
    workspace = _workspaces() / _identity(os.getpid())
    workspace.mkdir(mode=0o700)
    return workspace


def check_room(longest_socket: str) -> None:
    """SystemExit if a socket of this name in the workspace would have a longer path than the system takes: who makes it
    names no reason."""
    path = _workspaces() / _identity(os.getpid()) / longest_socket
    if (length := len(os.fsencode(path))) > _SOCKET_PATH:
        spare = len(os.fsencode(tempfile.gettempdir())) - (length - _SOCKET_PATH)
        raise SystemExit(
            f"the server's sockets would have paths of {length} bytes, as {path}; {_SOCKET_PATH} is the most that "
            f"Linux takes. Name a folder of {spare} at most: TMPDIR=/tmp"
        )


def remove_leftovers() -> None:
    """Ends and removes what servers of this machine left behind whose process was killed; those that live are left
    alone, and those of other machines, whose processes cannot be seen from here."""
    for workspace in _workspaces().glob(f"*_{_machine()}"):
        pid = int(workspace.name.split("_")[0])
        if workspace.name != _identity(pid):
            print(f"removing what the killed server {pid} left behind", flush=True)
            remove_workspace(workspace)


def remove_workspace(workspace: Path) -> None:
    """Ends the processes of a workspace; removes their shared memory and the folder."""
    end_users(workspace)
    for shared in shared_memory(int(workspace.name.split("_")[0])):
        shared.unlink(missing_ok=True)
    make_writable(workspace)
    shutil.rmtree(workspace, ignore_errors=True)


def make_writable(folder: Path) -> None:
    """Folders that were made read-only, so that what is in them can be removed."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path, 0o700)


def end_users(folder: Path) -> None:
    """Ends the processes of a workspace, or of one Triton in it, and removes the shared memory that they had mapped."""
    deadline, mapped = time.monotonic() + _KILL_WAIT_S, set()
    while (users := users_of(folder)) and time.monotonic() < deadline:
        for pid in users:
            mapped |= _mapped_by(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for shared in mapped:
        shared.unlink(missing_ok=True)


def shared_memory(pid: int) -> list[Path]:
    """What PyTriton made for the server with this pid."""
    return list(_SHM.glob(f"{_SHM_PREFIX}{pid}-*"))


def _mapped_by(pid: int) -> set[Path]:
    """Files of shared memory that a process has mapped and that are Triton's."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:  # it ended, or is not ours
        return set()
    paths = {Path(line.split(maxsplit=5)[-1]) for line in lines}
    return {path for path in paths if path.parent == _SHM and path.name.startswith(_SHM_PREFIX)}


def _workspaces() -> Path:
    """Folder of this user's workspaces.

    Raises:
        PermissionError: somebody else made it, or lets others in: whoever may enter it may manage Triton.
    """
    folder = Path(tempfile.gettempdir()) / f"verl_tts_serving_{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder of this user alone (mode 700): remove it, or set TMPDIR")
    return folder


def _identity(pid: int) -> str:
    """pid, its start time (clock ticks since boot), never used again, unlike a pid, or 'gone', and its machine."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        started = "gone"
    return f"{pid}_{started}_{_machine()}"


def _machine() -> str:
    """The machine, or the container, whose pids this process sees, in eight digits."""
    return hashlib.sha256(f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:8]


def users_of(workspace: Path) -> list[int]:
    """Other processes (tritonserver, its Python stubs, the front) whose command line names the folder."""
    users, named = [], re.compile(re.escape(str(workspace).encode()) + rb"[/\0]")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if named.search((folder / "cmdline").read_bytes()):
                users.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended, or is not ours
            continue
    return users
