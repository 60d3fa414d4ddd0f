"""Memory of data_prep.prepare: so many made-up texts through stage data of tiny_mandarin, and what that took at most.

    .venv/bin/python -m benchmarks.prepare_memory 1000000 [--field-bytes 10000]

Prints a line of JSON: rows, input_mb, mb_before the rows and peak_mb of this process (VmRSS, VmHWM: Linux), seconds.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from omegaconf import DictConfig, open_dict

from data_prep.prepare import Preparation
from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage

CHARACTERS, DIGITS = "今天下雨我们去北京明早上学校读书写字看电影吃饭喝茶买东西", "零一二三四五六七八九"


def lines(count: int, field_bytes: int) -> Iterator[str]:
    """So many rows of different texts, each with a field of so many bytes that nobody asks for."""
    rng, field = random.Random(0), "x" * field_bytes
    for number in range(count):
        text = "".join(rng.choices(CHARACTERS, k=16)) + "".join(DIGITS[int(digit)] for digit in f"{number:08d}")
        yield json.dumps({"text": text, "note": field}, ensure_ascii=False) + "\n"


def config(folder: Path, count: int, field_bytes: int) -> DictConfig:
    """data.yaml with two splits of made-up texts in `folder`: one held out, and `count` rows to train with."""
    cfg = deepcopy(compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={folder}",)))
    with open_dict(cfg):
        del cfg.prepare.splits["sft"], cfg.prepare.splits["sft_val"]
    build_tokenizer([CHARACTERS, DIGITS], 10, cfg.recipe.tokenizer_dir)
    Path(cfg.recipe.data_dir).mkdir()
    Path(cfg.recipe.test_texts).write_text('{"text": "测试"}\n', encoding="utf-8")
    with open(cfg.recipe.train_texts, "w", encoding="utf-8") as file:
        file.writelines(lines(count, field_bytes))
    return cfg


def memory_mb(kind: str) -> float:
    """VmHWM (the most so far) or VmRSS (now) of this process. Not getrusage's, which begins with the parent's."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith(f"{kind}:"))) / 1024


def measured(rows: int, field_bytes: int) -> dict[str, int]:
    """What main prints of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        cfg = config(Path(folder), rows, field_bytes)
        preparation = Preparation(cfg)
        _ = preparation.prompts.tokenizer
        before, begin = memory_mb("VmRSS"), time.monotonic()
        preparation.run()
        found = {"rows": rows, "input_mb": Path(cfg.recipe.train_texts).stat().st_size / 1e6}
        found |= {"mb_before": before, "peak_mb": memory_mb("VmHWM"), "seconds": time.monotonic() - begin}
    return {name: round(value) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("--field-bytes", type=int, default=0)
    args = parser.parse_args()
    print(json.dumps(measured(args.rows, args.field_bytes)))


if __name__ == "__main__":
    main()
