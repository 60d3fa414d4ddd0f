"""Audio -> speech tokens by the speech tokenizer of a CosyVoice release (ONNX), as its prompts are read."""

from pathlib import Path

import numpy as np

from models.cosyvoice.prompt_features import PromptReader
from models.cosyvoice.release import read_config


class CosyVoiceEncoder:
    """The released speech tokenizer.

    Args:
        release: directory of the release.
        speech_tokenizer: its ONNX file there.
        device: of ONNX Runtime, cpu or cuda:N.

    Raises:
        FileNotFoundError: a file of the release is missing.
    """

    sample_rate = 16_000

    def __init__(self, release: str, speech_tokenizer: str, device: str = "cpu"):
        folder = Path(release)
        config = read_config(folder)
        mel, frames = config["feat_extractor"], config["flow"]["token_mel_ratio"]
        self.token_rate, self.codebook_size = config["token_frame_rate"], config["flow"]["vocab_size"]
        self._reader = PromptReader(folder, speech_tokenizer, mel, frames, device)

    def encode(self, waves: list[np.ndarray]) -> list[np.ndarray]:
        """Mono waves float32 [samples] at 16 kHz -> tokens int32 each, in order; a token that begins in the wave and
        ends behind it is left out, because the flow's mel has no frames for it."""
        found = [np.array(self._reader.speech_tokens(wave), np.int32) for wave in waves]
        whole = [len(wave) * self.token_rate // self.sample_rate for wave in waves]
        return [tokens[:count] for tokens, count in zip(found, whole, strict=True)]
