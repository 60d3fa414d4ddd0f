"""Ray's workers by fork: one process imports what all of them need, and each of them begins as a copy of it.

Ray starts a Python for each actor, and each would import torch, transformers and verl anew: on two cores a minute of
CPU before the first step, and a third of a GiB each. This is the `py_executable` of Ray's runtime environment, which
may be any command that waits for the worker (Ray's own example is `uv run`):

    python -m verl_plugins.forked_worker MODULE ... /path/of/rays/default_worker.py --its arguments

It asks the process that has imported the modules, over a socket, for a copy of itself that goes on with this one's
environment, folder, arguments and open files, and waits for the copy's end. Who finds no such process starts one; it
ends with the raylet, the parent of all who ask. Linux only (abstract sockets, pidfd).
"""

import gc
import hashlib
import importlib
import json
import os
import random
import runpy
import secrets
import select
import signal
import socket
import struct
import sys
import time
import traceback

# Variables that libraries read while they are imported: who has others needs another process to be copied from.
AT_IMPORT = ("OMP_", "MKL_", "MALLOC_", "LD_", "PYTHON", "TORCH_", "HF_", "TRANSFORMERS_", "VERL_", "VLLM_", "TQ_")
STARTED_S = 60.0  # within which the process to be copied has its socket; it imports after that
NUMBER, PEER = struct.Struct("!I"), struct.Struct("3i")
OPEN_FILES = (0, 1, 2)
# Ray's generator of identifiers has no seed to set, and some imports draw from it: copies would go on alike. Two that
# began at the same moment warmed up Ray's object store by the same identifier, one crashed, and the run stood still. So
# each first draws so many at most (a microsecond each).
DRAWS = 1 << 17


def main() -> None:
    """Waits for a worker, or becomes one (or what they are copied from)."""
    place = next(i for i, argument in enumerate(sys.argv) if i and argument.endswith(".py"))
    modules, argv, raylet = sys.argv[1:place], sys.argv[place:], os.getppid()
    address = address_of(modules, raylet)
    link = connect(address)
    if link is None and os.fork() == 0:
        serve(address, modules, raylet)  # returns in copies only
        return
    deadline = time.monotonic() + STARTED_S
    while (link := link or connect(address)) is None:
        if time.monotonic() > deadline:
            sys.exit(f"verl_plugins/forked_worker.py: no process that can be copied after {STARTED_S:.0f} s")
        time.sleep(0.02)
    worker = ask(link, argv)
    if worker is not None:
        select.select([worker], [], [])


def address_of(modules: list[str], raylet: int) -> str:
    """An abstract socket's name, which leaves no file behind: of this raylet, these modules, this environment."""
    seen = sorted((name, value) for name, value in os.environ.items() if name.startswith(AT_IMPORT))
    digest = hashlib.sha256(json.dumps([modules, seen, sys.path]).encode()).hexdigest()[:16]
    return f"\0verl-tts-worker-{raylet}-{digest}"


def of_same_user(link: socket.socket) -> bool:
    """Any user of the machine may listen on an abstract socket, or connect to one."""
    return PEER.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))[1] == os.getuid()


def connect(address: str) -> socket.socket | None:
    """To the process that can be copied; None: there is none. SystemExit: it is somebody else's."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(address)
    except ConnectionRefusedError:
        link.close()
        return None
    if not of_same_user(link):
        sys.exit("verl_plugins/forked_worker.py: a process of another user has the name of ours")
    return link


def ask(link: socket.socket, argv: list[str]) -> int | None:
    """Asks for a copy; a descriptor that is readable when it has ended, None if it has done so already.

    Raises:
        ConnectionError: the process that can be copied ended first.
    """
    wanted = json.dumps({"argv": argv, "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
    socket.send_fds(link, [NUMBER.pack(len(wanted))], OPEN_FILES)
    link.sendall(wanted)
    pid = link.recv(NUMBER.size, socket.MSG_WAITALL)
    if len(pid) < NUMBER.size:
        raise ConnectionError("the process that workers are copied from has ended")
    try:
        return os.pidfd_open(NUMBER.unpack(pid)[0])
    except ProcessLookupError:
        return None


def serve(address: str, modules: list[str], raylet: int) -> None:
    """Imports the modules, then makes copies until the raylet ends. Returns in a copy, when its work is done."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(address)
        end = os.pidfd_open(raylet)
    except (OSError, ProcessLookupError):  # another one was faster, or all is over
        os._exit(0)
    listener.listen(128)
    os.setsid()  # whoever ends the process group of the first who asked does not end this one
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # who needs it meets the same error in its own place; the others are none the worse
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # what is shared stays shared: no copy's collection writes to it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who asked waits for the copy
    while end not in (ready := select.select([listener, end], [], [])[0]):
        link, _ = ready[0].accept()
        if of_same_user(link) and (asked := asked_by(link)):
            wanted, files = asked
            if not has_left(link):
                if (pid := os.fork()) == 0:
                    for one in (listener, link):
                        one.close()
                    os.close(end)
                    return work(wanted, files)
                try:
                    link.sendall(NUMBER.pack(pid))
                except OSError:  # killed just now: nobody waits for the copy
                    os.kill(pid, signal.SIGKILL)
            for descriptor in files:
                os.close(descriptor)
        link.close()
    os._exit(0)


def asked_by(link: socket.socket) -> tuple[dict, list[int]] | None:
    """What `ask` sent, with its open files; None from one that was killed before it had said all."""
    head, files, _, _ = socket.recv_fds(link, NUMBER.size, len(OPEN_FILES))
    length = NUMBER.unpack(head)[0] if len(head) == NUMBER.size else 0
    said = link.recv(length, socket.MSG_WAITALL) if length else b""
    if length and len(said) == length:
        return json.loads(said), files
    for descriptor in files:
        os.close(descriptor)
    return None


def has_left(link: socket.socket) -> bool:
    """Whether who asked has been killed since, as Ray does where the imports took long."""
    poll = select.poll()
    poll.register(link, select.POLLRDHUP)
    return bool(poll.poll(0))


def work(wanted: dict, files: list[int]) -> None:
    """Goes on as the process that asked would have."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)  # Ray ends the process group of a worker that has died
    for descriptor, place in zip(files, OPEN_FILES, strict=True):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv = wanted["argv"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    random.seed()
    if numpy := sys.modules.get("numpy"):  # else all copies would draw the same
        numpy.random.seed()
    if ray := sys.modules.get("ray"):
        for _ in range(secrets.randbelow(DRAWS)):
            ray.ObjectRef.from_random()
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
