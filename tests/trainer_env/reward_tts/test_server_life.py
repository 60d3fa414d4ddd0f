"""The real server killed and started again, on several devices, counted, and ended by a signal."""

import asyncio
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from reward_tts.client import RewardClient
from reward_tts.measures import Measures, Status
from tests.conftest import Server, start_server
from tests.helpers.server_client import config_of, measure, odd_rows, raw_answer, wait_until_counted
from tests.helpers.server_processes import left_behind


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def first_batch(
    built_recipe: Path, ports_of_module: list[int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, float]]]:
    """A server that will be killed, and its metrics after a batch of rows of 4, 6 and 10 tokens and three that have no
    wave, then one row of 5."""
    own = ("server.queue_delay_ms=5000", "server.max_batch_size=6", "server.max_tokens=200")
    log = tmp_path_factory.mktemp("first") / "server.log"
    server = start_server(built_recipe, log, *own, ports=ports_of_module)
    batch = [([7] * 4, "今天"), ([7] * 6, "今天"), ([7] * 10, "今天"), ([7, 4000], "今天"), ([7] * 201, "今天")]

    async def ask() -> None:
        client = RewardClient(config_of(server))
        refused = asyncio.to_thread(raw_answer, server, [7], 1, "。".encode())
        await asyncio.gather(refused, *(client.measure(tokens, text, "zh", 0) for tokens, text in batch))
        await client.measure([7] * 5, "今天", "zh", 0)
        await client.close()

    asyncio.run(ask())
    wait_until_counted(7, server)
    yield server, metrics_of(server)
    if server.process.poll() is None:
        server.stop()


def test_a_server_killed_in_mid_request_and_started_again_loses_no_reward(first_batch, server_starter, asked):
    first, _ = first_batch
    ports = [first.http_port, first.grpc_port, first.metrics_port]
    config = config_of(first, give_up_s=600)  # the second server may take its time

    async def ask() -> list[Measures]:
        client = RewardClient(config)
        calls = [asyncio.create_task(client.measure(t, text, "zh", i)) for i, (t, text) in enumerate(asked * 4)]
        while not any(call.done() for call in calls):
            await asyncio.sleep(0.01)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        done_before = sum(call.done() for call in calls)
        await asyncio.to_thread(server_starter, "server.max_tokens=200", ports=ports)  # of the same settings
        measured = await asyncio.gather(*calls)
        await client.close()
        assert done_before < len(calls), "all were measured before the server was killed"
        return measured

    measured = asyncio.run(ask())
    expected = measure(config, asked)  # by the second server
    assert len(measured) == 4 * len(asked) and len(odd_rows(measured, expected)) <= 1
    assert left_behind(first.process.pid) == []  # the front, or the second server's start, removed it


def metrics_of(server: Server) -> dict[str, float]:
    """{sample with its labels: value} of the metrics endpoint."""
    with urllib.request.urlopen(f"http://{server.host}:{server.metrics_port}/metrics", timeout=300) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_metrics_endpoint_tells_rows_batches_padding_and_time(first_batch):
    """Worked out by hand."""
    _, found = first_batch

    def value(name: str, **labels: str) -> float:
        every = sorted({"device": "cpu", "pipeline": "0", **labels}.items())
        return found[name + "{" + ",".join(f'{label}="{text}"' for label, text in every) + "}"]

    rows = {status: value("tts_rows_total", status=status) for status in Status.__members__}
    assert rows == {"OK": 4, "BAD_ROW": 1, "FAILED": 0, "BAD_SPEECH": 2, "OUT_OF_MEMORY": 0}
    buckets = {bound: value("tts_batch_rows_bucket", le=bound) for bound in ("1", "2", "4", "6", "+Inf")}
    assert buckets == {"1": 1, "2": 1, "4": 2, "6": 2, "+Inf": 2}
    assert (value("tts_batch_rows_sum"), value("tts_batch_rows_count")) == (4, 2)
    assert value("tts_tokens_total") == 4 + 6 + 10 + 5
    assert value("tts_padded_tokens_total") == 3 * 10 + 5
    assert all(value("tts_part_seconds_total", part=part) > 0 for part in ("token2wav", "asr", "prosody"))
    assert found['nv_inference_count{model="token2wav_asr",version="1"}'] == 7  # Triton's own, on the same port


@dataclass
class Ended:
    """A server that SIGTERM has ended while it worked.

    Attributes:
        server: it.
        children: command lines of its processes before.
        finished: measures of the rows that were asked when the signal came.
        done: how many of them had been answered then.
    """

    server: Server
    children: list[str]
    finished: list[Measures]
    done: int


@pytest.fixture(scope="module")
def ended(built_recipe: Path, asked, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Two instances that take one row at a time; `asked` twice, then four rows on which the signal comes."""
    own = ("server.devices=[cpu,cpu]", "server.instances=1", "server.max_batch_size=1", "server.drain_s=30")
    server = start_server(built_recipe, tmp_path_factory.mktemp("ended") / "server.log", *own)
    measure(config_of(server), asked * 2)
    children = psutil.Process(server.process.pid).children(recursive=True)
    lines = [" ".join(one.cmdline()) for one in children]

    async def ask() -> tuple[list[Measures], int]:
        client = RewardClient(config_of(server, max_attempts=1))  # its window begins with four rows: all are sent
        calls = [asyncio.create_task(client.measure(t, text, "zh", i)) for i, (t, text) in enumerate(asked[:4])]
        while not any(call.done() for call in calls):
            await asyncio.sleep(0.01)
        server.process.terminate()
        done = sum(call.done() for call in calls)
        try:
            return await asyncio.gather(*calls), done
        finally:
            await client.close()

    try:
        finished, done = asyncio.run(ask())
        server.process.wait(300)
    finally:
        if server.process.poll() is None:
            server.stop()
    return Ended(server, lines, finished, done)


def test_instances_share_the_work_and_sigterm_ends_them_and_leaves_nothing(ended, asked):
    server = ended.server
    assert not [line for line in ended.children if "spawn_main" in line]  # PyTriton's tensor stores
    assert server.process.returncode == 0
    assert [port for port in (server.http_port, server.grpc_port, server.metrics_port) if listens(port)] == []
    assert left_behind(server.process.pid) == []
    log = server.log.read_text()
    assert "listening on 127.0.0.1: this machine alone may use it" in log
    assert "stopped" in log
    told = r"instance \d: (\d+) rows; batches by size {.*}; padding .*; seconds: .*token2wav .*asr .*prosody"
    rows = [int(n) for n in re.findall(told, log)]  # of each device
    assert len(rows) == 2 and min(rows) > 0 and sum(rows) == 2 * len(asked) + 4


def test_sigterm_finishes_what_was_begun(ended):
    assert ended.done < 4, "all were measured before the server was told to stop"
    assert len(ended.finished) == 4 and all(m.is_speech for m in ended.finished)
