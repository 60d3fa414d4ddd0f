"""How tests ask a reward server, and what they compare."""

import asyncio
import json
import time
import urllib.request
from dataclasses import replace

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from reward_tts.client import RewardClient, ServerConfig
from reward_tts.measures import CONTRACT, Measures

Rows = list[tuple[list[int], str]]


def config_of(server, **changes) -> ServerConfig:
    config = ServerConfig(
        host=server.host,
        grpc_port=server.grpc_port,
        more=(),
        secret_env=None,
        model="token2wav_asr",
        recipe="tiny_mandarin",
        concurrency=64,
        queue_s=1.0,
        watch_s=0.5,
        deadline_s=30,
        give_up_s=120,
        max_attempts=20,
        backoff_s=0.2,
        backoff_cap_s=2,
    )
    return replace(config, **changes)


def measure(config: ServerConfig, rows: Rows, at_once: bool = True, **options) -> list[Measures]:
    async def ask() -> list[Measures]:
        client = RewardClient(config)
        calls = [client.measure(tokens, text, "zh", i, **options) for i, (tokens, text) in enumerate(rows)]
        try:
            return await asyncio.gather(*calls) if at_once else [await call for call in calls]
        finally:
            await client.close()

    return asyncio.run(ask())


def odd_rows(measured: list[Measures], expected: list[Measures]) -> set[int]:
    """Rows that were heard otherwise when measured again (once or more, all in order). One may be: SenseVoice pads its
    batches, which rounds its sums differently, and where two characters are as likely as one another the other wins."""
    pairs = [(i % len(expected), m) for i, m in enumerate(measured)]
    return {row for row, m in pairs if m.transcript != expected[row].transcript}


def counted(server, name: str) -> float:
    """Sum of one of Triton's counters of the model."""
    with urllib.request.urlopen(f"http://{server.host}:{server.metrics_port}/metrics", timeout=300) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f'{name}{{model="token2wav_asr"'))


def wait_until_counted(rows: float, *servers) -> None:
    """Return once the servers' Triton has counted so many rows together: it counts a batch after it has answered it.
    Where it never does, the test's own comparison tells what is missing."""
    until = time.monotonic() + 300
    while sum(counted(server, "nv_inference_count") for server in servers) < rows and time.monotonic() < until:
        time.sleep(0.1)


def raw_answer(
    server, tokens: list[int], length: int, text: bytes, contract: int = CONTRACT, **more: bytes
) -> dict[str, object]:
    """One row through Triton's own client, with nothing checked; measures as a dictionary."""
    inputs = [InferInput("TOKENS", [1, len(tokens)], "INT32"), InferInput("TOKEN_LENS", [1, 1], "INT32")]
    inputs[0].set_data_from_numpy(np.array([tokens], np.int32))
    inputs[1].set_data_from_numpy(np.array([[length]], np.int32))
    inputs.append(InferInput("CONTRACT", [1, 1], "INT32"))
    inputs[-1].set_data_from_numpy(np.array([[contract]], np.int32))
    for name, value in {"GT_TEXT": text, **more}.items():
        inputs.append(InferInput(name, [1, 1], "BYTES"))
        inputs[-1].set_data_from_numpy(np.array([[value]], object))
    with InferenceServerClient(f"{server.host}:{server.grpc_port}") as client:
        result = client.infer("token2wav_asr", inputs)
    answer = {name: result.as_numpy(name)[0, 0] for name in ("REWARDS", "STATUS", "MEASURES")}
    return {**answer, "MEASURES": json.loads(answer["MEASURES"])}


def posted_raw(server, tokens: list[int], text: str) -> dict[str, bytes]:
    """Raw contents of each output, over HTTP by Triton's binary tensor data extension, there and back."""
    said = text.encode()
    contents = {"TOKENS": ("INT32", len(tokens), np.array(tokens, "<i4").tobytes())}
    contents |= {"TOKEN_LENS": ("INT32", 1, np.array([len(tokens)], "<i4").tobytes())}
    contents |= {"GT_TEXT": ("BYTES", 1, len(said).to_bytes(4, "little") + said)}
    inputs = [
        {"name": name, "shape": [1, size], "datatype": kind, "parameters": {"binary_data_size": len(raw)}}
        for name, (kind, size, raw) in contents.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body, length = b"".join([head, *(raw for *_, raw in contents.values())]), "Inference-Header-Content-Length"
    url = f"http://{server.host}:{server.http_port}/v2/models/token2wav_asr/infer"
    asked = urllib.request.Request(url, body, {length: str(len(head))})
    with urllib.request.urlopen(asked, timeout=300) as answer:
        told, found = json.loads(answer.read(int(answer.headers[length]))), {}
        for output in told["outputs"]:
            found[output["name"]] = answer.read(output["parameters"]["binary_data_size"])
        assert answer.read() == b""
    return found
