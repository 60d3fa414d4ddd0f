"""What is changed of PyTriton's own code, against the installed package."""

import importlib.util
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytriton.models import model as pytriton_model
from pytriton.proxy import communication

from reward_tts.server.pytriton_patches import patch_communication, patch_model

HANDSHAKE = b'{"authkey": "a2V5"}'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a model's code as PyTriton writes it."""
    for name in ("communication.py", "data.py", "model.py"):
        shutil.copy(Path(communication.__file__).with_name(name), tmp_path)
    return tmp_path


def function_of(file: Path) -> Callable[[Path], dict]:
    spec = importlib.util.spec_from_file_location("patched_communication", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config_from_handshake_server


def first_instance(path: Path) -> threading.Thread:
    """Its socket is there from now on, and listens after more than the second that PyTriton's own code gives it."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))

    def answer() -> None:
        time.sleep(1.5)
        with server:
            server.listen()
            connection, _ = server.accept()
            with connection:
                assert connection.recv(100) == b"get_config\n"
                connection.sendall(len(HANDSHAKE).to_bytes(4, "big") + HANDSHAKE)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


def test_an_instance_waits_for_a_first_one_that_does_not_listen_yet(store):
    with pytest.raises(ConnectionRefusedError):  # what the patch is for
        first_instance(store / "own.sock")
        function_of(store / "communication.py")(store / "own.sock")
    patch_communication(store / "communication.py")
    answering = first_instance(store / "patched.sock")
    assert function_of(store / "communication.py")(store / "patched.sock") == {"authkey": "a2V5"}
    answering.join()


def test_the_process_that_starts_triton_waits_as_long(store, monkeypatch):
    ask = pytriton_model.get_config_from_handshake_server
    monkeypatch.setattr(ask, "__defaults__", (1.0,))
    patch_model(store)
    assert ask.__defaults__ == (120.0,)


def test_code_of_another_version_is_refused(store):
    patch_model(store)
    with pytest.raises(RuntimeError, match=r"is not that of PyTriton 0\.7\.0"):
        patch_model(store)
