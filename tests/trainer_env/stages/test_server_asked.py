"""How run.sh asks the reward server about itself, and what it asks."""

import hashlib
import json
import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from shutil import rmtree
from socket import AF_INET, AF_INET6
from socketserver import StreamRequestHandler, TCPServer

import grpc
import pytest
from omegaconf import DictConfig, OmegaConf
from tritonclient.grpc import service_pb2, service_pb2_grpc

from benchmarks.overload import config
from reward_tts.loaded import loaded, settings
from reward_tts.measures import CONTRACT
from reward_tts.reward.reward import audited_by
from reward_tts.served_waves import ServedWaves
from stages import server
from stages.asked_server import changed_since, check_server
from stages.config import compose_stage
from stages.server import check_ports, expect, is_ready, tail, tells
from tests.helpers.saved_steps import save_steps


class Ready(BaseHTTPRequestHandler):
    """Says of each model that it is ready, and what it tells of itself."""

    told: Mapping[str, str]

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        parameters = {name: {"string_value": value} for name, value in self.told.items()}
        self.wfile.write(json.dumps({"parameters": parameters}).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(family: int = AF_INET, **told: str) -> Iterator[int]:
    """The port of such a server."""
    handler = type("Told", (Ready,), {"told": told})
    listening = type("Listening", (HTTPServer,), {"address_family": family})
    with listening(("::1" if family == AF_INET6 else "127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def answering(**told: str) -> Iterator[str]:
    """host:port of a server that tells this by gRPC, as the front does."""

    class Told(service_pb2_grpc.GRPCInferenceServiceServicer):
        def ModelConfig(self, request, context):
            assert request.name == "token2wav_asr"
            parameters = {name: {"string_value": value} for name, value in told.items()}
            return service_pb2.ModelConfigResponse(config={"parameters": parameters})

    server = grpc.server(ThreadPoolExecutor(1))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Told(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_proxy_is_for_other_machines_and_does_not_hide_the_server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(recipe="toy") as port:
        cfg = OmegaConf.create({"recipe": {"server": {"host": "127.0.0.1", "http_port": port, "model": "m"}}})
        assert is_ready(cfg) and tells(cfg) == {"recipe": "toy"}


@contextmanager
def saying(words: bytes) -> Iterator[int]:
    """The port of another program, which says this to whoever connects."""

    class Says(StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(words)

    with TCPServer(("127.0.0.1", 0), Says) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("words", "ready"),
    [
        (b"220 mail\r\n", False),  # no HTTP
        (b"HTTP/1.0 200 OK\r\n\r\n<html>a page of its own</html>", True),
        (b"HTTP/1.0 200 OK\r\n\r\n[1]", True),
    ],
)
def test_another_program_on_the_port_is_told_in_a_sentence(words, ready):
    with saying(words) as port:
        cfg, given = training(port)
        assert is_ready(cfg) == ready and tells(cfg) is None
        with pytest.raises(SystemExit, match=rf"the reward server on 127\.0\.0\.1:{port} does not tell what it is"):
            check_server("tiny_mandarin", cfg, given)


def test_a_server_of_an_ipv6_address_is_asked_in_brackets():
    settings = {"host": "::1", "grpc_port": 8001, "more": ("::1:9001", "[::2]:9001", "node:9001")}
    assert config(1, 1, **settings).addresses == ("[::1]:8001", "[::1]:9001", "[::2]:9001", "node:9001")
    assert ServedWaves("::1:8001").addresses == ["[::1]:8001"]  # as YAML puts recipe.server.host and its port together
    with serving(AF_INET6, recipe="toy") as port:
        where = {"host": "::1", "http_port": port, "grpc_port": port, "metrics_port": port, "model": "m"}
        cfg = OmegaConf.create({"recipe": {"server": where}})
        assert tells(cfg) == {"recipe": "toy"} and expect(cfg) == f"[::1]:{port}"
        with pytest.raises(
            SystemExit, match=rf"port {port} \(recipe.server.http_port\) is taken\. A server with model"
        ):
            check_ports(cfg)
    check_ports(cfg)


def test_the_end_of_a_log_of_a_gigabyte_is_read_alone(tmp_path):
    log = tmp_path / "serve.log"
    with open(log, "wb") as file:
        file.truncate(1 << 30)  # a hole, which takes no room
        file.seek(0, 2)
        file.write("\neins\nzwei\ndrüben\n".encode())
    tracemalloc.start()
    assert tail(log, 3) == "    eins\n    zwei\n    drüben"
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    log.write_text("only\n")
    assert tail(log, 3) == "    only"


def training(port: int, *overrides: str) -> tuple[DictConfig, list[str]]:
    given = [f"recipe.server.http_port={port}", *overrides]
    return compose_stage("tiny_mandarin", "grpo", tuple(given)), given


def test_a_server_that_audits_by_another_reward_is_told(capsys):
    reward = OmegaConf.to_container(compose_stage("tiny_mandarin", "server").recipe.reward, resolve=True)
    told = {"recipe": "tiny_mandarin", "contract": str(CONTRACT), "audited": audited_by(reward)}
    with serving(**told, measures="log_f0_std,silence_ratio,loudness_db,voiced_ratio,confidence,token_ear") as port:
        for same in ([], ["recipe.reward.token_ear=null"]):
            check_server("tiny_mandarin", *training(port, *same))
        assert capsys.readouterr().out == ""
        for other in ("recipe.reward.token_ear.limit=0.01", "recipe.reward.error.tones=true"):
            check_server("tiny_mandarin", *training(port, other))
            assert "audits its token ear by another recipe.reward" in capsys.readouterr().out


def test_a_server_that_measures_by_other_settings_than_this_run_has_is_refused():
    """`serve server.max_tokens=300` here, `train` there: longer rollouts had the lowest reward. A seed may differ."""
    own = ("server.max_tokens=300", "recipe.seed=7", "server.max_batch_size=4")
    measured = settings(compose_stage("tiny_mandarin", "server", own), ["prosody"])
    told = {"recipe": "tiny_mandarin", "contract": str(CONTRACT), "loaded": "{}", "settings": json.dumps(measured)}
    told["measures"] = "log_f0_std,silence_ratio,loudness_db,voiced_ratio,confidence,token_ear"
    with serving(**told) as port:
        cfg, given = training(port)
        with pytest.raises(SystemExit, match=rf":{port} measures with another server\.max_tokens than this run has"):
            check_server("tiny_mandarin", cfg, given)
        check_server("tiny_mandarin", cfg, [*given, own[0]])


def hashed(name: str, content: bytes) -> str:
    told = json.dumps([name, hashlib.sha256(content).hexdigest()])
    return hashlib.sha256(told.encode()).hexdigest()


def test_a_server_that_has_loaded_other_files_is_refused(tmp_path, capsys):
    """Known by content wherever they lie; what the token ear learns meanwhile is none of them."""
    for name in ("one", "two"):
        for part in ("token2wav", "reward_asr", "token_ear"):
            (tmp_path / name / part).mkdir(parents=True)
            (tmp_path / name / part / "weights").write_text(part)
        (tmp_path / name / "reward_asr/.cache/huggingface").mkdir(parents=True)
        (tmp_path / name / "reward_asr/.cache/huggingface/weights.metadata").write_text(f"fetched at {name}")
    folders = ("token2wav_dir", "reward_asr_dir", "token_ear_dir")
    one, two = (
        [f"recipe.{key}={tmp_path / name / key.removesuffix('_dir')}" for key in folders] for name in ("one", "two")
    )
    files = loaded(compose_stage("tiny_mandarin", "server", tuple(one)), scorers=["prosody"])
    assert files["token2wav.model_dir"] == {"weights": hashed("weights", b"token2wav")}
    assert set(files) == {"token2wav.model_dir", "asr.model_dir", "recipe.token_ear_dir"}
    told = {
        "recipe": "tiny_mandarin",
        "contract": str(CONTRACT),
        "loaded": json.dumps({key: list(found.values()) for key, found in files.items()}),
    }
    told["measures"] = "log_f0_std,silence_ratio,loudness_db,voiced_ratio,confidence,token_ear"
    with serving(**told) as port, answering(**told) as address:
        learned = tmp_path / "learned.pt"
        learned.touch()
        for same in (one, two):
            check_server("tiny_mandarin", *training(port, *same, f"recipe.token_ear_learned={learned}"))
        (tmp_path / "two/reward_asr/weights").write_text("learned on")
        with pytest.raises(SystemExit, match=r"has loaded another .*two/reward_asr/weights \(asr\.model_dir\)"):
            check_server("tiny_mandarin", *training(port, *two))
        check_server("tiny_mandarin", *training(port, *two), started=True)  # of one that it started nothing is read
        with pytest.raises(SystemExit, match=rf"{address} \(recipe\.server\.more\) has loaded another"):
            check_server("tiny_mandarin", *training(port, *two, f"recipe.server.more=['{address}']"), started=True)
        assert capsys.readouterr().out == ""
        rmtree(tmp_path / "two/reward_asr")  # another machine, which has no models
        check_server("tiny_mandarin", *training(port, *two, f"recipe.server.more=['{address}']"))
    warned = capsys.readouterr().out.splitlines()
    assert len(warned) == 2 and all("has loaded asr.model_dir, which is not here to be compared" in w for w in warned)


def test_a_server_that_measures_otherwise_than_when_the_training_began_is_named(tmp_path):
    def measured(*overrides: str) -> dict[str, str]:
        return settings(compose_stage("cosyvoice2", "server", overrides), scorers=["prosody"])

    (voices := tmp_path / "voices.jsonl").touch()  # known by its content, in what is loaded
    keys = measured(f"recipe.voices={voices}", "token2wav.batch_size=4").keys()
    assert {"token2wav.steps", "scorers.prosody.f0_floor", "server.max_tokens"} < keys
    assert not keys & {"token2wav.voices", "token2wav.batch_size", "asr.device", "scorers.ctc_likelihood._target_"}


def test_another_server_than_the_checkpoints_is_named_until_it_has_its_own(tmp_path, monkeypatch):
    """At a612d515 it was named once, though the training may have ended before a step, and of `more` never."""
    cfg = training(8000, f"trainer.default_local_dir={tmp_path}", "recipe.server.more=['a:1','b:1']")[0]

    def said(*steps: int | None) -> str:
        first, *more = ({"recipe": "r", "settings": json.dumps({"token2wav.steps": n})} if n else None for n in steps)
        monkeypatch.setattr(server, "tells", lambda cfg: first)
        monkeypatch.setattr(server, "told_by", lambda where, model: dict(zip(("a:1", "b:1"), more, strict=True))[where])
        return changed_since(cfg) or ""

    changed = "settings (token2wav.steps) of the reward server on {} changed. It goes on"
    assert [said(10, 10, 10), said(5, 10, 10), said(5, 5, 10)] == ["", "", ""]  # no step is trained yet
    save_steps(tmp_path, 4)
    assert [said(10, 5, None), said(5, 5, 5)] == ["", ""]  # which server gave a reward nobody knows
    for _ in range(2):
        assert changed.format("b:1 (recipe.server.more)") in said(5, 10, 7)
        assert changed.format("127.0.0.1:8000") in said(7, None, 5)
    save_steps(tmp_path, 8)
    assert said(7, 7, 5) == "" and "up to step 8 of this training: settings" in said(10, 7, 5)
    assert changed.format("b:1 (recipe.server.more)") in said(10, 10, 10)  # it stopped before a save
    assert said(7, None, 5) == ""
    save_steps(tmp_path, 12)
    assert changed.format("127.0.0.1:8000") in said(10, 7, 5) and said(7, 5, 5) == ""
    (tmp_path / "reward_server.json").write_text('{"recipe": "r", "settings": "{}"}')  # of code before
    assert changed.format("127.0.0.1:8000") in said(10, None, None)


@pytest.mark.parametrize(
    ("recipe", "read", "others"),
    [
        (
            "cosyvoice2",
            ["cosyvoice2.yaml", "flow.pt", "hift.pt", "campplus.onnx", "speech_tokenizer_v2.onnx"],
            ["llm.pt"],
        ),
        (
            "glm_tts",
            ["flow/flow.pt", "hift/hift.pt", "frontend/campplus.onnx"],
            ["models.lock.json", "llm/config.json"],
        ),
    ],
)
def test_of_a_folder_of_more_than_token2wav_its_files_are_compared(recipe, read, others, tmp_path):
    for name in (*read, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    cfg = compose_stage(recipe, "server", (f"recipe.token2wav_dir={tmp_path}",))
    assert set(loaded(cfg, keys=["token2wav.model_dir"])["token2wav.model_dir"]) == set(read)


def test_a_recording_of_a_voice_is_known_by_its_content(tmp_path):
    """All of them together: a server of a thousand voices tells its hashes in one short line, which its front reads."""
    voices, wav = tmp_path / "voices.jsonl", tmp_path / "wav"
    voices.write_text("".join(f'{{"name": "n{i}", "text": "你好", "wav": "wav/{i}.wav"}}\n' for i in range(1000)))
    wav.mkdir()
    for i in range(1000):
        (wav / f"{i}.wav").write_bytes(b"before")
    cfg = compose_stage("cosyvoice2", "server", (f"recipe.voices={voices}",))
    before = loaded(cfg, keys=["token2wav.voices"])
    assert set(before["token2wav.voices"]) == {"."} and len(json.dumps(before)) < 10_000
    (wav / "999.wav").write_bytes(b"after!")
    assert loaded(cfg, keys=["token2wav.voices"]) != before


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"recipe": "other"}, "is of recipe 'other', not 'tiny_mandarin'"),
        ({"contract": "1"}, "speaks contract 1, this checkout"),
        ({"measures": "log_f0_std"}, "which the reward server on .* does not offer"),
        ({"settings": '{"recipe.seed": "7"}'}, r"has another settings \(recipe.seed\) than the reward server on"),
        ({}, ""),
    ],
)
def test_further_servers_are_asked_as_the_first_one_is(other, reason, capsys):
    reward = OmegaConf.to_container(compose_stage("tiny_mandarin", "server").recipe.reward, resolve=True)
    told = {"recipe": "tiny_mandarin", "contract": str(CONTRACT), "audited": audited_by(reward)}
    told["measures"] = "log_f0_std,silence_ratio,loudness_db,voiced_ratio,confidence,token_ear"
    told["settings"] = '{"recipe.seed": "0"}'
    with serving(**told) as port, answering(**told | other) as address:
        given = training(port, f"recipe.server.more=['{address}']")
        if reason:
            with pytest.raises(SystemExit, match=reason) as refused:
                check_server("tiny_mandarin", *given)
            assert f"{address} (recipe.server.more)" in str(refused.value)
            return
        check_server("tiny_mandarin", *given)
        assert capsys.readouterr().out == ""
        check_server("tiny_mandarin", *training(port, *given[1][1:], "recipe.reward.token_ear.limit=0.01"))
        (first, second) = capsys.readouterr().out.splitlines()
        assert f":{port} audits its token ear" in first and f"{address} (recipe.server.more) audits its" in second
    with serving(**told) as port:
        check_server("tiny_mandarin", *training(port, f"recipe.server.more=['{address}']"))
    assert f"{address} (recipe.server.more) does not answer yet" in capsys.readouterr().out
