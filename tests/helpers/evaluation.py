"""The default's evaluation, composed, and a token2wav that needs no model."""

import numpy as np
from omegaconf import DictConfig

from speech.interfaces import Row
from stages.config import compose_stage


def configuration(*overrides: str) -> DictConfig:
    return compose_stage("tiny_mandarin", "eval", overrides)


class Hum:
    """Speech tokens -> 50 ms of harmonics each."""

    sample_rate, token_rate, codebook_size = 16_000, 20.0, 10

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        times = [np.arange(800 * len(row.tokens)) / 16_000 for row in rows]
        return [sum(0.1 * np.sin(2 * np.pi * 150 * k * t) for k in range(1, 9)).astype(np.float32) for t in times]
