"""Inputs of stage data in a folder of a test's own, and what the stage made of them."""

from pathlib import Path

import pyarrow.parquet as pq
from omegaconf import DictConfig

GOOD_SFT = '{"text": "一", "speech_tokens": [0, 3]}'
INPUTS = ("test.jsonl", "train.jsonl", "sft.jsonl")
OUTPUTS = ["rejects.jsonl", "rl_test.parquet", "rl_train.parquet", "sft_train.parquet"]


def write(config: DictConfig, split: str, *lines: str | bytes) -> Path:
    """Makes `lines` the input of a split."""
    path = Path(config.prepare.splits[split].input)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(line.encode() + b"\n" if isinstance(line, str) else line + b"\n" for line in lines))
    return path


def rows(config: DictConfig, split: str) -> list[dict]:
    return pq.read_table(config.prepare.splits[split].output).to_pylist()


def written(config: DictConfig) -> list[str]:
    """Names of everything beside the inputs."""
    return sorted(p.name for p in Path(config.recipe.data_dir).iterdir() if p.name not in INPUTS)
