"""How run.sh asks the reward server about itself, and what it asks."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from omegaconf import DictConfig, OmegaConf

from reward_tts.measures import CONTRACT
from reward_tts.reward.reward import audited_by
from stages.config import compose_stage
from stages.preflight import check_server
from stages.server import is_ready, tells


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
def serving(**told: str) -> Iterator[int]:
    """The port of such a server."""
    handler = type("Told", (Ready,), {"told": told})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_proxy_is_for_other_machines_and_does_not_hide_the_server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(recipe="toy") as port:
        cfg = OmegaConf.create({"recipe": {"server": {"host": "127.0.0.1", "http_port": port, "model": "m"}}})
        assert is_ready(cfg) and tells(cfg) == {"recipe": "toy"}


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
