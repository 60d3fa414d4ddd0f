"""Emotion by emotion2vec through FunASR, from a model directory: probabilities by name."""

from typing import Any

import numpy as np
import torch

from reward_tts.asr import funasr_directory
from speech.interfaces import Row
from speech.waves import at_least

_SHORTEST = 400  # samples: its first frame
_FILES = ("config.yaml", "model.pt", "tokens.txt")


class Emotion2Vec:
    """emotion2vec_plus_* as FunASR loads it.

    Args:
        model_dir: FunASR model directory: config.yaml, model.pt, tokens.txt (labels such as "生气/angry").
        device: torch device.

    Raises:
        FileNotFoundError: the directory is not whole; the message says where to get it.
    """

    provides = ("emotion",)
    sample_rate = 16_000

    def __init__(self, model_dir: str, device: str = "cpu"):
        advice = (
            "download iic/emotion2vec_plus_base (ModelScope) or emotion2vec/emotion2vec_plus_base (Hugging Face) into "
            "it, or leave the scorer `emotion` out of server.yaml"
        )
        self.model, self.options = funasr_directory.load(model_dir, _FILES, ("Emotion2vec",), advice, device)

    @torch.inference_mode()
    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """emotion: {English label: probability}, summing to 1."""
        options = {**self.options, "granularity": "utterance", "extract_embedding": False, "fs": self.sample_rate}
        waves = [at_least(wave, _SHORTEST) for wave in waves]
        found, _ = self.model.inference(waves, key=[str(i) for i in range(len(waves))], **options)
        return [{"emotion": _by_name(one["labels"], one["scores"])} for one in found]


def _by_name(labels: list[str], scores: list[float]) -> dict[str, float]:
    """Labels are "Chinese/English" or one name."""
    return {label.rpartition("/")[2].strip("<>"): float(score) for label, score in zip(labels, scores, strict=True)}
