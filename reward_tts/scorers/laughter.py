"""Laughter by a frame classifier of transformers (Wav2Vec2, WavLM, ...: AutoModelForAudioFrameClassification)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioFrameClassification

from reward_tts.measures import Row

_FILES = ("config.json", "model.safetensors", "preprocessor_config.json")


class LaughterSegments:
    """How long a voice laughs.

    Args:
        model_dir: Hugging Face directory of a frame classifier.
        label: of `id2label`, the one that is laughter.
        threshold: probability from which a frame laughs.
        min_seconds: a shorter stretch is none.
        device: torch device.

    Raises:
        FileNotFoundError: the directory is not whole.
        ValueError: the model has no such label.
    """

    provides = ("laughter_s",)
    sample_rate = 16_000

    def __init__(self, model_dir: str, label: str, threshold: float, min_seconds: float, device: str = "cpu"):
        missing = [name for name in _FILES if not (Path(model_dir) / name).exists()]
        if missing:
            raise FileNotFoundError(
                f"{model_dir} lacks {missing}: put a frame classifier for laughter there in the layout of Hugging Face "
                "(for omine-me/LaughterSegmentation, whose weights come bare, write the config of its Wav2Vec2 beside "
                "them), or leave the scorer `laughter` out of server.yaml"
            )
        self.extractor = AutoFeatureExtractor.from_pretrained(model_dir)
        self.model = AutoModelForAudioFrameClassification.from_pretrained(model_dir).to(device).eval()
        labels = {name: i for i, name in self.model.config.id2label.items()}
        if label not in labels:
            raise ValueError(f"{model_dir} has the labels {sorted(labels)}, not {label!r}")
        self.index, self.threshold, self.min_seconds = labels[label], threshold, min_seconds

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """laughter_s: seconds in stretches of laughter; each wave alone, so that padding changes nothing."""
        return [{"laughter_s": self._one(wave)} for wave in waves]

    @torch.inference_mode()
    def _one(self, wave: np.ndarray) -> float:
        values = self.extractor(wave, sampling_rate=self.sample_rate, return_tensors="pt").to(self.model.device)
        logits = self.model(**values).logits[0]
        # One label: a probability of its own. Several: they exclude each other.
        likely = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(-1)
        laughs = (likely[:, self.index] >= self.threshold).cpu().numpy()
        return stretches_seconds(laughs, len(wave) / self.sample_rate / len(laughs), self.min_seconds)


def stretches_seconds(frames: np.ndarray, frame_seconds: float, min_seconds: float) -> float:
    """Seconds in unbroken stretches of true frames that last at least min_seconds.

    >>> stretches_seconds(np.array([1, 1, 0, 1, 1, 1], bool), frame_seconds=0.5, min_seconds=1.5)
    1.5
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frames.astype(int), [0]])))
    lengths = (edges[1::2] - edges[::2]) * frame_seconds
    return float(lengths[lengths >= min_seconds - 1e-9].sum())
