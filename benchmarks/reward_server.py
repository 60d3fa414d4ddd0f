"""Two reward servers on the same models and rollouts: ours, and one written the way the published recipe's works.

    .venv/bin/python -m benchmarks.reward_server [--work-dir exp/tiny_mandarin] [--out results.json] [--requests 240]

At each concurrency both servers run, but only one at a time is asked, in turns: ours by its own client (gRPC, one
channel), the other by one JSON post per sample without a session. The floor is the compute of the parts alone, each at
its best batch size, in as many processes as there are instances (benchmarks/floor.py). Throughputs are compared
as ratios of neighbouring turns, of which the median counts: the machine's own speed and what else it does cancel out.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import requests
from omegaconf import OmegaConf
from tqdm import tqdm

from reward_tts.client import RewardClient, ServerConfig
from speech.files import write_text
from stages.config import ROOT, compose_stage

HERE = Path(__file__).resolve().parent
MODEL = "token2wav_asr"
Recorded = list[dict]  # {"text", "tokens"} of each rollout


def free_ports() -> list[int]:
    """HTTP, gRPC, metrics."""
    sockets = [socket.socket() for _ in range(3)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Server:
    """One of the two, running."""

    def __init__(self, module: str, recipe: str, work_dir: str, log: Path, overrides: tuple[str, ...] = ()):
        self.http, self.grpc, self.metrics = free_ports()
        argv = [".venv-reward/bin/python", "-m", module, "--config-path", str(ROOT / "recipes" / recipe)]
        argv += ["--config-name", "server", f"recipe.work_dir={work_dir}", f"recipe.server.http_port={self.http}"]
        argv += [f"recipe.server.grpc_port={self.grpc}", f"recipe.server.metrics_port={self.metrics}", *overrides]
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        while not self._ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{module} ended:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.5)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/models/{MODEL}/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> str:
        """Ends it; what it says of its instances: batch sizes, padding, seconds of each part."""
        self.process.terminate()
        self.process.wait(300)
        lines = self.log.read_text(errors="replace").splitlines()
        return " / ".join(line.partition(": ")[2] for line in lines if line.startswith("instance "))


def ask_ours(server: Server, recipe: str, rows: Recorded, concurrency: int) -> list[float]:
    """Seconds of each request."""
    cfg = OmegaConf.to_container(compose_stage(recipe, "server").recipe.server, resolve=True)
    known = {key: cfg[key] for key in ServerConfig.__dataclass_fields__ if key in cfg}
    own = {"grpc_port": server.grpc, "recipe": recipe, "more": (), "concurrency": concurrency}
    config = ServerConfig(**{**known, **own})

    async def timed(call: Callable[[], Awaitable[object]], slots: asyncio.Semaphore) -> float:
        async with slots:  # the client's own bound would count waiting as latency
            begin = time.monotonic()
            await call()
            return time.monotonic() - begin

    async def all_of_them() -> list[float]:
        client, slots = RewardClient(config), asyncio.Semaphore(concurrency)
        calls = [
            timed(lambda row=row, i=i: client.measure(row["tokens"], row["text"], "zh", i), slots)
            for i, row in enumerate(rows)
        ]
        seconds = await asyncio.gather(*calls)
        await client.close()
        return seconds

    return asyncio.run(all_of_them())


def ask_published(server: Server, recipe: str, rows: Recorded, concurrency: int) -> list[float]:
    """Seconds of each request."""

    def post(row: dict) -> float:
        tokens = row["tokens"]
        body = {
            "inputs": [
                {"name": "TOKENS", "shape": [1, len(tokens)], "datatype": "INT32", "data": tokens},
                {"name": "TOKEN_LENS", "shape": [1, 1], "datatype": "INT32", "data": [len(tokens)]},
                {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES", "data": [row["text"]]},
            ]
        }
        begin = time.monotonic()
        answer = requests.post(f"http://127.0.0.1:{server.http}/v2/models/{MODEL}/infer", json=body, timeout=300)
        answer.raise_for_status()
        return time.monotonic() - begin

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(post, rows))


WAYS = {"ours": ("reward_tts.server", ask_ours), "published": ("benchmarks.published_way", ask_published)}


def compare(recipe: str, work_dir: str, rows: Recorded, concurrency: int, rounds: int, folder: Path) -> list[dict]:
    """Both ways at one concurrency, each with a server of its own, in turns."""
    results = []
    with ExitStack() as stack:
        servers = {}
        for way, (module, ask) in WAYS.items():
            log = folder / f"benchmark_{way}_{concurrency}.log"
            servers[way] = stack.enter_context(Server(module, recipe, work_dir, log))
            ask(servers[way], recipe, rows[:16], concurrency)  # the first batches compile and allocate
        turns = [(way, *_turn(way, servers[way], recipe, rows, concurrency)) for _ in range(rounds) for way in WAYS]
        for way, server in servers.items():
            seconds = sorted(s for turn, _, times in turns if turn == way for s in times)
            results.append(
                {
                    "way": way,
                    "concurrency": concurrency,
                    "requests": len(rows),
                    "per_second": [rate for turn, rate, _ in turns if turn == way],
                    "p50_ms": 1000 * statistics.median(seconds),
                    "p99_ms": 1000 * seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))],
                    "server": server.stop(),
                }
            )
    return results


def _turn(way: str, server: Server, recipe: str, rows: Recorded, concurrency: int) -> tuple[float, list[float]]:
    """Rows a second, and seconds of each request."""
    begin = time.monotonic()
    seconds = WAYS[way][1](server, recipe, rows, concurrency)
    return len(rows) / (time.monotonic() - begin), seconds


def floor(recipe: str, work_dir: str) -> dict:
    """Rows a second of the parts alone, by benchmarks/floor.py in the server's environment."""
    argv = [".venv-reward/bin/python", "-m", "benchmarks.floor", "--config-path", str(ROOT / "recipes" / recipe)]
    argv += ["--config-name", "server", f"recipe.work_dir={work_dir}", f"+tokens={HERE / 'tokens.jsonl'}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(results: list[dict], least: dict) -> str:
    """Markdown; medians of the turns, least and most in brackets."""
    lines = ["| requests at once | server | rows/s | p50 ms | p99 ms | ratio |", "|---|---|---|---|---|---|"]
    for concurrency in sorted({r["concurrency"] for r in results}):
        pair = {r["way"]: r for r in results if r["concurrency"] == concurrency}
        for way, r in pair.items():
            ratios = [a / b for a, b in zip(r["per_second"], pair["published"]["per_second"], strict=True)]
            numbers = f"{_spread(r['per_second'], 1)} | {r['p50_ms']:.0f} | {r['p99_ms']:.0f} | {_spread(ratios, 2)}"
            lines.append(f"| {concurrency} | {way} | {numbers} |")
    parts = ", ".join(f"{name} {1000 * s:.1f} ms" for name, s in least["seconds_per_row"].items())
    lines.append(f"| - | floor | {least['per_second']:.1f} | | | |")
    return "\n".join([*lines, "", f"Floor, a row on one core: {parts}; {least['processes']} at once."])


def main() -> None:
    """Runs it all; prints the table and writes what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="tiny_mandarin")
    parser.add_argument("--work-dir", default="exp/tiny_mandarin")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--requests", type=int, default=240, help="of each run; fewer at concurrency 1")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server at each concurrency")
    parser.add_argument("--out", type=Path, default=Path("exp/benchmark_reward_server.json"))
    args = parser.parse_args()
    rows = [json.loads(line) for line in (HERE / "tokens.jsonl").read_text(encoding="utf-8").splitlines()]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results = []
    for concurrency in tqdm(args.concurrency, desc="concurrency"):
        count = args.requests if concurrency > 1 else args.requests // 4
        asked = (rows * (count // len(rows) + 1))[:count]
        results += compare(args.recipe, args.work_dir, asked, concurrency, args.rounds, args.out.parent)
        print(*(json.dumps(r, ensure_ascii=False) for r in results[-2:]), sep="\n", flush=True)
    least = floor(args.recipe, args.work_dir)
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    write_text(args.out, json.dumps({"machine": machine, "results": results, "floor": least}, indent=1))
    print(table(results, least))


if __name__ == "__main__":
    main()
