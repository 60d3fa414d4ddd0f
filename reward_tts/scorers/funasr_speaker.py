"""Speaker similarity by FunASR's classes of 3D-Speaker: CAM++ (Wang et al., 2023, arXiv 2303.00332), of which
CosyVoice's own speaker embeddings are too, and ERes2NetV2 (Chen et al., 2024, arXiv 2406.02167)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from reward_tts.scorers.similarity import SpeakerSimilarity
from speech.funasr_import import funasr_module
from speech.loading import weights_of, whole
from speech.waves import at_least

extract_feature = funasr_module("funasr.models.campplus.utils").extract_feature
_SHORTEST = 8_000  # samples: both pool by the spread over time, which few frames do not have
_ADVICE = (
    "download iic/speech_campplus_sv_zh-cn_16k-common or iic/speech_eres2netv2_sv_zh-cn_16k-common (ModelScope) into "
    "it, or use the scorer reward_tts.scorers.speaker.Resemblyzer, which needs no download"
)
_ARCHITECTURES = {
    "CAMPPlus": funasr_module("funasr.models.campplus.model").CAMPPlus,
    "ERes2NetV2": funasr_module("funasr.models.eres2net.model").ERes2NetV2SV,
}


class FunASRSpeaker(SpeakerSimilarity):
    """Embeddings of log-mels without their mean over time; each wave alone, so that padding changes nothing.

    FunASR's own loading takes what fits of a file of weights and says nothing of the rest; here all must fit.

    Args:
        model_dir: directory with the weights.
        architecture: CAMPPlus or ERes2NetV2.
        weights: name of their file there: campplus_cn_common.bin, pretrained_eres2netv2.ckpt.
        voices, default: see SpeakerSimilarity.
        options: of the architecture, where the weights are not of its default size.
        device: torch device.

    Raises:
        FileNotFoundError: the weights are not there.
        ValueError: no such architecture.
        RuntimeError: the weights are of another architecture or size.
    """

    sample_rate = 16_000

    def __init__(
        self,
        model_dir: str,
        architecture: str,
        weights: str,
        voices: dict[str, str],
        default: str,
        options: Mapping[str, Any] | None = None,
        device: str = "cpu",
    ):
        if architecture not in _ARCHITECTURES:
            raise ValueError(f"architecture is one of {sorted(_ARCHITECTURES)}, got {architecture!r}")
        file = whole(model_dir, [weights], _ADVICE) / weights
        network = _ARCHITECTURES[architecture](**(options or {}))
        network = getattr(network, "model", network)  # FunASR wraps ERes2NetV2; the weights are of what is inside
        network.load_state_dict(weights_of(file))
        self.model, self.device = network.to(device).eval(), device
        super().__init__(voices, default)

    @torch.inference_mode()
    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, size]."""
        return np.concatenate([self._one(wave) for wave in waves])

    def _one(self, wave: np.ndarray) -> np.ndarray:
        features, *_ = extract_feature([torch.from_numpy(at_least(wave, _SHORTEST))])
        return torch.nn.functional.normalize(self.model(features.to(self.device)), dim=-1).cpu().numpy()
