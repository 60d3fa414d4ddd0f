"""The front's process on real ports, with Triton out of reach: what it refuses, what it says, and how it ends."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype

from reward_tts.measures import SECRET_HEADER, SECRET_HEADER_HTTP, row_checksum
from reward_tts.server.front import http_door
from reward_tts.server.front.__main__ import _first_line
from reward_tts.server.front.checks import Refused, checked
from reward_tts.server.front.house import House
from reward_tts.server.front.http_door import request_of
from reward_tts.server.front.upstream import Patience, Upstream
from tests.conftest import ROOT, free_ports
from tests.helpers.front_requests import LIMITS, MANY, MODELS, body, request

SECRET = "open-sesame"
HEAD = "Inference-Header-Content-Length"
FRONT = {
    "max_request_bytes": 20_000,
    "max_name_bytes": 20,
    "max_under_way": 8,
    "max_connections": 50,
    "attempts": 2,
    "restart_wait_s": 0.2,
    "read_s": 1.0,
}


def test_long_settings_are_read_in_no_time_and_no_further():
    """600 000 bytes; line += one copied all of it for each: 180 GB."""
    reading, writing = os.pipe()
    sent = b'"' + b"a" * 600_000 + b'"\n'
    with ThreadPoolExecutor(1) as other, open(reading, "rb"), open(writing, "wb") as end:
        done = other.submit(lambda: (end.write(sent + b"alive"), end.flush()))
        begin = time.thread_time()
        assert _first_line(reading) == sent and time.thread_time() - begin < 1
        assert done.result() and os.read(reading, 10) == b"alive"
        end.close()
        with pytest.raises(SystemExit, match="no settings"):
            _first_line(reading)


class FrontProcess:
    """The front without a server: `ports` are HTTP, gRPC and metrics."""

    def __init__(self, secret: str | None):
        self.workspace = Path(tempfile.mkdtemp()) / "1_0"
        self.workspace.mkdir()
        self.ports = free_ports(3)
        names = ("http_port", "grpc_port", "metrics_port")
        settings = {"model": "token2wav_asr", "tells": {"recipe": "r"}, "secret": secret, "host": "127.0.0.1"}
        settings |= {"ports": dict(zip(names, self.ports, strict=True)), "max_batch_size": 4, "drain_s": 1}
        argv = [sys.executable, "-m", "reward_tts.server.front", str(self.workspace)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(argv, cwd=ROOT, text=True, **pipes)
        self.process.stdin.write(json.dumps({**settings, "front": FRONT}) + "\n")
        self.process.stdin.flush()
        assert "front: listening" in self.process.stdout.readline()

    def http(self, method: str, path: str, content: bytes | None = None, **headers: str) -> tuple[int, str]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=300)
        connection.request(method, path, content, {SECRET_HEADER_HTTP: SECRET, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def grpc(self, raw: bytes, method: str = "ModelInfer", secret: str = SECRET) -> grpc.RpcError:
        """The error that a call ends with."""
        with grpc.insecure_channel(f"127.0.0.1:{self.ports[1]}") as channel:
            call = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
            with pytest.raises(grpc.RpcError) as refused:
                call(raw, timeout=300, metadata=[(SECRET_HEADER, secret)])
        return refused.value


@pytest.fixture(scope="module")
def front() -> Iterator[FrontProcess]:
    started = FrontProcess(SECRET)
    yield started
    assert started.process.poll() is None, "it has died"
    started.process.kill()
    started.process.wait()


INFER = "/v2/models/token2wav_asr/infer"


def test_without_triton_it_lives_and_is_not_ready(front):
    assert front.http("GET", "/v2/health/live")[0] == 200
    assert front.http("GET", "/v2/health/ready")[0] == 503
    assert front.http("GET", "/v2/models/token2wav_asr/ready")[0] == 503
    status, told = front.http("GET", "/v2/models/token2wav_asr/config")
    assert status == 200 and json.loads(told)["parameters"] == {"recipe": {"string_value": "r"}}
    away = (503, '{"error": "Triton is being started (again)"}')
    assert front.http("POST", INFER, body()) == away
    refused = front.grpc(request().SerializeToString())
    assert (refused.code(), refused.details()) == (grpc.StatusCode.UNAVAILABLE, "Triton is being started (again)")
    connection = http.client.HTTPConnection("127.0.0.1", front.ports[2], timeout=300)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 503


@pytest.mark.parametrize("outputs", [None, ["REWARDS"]])
@pytest.mark.parametrize("binary", [[True] * 3, [False] * 3, [True, False, True]])
def test_what_tritons_own_client_posts_is_taken(front, outputs, binary):
    """In raw contents behind JSON, or in JSON, or mixed; its outputs by default in raw contents."""
    values = {"TOKENS": np.array([[7, 300, 12]], "<i4"), "TOKEN_LENS": np.array([[3]], "<i4")}
    values |= {"GT_TEXT": np.array([["你好".encode()]], object)}
    inputs = [InferInput(name, [1, v.shape[1]], np_to_triton_dtype(v.dtype)) for name, v in values.items()]
    for tensor, value, raw in zip(inputs, values.values(), binary, strict=True):
        tensor.set_data_from_numpy(value, binary_data=raw)
    wanted = outputs and [InferRequestedOutput(name) for name in outputs]
    made, head = InferenceServerClient.generate_request_body(inputs, outputs=wanted)
    length = {} if head is None else {HEAD: str(head)}
    assert front.http("POST", INFER, made, **length) == (503, '{"error": "Triton is being started (again)"}')
    asked, raw_outputs = request_of(made, "token2wav_asr", "", length.get(HEAD))
    assert checked(asked, MODELS, LIMITS).checksums == (row_checksum([7, 300, 12], "你好", None, None),)
    assert raw_outputs == (None if outputs is None else {"REWARDS"})


def test_raw_contents_that_do_not_fit_their_body_are_refused_in_a_sentence(front):
    text = {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES"}
    for size, head, said in (
        (5, None, "'GT_TEXT' has binary_data_size 5: with data of its own, or more than the 4 bytes"),
        (3, None, "1 bytes behind the JSON are of no input"),
        (-1, None, "'GT_TEXT' has binary_data_size -1"),
        (True, None, "'GT_TEXT' has binary_data_size True"),
        (4, "9999", f"{HEAD} is '9999': not within a body of"),
        (4, "-1", f"{HEAD} is '-1'"),
        (4, "9" * 5000, f"{HEAD} is '99999999999999999999'"),
        (4, "0", "the body is no JSON"),
        (4, "٣", f"{HEAD} is"),
    ):
        made = json.dumps({"inputs": [{**text, "parameters": {"binary_data_size": size}}]}).encode()
        with pytest.raises(Refused) as refused:
            request_of(made + b"\0" * 4, "token2wav_asr", "", str(len(made)) if head is None else head)
        assert str(refused.value).startswith(said)
    assert front.http("POST", INFER, body(), **{HEAD: "x"})[0] == 400


def test_a_wrong_secret_is_called_so_before_anything_is_read(front):
    refused = front.grpc(b"\xff", secret="open-barley")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.UNAUTHENTICATED, "wrong secret")
    wrong = {SECRET_HEADER_HTTP: "open-barley"}
    assert front.http("POST", INFER, b"\xff", **wrong) == (401, '{"error": "wrong secret"}')


def test_faults_of_a_client_are_4xx_with_a_reason(front):
    status, said = front.http("POST", INFER, body(shape=[1, 4]))
    assert (status, said) == (400, '{"error": "TOKENS of shape [1, 4] has 16 bytes, not 12"}')
    status, said = front.http("POST", INFER, body(data=[[7, 300, 2**31]]))
    assert (status, said) == (400, '{"error": "\'TOKENS\' has 2147483648, which is no INT32"}')
    assert front.http("POST", INFER, b"x" * 20_001)[0] == 413
    assert front.http("POST", "/v2/models/other/infer", body())[0] == 404
    assert front.http("POST", "/v2/repository/index", b"{}") == (404, '{"error": "Not Found"}')
    assert front.http("DELETE", INFER)[0] == 405
    refused = front.grpc(request(TOKENS=("INT32", [2, 4], bytes(24))).SerializeToString())
    assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.details() == "TOKENS of shape [2, 4] has 32 bytes, not 24"
    assert front.grpc(b"\xff\xff").details() == "this is no request of ModelInfer"
    large = request(TOKENS=("INT32", [2, 3000], np.zeros((2, 3000), "<i4").tobytes())).SerializeToString()
    assert front.grpc(large).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert front.grpc(b"", "RepositoryModelLoad").code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_body_that_does_not_come_is_not_waited_for(front):
    with socket.create_connection(("127.0.0.1", front.ports[0]), timeout=300) as slow:
        head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\n{SECRET_HEADER_HTTP}: {SECRET}\r\nContent-Length: 100\r\n\r\n"
        slow.sendall(head.encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_what_nobody_waits_for_any_more_is_not_under_way():
    """Triton never answers; the client goes."""

    async def gone() -> None:
        async def never(raw: bytes, context: grpc.aio.ServicerContext) -> None:
            await asyncio.Event().wait()

        with tempfile.TemporaryDirectory() as folder:
            handlers = {"ModelInfer": grpc.unary_unary_rpc_method_handler(never)}
            triton, socket_file = grpc.aio.server(), Path(folder) / "triton"
            triton.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)]
            )
            triton.add_insecure_port(f"unix:{socket_file}")
            await triton.start()
            upstream, (port,) = Upstream(socket_file, Patience(2, 0.2, 8)), free_ports(1)
            house = House(MODELS, {}, None, LIMITS, upstream)
            door = await http_door.listen(http_door.application(house, 20_000, 1.0), "127.0.0.1", port, 50, 0.1)
            _, client = await asyncio.open_connection("127.0.0.1", port)
            client.write(f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body())}\r\n\r\n".encode() + body())
            try:
                for wanted in (1, 0):
                    async with asyncio.timeout(30):
                        while upstream.under_way != wanted:
                            await asyncio.sleep(0.01)
                    client.close()
            finally:
                await asyncio.gather(door.close(), triton.stop(0), upstream.close())

    asyncio.run(gone())


def test_connections_beyond_the_bound_are_closed_and_the_others_served(front):
    held = [socket.create_connection(("127.0.0.1", front.ports[0]), timeout=300) for _ in range(60)]
    until = time.monotonic() + 300
    while not (closed := [one for one in held if _is_closed(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert closed
    for one in held:
        one.close()
    while time.monotonic() < until:
        try:
            assert front.http("GET", "/v2/health/live")[0] == 200
            return
        except (ConnectionError, http.client.HTTPException):
            time.sleep(0.1)
    raise AssertionError("not served after the others had gone")


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@MANY
@given(st.binary(max_size=300))
def test_any_bytes_leave_the_front_as_it_was(front, raw):
    """As a request of gRPC, as a body of HTTP, and as bytes on each port."""
    assert front.grpc(raw).code().name in ("INVALID_ARGUMENT", "NOT_FOUND")
    status, said = front.http("POST", INFER, raw)
    assert status == 400 and json.loads(said)["error"]
    for port in front.ports:
        with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
            connection.sendall(raw)
    assert front.process.poll() is None


@pytest.mark.parametrize("end", ["terminated", "server gone"])
def test_it_ends_when_it_is_told_and_when_the_server_is_gone(end):
    front = FrontProcess(None)
    if end == "terminated":
        front.process.send_signal(signal.SIGTERM)
    else:
        front.process.stdin.close()
    assert front.process.wait(300) == 0
    assert front.workspace.exists() == (end == "terminated")  # who is left alone removes what is left
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", front.ports[0])) != 0
