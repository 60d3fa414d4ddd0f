"""How likely a Whisper decoder finds the text that was asked for: the NLL term of ch-tts-llasa."""

from typing import Any

import numpy as np
import torch

from reward_tts.asr import whisper_directory
from speech.interfaces import Row


class WhisperLikelihood:
    """Mean negative log-likelihood of the reference's tokens, teacher-forced.

    Args:
        model_dir: Hugging Face directory of a Whisper (model and processor).
        device: torch device.
        dtype: torch's name of the weights' type: float32, bfloat16, float16. An ASR (reward_tts.asr.whisper) with the
            same three shares the model, and what it has encoded.
        batch_size: rows scored together.

    Raises:
        FileNotFoundError: the directory is not whole.
    """

    provides = ("nll",)
    sample_rate = whisper_directory.SAMPLE_RATE

    def __init__(self, model_dir: str, device: str = "cpu", dtype: str = "float32", batch_size: int = 16):
        self.whisper = whisper_directory.load(model_dir, device, dtype)
        self.model, self.processor, self.batch_size = self.whisper.model, self.whisper.processor, batch_size

    @torch.inference_mode()
    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """nll in nats for each token of the row's text and the end token; the prompt's tokens are given.

        Raises:
            ValueError: a language that Whisper does not know.
        """
        size = self.batch_size
        with self.whisper.lock:
            parts = [self._measure(waves[i : i + size], rows[i : i + size]) for i in range(0, len(waves), size)]
        return [one for part in parts for one in part]

    def _measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        encoded, _ = self.whisper.encode(waves)
        tokenizer, device = self.processor.tokenizer, self.model.device
        prompts, targets = [], []
        for row in rows:
            tokenizer.set_prefix_tokens(language=row.language, task="transcribe", predict_timestamps=False)
            prompts.append(tokenizer.prefix_tokens)
            targets.append([*tokenizer(row.text, add_special_tokens=False).input_ids, tokenizer.eos_token_id])
        ids = [[*prompt, *target] for prompt, target in zip(prompts, targets, strict=True)]
        width = max(map(len, ids))
        padded = torch.tensor([one + [tokenizer.eos_token_id] * (width - len(one)) for one in ids], device=device)
        logits = self.model(encoder_outputs=encoded, decoder_input_ids=padded[:, :-1]).logits
        losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), padded[:, 1:], reduction="none")
        spans = [slice(len(p) - 1, len(p) - 1 + len(t)) for p, t in zip(prompts, targets, strict=True)]
        return [{"nll": float(loss[span].mean())} for loss, span in zip(losses, spans, strict=True)]
