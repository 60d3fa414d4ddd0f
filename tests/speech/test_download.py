"""Stage `models`: the real client of Hugging Face, against a hub on this machine that serves a folder."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parents[2]
REPO, COMMIT = "someone/model", "c" * 40
FILES = {"llm.pt": bytes(range(256)) * 100_000, "config.json": b'{"a": 1}', "README.md": b"not wanted"}


class Hub(ThreadingHTTPServer):
    """Serves FILES as one repository. `cut`: the next download of llm.pt breaks off after so many bytes. `lie`: another
    sum than that of the bytes is named. `ranges`: what was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.cut: int | None = None
        self.lie = False
        self.ranges: list[str | None] = []

    def sum_of(self, name: str) -> str:
        return "0" * 64 if self.lie else hashlib.sha256(FILES[name]).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """The part of the hub's interface that its client uses for a download."""

    server: Hub

    def log_message(self, *_) -> None:
        pass

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(f"/api/models/{REPO}/tree/"):
            self._json(
                [{"type": "file", "path": n, "size": len(b), "oid": n, "lfs": self._lfs(n)} for n, b in FILES.items()]
            )
        elif path.startswith(f"/api/models/{REPO}"):
            siblings = [{"rfilename": n, "size": len(b), "blobId": n, "lfs": self._lfs(n)} for n, b in FILES.items()]
            self._json({"id": REPO, "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"/{REPO}/resolve/{COMMIT}/"):
            self._file(path.rpartition("/")[2], body=True)
        else:
            self.send_error(404)

    def do_HEAD(self) -> None:
        self._file(self.path.rpartition("/")[2], body=False)

    def _lfs(self, name: str) -> dict | None:
        content = FILES[name]
        if not name.endswith(".pt"):
            return None
        return {
            "sha256": self.server.sum_of(name),
            "oid": self.server.sum_of(name),
            "size": len(content),
            "pointerSize": 1,
        }

    def _file(self, name: str, body: bool) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        content = FILES[name][start:]
        self.send_response(206 if asked else 200)
        for key, value in {
            "ETag": f'"{self.server.sum_of(name)}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
            "Content-Length": str(len(content)),
            "Content-Range": f"bytes {start}-{len(FILES[name]) - 1}/{len(FILES[name])}",
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.server.ranges.append(asked)
            cut, self.server.cut = (self.server.cut, None) if name == "llm.pt" else (None, self.server.cut)
            self.wfile.write(content[:cut])


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def stage(tmp_path: Path, port: int, hub: str = "huggingface", **changes) -> tuple[int, str]:
    """Exit status and output of the stage's command; llm.pt and config.json go to tmp_path/model."""
    entry = {"repo": {"huggingface": REPO}, "files": ["llm.pt", "*.json"], "to": f"{tmp_path}/model"} | changes
    OmegaConf.save(
        {"models": {"hub": hub, "get": {"lm": entry}}, "hydra": {"run": {"dir": "."}}}, tmp_path / "models.yaml"
    )
    argv = [sys.executable, "-m", "models.download", "--config-path", str(tmp_path), "--config-name", "models"]
    argv += ["hydra.output_subdir=null", "hydra/job_logging=disabled"]
    env = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{port}",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": f"{tmp_path}/home",
    }
    env.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_the_files_asked_for_are_fetched_whole_and_no_other(tmp_path, hub):
    status, out = stage(tmp_path, hub.server_port)
    assert status == 0, out
    assert files(tmp_path / "model") == {name: FILES[name] for name in ("llm.pt", "config.json")}
    assert "[models] lm: 2 files, whole" in out


def test_a_download_that_broke_off_goes_on_where_it_was(tmp_path, hub):
    hub.cut = 20_000_000
    status, out = stage(tmp_path, hub.server_port)
    assert status == 0, out
    assert [asked for asked in hub.ranges if asked] == [f"bytes={10 * 1024 * 1024}-"]  # it writes 10 MiB at a time
    assert files(tmp_path / "model")["llm.pt"] == FILES["llm.pt"]


def test_bytes_that_are_not_the_hubs_are_refused(tmp_path, hub):
    hub.lie = True
    status, out = stage(tmp_path, hub.server_port)
    assert status != 0
    assert "llm.pt is not what the hub has (its sha256 differs)" in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": ["llm.pt", "flow.pt"]}, "lacks flow.pt"),
        ({"repo": {"huggingface": "someone/other"}}, "huggingface did not give someone/other"),
        ({"repo": {"modelscope": "x/y"}}, "models.get.lm.repo.huggingface is not named"),
        ({"hub": "github"}, "known are huggingface, modelscope, none"),
        ({"hub": "none"}, "lacks llm.pt, *.json"),
    ],
)
def test_what_cannot_be_had_is_named_with_what_to_do(tmp_path, hub, arguments, message):
    status, out = stage(tmp_path, hub.server_port, **arguments)
    assert status != 0
    assert message in out
    assert "Traceback" not in out


def test_files_brought_by_hand_are_checked_without_a_hub(tmp_path):
    (tmp_path / "model").mkdir()
    for name, content in FILES.items():
        (tmp_path / "model" / name).write_bytes(content)
    assert stage(tmp_path, 1, hub="none")[0] == 0
    (tmp_path / "model" / "llm.pt").write_bytes(b"")
    status, out = stage(tmp_path, 1, hub="none")
    assert status != 0
    assert "llm.pt is empty" in out
