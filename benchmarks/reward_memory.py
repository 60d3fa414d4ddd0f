"""Memory of a process that calls `compute_score`, row after row, without its server:

    .venv/bin/python -m benchmarks.reward_memory [rows]

Rows of 200 speech tokens (benchmarks.reward_speed), eight rollouts of each text, no text twice. Prints rows and MiB
(VmRSS: Linux), ten times.
"""

import asyncio
import sys
from types import SimpleNamespace

import psutil
from omegaconf import OmegaConf

import reward_tts.compute_score as module
from benchmarks import reward_speed
from reward_tts.measures import Measures
from stages.config import compose_stage

TOKENS, RATE = 200, 25.0
SCORES = {"log_f0_std": 0.1, "voiced_ratio": 0.5, "silence_ratio": 0.1, "loudness_db": -20.0}


def heard(transcript: str) -> Measures:
    seconds = TOKENS / RATE
    times = [seconds * (i + 0.5) / max(1, len(transcript)) for i in range(len(transcript))]
    return Measures("tiny_mandarin", 0, "", transcript, times, None, seconds, TOKENS, RATE, SCORES)


async def run(rows: int) -> None:
    answer = {}

    class Client:
        async def ask(self, *_):
            return SimpleNamespace(measures=answer["now"], attempts=1, mismatches=0)

    module.client_for = lambda config: Client()
    recipe = compose_stage("tiny_mandarin", "data", ("recipe.reward.token_ear=null",)).recipe
    given = {"server": OmegaConf.to_container(recipe.server), "reward": OmegaConf.to_container(recipe.reward)}
    reward_speed.TEXTS, group = 1, []
    for i in range(rows):
        group = group or reward_speed.rows(TOKENS, i, as_config=False)
        text, transcript, ids = group.pop()
        answer["now"] = heard(transcript)
        completion, info = "".join(f"<|s_{token}|>" for token in ids), {"index": i, "language": "zh"}
        await module.compute_score("", completion, text, info, recipe="tiny_mandarin", **given)
        if (i + 1) % (rows // 10) == 0:
            print(i + 1, round(psutil.Process().memory_info().rss / 2**20), flush=True)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
