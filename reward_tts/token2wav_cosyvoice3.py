"""Token2wav of CosyVoice3. Voices, noise, features and batches: token2wav_cosyvoice.py."""

from pathlib import Path
from typing import Any

import torch

from reward_tts.cosyvoice3_flow import load_flow
from reward_tts.cosyvoice3_vocoder import load_vocoder
from reward_tts.token2wav_cosyvoice import CosyVoiceToken2Wav


class CosyVoice3Token2Wav(CosyVoiceToken2Wav):
    """The `Token2Wav` of CosyVoice3: the same options, a release with cosyvoice3.yaml."""

    def _load(self, folder: Path, config: dict[str, Any], steps: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        return load_flow(folder, config, steps), load_vocoder(folder, config)

    def _flow(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.flow(*inputs)
