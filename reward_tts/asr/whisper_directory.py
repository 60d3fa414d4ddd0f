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

    @torch.inference_mode()
    def nll(self, waves: list[np.ndarray], texts: list[str], languages: list[str], batch_size: int) -> list[float]:
        """Mean negative log-likelihood of each text's tokens and the end token under the decoder, teacher-forced, in
        nats; the prompt's tokens (language, task) are given. It holds the lock.

        Args:
            waves: float32 [samples] at 16 kHz.
            batch_size: rows in the decoder together.

        Raises:
            ValueError: a language that Whisper does not know, or a text of more tokens than it reads.
        """
        cuts = [slice(start, start + batch_size) for start in range(0, len(waves), batch_size)]
        with self.lock:
            return [one for cut in cuts for one in self._nll(waves[cut], texts[cut], languages[cut])]

    def _nll(self, waves: list[np.ndarray], texts: list[str], languages: list[str]) -> list[float]:
        encoded, _ = self.encode(waves)
        tokenizer, device = self.processor.tokenizer, self.model.device
        prompts, targets = [], []
        for text, language in zip(texts, languages, strict=True):
            tokenizer.set_prefix_tokens(language=language, task="transcribe", predict_timestamps=False)
            prompts.append(tokenizer.prefix_tokens)
            targets.append([*tokenizer(text, add_special_tokens=False).input_ids, tokenizer.eos_token_id])
        ids = [[*prompt, *target] for prompt, target in zip(prompts, targets, strict=True)]
        width, most = max(map(len, ids)), self.model.config.max_target_positions
        if width - 1 > most:  # on a GPU an index beyond the table ends the whole process
            text = next(text for text, one in zip(texts, ids, strict=True) if len(one) == width)
            raise ValueError(f"{text[:40]!r}... has {width - 1} of Whisper's tokens, it reads {most} at most")
        padded = torch.tensor([one + [tokenizer.eos_token_id] * (width - len(one)) for one in ids], device=device)
        logits = self.model(encoder_outputs=encoded, decoder_input_ids=padded[:, :-1]).logits
        losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), padded[:, 1:], reduction="none")
        spans = [slice(len(p) - 1, len(p) - 1 + len(t)) for p, t in zip(prompts, targets, strict=True)]
        return [float(loss[span].mean()) for loss, span in zip(losses, spans, strict=True)]

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
