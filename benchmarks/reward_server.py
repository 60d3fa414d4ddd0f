"""Two reward servers on the same models and rollouts: ours, and one written the way the published recipe's works.

    .venv/bin/python -m benchmarks.reward_server [--work-dir exp/tiny_mandarin] [--out results.json] [--requests 240]
    .venv/bin/python -m benchmarks.reward_server --token-ear --rollouts FILE   # ours reads rows as the recipe says

At each concurrency both servers run, but only one at a time is asked, in turns: ours by its own client (gRPC, one
channel), the other by one JSON post per sample without a session. The floor is the compute of the parts alone, each at
its best batch size, in as many processes as there are instances (benchmarks/floor.py). Throughputs are compared
as ratios of neighbouring turns, of which the median counts: the machine's own speed and what else it does cancel out.
Without --token-ear ours hears every row by wave. With it, ours is asked rows of the file, all by wave, until its bounds
hold; these are not counted. Each turn has rows of its own, both ways the same ones, and --rollouts has to have enough.
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
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import psutil
import requests
from omegaconf import OmegaConf
from tqdm import tqdm

from reward_tts.client import RewardClient, ServerConfig
from reward_tts.measures import Measures
from speech.files import read_jsonl, write_text
from stages.config import ROOT, compose_stage

HERE = Path(__file__).resolve().parent
MODEL = "token2wav_asr"
Recorded = list[dict]  # {"text", "tokens"} of each rollout
Asked = list[tuple[float, str]]  # seconds of each request, and which way its row came
BY_WAVE = "recipe.reward.token_ear=null"


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

    def cpu_seconds(self) -> Counter[str]:
        """Of its processes so far, and of this one, which asks."""
        found: Counter[str] = Counter(client=sum(psutil.Process().cpu_times()[:2]))
        tree = psutil.Process(self.process.pid)
        for one in [tree, *tree.children(recursive=True)]:
            is_front = "reward_tts.server.front" in one.cmdline()
            name = "server" if one == tree else "front" if is_front else one.name()
            found[name] += sum(one.cpu_times()[:2])
        return found


def ask_ours(server: Server, recipe: str, rows: Recorded, concurrency: int) -> Asked:
    """By the project's own client."""
    cfg = OmegaConf.to_container(compose_stage(recipe, "server").recipe.server, resolve=True)
    known = {key: cfg[key] for key in ServerConfig.__dataclass_fields__ if key in cfg}
    own = {"grpc_port": server.grpc, "recipe": recipe, "more": (), "concurrency": concurrency}
    config = ServerConfig(**{**known, **own})

    async def timed(call: Callable[[], Awaitable[Measures]], slots: asyncio.Semaphore) -> tuple[float, str]:
        async with slots:  # the client's own bound would count waiting as latency
            begin = time.monotonic()
            told = (await call()).scores.get("token_ear", {})
            return time.monotonic() - begin, next((way for way in WAYS_OF_A_ROW if told.get(way)), "wave")

    async def all_of_them() -> Asked:
        client, slots = RewardClient(config), asyncio.Semaphore(concurrency)
        calls = [
            timed(lambda row=row, i=i: client.measure(row["tokens"], row["text"], "zh", i), slots)
            for i, row in enumerate(rows)
        ]
        asked = await asyncio.gather(*calls)
        await client.close()
        return asked

    return asyncio.run(all_of_them())


def ask_published(server: Server, recipe: str, rows: Recorded, concurrency: int) -> Asked:
    """By a post for each row."""

    def post(row: dict) -> tuple[float, str]:
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
        return time.monotonic() - begin, "wave"

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(post, rows))


WAYS = {"ours": ("reward_tts.server", ask_ours), "published": ("benchmarks.published_way", ask_published)}
WAYS_OF_A_ROW = ("read", "audited", "unsure", "closed")


def compare(args: argparse.Namespace, rows: Recorded, concurrency: int) -> list[dict]:
    """Both ways at one concurrency, each with a server of its own, in turns; see the top of this file."""
    count = args.requests if concurrency > 1 else args.requests // 4
    fresh, results, turns = iter(rows), [], {way: [] for way in WAYS}
    with ExitStack() as stack:
        servers = {}
        for way, (module, ask) in WAYS.items():
            log = args.out.parent / f"benchmark_{way}_{concurrency}.log"
            own = () if way == "published" or args.token_ear else (BY_WAVE,)
            servers[way] = stack.enter_context(Server(module, args.recipe, args.work_dir, log, own))
            ask(servers[way], args.recipe, rows[:16], concurrency)  # the first batches compile and allocate
        if args.token_ear:
            opened = open_gate(servers["ours"], args.recipe, fresh)
            print(f"open after {opened} rows by wave", flush=True)
        for _ in range(args.rounds):
            asked = list(islice(fresh, count))
            if len(asked) < count and args.token_ear:
                raise SystemExit(f"too few rollouts: {args.rollouts} has {len(rows)}")
            asked = asked if len(asked) == count else (rows * (count // len(rows) + 1))[:count]
            for way in WAYS:
                turns[way].append(_turn(way, servers[way], args.recipe, asked, concurrency))
        for way, server in servers.items():
            told = {key: [turn[key] for turn in turns[way]] for key in ("per_second", "cpu_ms_per_row", "rows")}
            seconds = sorted(s for turn in turns[way] for s in turn["seconds"])
            p50, p99 = statistics.median(seconds), seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))]
            about = {"way": way, "concurrency": concurrency, "requests": count, "token_ear": args.token_ear}
            results.append({**about, **told, "p50_ms": 1000 * p50, "p99_ms": 1000 * p99, "server": server.stop()})
    return results


def open_gate(server: Server, recipe: str, fresh: Iterator[dict]) -> int:
    """Asks rows until one is not by wave for want of evidence; how many."""
    asked = 0
    while rows := list(islice(fresh, 64)):
        asked += len(rows)
        if any(way in ("read", "audited") for _, way in ask_ours(server, recipe, rows, 64)):
            return asked
    raise SystemExit(f"the token ear's bounds did not hold after {asked} rows")


def _turn(way: str, server: Server, recipe: str, rows: Recorded, concurrency: int) -> dict:
    """Rows a second, seconds of each request, which ways the rows came, CPU milliseconds a row by process."""
    begin, before = time.monotonic(), server.cpu_seconds()
    asked = WAYS[way][1](server, recipe, rows, concurrency)
    rate, spent = len(rows) / (time.monotonic() - begin), server.cpu_seconds()
    cpu = {name: 1000 * (seconds - before[name]) / len(rows) for name, seconds in spent.items()}
    ways = Counter(way for _, way in asked)
    return {"per_second": rate, "seconds": [s for s, _ in asked], "rows": ways, "cpu_ms_per_row": cpu}


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


def table(results: list[dict], least: dict | None) -> str:
    """Markdown; medians of the turns, least and most in brackets."""
    lines = ["| requests at once | server | rows/s | p50 ms | p99 ms | ratio |", "|---|---|---|---|---|---|"]
    for concurrency in sorted({r["concurrency"] for r in results}):
        pair = {r["way"]: r for r in results if r["concurrency"] == concurrency}
        for way, r in pair.items():
            ratios = [a / b for a, b in zip(r["per_second"], pair["published"]["per_second"], strict=True)]
            numbers = f"{_spread(r['per_second'], 1)} | {r['p50_ms']:.0f} | {r['p99_ms']:.0f} | {_spread(ratios, 2)}"
            lines.append(f"| {concurrency} | {way} | {numbers} |")
    lines += ["", "| requests at once | server | rows by way | CPU ms a row, by process |", "|---|---|---|---|"]
    for r in results:
        ways = sum(r["rows"], Counter())
        shares = ", ".join(f"{way} {count / ways.total():.3f}" for way, count in ways.most_common())
        names = dict.fromkeys(name for turn in r["cpu_ms_per_row"] for name in turn)
        cpu = {name: statistics.median(turn.get(name, 0.0) for turn in r["cpu_ms_per_row"]) for name in names}
        spent = ", ".join(f"{name} {ms:.2f}" for name, ms in cpu.items())
        lines.append(f"| {r['concurrency']} | {r['way']} | {shares} | {spent}; {sum(cpu.values()):.2f} |")
    if least is None:
        return "\n".join(lines)
    parts = ", ".join(f"{name} {1000 * s:.1f} ms" for name, s in least["seconds_per_row"].items())
    floor_is = f"Floor: {least['per_second']:.1f} rows/s, {least['processes']} at once; a row on one core: {parts}."
    return "\n".join([*lines, "", floor_is])


def main() -> None:
    """Runs it all; prints the table and writes what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="tiny_mandarin")
    parser.add_argument("--work-dir", default="exp/tiny_mandarin")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--requests", type=int, default=240, help="of each run; fewer at concurrency 1")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server at each concurrency")
    parser.add_argument("--token-ear", action="store_true", help="rows are read as recipe.reward.token_ear says")
    parser.add_argument("--rollouts", type=Path, default=HERE / "tokens.jsonl", help="{text, tokens} a line")
    parser.add_argument("--no-floor", action="store_true", help="do not measure the parts alone")
    parser.add_argument("--out", type=Path, default=Path("exp/benchmark_reward_server.json"))
    args = parser.parse_args()
    rows = read_jsonl(args.rollouts)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results = []
    for concurrency in tqdm(args.concurrency, desc="concurrency"):
        results += compare(args, rows, concurrency)
        print(*(json.dumps(r, ensure_ascii=False) for r in results[-2:]), sep="\n", flush=True)
    least = None if args.no_floor else floor(args.recipe, args.work_dir)
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    write_text(args.out, json.dumps({"machine": machine, "results": results, "floor": least}, indent=1))
    print(table(results, least))


if __name__ == "__main__":
    main()
