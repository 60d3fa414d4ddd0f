"""What the front costs: rows a second of one server, asked at its port and past its front at Triton's own socket.

    .venv/bin/python -m benchmarks.front [--work-dir exp/tiny_mandarin] [--turns 8] [--rows 192] [--at-once 64]

The same requests in turns, with the order of the two changing, so that what else the machine does meets both.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from benchmarks.mixed_requests import request
from benchmarks.reward_server import HERE, Server
from reward_tts.server.places import TRITON_SOCKET
from speech.files import read_jsonl
from tests.helpers.server_processes import workspace_of

RECIPE = "tiny_mandarin"


async def rows_per_second(target: str, asked: list[bytes], at_once: int) -> float:
    """All of it once, from one channel."""
    slots = asyncio.Semaphore(at_once)
    async with grpc.aio.insecure_channel(target) as channel:
        infer: Callable = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

        async def one(raw: bytes) -> None:
            async with slots:
                await infer(raw)

        await one(asked[0])  # connects
        begin = time.monotonic()
        await asyncio.gather(*map(one, asked))
        return len(asked) / (time.monotonic() - begin)


def main() -> None:
    """Prints both medians and the median of the turns' ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", default="exp/tiny_mandarin")
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--rows", type=int, default=192)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--log", type=Path, default=Path("exp/front.log"))
    args = parser.parse_args()
    recorded = read_jsonl(HERE / "tokens.jsonl")
    asked = [request(row["tokens"], row["text"].encode()).SerializeToString() for row in recorded[: args.rows]]
    args.log.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[float]] = {"front": [], "past it": []}
    with Server("reward_tts.server", RECIPE, args.work_dir, args.log) as server:
        targets = {"front": f"127.0.0.1:{server.grpc}", "past it": f"unix:{workspace_of(server) / TRITON_SOCKET}"}
        for turn in range(-1, args.turns):
            for where in sorted(targets, reverse=turn % 2 == 0):
                speed = asyncio.run(rows_per_second(targets[where], asked, args.at_once))
                if turn >= 0:  # the first turn warms up
                    found[where].append(speed)
    ratios = [one / other for one, other in zip(found["front"], found["past it"], strict=True)]
    print("| asked at | rows/s: median (least to most) |", "|---|---|", sep="\n")
    for where, speeds in found.items():
        print(f"| {where} | {statistics.median(speeds):.1f} ({min(speeds):.1f} to {max(speeds):.1f}) |")
    middle = statistics.median(ratios)
    print(f"\nfront / past it: {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {args.turns} turns")


if __name__ == "__main__":
    main()
