"""The reward server as run.sh sees it: are its ports free, is it ready, does it still live."""

import http.client
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

from omegaconf import DictConfig

from reward_tts.addresses import address, as_address, taken

_POLL_S = 0.5
_ANSWER_S = 5
_TAIL_BYTES = 65_536
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of this server


def _get(cfg: DictConfig, what: str) -> bytes | None:
    """Body of http://recipe.server/v2/models/<model>/<what>, None if there is no such model or nobody answers so."""
    where = cfg.recipe.server
    url = f"http://{address(where.host, where.http_port)}/v2/models/{where.model}/{what}"
    try:
        with _DIRECTLY.open(url, timeout=_ANSWER_S) as answer:
            return answer.read()
    except (OSError, http.client.HTTPException):  # urllib's are OSErrors: refused, no such model, not ready
        return None


def is_ready(cfg: DictConfig) -> bool:
    """Whether Triton at recipe.server says that its model is ready."""
    return _get(cfg, "ready") is not None


def tells(cfg: DictConfig) -> dict[str, str] | None:
    """What the server at recipe.server tells of itself in its model's configuration: recipe, contract, measures.
    None if it does not answer in time, or not as Triton does."""
    try:
        parameters = json.loads(_get(cfg, "config") or b"").get("parameters", {})
        return {name: value.get("string_value", "") for name, value in parameters.items()}
    except (ValueError, AttributeError):  # another program's page, or other JSON
        return None


def told_by(where: str, model: str) -> dict[str, str] | None:
    """The same of the server at host:grpc_port, as recipe.server.more names it; None if nobody answers there."""
    from tritonclient.grpc import InferenceServerClient
    from tritonclient.utils import InferenceServerException

    try:
        with InferenceServerClient(as_address(where), channel_args=[("grpc.enable_http_proxy", 0)]) as client:
            config = client.get_model_config(model, client_timeout=_ANSWER_S).config
    except InferenceServerException as error:
        if error.status() in ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED"):
            return None
        return {}  # it answers, and has no such model
    return {name: value.string_value for name, value in config.parameters.items()}


def check_ports(cfg: DictConfig) -> None:
    """SystemExit that names the first of the three ports that is taken, and the key to change."""
    where = cfg.recipe.server
    if key := taken(where.host, {key: where[key] for key in ("http_port", "grpc_port", "metrics_port")}):
        if is_ready(cfg):
            advice = f"A server with model {where.model} is there: stop it, or use it by leaving out serve."
        else:
            advice = f"Choose another: recipe.server.{key}=PORT"
        raise SystemExit(f"run.sh: port {where[key]} (recipe.server.{key}) is taken. {advice}")


def wait_ready(cfg: DictConfig, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for readiness. Raises RuntimeError when the process ends or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not is_ready(cfg):
        status = process.poll()
        if status is not None:
            raise RuntimeError(f"the reward server ended before it was ready (exit status {status})")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the reward server was not ready after {timeout_s:.0f} s (server_ready_timeout_s)")
        time.sleep(_POLL_S)


def expect(cfg: DictConfig) -> str:
    """host:port of recipe.server; SystemExit that says how to start one, unless a server is ready there."""
    here = address(cfg.recipe.server.host, cfg.recipe.server.http_port)
    if not is_ready(cfg):
        raise SystemExit(
            f"run.sh: no reward server is ready on {here}. Start one in another terminal "
            f"(bash run.sh --recipe {cfg.recipe.name} serve), or in this run: serve train instead of train"
        )
    return here


def tail(log: Path, lines: int, begun: int = 0) -> str:
    """The last lines of a log, indented, as far as they are in its last 64 KiB, it may have gigabytes, and after its
    first `begun` bytes."""
    with open(log, "rb") as file:
        file.seek(max(begun, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        text = file.read().decode(errors="replace").splitlines()[-lines:]
    return "\n".join("    " + line for line in text)
