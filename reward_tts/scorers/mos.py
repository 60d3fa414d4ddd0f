"""DNSMOS (Reddy et al., 2022) of the package speechmos, which carries its weights."""

from importlib.resources import files
from typing import Any

import numpy as np
from speechmos.dnsmos import DNSMOS, SR

from reward_tts.measures import Row


class DNSMOSScorer:
    """Mean opinion scores from 1 to 5 as DNSMOS predicts them, with its weights of the package.

    Args:
        measure_name: what is given on as `mos`: ovrl_mos, sig_mos, bak_mos or p808_mos.
    """

    provides = ("mos",)
    sample_rate = SR
    KINDS = ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")

    def __init__(self, measure_name: str = "ovrl_mos"):
        if measure_name not in self.KINDS:
            raise ValueError(f"measure_name is one of {self.KINDS}, got {measure_name!r}")
        weights = files("speechmos") / "dnsmos_models"
        self.measure_name = measure_name
        self.model = DNSMOS(str(weights / "sig_bak_ovr.onnx"), str(weights / "model_v8.onnx"))

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """mos in [1, 5]: DNSMOS's polynomial leaves that range by a little on what is no speech."""
        return [{"mos": float(np.clip(self._one(wave), 1.0, 5.0))} for wave in waves]

    def _one(self, wave: np.ndarray) -> float:
        return float(self.model(np.clip(wave, -1.0, 1.0), SR, False)[self.measure_name])
