"""What PyTriton 0.7.0 needs that it has no option for.

Checked against nvidia-pytriton 0.7.0 (github.com/triton-inference-server/pytriton). In the code that it writes into a
model's repository, files of pytriton/proxy/:

communication.py  an instance after the first asks it for its settings over a socket that it may find bound and not yet
                  listening (ConnectionRefusedError), and gives up after one second, which on a busy machine is short

Its tensor store (`use_no_tensor_store`) is a process for each model that says where in shared memory a tensor is to be
written, and is asked again for each tensor that was read: ten times a row. A row's tensors are small: as base64 in the
message itself, for which PyTriton has a switch, a row costs less (benchmarks/results.md).

In its class Triton (`UnmanagedTriton`): it always starts Triton so that models may be loaded and unloaded, asks it over
TCP whether it is ready, and takes itself apart in another thread when Triton has died.

In Triton's Python backend (`keep_stubs_healthy`): while a batch runs, it looks each second whether the stub's health
thread has set a flag. A stub that got no CPU in that second is taken for ill: its batch is answered with an error, and
its late answer is read as that of the next batch, which is another row's or no memory at all.
"""

import mmap
import os
import threading
from pathlib import Path

from pytriton.models import model as pytriton_model
from pytriton.triton import Triton, TritonConfig, TritonLifecyclePolicy, TritonSecurityConfig

from speech.stand_ins import require

TESTED_PYTRITON = "0.7.0"
_STUB = b"python_backend_stub"
_REGION_ARGUMENT, _CONTROL_ARGUMENT = 2, 7  # of a stub: its shared memory, and where in it its control block is
_FLAG_OFFSET = 16  # of the flag, from there
_SET_EVERY_S = 0.02
STARTUP_S = 120.0  # for instances to find each other: as long as PyTriton waits for Triton itself
_ASKS = "timeout_s: float = 1.0) -> dict:"
_LISTENS = 'reader.readuntil(b"\\n"), timeout=1.0)'
_CONNECTS = "        sock.connect(socket_path.as_posix())\n"
_CONNECTS_WHEN_HEARD = """        while time.time() < should_stop_before_s and sock.connect_ex(socket_path.as_posix()):
            time.sleep(0.01)
"""


def check_version() -> None:
    """Raises RuntimeError: another PyTriton than the tested one."""
    check = "each place that its docstring names"
    require("nvidia-pytriton", TESTED_PYTRITON, "reward_tts/server/pytriton_patches.py", check)


def use_no_tensor_store() -> None:
    """For what is started from now on, and for this process: PyTriton's own switch."""
    os.environ["PYTRITON_NO_TENSORSTORE"] = "1"


def patch_model(folder: Path) -> None:
    """Changes the code that PyTriton wrote beside a model, and how long this process asks for its settings.

    Raises:
        RuntimeError: a file is not that of the tested version.
    """
    patch_communication(folder / "communication.py")
    pytriton_model.get_config_from_handshake_server.__defaults__ = (STARTUP_S,)


def patch_communication(file: Path) -> None:
    """Instances wait for the first one, as long as STARTUP_S. Raises RuntimeError as patch_model does."""
    for waits_a_second in (_ASKS, _LISTENS):
        _replace(file, waits_a_second, waits_a_second.replace("1.0", str(STARTUP_S)))
    _replace(file, _CONNECTS, _CONNECTS_WHEN_HEARD)


def _replace(file: Path, old: str, new: str) -> None:
    code = file.read_text()
    if code.count(old) != 1:
        raise RuntimeError(f"{file} is not that of PyTriton {TESTED_PYTRITON}: {old!r} is not in it once")
    file.write_text(code.replace(old, new))


class UnmanagedTriton(Triton):
    """PyTriton's Triton, whose models are those of its repository at its start and no others: no way to load, unload or
    register anything is open, and no token is on its command line that would open one.

    Args:
        socket: Triton listens there and nowhere else; its folder lets in this user alone.
        workspace: must not be there yet.
        drain_s: how long requests may take at the end.
    """

    def __init__(self, socket: Path, workspace: Path, drain_s: int):
        address, port = f"unix:{socket}".rsplit(":", 1)
        super().__init__(
            config=TritonConfig(
                allow_http=False,
                allow_metrics=False,
                grpc_address=address,
                grpc_port=int(port),
                exit_timeout_secs=drain_s,
            ),
            workspace=workspace,
            triton_lifecycle_policy=TritonLifecyclePolicy(launch_triton_on_startup=False, local_model_store=True),
            security_config=TritonSecurityConfig(restricted_endpoints=[]),
        )
        self._triton_server_config["model_control_mode"] = "none"
        self._triton_server_config["load-model"] = None
        self._model_manager.clean = self._clean_models

    @property
    def pid(self) -> int:
        """Of Triton's process, once it was started."""
        return self._triton_server._tritonserver_running_cmd.pid

    @property
    def signal_at_end(self) -> int:
        """The signal that ended Triton's process (sh has it as a negative exit status); 0: none, or it runs."""
        return max(0, -(self._triton_server._tritonserver_running_cmd.process.exit_code or 0))

    def _clean_models(self) -> None:
        """Ours has nothing to unload in Triton, which has ended by then."""
        for model in self._model_manager.models:
            model.clean()
        self._model_manager._models.clear()

    def _wait_for_server(self) -> None:
        """Who starts it asks over its socket."""

    def _wait_for_models(self) -> None:
        """The same."""

    def _on_tritonserver_exit(self, *_: object) -> None:
        """Who started it looks whether it lives, and stops it."""


def stub_pids(pids: list[int]) -> list[int]:
    """Those of these processes that are stubs of Triton's Python backend."""
    return [pid for pid in pids if _words(pid)[0].endswith(_STUB)]


def keep_stubs_healthy(stubs: list[int], stop: threading.Event) -> threading.Thread:
    """Keeps the health flag of these stubs set until `stop`, in a thread of its own. Then Triton does not notice a stub
    that died: who calls this watches them.

    Raises:
        RuntimeError: a stub's shared memory is not that of the tested version.
    """
    flags = [_flag(pid) for pid in stubs]

    def keep() -> None:
        while not stop.wait(_SET_EVERY_S):
            for region, place in flags:
                region[place] = 1
        for region, _ in flags:
            region.close()

    thread = threading.Thread(target=keep, name="stubs' health", daemon=True)
    thread.start()
    return thread


def _flag(stub: int) -> tuple[mmap.mmap, int]:
    """A stub's shared memory, and where its flag is."""
    words = _words(stub)
    file = Path("/dev/shm") / words[_REGION_ARGUMENT].decode().lstrip("/")
    with open(file, "r+b") as shared:
        region = mmap.mmap(shared.fileno(), 0)
    place = int(words[_CONTROL_ARGUMENT]) + _FLAG_OFFSET
    if place >= len(region) or region[place] not in (0, 1):
        raise RuntimeError(f"{file} is not the shared memory of a stub of PyTriton {TESTED_PYTRITON}")
    return region, place


def _words(pid: int) -> list[bytes]:
    """The command line; of a process that ended one empty word."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]
