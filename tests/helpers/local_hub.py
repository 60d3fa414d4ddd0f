"""Hugging Face's and ModelScope's interfaces, as far as their clients use them for a download, on this machine."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

REPO, COMMIT = "someone/model", "c" * 40
# The first is longer than what Hugging Face's client writes at a time.
FILES = {"llm.pt": bytes(range(256)) * 43_000, "config.json": b'{"a": 1}', "README.md": b"not wanted"}

SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


class Hub(ThreadingHTTPServer):
    """Serves FILES as one repository, of both hubs. `cut`: the next download of llm.pt breaks off after so many bytes.
    `lie`: another sum than that of the bytes is named. `newest`: commit of its main branch. `ranges`, `revisions`: what
    was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.forget()

    def forget(self) -> None:
        """All as it was at the start."""
        self.cut: int | None = None
        self.lie = False
        self.newest = COMMIT
        self.ranges: list[str | None] = []
        self.revisions: set[str] = set()

    def sum_of(self, name: str) -> str:
        return "0" * 64 if self.lie else SUMS[name]


class Answers(BaseHTTPRequestHandler):
    """Hugging Face: /api/models/REPO and /REPO/resolve/...; ModelScope: /api/v1/models/REPO/..."""

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
        path, _, query = self.path.partition("?")
        if path.startswith(f"/api/v1/models/{REPO}/repo"):
            self._modelscope(path, {key: values[0] for key, values in parse_qs(query).items()})
        elif path.startswith(f"/api/models/{REPO}/tree/"):
            self._json(
                [{"type": "file", "path": n, "size": len(b), "oid": n, "lfs": self._lfs(n)} for n, b in FILES.items()]
            )
        elif path.startswith(f"/api/models/{REPO}"):
            asked = path.rpartition("/revision/")[2] if "/revision/" in path else "main"
            self.server.revisions.add(asked)
            siblings = [{"rfilename": n, "size": len(b), "blobId": n, "lfs": self._lfs(n)} for n, b in FILES.items()]
            self._json({"id": REPO, "sha": self.server.newest if asked == "main" else asked, "siblings": siblings})
        elif path.startswith(f"/{REPO}/resolve/{COMMIT}/"):
            self._file(path.rpartition("/")[2], body=True)
        else:
            self.send_error(404)

    def _modelscope(self, path: str, query: dict[str, str]) -> None:
        self.server.revisions.add(query["Revision"])
        if path.endswith("/repo/files"):
            rows = [
                {"Path": name, "Name": name, "Type": "blob", "Size": len(content), "Sha256": self.server.sum_of(name)}
                for name, content in FILES.items()
            ]
            self._json({"Code": 200, "Success": True, "Data": {"Files": rows}})
        else:
            self._file(query["FilePath"], body=True)

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


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers on hub.server_port."""
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
