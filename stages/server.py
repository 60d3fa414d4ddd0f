"""The reward server as run.sh sees it: are its ports free, is it ready, does it still live."""

import errno
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from omegaconf import DictConfig

_POLL_S = 0.5


def is_ready(cfg: DictConfig, model: str) -> bool:
    """Whether Triton at recipe.server answers that model is ready (HTTP /v2/models/<model>/ready)."""
    url = f"http://{cfg.recipe.server.host}:{cfg.recipe.server.http_port}/v2/models/{model}/ready"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:  # something answers, but not with this model
        return False
    except (urllib.error.URLError, OSError):  # nobody there
        return False


def check_ports(cfg: DictConfig, model: str) -> None:
    """SystemExit that names the first of the three ports that is taken, and the key to change."""
    where = cfg.recipe.server
    for key in ("http_port", "grpc_port", "metrics_port"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((where.host, where[key]))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if is_ready(cfg, model):
                    advice = (
                        f"A server with model {model} answers there: stop it, or use it by leaving stage serve out."
                    )
                else:
                    advice = f"Choose another: recipe.server.{key}=PORT"
                raise SystemExit(f"run.sh: port {where[key]} (recipe.server.{key}) is taken. {advice}") from None


def wait_ready(cfg: DictConfig, model: str, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for readiness. Raises RuntimeError when the process ends or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not is_ready(cfg, model):
        status = process.poll()
        if status is not None:
            raise RuntimeError(f"the reward server ended before it was ready (exit status {status})")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the reward server was not ready after {timeout_s:.0f} s (server_ready_timeout_s)")
        time.sleep(_POLL_S)


def tail(log: Path, lines: int) -> str:
    """The last lines of a log, indented."""
    text = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join("    " + line for line in text)
