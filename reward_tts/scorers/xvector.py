"""Speaker similarity by an x-vector model of transformers, such as WavLM (microsoft/wavlm-base-plus-sv)."""

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioXVector

from reward_tts.scorers.similarity import SpeakerSimilarity
from speech.loading import pretrained, whole
from speech.waves import at_least

_SHORTEST = 8_000  # samples: its time-delay layers need 15 frames of 20 ms and more; what is shorter ends with silence
_FILES = ("config.json", "preprocessor_config.json")
_ADVICE = (
    "download microsoft/wavlm-base-plus-sv into it, or use the scorer reward_tts.scorers.speaker.Resemblyzer, which "
    "needs no download"
)


class XVector(SpeakerSimilarity):
    """Embeddings of a Hugging Face directory (AutoModelForAudioXVector); each wave alone, so that padding changes
    nothing.

    Args:
        model_dir: Hugging Face directory.
        voices, default: see SpeakerSimilarity.
        device: torch device.

    Raises:
        FileNotFoundError: the directory is not whole.
    """

    sample_rate = 16_000

    def __init__(self, model_dir: str, voices: dict[str, str] | str, default: str | None = None, device: str = "cpu"):
        whole(model_dir, _FILES, _ADVICE)
        self.extractor = pretrained(AutoFeatureExtractor, model_dir)
        self.model = pretrained(AutoModelForAudioXVector, model_dir).to(device).eval()
        super().__init__(voices, default)

    @torch.inference_mode()
    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        return np.concatenate([self._one(wave) for wave in waves])

    def _one(self, wave: np.ndarray) -> np.ndarray:
        wave = at_least(wave, _SHORTEST)
        values = self.extractor(wave, sampling_rate=self.sample_rate, return_tensors="pt").to(self.model.device)
        return torch.nn.functional.normalize(self.model(**values).embeddings, dim=-1).cpu().numpy()
