"""What PyTriton 0.7.0 needs that it has no option for: changes of its proxy's code in one model's repository.

Checked against nvidia-pytriton 0.7.0 (github.com/triton-inference-server/pytriton), files of pytriton/proxy/:

data.py           a tensor without elements fails, and with it the whole batch
model.py          one request of a batch cannot be answered by an error
communication.py  an instance after the first asks it for its settings over a socket that it may find bound and not yet
                  listening (ConnectionRefusedError), and gives up after one second, which on a busy machine is short
"""

from importlib.metadata import version
from pathlib import Path

from pytriton.models import model as pytriton_model

TESTED_PYTRITON = "0.7.0"
STARTUP_S = 120.0  # for instances to find each other: as long as PyTriton waits for Triton itself
_FAILS_ON_EMPTY = 'frame.cast("B")'
_WRAPS = "    if response.data is not None:\n        only_requested"
_REFUSES = """    if response.data is not None and response.data["STATUS"].min() < 0:
        row = response.data["STATUS"][:, 0].argmin()
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(response.data["TRANSCRIPTS"][row, 0].decode()))
"""
_ASKS = "timeout_s: float = 1.0) -> dict:"
_LISTENS = 'reader.readuntil(b"\\n"), timeout=1.0)'
_CONNECTS = "        sock.connect(socket_path.as_posix())\n"
_CONNECTS_WHEN_HEARD = """        while time.time() < should_stop_before_s and sock.connect_ex(socket_path.as_posix()):
            time.sleep(0.01)
"""


def check_version() -> None:
    """Raises RuntimeError: another PyTriton than the tested one."""
    if version("nvidia-pytriton") != TESTED_PYTRITON:
        raise RuntimeError(f"{Path(__file__).name} was tested with nvidia-pytriton {TESTED_PYTRITON} only")


def patch_model(folder: Path) -> None:
    """Changes the code that PyTriton wrote beside a model, and how long this process asks for its settings.

    Raises:
        RuntimeError: a file is not that of the tested version.
    """
    _replace(folder / "data.py", _FAILS_ON_EMPTY, f"{_FAILS_ON_EMPTY} if frame.nbytes else b''")
    patch_communication(folder / "communication.py")
    pytriton_model.get_config_from_handshake_server.__defaults__ = (STARTUP_S,)


def patch_statuses(folder: Path) -> None:
    """Of a model with the outputs STATUS and TRANSCRIPTS: a row whose STATUS is negative fails its request."""
    _replace(folder / "model.py", _WRAPS, _REFUSES + _WRAPS)


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
