"""Valid and faulty requests mixed, from many clients at once: what a real server answers each, and its memory.

    .venv/bin/python -m benchmarks.mixed_requests [--requests 20000] [--work-dir exp/tiny_mandarin]

Half are valid, by gRPC and by the published client's JSON, and must be measured as they were alone. The others are rows
at fault, each of which must have its own status, and requests that are none, which must be refused by name; a valid
neighbour of them must not notice. Sizes that do not fit their data are not among them: those are for the front without
Triton behind it (tests/reward_env/reward_tts/test_front_process.py).
"""

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import grpc
import numpy as np
import psutil
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from benchmarks.reward_server import HERE, MODEL, Server
from reward_tts.measures import CONTRACT, Status
from speech.files import read_jsonl
from tests.helpers.server_processes import processes_of

RECIPE = "tiny_mandarin"
HUNG_S = 600
_LETTERS = "今天中午星期五去公司上课买东西abcxyz ,.?!，。？！"


def elements(values: list[bytes]) -> bytes:
    """BYTES as Triton's raw contents."""
    return b"".join(len(value).to_bytes(4, "little") + value for value in values)


def request(tokens: list[int], text: bytes, **more: object) -> ModelInferRequest:
    """One row, as our client sends it; `more` replaces values of inputs, or adds some."""
    values = {"TOKENS": tokens, "TOKEN_LENS": [len(tokens)], "CONTRACT": [CONTRACT], "GT_TEXT": text, **more}
    made = ModelInferRequest(model_name=MODEL)
    for name, value in values.items():
        is_text = isinstance(value, bytes)
        shape = [1, 1 if is_text else len(value)]
        made.inputs.add(name=name, datatype="BYTES" if is_text else "INT32", shape=shape)
        made.raw_input_contents.append(elements([value]) if is_text else np.array(value, "<i4").tobytes())
    return made


def posted(tokens: list[int], text: str) -> dict:
    """One row, as the published client posts it."""
    return {
        "inputs": [
            {"name": "TOKENS", "shape": [1, len(tokens)], "datatype": "INT32", "data": [tokens]},
            {"name": "TOKEN_LENS", "shape": [1, 1], "datatype": "INT32", "data": [[len(tokens)]]},
            {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES", "data": [text]},
        ]
    }


def without(made: ModelInferRequest, change: Callable[[ModelInferRequest], None]) -> ModelInferRequest:
    """The request with a change."""
    change(made)
    return made


def _no_text(made: ModelInferRequest) -> None:
    index = [tensor.name for tensor in made.inputs].index("GT_TEXT")
    del made.inputs[index]
    del made.raw_input_contents[index]


def _other_model(made: ModelInferRequest) -> None:
    made.model_name = "other"


def _sequence(made: ModelInferRequest) -> None:
    made.parameters["sequence_id"].int64_param = 1


# Faulty rows: {kind: (request of a row, the status that it must have)}. Faulty requests: {kind: (.., gRPC's status)}.
ROWS = {
    "outside the codebook": (lambda t, x: request([*t, 4000], x), Status.BAD_SPEECH),
    "no token": (lambda t, x: request([], x), Status.BAD_SPEECH),
    "more than max_tokens": (lambda t, x: request(t[:1] * 2000, x), Status.BAD_SPEECH),
    "TOKEN_LENS too large": (lambda t, x: request(t, x, TOKEN_LENS=[len(t) + 1]), Status.BAD_ROW),
    "another contract": (lambda t, x: request(t, x, CONTRACT=[1]), Status.BAD_ROW),
    "nothing to speak": (lambda t, x: request(t, "。".encode()), Status.BAD_ROW),
    "no UTF-8": (lambda t, x: request(t, b"\xff\xfe"), Status.BAD_ROW),
    "a text too long": (lambda t, x: request(t, ("今" * 2001).encode()), Status.BAD_ROW),
    "an unknown language": (lambda t, x: request(t, x, LANGUAGE=b"xx"), Status.FAILED),
    "an unknown voice": (lambda t, x: request(t, x, VOICE=b"nobody"), Status.FAILED),
}
REQUESTS = {
    "no text": (lambda t, x: without(request(t, x), _no_text), "INVALID_ARGUMENT"),
    "an input that is none": (lambda t, x: request(t, x, OTHER=[1]), "INVALID_ARGUMENT"),
    "a sequence": (lambda t, x: without(request(t, x), _sequence), "INVALID_ARGUMENT"),
    "a long name": (lambda t, x: request(t, x, VOICE=b"v" * 2000), "INVALID_ARGUMENT"),
    "another model": (lambda t, x: without(request(t, x), _other_model), "NOT_FOUND"),
}
BODIES = {
    "no JSON": lambda t, x: b"[",
    "a number too large": lambda t, x: json.dumps(posted([*t, 2**31], x.decode())).encode(),
    "an unknown key": lambda t, x: json.dumps({**posted(t, x.decode()), "other": 1}).encode(),
    "half a character": lambda t, x: json.dumps(posted(t, "\ud800")).encode(),
}


class Asker:
    """All requests of a run, by their kinds."""

    def __init__(self, server: Server, rows: list[tuple[list[int], bytes]], seed: int):
        self.counts: dict[str, Counter[str]] = {}
        self.asked_again = 0
        self._server, self._rows, self._random = server, rows, random.Random(seed)
        self._alone: dict[int, set[str]] = {}

    async def run(self, count: int, at_once: int, halfway: Callable[[], None]) -> None:
        """Each row alone first, then `count` mixed requests."""
        options = [("grpc.max_receive_message_length", -1)]
        url = f"http://127.0.0.1:{self._server.http}/v2/models/{MODEL}/infer"
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{self._server.grpc}", options=options) as channel,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session,
        ):
            self._ask = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            self._post = lambda body: session.post(url, data=body)
            for _ in range(3):
                told = await asyncio.gather(*(self._measured(request(t, x)) for t, x in self._rows))
                for index, measures in enumerate(told):
                    self._alone.setdefault(index, set()).add(measures["transcript"])
            slots, done = asyncio.Semaphore(at_once), 0

            async def one() -> None:
                nonlocal done
                async with slots:
                    await self._one()
                done += 1
                if done == count // 10:
                    halfway()
                if done % 1000 == 0:
                    print(done, flush=True)

            await asyncio.gather(*(one() for _ in range(count)))

    async def _one(self) -> None:
        index = self._random.randrange(len(self._rows))
        tokens, text = self._rows[index]
        kind = self._random.choice(
            ["valid gRPC"] * 4 + ["valid HTTP"] * 2 + ["odd text", "row", "row", "request", "body"]
        )
        expected, found = kind, "hung"
        try:
            async with asyncio.timeout(HUNG_S):
                if kind == "valid gRPC":
                    found = kind if await self._is_as_alone(index, request(tokens, text)) else "measured otherwise"
                elif kind == "valid HTTP":
                    _, answer = await self._posted(json.dumps(posted(tokens, text.decode())).encode())
                    outputs = {o["name"]: o["data"][0] for o in json.loads(answer)["outputs"]}
                    found = kind if outputs["TRANSCRIPTS"] in self._alone[index] else "measured otherwise"
                elif kind == "odd text":
                    odd = "今" + "".join(self._random.choices(_LETTERS, k=self._random.randrange(1, 400)))
                    expected, found = "OK", Status((await self._measured(request(tokens, odd.encode())))["status"]).name
                elif kind == "row":
                    kind = self._random.choice(list(ROWS))
                    make, status = ROWS[kind]
                    expected = status.name
                    found = Status((await self._measured(make(tokens, text)))["status"]).name
                elif kind == "request":
                    kind = self._random.choice(list(REQUESTS))
                    make, expected = REQUESTS[kind]
                    found = await self._error(make(tokens, text))
                else:
                    kind = self._random.choice(list(BODIES))
                    expected, found = "400", str((await self._posted(BODIES[kind](tokens, text)))[0])
        except (TimeoutError, grpc.aio.AioRpcError, aiohttp.ClientError, KeyError) as error:
            found = f"{type(error).__name__} {error}"[:200]
        self.counts.setdefault(kind, Counter())["as expected" if found == expected else found] += 1

    async def _infer(self, raw: bytes) -> bytes:
        """Asked again while Triton is being started again, as a client is told to."""
        while True:
            try:
                return await self._ask(raw)
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
            self.asked_again += 1
            await asyncio.sleep(1)

    async def _posted(self, body: bytes) -> tuple[int, bytes]:
        """Status and body; asked again likewise."""
        while True:
            async with self._post(body) as answer:
                if answer.status != 503:
                    return answer.status, await answer.read()
            self.asked_again += 1
            await asyncio.sleep(1)

    async def _measured(self, made: ModelInferRequest) -> dict:
        answer = ModelInferResponse.FromString(await self._infer(made.SerializeToString()))
        index = [output.name for output in answer.outputs].index("MEASURES")
        return json.loads(answer.raw_output_contents[index][4:])

    async def _is_as_alone(self, index: int, made: ModelInferRequest) -> bool:
        return (await self._measured(made))["transcript"] in self._alone[index]

    async def _error(self, made: ModelInferRequest) -> str:
        try:
            await self._infer(made.SerializeToString())
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "answered"


def memory_mib(server: Server) -> dict[str, int]:
    """Resident, of each of the server's processes; of the stubs together."""
    pids = {"server": [server.process.pid], **processes_of(server)}
    return {role: sum(psutil.Process(pid).memory_info().rss for pid in some) >> 20 for role, some in pids.items()}


def main() -> None:
    """Runs it, prints the table, and fails if a request was answered otherwise than expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", default="exp/tiny_mandarin")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--at-once", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=16, help="of a row, at most: short ones, to have many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("exp/mixed_requests.json"))
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    recorded = read_jsonl(HERE / "tokens.jsonl")
    rows = [(row["tokens"][: args.tokens], row["text"].encode()) for row in recorded]
    memory = {}
    with Server("reward_tts.server", RECIPE, args.work_dir, args.out.with_suffix(".log")) as server:
        asker = Asker(server, rows, args.seed)
        asyncio.run(asker.run(args.requests, args.at_once, lambda: memory.update(begin=memory_mib(server))))
        memory["end"] = memory_mib(server)
    told = {
        "requests": args.requests,
        "memory in MiB": memory,
        "asked again": asker.asked_again,
        "kinds": {k: dict(c) for k, c in asker.counts.items()},
    }
    args.out.write_text(json.dumps(told, indent=1, ensure_ascii=False))
    print("| kind | as expected | otherwise |", "|---|---|---|", sep="\n")
    for kind, counts in sorted(asker.counts.items()):
        print(f"| {kind} | {counts.pop('as expected', 0)} | {dict(counts) or 0} |")
    print(f"\nAsked again, as Triton was being started again: {asker.asked_again}")
    print(f"Memory in MiB after a tenth and at the end: {memory}")


if __name__ == "__main__":
    main()
