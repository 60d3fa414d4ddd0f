"""All that knows PyTriton: a model with ragged dynamic batches, started and stopped without leaving anything.

Triton's model repository is on disk before Triton starts, so that `_amend` can add what PyTriton 0.7.0 has no option
for: `allow_ragged_batch`, without which requests of different length never share a batch; what the server tells of
itself among the model's parameters (GET /v2/models/MODEL/config): recipe, contract, measures; and the mends of its own
code in reward_tts/server/pytriton_patches.py, such as an error for one request of a batch.

Our client sends CONTRACT and gets a STATUS for each row. The published client looks at REWARDS alone and would take NaN
for one: a request without CONTRACT that has a row without a reward fails as a whole, with the row's message.
"""

import errno
import logging
import math
import os
import signal
import socket
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import (
    DEFAULT_PROTECTED_ENDPOINTS,
    Triton,
    TritonConfig,
    TritonLifecyclePolicy,
    TritonSecurityConfig,
)
from tritonclient.grpc import model_config_pb2

from reward_tts.measures import CONTRACT, Status
from reward_tts.server.leftovers import new_workspace, remove_workspace
from reward_tts.server.metrics import PipelineMetrics, metrics_served
from reward_tts.server.pytriton_patches import check_version, patch_model, patch_statuses

log = logging.getLogger(__name__)
_PORT_KEYS = ("http_port", "grpc_port", "metrics_port")
_HERE = "127.0.0.1"


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
    message: str = ""


Handler = Callable[[list[Query]], list[Answer]]
Speaker = Callable[[np.ndarray, str | None, str], tuple[np.ndarray, int]]
SPEAKING_MODEL = "token2wav"


def serve(
    handlers: Sequence[Handler],
    speak: Speaker,
    model: str,
    tells: dict[str, str],
    secret: str | None,
    host: str,
    ports: dict[str, int],
    max_batch_size: int,
    queue_delay_ms: float,
    drain_s: int,
    metrics: PipelineMetrics,
) -> None:
    """Serves until SIGTERM or SIGINT, finishes what was begun, and leaves no process, shared memory or file.

    Args:
        handlers: one for each instance; each is called by its own thread with the rows of one batch.
        speak: answers the second model, `token2wav`: tokens, voice and text of one row -> its wave and sampling rate.
        model: Triton's name of the first.
        tells: what those hear who ask for the model's configuration; `recipe` is its name.
        secret: without it nobody may ask for inference; None: everybody may.
        host: address to listen on.
        ports: http_port, grpc_port, metrics_port.
        max_batch_size: rows in a batch.
        queue_delay_ms: how long a request may wait for others.
        drain_s: how long requests may take to finish at the end.
        metrics: ours, on metrics_port after Triton's own.

    Raises:
        RuntimeError: another PyTriton than the tested one, or Triton ended by itself.
    """
    check_version()
    _show_libpython()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    workspace = new_workspace()
    bound_before_start = TritonLifecyclePolicy(launch_triton_on_startup=False, local_model_store=True)
    begin = time.monotonic()
    try:
        own_metrics = _free_port()
        config = _config(host, {**ports, "metrics_port": own_metrics}, drain_s)
        triton_url = f"http://{_HERE}:{own_metrics}/metrics"
        # Without endpoints of ours PyTriton restricts those that manage the server, with a token that nobody knows.
        security = TritonSecurityConfig(secret, [*DEFAULT_PROTECTED_ENDPOINTS, "inference"]) if secret else None
        with (
            metrics_served(metrics, host, ports["metrics_port"], triton_url),
            Triton(
                config=config, workspace=workspace, triton_lifecycle_policy=bound_before_start, security_config=security
            ) as triton,
        ):
            _bind_measuring(triton, model, handlers, max_batch_size, queue_delay_ms)
            _bind_speaking(triton, speak)
            store = workspace / "model-store"
            _amend(store / model, tells)
            patch_model(store / SPEAKING_MODEL / "1")
            triton.run()
            where = " ".join(f"{key.removesuffix('_port')} {host}:{ports[key]}" for key in _PORT_KEYS)
            print(f"READY {model} of {tells['recipe']}: {where} (Triton {time.monotonic() - begin:.1f} s)", flush=True)
            while not stop.wait(1.0):
                if not triton.is_alive():
                    raise RuntimeError("Triton ended by itself: its own words are above")
            print("stopping: finishing what was begun", flush=True)
    finally:
        remove_workspace(workspace)


def _bind_measuring(
    triton: Triton, model: str, handlers: Sequence[Handler], max_batch_size: int, queue_delay_ms: float
) -> None:
    triton.bind(
        model,
        [_infer_function(handler) for handler in handlers],
        inputs=[
            Tensor(name="TOKENS", dtype=np.int32, shape=(-1,)),
            Tensor(name="TOKEN_LENS", dtype=np.int32, shape=(1,)),
            Tensor(name="GT_TEXT", dtype=bytes, shape=(1,)),
            Tensor(name="CONTRACT", dtype=np.int32, shape=(1,), optional=True),
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


def _bind_speaking(triton: Triton, speak: Speaker) -> None:
    """One row a request: for listening to some, not for training. What cannot be spoken is Triton's error."""

    def infer(requests: list) -> list[dict[str, np.ndarray]]:
        answers = []
        for request in requests:
            voice, text = (bytes(request[n][0]).decode() if n in request else "" for n in ("VOICE", "TEXT"))
            wave, rate = speak(request["TOKENS"], voice or None, text)
            answers.append({"WAVE": wave.astype(np.float32), "SAMPLE_RATE": np.array([rate], np.int32)})
        return answers

    triton.bind(
        SPEAKING_MODEL,
        infer,
        inputs=[
            Tensor(name="TOKENS", dtype=np.int32, shape=(-1,)),
            Tensor(name="VOICE", dtype=bytes, shape=(1,), optional=True),
            Tensor(name="TEXT", dtype=bytes, shape=(1,), optional=True),
        ],
        outputs=[
            Tensor(name="WAVE", dtype=np.float32, shape=(-1,)),
            Tensor(name="SAMPLE_RATE", dtype=np.int32, shape=(1,)),
        ],
        config=ModelConfig(batching=False),
        strict=True,
    )


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


def _free_port() -> int:
    """One of this machine alone, for Triton's own metrics: reward_tts/server/metrics.py asks there."""
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        return probe.getsockname()[1]


def _config(host: str, ports: dict[str, int], drain_s: int) -> TritonConfig:
    return TritonConfig(
        http_address=host,
        grpc_address=host,
        metrics_address=_HERE,
        exit_timeout_secs=drain_s,
        allow_gpu_metrics=False,
        **ports,
    )


def _show_libpython() -> None:
    """The backend's stub links libpython3.X.so, which a Python outside the system's folders has in its own."""
    folders = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
    os.environ["LD_LIBRARY_PATH"] = ":".join(f for f in folders if f)


def _amend(model_folder: Path, tells: dict[str, str]) -> None:
    """Changes the model repository that PyTriton wrote: see the top of this file."""
    config_file = model_folder / "config.pbtxt"
    config = text_format.Parse(config_file.read_text(), model_config_pb2.ModelConfig())
    for tensor in config.input:
        tensor.allow_ragged_batch = -1 in tensor.dims
    for name, value in tells.items():
        config.parameters[name].string_value = value
    config_file.write_text(text_format.MessageToString(config))
    patch_model(model_folder / "1")
    patch_statuses(model_folder / "1")


def _infer_function(handler: Handler) -> Callable:
    def infer(requests: list) -> list[dict[str, np.ndarray]]:
        queries = [[_query(request, row) for row in range(len(request["TOKENS"]))] for request in requests]
        answers = iter(handler([query for rows in queries for query in rows]))
        given = [[next(answers) for _ in rows] for rows in queries]
        return [_response(rows, "CONTRACT" in request) for rows, request in zip(given, requests, strict=True)]

    return infer


def _query(request: dict[str, np.ndarray], row: int) -> Query:
    tokens, length = request["TOKENS"][row], int(request["TOKEN_LENS"][row, 0])
    problem = "" if 0 <= length <= len(tokens) else f"TOKEN_LENS is {length}, TOKENS has {len(tokens)}"
    if "CONTRACT" in request and (theirs := int(request["CONTRACT"][row, 0])) != CONTRACT:
        problem = f"CONTRACT is {theirs}, this server's is {CONTRACT}"
    texts = {}
    for name in ("GT_TEXT", "LANGUAGE", "VOICE"):
        value = request[name][row, 0] if name in request else b""
        texts[name] = bytes(value).decode("utf-8", errors="replace")
        if "\ufffd" in texts[name]:
            problem = f"{name} is not UTF-8"
    return Query(tokens[: max(length, 0)], texts["GT_TEXT"], texts["LANGUAGE"] or None, texts["VOICE"] or None, problem)


def _response(answers: list[Answer], reads_status: bool) -> dict[str, np.ndarray]:
    """For who does not read STATUS a row without a reward has a negative one, which makes the request fail with what is
    in TRANSCRIPTS: see reward_tts/server/pytriton_patches.py."""

    def column(values: list, dtype: type) -> np.ndarray:
        return np.array([[value] for value in values], dtype=dtype)

    refused = [not reads_status and math.isnan(a.reward) for a in answers]
    transcripts = [a.message if no else a.transcript for a, no in zip(answers, refused, strict=True)]
    statuses = [-(a.status or Status.FAILED) if no else a.status for a, no in zip(answers, refused, strict=True)]
    return {
        "REWARDS": column([a.reward for a in answers], np.float32),
        "TRANSCRIPTS": column([text.encode() for text in transcripts], object),
        "MEASURES": column([a.measures.encode() for a in answers], object),
        "STATUS": column(statuses, np.int32),
    }
