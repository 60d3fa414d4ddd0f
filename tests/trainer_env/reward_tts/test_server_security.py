"""What another user of the machine can do to a real reward server with requests that are valid: ask for rows, if that
user knows the secret, and nothing else. Triton itself cannot be reached; nothing manages it, whoever asks."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from reward_tts.client import RewardError
from reward_tts.measures import SECRET_HEADER
from speech.faults import UserError
from tests.conftest import Server, start_server
from tests.helpers.server_client import config_of, measure, raw_answer
from tests.helpers.server_processes import processes_of, workspace_of

SECRET = "open-sesame-of-the-tests"
AS_NOBODY = """
import json, os, sys
import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc
os.setgroups([]), os.setgid(65534), os.setuid(65534)
told = json.loads(sys.argv[1])
"""
MANAGE = {
    "RepositoryIndex": service_pb2.RepositoryIndexRequest(),
    "RepositoryModelLoad": service_pb2.RepositoryModelLoadRequest(model_name="token2wav_asr"),
    "RepositoryModelUnload": service_pb2.RepositoryModelUnloadRequest(model_name="token2wav_asr"),
    "SystemSharedMemoryStatus": service_pb2.SystemSharedMemoryStatusRequest(),
    "SystemSharedMemoryRegister": service_pb2.SystemSharedMemoryRegisterRequest(name="a", key="/a", byte_size=4),
    "SystemSharedMemoryUnregister": service_pb2.SystemSharedMemoryUnregisterRequest(name="a"),
    "CudaSharedMemoryStatus": service_pb2.CudaSharedMemoryStatusRequest(),
    "TraceSetting": service_pb2.TraceSettingRequest(),
    "LogSettings": service_pb2.LogSettingsRequest(),
}
MANAGE_HTTP = [
    *("repository/index", "repository/models/token2wav_asr/load", "repository/models/token2wav_asr/unload"),
    *("systemsharedmemory/status", "systemsharedmemory/region/a/register", "cudasharedmemory/status"),
    *("trace/setting", "models/token2wav_asr/trace/setting", "logging"),
]


@pytest.fixture(scope="module")
def server(built_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    os.environ["TTS_SECRET"] = SECRET
    log = tmp_path_factory.mktemp("secret") / "server.log"
    own = ("recipe.server.secret_env=TTS_SECRET", "recipe.server.host=0.0.0.0")  # all may reach it who know the secret
    started = start_server(built_recipe, log, *own)
    yield started
    started.stop()
    del os.environ["TTS_SECRET"]
    assert SECRET not in log.read_text()


def as_nobody(server: Server, code: str, **told: object) -> str:
    """What Python code prints as the user nobody, who may not even read this project."""
    if os.getuid():
        pytest.skip("only root can be somebody else")
    told |= {"grpc": f"{server.host}:{server.grpc_port}", "http": f"http://{server.host}:{server.http_port}/v2"}
    argv = [".venv/bin/python", "-c", AS_NOBODY + code, json.dumps(told)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_that_manages_triton_exists_at_the_door_even_with_the_secret(server):
    code = """
with grpc.insecure_channel(told["grpc"]) as channel:
    for name, request in told["requests"].items():
        call = channel.unary_unary(f"/inference.GRPCInferenceService/{name}")
        try:
            call(bytes.fromhex(request), metadata=[(told["header"], told["secret"])], timeout=300)
            print(name, "ANSWERED")
        except grpc.RpcError as error:
            print(name, error.code().name)
"""
    requests = {name: request.SerializeToString().hex() for name, request in MANAGE.items()}
    said = as_nobody(server, code, requests=requests, header=SECRET_HEADER, secret=SECRET)
    assert said.split("\n")[:-1] == [f"{name} UNIMPLEMENTED" for name in MANAGE]
    for path in MANAGE_HTTP:
        for method in ("GET", "POST"):
            url = f"http://{server.host}:{server.http_port}/v2/{path}"
            asked = urllib.request.Request(url, b"{}" if method == "POST" else None, method=method)
            asked.add_header("triton-access-token", SECRET)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(asked, timeout=300)
            assert refused.value.code in (404, 405)
            assert json.load(refused.value)["error"] in ("Not Found", "Method Not Allowed")
    assert server.is_ready()


def test_triton_itself_refuses_to_load_or_unload_even_by_its_own_user(server):
    with grpc.insecure_channel(f"unix:{workspace_of(server) / 'triton'}") as channel:
        triton = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for call in ("RepositoryModelLoad", "RepositoryModelUnload"):
            with pytest.raises(grpc.RpcError, match="explicit model load / unload is not allowed"):
                getattr(triton, call)(MANAGE[call], timeout=300)
        assert triton.ModelReady(service_pb2.ModelReadyRequest(name="token2wav_asr"), timeout=300).ready
    repository = workspace_of(server) / "0/model-store/token2wav_asr"
    assert {path.stat().st_mode & 0o222 for path in [repository, repository / "config.pbtxt", repository / "1"]} == {0}


def test_another_user_gets_at_no_socket_file_or_memory_of_the_server(server):
    sockets = [str(workspace_of(server) / "triton"), *map(str, workspace_of(server).glob("*/*.sock"))]
    shared = [str(path) for path in Path("/dev/shm").glob(f"pytrtion{server.process.pid}-*")]
    assert len(sockets) >= 4 and shared
    code = """
import socket
for path in told["sockets"]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("CONNECTED", path)
    except PermissionError:
        pass
for path in [*told["files"], *told["sockets"]]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).read()
        print("READ", path)
    except PermissionError:
        pass
"""
    files = [*shared, str(workspace_of(server)), f"/proc/{server.process.pid}/environ"]
    assert as_nobody(server, code, sockets=sockets, files=files) == ""


def test_no_port_but_the_three_is_open_and_no_command_line_has_the_secret(server):
    pids = [server.process.pid, *(pid for some in processes_of(server).values() for pid in some)]
    inodes = {os.readlink(fd) for pid in pids for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in inodes:
                listening.add(int(local.split(":")[1], 16))
    assert listening == {server.http_port, server.grpc_port, server.metrics_port}
    assert len(pids) >= 5
    assert not any(SECRET.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)


def test_the_secret_is_a_key_for_inference_and_nothing_tells_where_the_server_lies(server, spoken):
    tokens, text = spoken[0]
    with pytest.raises(InferenceServerException, match="wrong secret: none was sent") as refused:
        raw_answer(server, tokens, len(tokens), text.encode())
    assert refused.value.status() == "StatusCode.UNAUTHENTICATED"
    url = f"http://{server.host}:{server.http_port}/v2/models/token2wav_asr"
    posted = urllib.request.Request(f"{url}/infer", b"{}", {"triton-access-token": "open-barley"})
    with pytest.raises(urllib.error.HTTPError) as unknown:
        urllib.request.urlopen(posted, timeout=300)
    assert unknown.value.code == 401 and json.load(unknown.value) == {"error": "wrong secret"}
    assert measure(config_of(server, secret_env="TTS_SECRET"), spoken[:1])[0].is_speech
    with urllib.request.urlopen(f"{url}/config", timeout=300) as answer:
        told = answer.read().decode()
    assert "/" not in told and "token2wav_asr" in told


def test_a_shared_secret_keeps_others_out(server, spoken, monkeypatch):
    monkeypatch.setenv("TTS_SECRET", SECRET)
    assert "listening on 0.0.0.0: whoever reaches it and knows the secret may use it" in server.log.read_text()
    (tokens, text) = spoken[0]
    with pytest.raises(InferenceServerException, match="wrong secret: none was sent"):
        raw_answer(server, tokens, len(tokens), text.encode())
    assert measure(config_of(server, secret_env="TTS_SECRET"), spoken[:1])[0].is_speech
    with pytest.raises(UserError, match=r"^recipe\.server\.secret_env names NO_SUCH, which is not set"):
        measure(config_of(server, secret_env="NO_SUCH"), spoken[:1])


def test_a_wrong_secret_ends_the_run_at_once_with_that_word(server, spoken, monkeypatch):
    config = config_of(server, secret_env="TTS_SECRET")
    monkeypatch.setenv("TTS_SECRET", "close-sesame")
    for asked in (config, config_of(server)):  # a wrong one, and none
        with pytest.raises(RewardError, match=r"sample 0 .*: wrong secret: reward server .* \(1 attempts\)$"):
            measure(asked, spoken[:1])
