"""A Whisper of transformers from a directory, loaded once for all parts of a process that name the same one."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor
from transformers.modeling_outputs import BaseModelOutput

from speech.loading import whole

SAMPLE_RATE = 16_000
_ENCODED = 64  # waves whose encoding is kept: those of one batch of the server, heard by the ASR and then scored
_FILES = ("config.json", "generation_config.json", "tokenizer.json", "*.safetensors")
_ADVICE = "download openai/whisper-large-v3 (Hugging Face), or another multilingual Whisper in that layout, into it"


@dataclass(frozen=True)
class Whisper:
    """Model and processor; whoever uses them holds `lock`, since instances of the server run in threads."""

    model: WhisperForConditionalGeneration
    processor: WhisperProcessor
    lock: threading.Lock = field(default_factory=threading.Lock)
    _encoded: OrderedDict[int, tuple] = field(default_factory=OrderedDict)

    def encode(self, waves: list[np.ndarray]) -> tuple[BaseModelOutput, torch.Tensor]:
        """Waves float32 [samples] at 16 kHz -> the encoder's output [waves, 1500, size], and which of the 3000 frames
        before it hold sound, [waves, 3000]. What is longer than 30 s is cut.

        The same array heard again (by the likelihood, after the ASR) is not encoded again: most of Whisper's work is
        here. An array is known by its identity, so it must not be written to in between.
        """
        new = [wave for wave in waves if id(wave) not in self._encoded]
        if new:
            features, mask = self.features(new)
            hidden = self.model.get_encoder()(features).last_hidden_state
            for wave, *found in zip(new, hidden, mask, strict=True):
                self._encoded[id(wave)] = (wave, *found)  # the wave too: no other may get its identity
        hidden, mask = zip(*(self._encoded[id(wave)][1:] for wave in waves), strict=True)
        while len(self._encoded) > _ENCODED:
            self._encoded.popitem(last=False)
        return BaseModelOutput(last_hidden_state=torch.stack(hidden)), torch.stack(mask)

    def features(self, waves: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Waves float32 [samples] at 16 kHz -> log-mels [waves, bins, 3000] on the model's device in its type, and
        which of their frames hold sound, [waves, 3000]. What is longer than 30 s is cut."""
        found = self.processor(waves, sampling_rate=SAMPLE_RATE, return_attention_mask=True, return_tensors="pt")
        features = found.input_features.to(self.model.device, self.model.dtype)
        return features, found.attention_mask.to(self.model.device)


def load(model_dir: str, device: str = "cpu", dtype: str = "float32") -> Whisper:
    """The Whisper of this directory on this device; the same object for the same three.

    Args:
        model_dir: Hugging Face directory of a Whisper: model, generation config, processor.
        device: torch device.
        dtype: torch's name of the weights' type: float32, bfloat16, float16.

    Raises:
        FileNotFoundError: the directory is not whole.
    """
    return _load(whole(model_dir, _FILES, _ADVICE).resolve(), device, dtype)


@cache
def _load(model_dir: Path, device: str, dtype: str) -> Whisper:
    model = WhisperForConditionalGeneration.from_pretrained(model_dir, dtype=getattr(torch, dtype))
    return Whisper(model.to(device).eval(), WhisperProcessor.from_pretrained(model_dir))
