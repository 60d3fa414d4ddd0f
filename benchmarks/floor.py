"""The reward server's parts alone, all rows at once in sorted batches of the best size: nothing can be faster.

    python -m benchmarks.floor --config-path <recipes/NAME> --config-name server +tokens=FILE

Prints a line of JSON: seconds a row of each part, and rows a second of all of them one after another.
"""

import json
import time
from collections.abc import Callable

import hydra
import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from scipy.signal import resample_poly

from reward_tts.measures import Row

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


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Measures."""
    torch.set_num_threads(cfg.server.torch_threads)
    with open(cfg.tokens, encoding="utf-8") as file:
        found = [json.loads(line) for line in file][:96]
    rows = [Row(np.array(f["tokens"], np.int32), None, "zh", f["text"]) for f in found]
    rows.sort(key=lambda row: len(row.tokens))
    token2wav, asr = instantiate(cfg.token2wav), instantiate(cfg.asr)
    up, down = asr.sample_rate, token2wav.sample_rate
    divisor = np.gcd(up, down)
    waves = [resample_poly(wave, up // divisor, down // divisor).astype(np.float32) for wave in token2wav.decode(rows)]
    pairs = list(zip(waves, rows, strict=True))
    seconds = {
        "token2wav": best(token2wav.decode, rows),
        "resample": best(lambda some: [resample_poly(w, 2, 3) for w, _ in some], pairs),
        "asr": best(lambda some: asr.transcribe([w for w, _ in some], [r.language for _, r in some]), pairs),
    }
    for name, config in cfg.scorers.items():
        scorer = instantiate(config)
        seconds[name] = best(lambda some, s=scorer: s.measure([w for w, _ in some], [r for _, r in some]), pairs)
    print(json.dumps({"seconds_per_row": seconds, "per_second": 1 / sum(seconds.values())}))


if __name__ == "__main__":
    main()
