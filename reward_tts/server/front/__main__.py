"""The front: the process on the reward server's public ports. Triton is behind it, on a socket of this user alone.

    python -m reward_tts.server.front <workspace>

The server starts it, with its settings as one line of JSON on standard input: so no secret is on a command line. That
input stays open as long as the server lives. When it ends the server was killed: then the front ends what the server
left (Triton, its shared memory, its files) and itself. SIGTERM ends it after what was begun.
"""

import asyncio
import json
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from reward_tts.addresses import address
from reward_tts.server.front import gauges, grpc_door, http_door
from reward_tts.server.front.checks import Limits
from reward_tts.server.front.house import House
from reward_tts.server.front.upstream import Patience, Upstream
from reward_tts.server.leftovers import remove_workspace
from reward_tts.server.places import METRICS_SOCKET, TRITON_SOCKET
from reward_tts.server.wire import MEASURING, SPEAKING, SPEAKING_MODEL
from speech.files import fingerprint

log = logging.getLogger("front")


async def serve(workspace: Path, settings: dict[str, Any]) -> bool:
    """Listens until it is told to stop; True if the server is gone.

    Args:
        workspace: of the server.
        settings: model, tells, secret, host, ports, max_batch_size, drain_s, and `front` of server.yaml.
    """
    told, gone = _listen_for_the_end()  # before a port is open: whoever reaches one may tell it to end
    front, host, ports = settings["front"], settings["host"], settings["ports"]
    patience = Patience(front["attempts"], front["restart_wait_s"], front["max_under_way"])
    upstream = Upstream(workspace / TRITON_SOCKET, patience, fingerprint(settings["tells"])[:12])
    limits = Limits(settings["max_batch_size"], front["max_name_bytes"])
    models = {settings["model"]: MEASURING, SPEAKING_MODEL: SPEAKING}
    house = House(models, settings["tells"], settings["secret"], limits, upstream)

    grpc_server = grpc_door.server(house, front["max_request_bytes"], front["max_under_way"])
    grpc_server.add_insecure_port(address(host, ports["grpc_port"]))
    await grpc_server.start()
    http = http_door.application(house, front["max_request_bytes"], front["read_s"])
    metrics = gauges.application(house, workspace / METRICS_SOCKET)
    most = front["max_connections"]
    doors = [
        await http_door.listen(metrics, host, ports["metrics_port"], most, 1),
        await http_door.listen(http, host, ports["http_port"], most, settings["drain_s"]),  # the last: it says ready
    ]
    print("front: listening", flush=True)
    await told.wait()
    drain_s = 0 if gone.is_set() else settings["drain_s"]
    await asyncio.gather(grpc_server.stop(drain_s), *(door.close() for door in doors))
    await upstream.close()
    return gone.is_set()


def _listen_for_the_end() -> tuple[asyncio.Event, asyncio.Event]:
    """(told to end, the server is gone): the first by SIGTERM or SIGINT, both by the end of standard input."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    gone = asyncio.Event()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            gone.set()
            told.set()

    loop.add_reader(sys.stdin.fileno(), read)
    return told, gone


def main() -> None:
    """Reads the settings and serves."""
    logging.basicConfig(format="[%(asctime)s][%(name)s][%(levelname)s] - %(message)s", level=logging.INFO)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # one for each connection
    workspace = Path(sys.argv[1])
    line = _first_line(sys.stdin.fileno())
    if asyncio.run(serve(workspace, json.loads(line))):
        log.warning("the server is gone: ending what it left behind")
        remove_workspace(workspace)


def _first_line(descriptor: int) -> bytes:
    """Read without a buffer, as what follows is waited for on the descriptor itself."""
    with open(descriptor, "rb", buffering=0, closefd=False) as unbuffered:
        line = unbuffered.readline()
    if not line.endswith(b"\n"):
        raise SystemExit("front: no settings on standard input")
    return line


if __name__ == "__main__":
    main()
