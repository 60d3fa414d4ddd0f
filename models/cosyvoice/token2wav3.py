"""Token2wav of CosyVoice3. Voices, noise, features and batches: models/flow/token2wav.py."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.cosyvoice.flow3 import load_flow
from models.cosyvoice.token2wav import CosyVoiceToken2Wav
from models.cosyvoice.vocoder3 import load_vocoder
from speech.interfaces import Row
from speech.tokens import silent_run


class CosyVoice3Token2Wav(CosyVoiceToken2Wav):
    """The `Token2Wav` of CosyVoice3: a release with cosyvoice3.yaml, the options of CosyVoice2's, and

    Args:
        silent_tokens: speech tokens of silence and breath.
        max_silent_tokens: so many of them in a row are spoken, the further ones left out; null: all are spoken.
    """

    def __init__(
        self, *args: Any, silent_tokens: Sequence[int] = (), max_silent_tokens: int | None = None, **options: Any
    ):
        super().__init__(*args, **options)
        self._silent, self._max_silent = list(silent_tokens), max_silent_tokens

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """As CosyVoiceToken2Wav.decode."""
        return super().decode([replace(row, tokens=self._spoken(row.tokens)) for row in rows])

    def _spoken(self, tokens: np.ndarray) -> np.ndarray:
        if self._max_silent is None:
            return tokens
        return tokens[silent_run(tokens, self._silent) <= self._max_silent]

    def _load(self, folder: Path, config: dict[str, Any], steps: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        return load_flow(folder, config, steps), load_vocoder(folder, config)

    def _flow(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.flow(*inputs)
