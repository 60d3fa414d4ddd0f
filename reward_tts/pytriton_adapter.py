"""All that knows PyTriton: one model with ragged dynamic batches, started and stopped without leaving anything behind.

Two changes to what PyTriton 0.7.0 writes into Triton's model configuration (`_extend_model_config`), because it has no
option for them: `allow_ragged_batch`, without which requests of different length never share a batch, and the recipe's
name among the model's parameters, so that GET /v2/models/<model>/config tells whose server it is.
"""

import errno
import logging
import os
import shutil
import signal
import socket
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.model_config.generator import ModelConfigGenerator
from pytriton.triton import Triton, TritonConfig

log = logging.getLogger(__name__)
_TESTED_PYTRITON = "0.7.0"
_PORT_KEYS = ("http_port", "grpc_port", "metrics_port")
_SHM_PREFIX = "pytrtion"  # sic: PyTriton's shared memory is /dev/shm/pytrtion<pid>-<random>
_KILL_WAIT_S = 5.0


@dataclass(frozen=True)
class Query:
    """One row of a request; `problem` tells why it cannot be read, and is empty if it can."""

    tokens: np.ndarray
    text: str
    language: str | None
    voice: str | None
    problem: str


@dataclass(frozen=True)
class Answer:
    """One row of a response."""

    reward: float
    transcript: str
    measures: str
    status: int


Handler = Callable[[list[Query]], list[Answer]]


def serve(
    handlers: Sequence[Handler],
    model: str,
    recipe: str,
    host: str,
    ports: dict[str, int],
    max_batch_size: int,
    queue_delay_ms: float,
    drain_s: int,
) -> None:
    """Serves until SIGTERM or SIGINT, finishes what was begun, and leaves no process, shared memory or file.

    Args:
        handlers: one for each instance; each is called by its own thread with the rows of one batch.
        model: Triton's name of it.
        recipe: name to be told to those who ask for the model's configuration.
        host: address to listen on.
        ports: http_port, grpc_port, metrics_port.
        max_batch_size: rows in a batch.
        queue_delay_ms: how long a request may wait for others.
        drain_s: how long requests may take to finish at the end.

    Raises:
        RuntimeError: another PyTriton than the tested one, or Triton ended by itself.
    """
    if version("nvidia-pytriton") != _TESTED_PYTRITON:
        raise RuntimeError(f"reward_tts/pytriton_adapter.py was tested with nvidia-pytriton {_TESTED_PYTRITON} only")
    _extend_model_config(recipe)
    _show_libpython()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    workspace = _workspaces() / _identity(os.getpid())
    begin = time.monotonic()
    try:
        triton = Triton(config=_config(host, ports, drain_s), workspace=workspace)
        with triton:
            triton.bind(
                model,
                [_infer_function(handler) for handler in handlers],
                inputs=[
                    Tensor(name="TOKENS", dtype=np.int32, shape=(-1,)),
                    Tensor(name="TOKEN_LENS", dtype=np.int32, shape=(1,)),
                    Tensor(name="GT_TEXT", dtype=bytes, shape=(1,)),
                    Tensor(name="LANGUAGE", dtype=bytes, shape=(1,), optional=True),
                    Tensor(name="VOICE", dtype=bytes, shape=(1,), optional=True),
                ],
                outputs=[
                    Tensor(name="REWARDS", dtype=np.float32, shape=(1,)),
                    Tensor(name="TRANSCRIPTS", dtype=bytes, shape=(1,)),
                    Tensor(name="MEASURES", dtype=bytes, shape=(1,)),
                    Tensor(name="STATUS", dtype=np.int32, shape=(1,)),
                ],
                config=ModelConfig(
                    max_batch_size=max_batch_size,
                    batcher=DynamicBatcher(max_queue_delay_microseconds=int(queue_delay_ms * 1000)),
                ),
                strict=True,
            )
            where = " ".join(f"{key.removesuffix('_port')} {host}:{ports[key]}" for key in _PORT_KEYS)
            print(f"READY {model} of {recipe}: {where} (Triton {time.monotonic() - begin:.1f} s)", flush=True)
            while not stop.wait(1.0):
                if not triton.is_alive():
                    raise RuntimeError("Triton ended by itself: its own words are above")
            print("stopping: finishing what was begun", flush=True)
    finally:
        _remove_workspace(workspace)


def check_ports(host: str, ports: dict[str, int]) -> None:
    """SystemExit that names the first port that is taken and the key to change."""
    for key in _PORT_KEYS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, ports[key]))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                hint = f"Stop what listens there, or choose another: recipe.server.{key}=PORT"
                raise SystemExit(f"port {ports[key]} of {host} (recipe.server.{key}) is taken. {hint}") from None


def remove_leftovers() -> None:
    """Ends and removes what servers left behind whose process was killed; those that live are left alone."""
    for workspace in _workspaces().iterdir():
        pid = int(workspace.name.split("_")[0])
        if workspace.name != _identity(pid):
            print(f"removing what server {pid} left behind", flush=True)
            _remove_workspace(workspace)


def _workspaces() -> Path:
    """Folder of this user's workspaces, one for each server, named by `_identity`."""
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
    """Processes (tritonserver, its Python stubs) whose command line names the workspace."""
    users = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(workspace).encode() in (folder / "cmdline").read_bytes():
                users.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended, or is not ours
            continue
    return [pid for pid in users if pid != os.getpid()]


def _remove_workspace(workspace: Path) -> None:
    deadline = time.monotonic() + _KILL_WAIT_S
    while (users := _users_of(workspace)) and time.monotonic() < deadline:
        for pid in users:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for shared in Path("/dev/shm").glob(f"{_SHM_PREFIX}{workspace.name.split('_')[0]}-*"):
        shared.unlink(missing_ok=True)
    shutil.rmtree(workspace, ignore_errors=True)


def _config(host: str, ports: dict[str, int], drain_s: int) -> TritonConfig:
    return TritonConfig(
        http_address=host,
        grpc_address=host,
        metrics_address=host,
        exit_timeout_secs=drain_s,
        allow_gpu_metrics=False,
        **ports,
    )


def _show_libpython() -> None:
    """The backend's stub links libpython3.X.so, which a Python outside the system's folders has in its own."""
    folders = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
    os.environ["LD_LIBRARY_PATH"] = ":".join(f for f in folders if f)


def _extend_model_config(recipe: str) -> None:
    signature, parameters = ModelConfigGenerator._set_model_signature, ModelConfigGenerator._set_backend_parameters

    def set_model_signature(self, model_config: dict) -> None:
        signature(self, model_config)
        for tensor in model_config["input"]:
            if -1 in tensor["dims"]:
                tensor["allow_ragged_batch"] = True

    def set_backend_parameters(self, model_config: dict) -> None:
        parameters(self, model_config)
        model_config["parameters"]["recipe"] = {"string_value": recipe}

    ModelConfigGenerator._set_model_signature = set_model_signature
    ModelConfigGenerator._set_backend_parameters = set_backend_parameters


def _infer_function(handler: Handler) -> Callable:
    def infer(requests: list) -> list[dict[str, np.ndarray]]:
        queries = [[_query(request, row) for row in range(len(request["TOKENS"]))] for request in requests]
        answers = iter(handler([query for rows in queries for query in rows]))
        return [_response([next(answers) for _ in rows]) for rows in queries]

    return infer


def _query(request: dict[str, np.ndarray], row: int) -> Query:
    tokens, length = request["TOKENS"][row], int(request["TOKEN_LENS"][row, 0])
    problem = "" if 0 <= length <= len(tokens) else f"TOKEN_LENS is {length}, TOKENS has {len(tokens)}"
    texts = {}
    for name in ("GT_TEXT", "LANGUAGE", "VOICE"):
        value = request[name][row, 0] if name in request else b""
        texts[name] = bytes(value).decode("utf-8", errors="replace")
        if "\ufffd" in texts[name]:
            problem = f"{name} is not UTF-8"
    return Query(tokens[: max(length, 0)], texts["GT_TEXT"], texts["LANGUAGE"] or None, texts["VOICE"] or None, problem)


def _response(answers: list[Answer]) -> dict[str, np.ndarray]:
    def column(values: list, dtype: type) -> np.ndarray:
        return np.array([[value] for value in values], dtype=dtype)

    return {
        "REWARDS": column([a.reward for a in answers], np.float32),
        "TRANSCRIPTS": column([a.transcript.encode() for a in answers], object),
        "MEASURES": column([a.measures.encode() for a in answers], object),
        "STATUS": column([a.status for a in answers], np.int32),
    }
