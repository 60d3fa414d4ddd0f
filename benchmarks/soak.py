"""Chaos: a real reward server and the real client, while the server's processes are ended and paused from outside.

    .venv/bin/python -m benchmarks.soak [--rows 20000] [--work-dir exp/tiny_mandarin] [--out exp/soak.json]

The client asks through a proxy that refuses some requests, slows all, and answers some with the answer of another one,
as does a second proxy between the front and Triton. Meanwhile, at random moments, Triton, one of its backend stubs or
the front is ended by SIGKILL, stubs are stopped for seconds as on a machine that gives them no time, and all cores are
taken by other work. Every answer is compared with what the same server said when it was left in peace. The end of the
whole server is not in it: tests/trainer_env/reward_tts/test_server_life.py has that.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
from omegaconf import OmegaConf

from benchmarks.harms import FRONTS, Harm, Mixer, Proxy, metric
from benchmarks.reward_server import HERE, Server
from reward_tts.client import Answer, RewardClient, RewardError, ServerConfig
from reward_tts.measures import row_checksum
from speech.files import read_jsonl
from stages.config import compose_stage
from tests.helpers.mixing_proxy import AlwaysMixing
from tests.helpers.server_processes import left_behind, workspace_of

Rows = list[tuple[list[int], str]]
RECIPE = "tiny_mandarin"
PEACE = 4  # times that each row is measured before: in a batch with others a tie may be broken otherwise
_PART = 1000  # rows asked at once


def config_for(port: int) -> ServerConfig:
    """The recipe's client, which asks at this port."""
    cfg = OmegaConf.to_container(compose_stage(RECIPE, "server").recipe.server, resolve=True)
    known = {key: cfg[key] for key in ServerConfig.__dataclass_fields__ if key in cfg}
    return ServerConfig(**{**known, "grpc_port": port, "recipe": RECIPE, "more": (), "give_up_s": 900})


def ask(port: int, rows: Rows, progress: Callable[[int], None] | None = None) -> list[Answer | RewardError]:
    """The client's answer to each row, or its error; `progress` is told how many there are so far."""

    async def everything() -> list[Answer | RewardError]:
        client, done = RewardClient(config_for(port)), 0

        async def one(index: int, tokens: list[int], text: str) -> Answer | RewardError:
            nonlocal done
            try:
                return await client.ask(tokens, text, "zh", index)
            except RewardError as error:
                return error
            finally:
                done += 1
                if progress:
                    progress(done)

        try:
            return await asyncio.gather(*(one(i, *row) for i, row in enumerate(rows)))
        finally:
            await client.close()

    return asyncio.run(everything())


def memory_mib(server: Server) -> float:
    """Resident, of the server's own process."""
    return psutil.Process(server.process.pid).memory_info().rss / 2**20


def compared(rows: Rows, answers: list, peace: dict[int, set[str]], distinct: int) -> Counter[str]:
    """How many answers are lost, zeroed, another row's, or heard otherwise than ever in peace."""
    counts: Counter[str] = Counter()
    for index, ((tokens, text), answer) in enumerate(zip(rows, answers, strict=False)):
        if isinstance(answer, RewardError):
            counts["lost"] += 1
            counts[f"error: {answer}"[:200]] += 1
            continue
        answer = answer.measures
        counts["zeroed"] += answer.status != 0 or answer.duration_s <= 0
        own = answer.checksum == row_checksum(tokens, text, "zh", None) and answer.num_tokens == len(tokens)
        counts["another row's"] += not own
        counts["heard otherwise"] += answer.transcript not in peace[index % distinct]
    return counts


def soak(
    work_dir: str,
    count: int,
    tokens: int,
    pause_s: float,
    mixed: float,
    seed: int,
    folder: Path,
    minutes: float = 600,
    busy_s: float = 10.0,
    kinds: int | None = None,
    peace: int = PEACE,
) -> dict:
    """One run; what it counted.

    Args:
        work_dir: of the recipe, with its models.
        count: rows.
        tokens: of each row, at most.
        pause_s: between two harms, on average.
        mixed: share of Triton's answers that are given to another request.
        seed: of the harms.
        folder: for the server's log.
        minutes: after which no more rows are asked.
        busy_s: for which all cores are taken, each time.
        kinds: of rows, at most (None: all that were recorded), each measured `peace` times before.
    """
    recorded = read_jsonl(HERE / "tokens.jsonl")
    distinct = [(row["tokens"][:tokens], row["text"]) for row in recorded[:kinds]]
    rows = (distinct * (count // len(distinct) + 1))[:count]
    unused_before = unused_memory()
    with ExitStack() as stack:
        often = ("server.restarts.most=100000",)
        server = stack.enter_context(Server("reward_tts.server", RECIPE, work_dir, folder / "soak_server.log", often))
        said: dict[int, set[str]] = defaultdict(set)
        for _ in range(peace):
            for index, answer in enumerate(ask(server.grpc, distinct)):
                said[index].add(answer.measures.transcript)
        told = {"memory_mib": {"begin": round(memory_mib(server))}}
        begin = time.monotonic()
        with ExitStack() as harms:
            mixer = Mixer(mixed, seed)
            target = f"127.0.0.1:{server.grpc}"
            proxy = harms.enter_context(Proxy(target, refuse=0.2, slow_s=0.02, change=mixer))
            mixing = harms.enter_context(AlwaysMixing(workspace_of(server), mixed))
            harm = harms.enter_context(Harm(server, pause_s, busy_s, seed))
            answers: list[Answer | RewardError] = []
            while len(answers) < count and time.monotonic() - begin < 60 * minutes:
                answers += ask(proxy.port, rows[len(answers) : len(answers) + _PART])
                print(f"{len(answers)} rows, {dict(harm.done)}", flush=True)
        told |= {"rows": len(answers), "seconds": round(time.monotonic() - begin), "harms": dict(harm.done)}
        whole = [answer for answer in answers if isinstance(answer, Answer)]
        told["attempts of the client"] = sum(answer.attempts for answer in whole)
        told["another row's, thrown away by the client"] = sum(answer.mismatches for answer in whole)
        told |= {"refused": proxy.refused, "mixed up before the client": mixer.mixed}
        told["mixed up before the front"] = mixing.mixed
        ask(server.grpc, distinct[:16])  # it answers still
        for name in ("tts_triton_restarts_total", "tts_front_restarts_total", *FRONTS):
            told[name] = round(metric(server, name) + harm.counted[name])
        told["memory_mib"]["end"] = round(memory_mib(server))
        pid = server.process.pid
        server.stop()
    counts = compared(rows, answers, said, len(distinct))
    told |= {"lost": 0, "zeroed": 0, "another row's": 0, "heard otherwise": 0} | dict(counts)
    told["left behind"] = left_behind(pid)
    told["shared memory that nobody has mapped"] = sorted(unused_memory() - unused_before)
    return told


def unused_memory() -> set[str]:
    """Shared memory of Python's that no process has mapped: its makers are gone."""
    names = {path.name for path in Path("/dev/shm").glob("psm_*")}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            mapped = Path(f"/proc/{process.pid}/maps").read_text()
            names = {name for name in names if name not in mapped}
    return names


def table(told: dict) -> str:
    """Markdown."""
    return "\n".join(["| what | how many |", "|---|---|", *(f"| {key} | {value} |" for key, value in told.items())])


def main() -> None:
    """Runs it; prints the table, writes what was counted, and fails if a row was lost, zeroed or another's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", default="exp/tiny_mandarin")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--tokens", type=int, default=16, help="of a row, at most: short ones, to have many")
    parser.add_argument("--pause", type=float, default=15.0, help="seconds between two harms, on average")
    parser.add_argument(
        "--mixed", type=float, default=0.02, help="share of the answers that each proxy gives to another"
    )
    parser.add_argument("--minutes", type=float, default=600, help="after which no more rows are asked")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("exp/soak.json"))
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    told = soak(args.work_dir, args.rows, args.tokens, args.pause, args.mixed, args.seed, args.out.parent, args.minutes)
    args.out.write_text(json.dumps(told, indent=1, ensure_ascii=False))
    print(table(told))
    if any(told[harm] for harm in ("lost", "zeroed", "another row's", "left behind")):
        raise SystemExit("rows were lost, zeroed or another's, or something was left behind")


if __name__ == "__main__":
    main()
