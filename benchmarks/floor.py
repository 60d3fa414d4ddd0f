"""The reward server's parts alone, rows in sorted batches of the best size, one process for each instance: the floor.

    python -m benchmarks.floor --config-path <recipes/NAME> --config-name server +tokens=FILE

Prints a line of JSON: seconds a row of each part, and rows a second of all of them one after another, in as many
processes at once as the configuration has instances.
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import hydra
import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from reward_tts.reward.reward import Reward
from reward_tts.server.instance import needed
from reward_tts.server.pipeline import Spoken
from speech.files import read_jsonl
from speech.interfaces import Row

SIZES = (1, 4, 16, 64)
REPEATS = 3


def best(part: Callable[[list], object], items: list) -> float:
    """Seconds a row at the batch size that takes least, the least of some repeats."""
    part(items[:4])

    def once(size: int) -> float:
        begin = time.monotonic()
        for start in range(0, len(items), size):
            part(items[start : start + size])
        return time.monotonic() - begin

    return min(once(size) for size in SIZES for _ in range(REPEATS)) / len(items)


def seconds_per_row(cfg: DictConfig) -> dict[str, float]:
    """Of each part, in this process."""
    torch.set_num_threads(cfg.server.torch_threads)
    found = read_jsonl(cfg.tokens)[:96]
    rows = [Row(np.array(f["tokens"], np.int32), None, "zh", f["text"]) for f in found]
    rows.sort(key=lambda row: len(row.tokens))
    token2wav, asr = instantiate(cfg.token2wav), instantiate(cfg.asr)
    spoken = [Spoken(row, wave, token2wav.sample_rate) for row, wave in zip(rows, token2wav.decode(rows), strict=True)]
    pairs = [(s.at(asr.sample_rate), s.row) for s in spoken]
    seconds = {
        "token2wav": best(token2wav.decode, rows),
        "resample": best(
            lambda some: [Spoken(s.row, s.at(s.sample_rate), s.sample_rate).at(asr.sample_rate) for s in some], spoken
        ),
        "asr": best(lambda some: asr.transcribe([w for w, _ in some], [r.language for _, r in some]), pairs),
    }
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    for name in needed(cfg.scorers, reward):  # as the server makes them
        made = instantiate(cfg.scorers[name])
        scorer = made(asr=asr) if isinstance(made, partial) else made
        seconds[name] = best(lambda some, s=scorer: s.measure([w for w, _ in some], [r for _, r in some]), pairs)
    return seconds


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Measures."""
    processes = cfg.server.instances * len(cfg.server.devices)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        each = list(pool.map(seconds_per_row, [cfg] * processes))
    mean = {part: sum(seconds[part] for seconds in each) / processes for part in each[0]}
    together = sum(1 / sum(seconds.values()) for seconds in each)
    print(json.dumps({"seconds_per_row": mean, "per_second": together, "processes": processes}))


if __name__ == "__main__":
    main()
