"""Memory of a reward worker over many rows: the real reward function and client, a gRPC server that only echoes.

python -m benchmarks.client_memory --rows 20000
"""

import argparse
import asyncio
import multiprocessing
import random
from multiprocessing.connection import Connection

import grpc
import numpy as np
import psutil
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from benchmarks.overload import config
from reward_tts.compute_score import compute_score
from reward_tts.measures import Measures, row_checksum
from speech.tokens import format_speech_tokens
from stages.config import compose_stage

RECIPE = "tiny_mandarin"
_AT_ONCE = 64


class Echo(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Hears in every row what was asked for."""

    async def ModelInfer(self, request, context):
        """Of Triton's protocol."""
        parts = dict(zip((i.name for i in request.inputs), request.raw_input_contents, strict=True))
        text, language, voice = (
            deserialize_bytes_tensor(parts[n])[0].decode() for n in ("GT_TEXT", "LANGUAGE", "VOICE")
        )
        tokens = np.frombuffer(parts["TOKENS"], np.int32).tolist()
        names = ("log_f0_std", "voiced_ratio", "silence_ratio", "loudness_db")
        times = [0.1 * place for place in range(len(text))]
        measures = Measures(
            *(RECIPE, 0, "", text, times, 0.9, len(tokens) / 25, len(tokens), 25.0, dict.fromkeys(names, 0.5)),
            checksum=row_checksum(tokens, text, language, voice),
        )
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        for name, kind, content in (
            ("MEASURES", "BYTES", serialize_byte_tensor(np.array([[measures.to_json().encode()]], object)).item()),
            ("STATUS", "INT32", np.array([[0]], np.int32).tobytes()),
        ):
            answer.outputs.add(name=name, datatype=kind, shape=[1, 1])
            answer.raw_output_contents.append(content)
        answer.parameters["tts_seconds"].double_param = 0.01
        return answer


def serve(told: Connection) -> None:
    """Tells its port, and ends when the other side of `told` is closed."""

    async def run() -> None:
        server = grpc.aio.server()
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Echo(), server)
        told.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await asyncio.to_thread(told.poll, None)
        await server.stop(0)

    asyncio.run(run())


async def memory(rows: int, every: int, port: int) -> list[float]:
    """MiB of this process (unique to it) after each `every` rows, all of them different."""
    cfg = compose_stage(RECIPE, "grpo")
    reward = cfg.reward.custom_reward_function.reward_kwargs.reward
    where = {**vars(config(1, 1)), "host": "127.0.0.1", "grpc_port": port, "model": "token2wav_asr"}
    chosen, me, found = random.Random(0), psutil.Process(), []
    for first in range(0, rows, every):
        for start in range(first, first + every, _AT_ONCE):
            calls = []
            for index in range(start, min(start + _AT_ONCE, first + every)):
                text = "".join(chosen.choices("今天天气很好我们去公园散步一二三四五六七八九", k=12))
                spoken = format_speech_tokens(chosen.choices(range(1024), k=150))
                info = {"index": index, "language": "zh", "voice": None}
                calls.append(compute_score(RECIPE, spoken, text, info, recipe=RECIPE, server=where, reward=reward))
            scores = await asyncio.gather(*calls)
            assert all(score["error_rate"] == 0.0 for score in scores)
        found.append(me.memory_full_info().uss / 2**20)
    return found


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=2000)
    args = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    theirs.close()
    found = asyncio.run(memory(args.rows, args.every, ours.recv()))
    ours.close()
    server.join()
    print("| rows | MiB |\n|---|---|")
    for place, mib in enumerate(found, 1):
        print(f"| {place * args.every} | {mib:.1f} |")


if __name__ == "__main__":
    main()
