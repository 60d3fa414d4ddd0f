"""Laughter by a frame classifier of transformers (Wav2Vec2, WavLM, ...: AutoModelForAudioFrameClassification)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioFrameClassification, PreTrainedModel

from speech.interfaces import Row
from speech.loading import pretrained, whole
from speech.waves import at_least

_SHORTEST = 400  # samples: the first frame of wav2vec 2.0
_QUIETEST = 1e-5  # a largest sample below it is silence, and is not made loud
_FILES = ("config.json", "model.safetensors", "preprocessor_config.json")
_ADVICE = (
    "put a frame classifier for laughter there in the layout of Hugging Face (model.safetensors of omine-me/"
    "LaughterSegmentation, config.json and preprocessor_config.json of jonatasgrosman/wav2vec2-large-xlsr-53-english), "
    "or take no term `laughter`"
)


class LaughterSegments:
    """How long a voice laughs.

    Args:
        model_dir: Hugging Face directory of a frame classifier. The weights may be those that omine-me/
            LaughterSegmentation publishes, beside the configuration of the Wav2Vec2 that they were finetuned from.
        label: the one that is laughter.
        threshold: probability from which a frame laughs.
        min_seconds: a shorter stretch is none.
        device: torch device.
        labels: names of the classes, where the configuration has none.
        peak: the largest sample that waves are scaled to, instead of the directory's own normalisation; or None.

    Raises:
        FileNotFoundError: the directory is not whole.
        ValueError: the model has no such label, or the weights are not those of such a classifier.
    """

    provides = ("laughter_s",)
    sample_rate = 16_000

    def __init__(
        self,
        model_dir: str,
        label: str,
        threshold: float,
        min_seconds: float,
        device: str = "cpu",
        labels: Sequence[str] | None = None,
        peak: float | None = None,
    ):
        whole(model_dir, _FILES, _ADVICE)
        own = {} if peak is None else {"do_normalize": False}
        self.extractor = pretrained(AutoFeatureExtractor, model_dir, **own)
        self.model = _load(model_dir, labels).to(device).eval()
        found = {name: i for i, name in self.model.config.id2label.items()}
        if label not in found:
            raise ValueError(f"{model_dir} has the labels {sorted(found)}, not {label!r}")
        self.index, self.threshold, self.min_seconds, self.peak = found[label], threshold, min_seconds, peak

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """laughter_s: seconds in stretches of laughter; each wave alone, so that padding changes nothing."""
        return [{"laughter_s": self._one(wave)} for wave in waves]

    @torch.inference_mode()
    def _one(self, wave: np.ndarray) -> float:
        if self.peak is not None:
            wave = wave * (self.peak / max(float(np.abs(wave).max()), _QUIETEST))
        heard = at_least(wave, _SHORTEST)
        values = self.extractor(heard, sampling_rate=self.sample_rate, return_tensors="pt").to(self.model.device)
        logits = self.model(**values).logits[0]
        # One label: a probability of its own. Several: they exclude each other.
        likely = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(-1)
        laughs = (likely[:, self.index] >= self.threshold).cpu().numpy()
        return stretches_seconds(laughs, len(wave) / self.sample_rate / len(laughs), self.min_seconds)


def _load(model_dir: str, labels: Sequence[str] | None) -> PreTrainedModel:
    """The classifier; in LaughterSegmentation's file its names begin with `audio_model.`."""
    names = (
        {}
        if labels is None
        else {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}}
    )
    model, found = pretrained(
        AutoModelForAudioFrameClassification,
        model_dir,
        key_mapping={r"^audio_model\.": ""},
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **names,
    )
    if wrong := sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}):
        raise ValueError(
            f"{model_dir}/model.safetensors is no {type(model).__name__} of {labels or 'its labels'}: {wrong}"
        )
    return model


def stretches_seconds(frames: np.ndarray, frame_seconds: float, min_seconds: float) -> float:
    """Seconds in unbroken stretches of true frames that last at least min_seconds.

    >>> stretches_seconds(np.array([1, 1, 0, 1, 1, 1], bool), frame_seconds=0.5, min_seconds=1.5)
    1.5
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frames.astype(int), [0]])))
    lengths = (edges[1::2] - edges[::2]) * frame_seconds
    return float(lengths[lengths >= min_seconds - 1e-9].sum())
