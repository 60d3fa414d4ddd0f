"""Opinion scores as models predict them, whose packages carry the weights: DNSMOS (Reddy et al., 2022, package
speechmos) and Distill-MOS (Stahl & Gamper, 2025, arXiv 2502.05356, package distillmos)."""

import contextlib
import io
import sys
from importlib.resources import files
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from onnxruntime import InferenceSession
from speechmos.dnsmos import DNSMOS, SR

from speech.interfaces import Row
from speech.stand_ins import modules, require

_DISTILLMOS = "0.9.1"  # version


class DNSMOSScorer:
    """Mean opinion scores from 1 to 5 as DNSMOS predicts them, with its weights of the package.

    DNSMOS rises as a wave gets quieter (2.18 to 2.35 at a hundredth), which a policy would learn to use: waves are
    brought to one loudness first.

    Args:
        measure_name: what is given on as `mos`: ovrl_mos, sig_mos, bak_mos or p808_mos.
        level_db: the loudness (RMS of the wave, dB of full scale) that every wave is brought to; null: as it is, as
            published.
    """

    provides = ("mos",)
    sample_rate = SR
    KINDS = ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")

    def __init__(self, measure_name: str = "ovrl_mos", level_db: float | None = -26.0):
        if measure_name not in self.KINDS:
            raise ValueError(f"measure_name is one of {self.KINDS}, got {measure_name!r}")
        weights = files("speechmos") / "dnsmos_models"
        self.measure_name, self.level_db = measure_name, level_db
        made = DNSMOS if measure_name == "p808_mos" else _WithoutP808
        self.model = made(str(weights / "sig_bak_ovr.onnx"), str(weights / "model_v8.onnx"))

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """mos in [1, 5]: DNSMOS's polynomial leaves that range by a little on what is no speech."""
        return [{"mos": float(np.clip(self._one(wave), 1.0, 5.0))} for wave in waves]

    def _one(self, wave: np.ndarray) -> float:
        if self.level_db is not None:
            wave = at_level(wave, self.level_db)
        return float(self.model(np.clip(wave, -1.0, 1.0), SR, False)[self.measure_name])


class _WithoutP808(DNSMOS):
    """Without the second model's score, for which alone librosa is loaded and compiles its functions (3 s of CPU)."""

    def __init__(self, primary_model_path: str, _: str):
        self.primary_model_path = primary_model_path
        self.onnx_sess = InferenceSession(primary_model_path)
        self.p808_onnx_sess = SimpleNamespace(run=lambda *_: [[[np.nan]]])

    def audio_melspec(self, *_: object, **options: object) -> np.ndarray:
        """Of no use."""
        return np.zeros((1, 1))


def at_level(wave: np.ndarray, level_db: float) -> np.ndarray:
    """A wave [samples] with this RMS, dB of full scale; digital silence stays."""
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0
    return wave if rms == 0.0 else (wave * (10 ** (level_db / 20) / rms)).astype(np.float32)


class DistillMOS:
    """Mean opinion scores from 1 to 5 of a small network taught by a large one on XLS-R embeddings; sensitive to what
    synthesis does to a voice, where DNSMOS was made for noise.

    Args:
        name: of the measure: `mos`, which the term `mos` needs, or another beside a scorer that has that one.
        device: torch device.
        batch_size: waves of up to 7.68 s that are scored together; longer ones are scored alone, in windows.

    Raises:
        RuntimeError: another version of the package than this was written for.
    """

    sample_rate = 16_000

    def __init__(self, name: str = "mos", device: str = "cpu", batch_size: int = 16):
        distillmos = _distillmos()
        self.provides, self.device, self.batch_size = (name,), device, batch_size
        self._window = distillmos.sqa.SEQ_LEN  # samples; the model pads a shorter wave with zeros to it
        with contextlib.redirect_stdout(io.StringIO()):  # it tells where its weights lie
            self.model = distillmos.ConvTransformerSQAModel().to(device).eval()

    @torch.inference_mode()
    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """The named measure in [1, 5]; the loudness of a wave does not count."""
        scores: dict[int, float] = {}
        short = [i for i, wave in enumerate(waves) if len(wave) <= self._window]
        groups = [short[start : start + self.batch_size] for start in range(0, len(short), self.batch_size)]
        for group in [*groups, *([i] for i in range(len(waves)) if i not in short)]:
            length = max(self._window, max(len(waves[i]) for i in group))
            padded = np.stack([np.pad(waves[i], (0, length - len(waves[i]))) for i in group])
            found = self.model(torch.from_numpy(padded.astype(np.float32)).to(self.device))
            scores |= zip(group, found.flatten().tolist(), strict=True)
        return [{self.provides[0]: scores[i]} for i in range(len(waves))]


def _distillmos() -> ModuleType:
    """The package distillmos, which imports torchaudio (of which PyPI has only CUDA builds) to read files and no more:
    where it is missing, an empty module stands in for it while distillmos is imported."""
    check = "that it needs torchaudio to read files alone, and its names that DistillMOS takes"
    require("distillmos", _DISTILLMOS, "reward_tts/scorers/mos.py", check)
    there = "torchaudio" in sys.modules or find_spec("torchaudio")
    with modules({} if there else {"torchaudio": ModuleType("torchaudio")}):
        import distillmos
    return distillmos
