"""All that knows PyTriton: one Triton with ragged dynamic batches, started, watched and stopped.

Triton's model repository is on disk before Triton starts, so that `_amend` can add what PyTriton 0.7.0 has no option
for: `allow_ragged_batch`, without which requests of different length never share a batch; and the changes of its own
code in reward_tts/server/pytriton_patches.py. Then it is made read-only.

Who asks is reward_tts/server/front, on a socket: Triton has no port.
"""

import logging
import os
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
import numpy as np
from google.protobuf import text_format
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from reward_tts.measures import CONTRACT, Measures, Status
from reward_tts.server.leftovers import end_users, make_writable, shared_memory, users_of
from reward_tts.server.pipeline import DeviceLost, in_words, lacks_memory
from reward_tts.server.places import TRITON_SOCKET
from reward_tts.server.pytriton_patches import (
    STARTUP_S,
    UnmanagedTriton,
    check_version,
    keep_stubs_healthy,
    patch_model,
    stub_pids,
    use_no_tensor_store,
)
from reward_tts.server.wire import (
    MEASURING,
    SPEAKING,
    SPEAKING_MODEL,
    ModelSpec,
    Query,
    Reply,
    TensorSpec,
    asked_checksum,
    words,
)

log = logging.getLogger(__name__)
_POLL_S = 0.1  # between questions whether Triton is ready
_KINDS = {"INT32": np.int32, "FP32": np.float32, "BYTES": bytes}

Handler = Callable[[list[Query]], list[Reply]]
Speaker = Callable[[np.ndarray, str | None, str], tuple[np.ndarray, int]]


class NotReady(RuntimeError):
    """Triton was started and did not get ready. `crashed`: a signal ended it, so settings are not to blame."""

    def __init__(self, message: str, crashed: bool = False):
        super().__init__(message)
        self.crashed = crashed


def longest_socket(model: str, instances: int) -> str:
    """In a server's workspace, the longest of the sockets that PyTriton makes: of the last instance, in the folder of a
    Triton that was started again and again."""
    return f"999/{max(model, SPEAKING_MODEL, key=len)}_0_{instances - 1}-server.sock"


class RunningTriton:
    """One Triton, from its start until it is stopped or has died; as a context.

    Args:
        folder: for it alone, in the server's workspace; must not be there yet. The next Triton needs another.
        handlers: one for each instance; each is called by its own thread with the rows of one batch.
        speak: answers the second model, `token2wav`: tokens, voice and text of one row -> its wave and sampling rate.
        model: Triton's name of the first.
        max_batch_size: rows in a batch.
        queue_delay_ms: how long a request may wait for others.
        drain_s: how long requests may take to finish at the end.

    Raises:
        NotReady: Triton did not get ready.
        RuntimeError: another PyTriton than the tested one.
    """

    def __init__(
        self,
        folder: Path,
        handlers: Sequence[Handler],
        speak: Speaker,
        model: str,
        max_batch_size: int,
        queue_delay_ms: float,
        drain_s: int,
    ):
        check_version()
        use_no_tensor_store()
        _show_libpython()
        self._folder, self._models = folder, (model, SPEAKING_MODEL)
        self._socket = folder.with_name(f"{folder.name}.sock:1")  # Triton wants an address and a port
        self._stop_keeping = threading.Event()
        self._triton = UnmanagedTriton(self._socket, folder, drain_s)
        batches = ModelConfig(
            max_batch_size=max_batch_size,
            batcher=DynamicBatcher(max_queue_delay_microseconds=int(queue_delay_ms * 1000)),
        )
        self._bind(model, [_measuring(handler) for handler in handlers], MEASURING, batches)
        self._bind(SPEAKING_MODEL, _speaking(speak), SPEAKING, ModelConfig(batching=False))

    def __enter__(self) -> "RunningTriton":
        try:
            self._triton._run_server()
            self._wait_until_ready()
            self._triton.connect()
            for shared in shared_memory(os.getpid()):
                shared.chmod(0o600)  # Triton lets everybody read what is asked
            self._stubs = stub_pids(users_of(self._folder))
            self._keeping = keep_stubs_healthy(self._stubs, self._stop_keeping)
            _point(self._folder.with_name(TRITON_SOCKET), self._socket)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._stop_keeping.set()
        if kind is None and not self.death():
            make_writable(self._folder)
            self._triton.stop()
        self._end()

    def death(self) -> str:
        """Who of Triton and its stubs has died; empty while all live."""
        if _has_ended(self._triton.pid) or not self._triton.is_alive():
            return "Triton has died: its own words are above"
        gone = [pid for pid in self._stubs if _has_ended(pid)]
        return f"backend stub {', '.join(map(str, gone))} has died" if gone else ""

    def _end(self) -> None:
        """Ends what is left, at once; batches that are worked on go on until they are done, and are nobody's."""
        self._stop_keeping.set()
        end_users(self._folder)
        for shared in shared_memory(os.getpid()):
            shared.unlink(missing_ok=True)
        self._socket.unlink(missing_ok=True)
        make_writable(self._folder)  # to be removed
        threading.Thread(target=self._triton.stop, name=f"end of Triton {self._folder.name}", daemon=True).start()

    def _bind(self, name: str, infer: Callable | list[Callable], spec: ModelSpec, config: ModelConfig) -> None:
        self._triton.bind(
            name,
            infer,
            inputs=[_tensor(tensor) for tensor in spec.inputs],
            outputs=[_tensor(tensor) for tensor in spec.outputs],
            config=config,
            strict=True,
        )
        _amend(self._folder / "model-store" / name, ragged=spec.batched)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + STARTUP_S
        with grpc.insecure_channel(f"unix:{self._socket}", [("grpc.max_reconnect_backoff_ms", 200)]) as channel:
            triton = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            while not self._is_ready(triton):
                if not self._triton._is_alive_impl():
                    number = self._triton.signal_at_end
                    how = f" (signal {number})" if number else ""
                    raise NotReady(
                        f"Triton ended before it was ready{how}: its own words are above", crashed=bool(number)
                    )
                if time.monotonic() > until:
                    raise NotReady("Triton did not get ready: its own words are above")
                time.sleep(_POLL_S)

    def _is_ready(self, triton: service_pb2_grpc.GRPCInferenceServiceStub) -> bool:
        try:
            asked = [service_pb2.ModelReadyRequest(name=name) for name in self._models]
            return all(triton.ModelReady(one, timeout=5).ready for one in asked)
        except grpc.RpcError:
            return False


def _point(link: Path, target: Path) -> None:
    """Puts a link in place, or another target under one that is there, in one step."""
    new = link.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _has_ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _tensor(spec: TensorSpec) -> Tensor:
    return Tensor(
        name=spec.name, dtype=_KINDS[spec.kind], shape=(spec.width,), **({"optional": True} if spec.optional else {})
    )


def _show_libpython() -> None:
    """The backend's stub links libpython3.X.so, which a Python outside the system's folders has in its own."""
    folders = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
    os.environ["LD_LIBRARY_PATH"] = ":".join(f for f in folders if f)


def _amend(model_folder: Path, ragged: bool) -> None:
    """Changes the model repository that PyTriton wrote (see the top of this file), for the last time."""
    config_file = model_folder / "config.pbtxt"
    config = text_format.Parse(config_file.read_text(), model_config_pb2.ModelConfig())
    for tensor in config.input:
        tensor.allow_ragged_batch = ragged and -1 in tensor.dims
    config_file.write_text(text_format.MessageToString(config))
    patch_model(model_folder / "1")
    for file in [*model_folder.rglob("*"), model_folder]:
        file.chmod(0o500 if file.is_dir() else 0o400)


def _measuring(handler: Handler) -> Callable:
    def infer(requests: list) -> list[dict[str, np.ndarray]]:
        queries = [[_query(request, row) for row in range(len(request["TOKENS"]))] for request in requests]
        answers = iter(handler([query for rows in queries for query in rows]))
        return [_response([next(answers) for _ in rows]) for rows in queries]

    return infer


def _speaking(speak: Speaker) -> Callable:
    """One row a request: for listening to some, not for training."""

    def infer(requests: list) -> list[dict[str, np.ndarray]]:
        answers = []
        for request in requests:
            tokens = request["TOKENS"].copy()
            said = words({name: bytes(request[name][0]) for name in ("VOICE", "TEXT") if name in request})
            told = {"recipe": "", "checksum": asked_checksum(tokens.tolist(), said)}
            wave, rate = np.zeros(0, np.float32), 0
            try:
                wave, rate = speak(tokens, said.get("VOICE") or None, said.get("TEXT", ""))
                measures = Measures(status=int(Status.OK), duration_s=len(wave) / rate, **told)
            except (KeyError, ValueError) as error:
                measures = Measures(status=int(Status.BAD_ROW), message=str(error), **told)
            except DeviceLost:
                raise
            except Exception as error:
                log.warning("a row could not be spoken", exc_info=True)
                status = Status.OUT_OF_MEMORY if lacks_memory(error) else Status.FAILED
                measures = Measures(status=int(status), message=in_words(error), **told)
            answer = {"WAVE": wave.astype(np.float32), "SAMPLE_RATE": np.array([rate], np.int32)}
            answers.append({**answer, "MEASURES": np.array([measures.to_json().encode()], object)})
        return answers

    return infer


def _query(request: dict[str, np.ndarray], row: int) -> Query:
    tokens, length = request["TOKENS"][row], int(request["TOKEN_LENS"][row, 0])
    problem = "" if 0 <= length <= len(tokens) else f"TOKEN_LENS is {length}, TOKENS has {len(tokens)}"
    if "CONTRACT" in request and (theirs := int(request["CONTRACT"][row, 0])) != CONTRACT:
        problem = f"CONTRACT is {theirs}, this server's is {CONTRACT}"
    said = words({n: bytes(request[n][row, 0]) for n in ("GT_TEXT", "LANGUAGE", "VOICE") if n in request})
    for name, text in said.items():
        if "\ufffd" in text:
            problem = f"{name} is not UTF-8"
    tokens = tokens[: max(length, 0)].copy()  # what PyTriton hands over is read-only, which torch warns of
    checksum = asked_checksum(tokens.tolist(), said)
    return Query(tokens, said["GT_TEXT"], said.get("LANGUAGE") or None, said.get("VOICE") or None, problem, checksum)


def _response(answers: list[Reply]) -> dict[str, np.ndarray]:
    def column(values: list, dtype: type) -> np.ndarray:
        return np.array([[value] for value in values], dtype=dtype)

    return {
        "REWARDS": column([a.reward for a in answers], np.float32),
        "TRANSCRIPTS": column([a.measures.transcript.encode() for a in answers], object),
        "MEASURES": column([a.measures.to_json().encode() for a in answers], object),
        "STATUS": column([a.measures.status for a in answers], np.int32),
    }
