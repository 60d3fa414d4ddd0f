"""Whisper (Radford et al., 2022) through transformers, from a directory: the ASR of the rewards of Llasa and Inworld.

Greedy without timestamp tokens, language by row. A recipe that also asks for the likelihood of the text
(scorers/likelihood.py) from the same directory loads the model once.
"""

import numpy as np
import torch
from transformers import LogitsProcessor

from reward_tts.asr import whisper_directory
from reward_tts.asr.cut import CutTranscripts
from speech.interfaces import Transcript

_PROMPT_TOKENS = 4  # start, language, task, no timestamps


class _Chosen(LogitsProcessor):
    """Of each step the token that greedy decoding takes, and its probability among those that may come there, on the
    model's device. generate() puts it behind its own processors, so it sees what the token is chosen by. Asked for
    scores, generate() keeps those of all steps (16 rows, 440 steps, 51 866 tokens: 1.4 GiB), and copies them and the
    cache of keys and values to the CPU and back."""

    def __init__(self) -> None:
        self.tokens, self.likely = [], []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [rows, vocabulary] of a step, as they are."""
        self.tokens.append(scores.argmax(-1, keepdim=True))
        self.likely.append(scores.float().log_softmax(-1).gather(1, self.tokens[-1]).exp())
        return scores


class WhisperASR:
    """Batched greedy Whisper. Of a wave only the first 30 s are heard.

    Args:
        model_dir: Hugging Face directory of a multilingual Whisper.
        device: torch device.
        dtype: torch's name of the weights' type: float32, bfloat16, float16.
        batch_size: rows decoded together.
        max_new_tokens: longest transcript, in Whisper's tokens, of which it writes 444 at most; a longer one is cut
            and counted (`cut`).
        timestamps: time of each character from the cross-attention of the model's alignment heads, warped onto the
            frames. The rows are then decoded one by one: in a batch transformers aligns a short row with its padding.

    Raises:
        FileNotFoundError: the directory is not whole.
        ValueError: the model names no alignment heads, but times are asked for; or is for English only.
    """

    sample_rate = whisper_directory.SAMPLE_RATE
    family = "whisper"
    provides = ("confidence",)

    def __init__(
        self,
        model_dir: str,
        device: str = "cpu",
        dtype: str = "float32",
        batch_size: int = 16,
        max_new_tokens: int = 440,
        timestamps: bool = False,
    ):
        self.whisper = whisper_directory.load(model_dir, device, dtype)
        self.batch_size = 1 if timestamps else batch_size
        self.max_new_tokens, self.timestamps, self.cut = max_new_tokens, timestamps, CutTranscripts()
        known = self.whisper.model.generation_config
        if not getattr(known, "lang_to_id", None):
            raise ValueError(f"{model_dir}/generation_config.json has no lang_to_id: take a multilingual Whisper")
        if timestamps and not getattr(known, "alignment_heads", None):
            raise ValueError(
                f"{model_dir}/generation_config.json has no alignment_heads: write those of this model there, or "
                "set timestamps: false"
            )
        self.languages = {token.strip("<|>") for token in known.lang_to_id}

    @torch.inference_mode()
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order; confidence is the mean probability of the
        tokens that were written, among those that Whisper may write there.

        Raises:
            ValueError: a language that the model does not know.
        """
        if unknown := sorted(set(languages) - self.languages):
            raise ValueError(f"this Whisper does not know the language {unknown}: it has {sorted(self.languages)}")
        transcripts = []
        with self.whisper.lock:
            for start in range(0, len(waves), self.batch_size):
                stop = start + self.batch_size
                transcripts += self._decode(waves[start:stop], languages[start:stop])
        return transcripts

    def nll(self, waves: list[np.ndarray], texts: list[str], languages: list[str]) -> list[float]:
        """As `Whisper.nll` in whisper_directory.py. What was just transcribed is not encoded again."""
        return self.whisper.nll(waves, texts, languages, self.batch_size)

    def _decode(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        encoded, mask = self.whisper.encode(waves)
        chosen = _Chosen()
        found = self.whisper.model.generate(
            encoder_outputs=encoded,
            attention_mask=mask,
            language=list(languages),
            task="transcribe",
            num_beams=1,
            do_sample=False,
            max_length=_PROMPT_TOKENS + self.max_new_tokens,
            return_timestamps=False,
            return_token_timestamps=self.timestamps,
            return_dict_in_generate=self.timestamps,
            logits_processor=[chosen],
            force_unique_generate_call=True,  # not once more from a timestamp on, if one is written all the same
        )
        tokens, likely = torch.cat(chosen.tokens, 1).tolist(), torch.cat(chosen.likely, 1).tolist()
        steps = len(chosen.tokens)
        times = found["token_timestamps"][:, -steps:].tolist() if self.timestamps else [None] * len(waves)
        return [self._write(*row) for row in zip(tokens, likely, times, strict=True)]

    def _write(self, ids: list[int], likely: list[float], times: list[float] | None) -> Transcript:
        tokenizer = self.whisper.processor.tokenizer
        special = set(tokenizer.all_special_ids)
        end = next((i for i, token in enumerate(ids) if token == tokenizer.eos_token_id), len(ids))
        if end == self.max_new_tokens:
            self.cut.add(self.max_new_tokens)
        kept = [i for i in range(end) if ids[i] not in special]
        text = tokenizer.decode([ids[i] for i in kept])
        char_times = [] if times is None else self._char_times([ids[i] for i in kept], [times[i] for i in kept])
        start, stop = len(text) - len(text.lstrip()), len(text.rstrip())
        confidence = min(1.0, sum(likely[i] for i in kept) / len(kept)) if kept else 0.0
        return Transcript(text.strip(), char_times[start : max(start, stop)], confidence)

    def _char_times(self, ids: list[int], times: list[float]) -> list[float]:
        """Time of each character of the decoded tokens, seconds: that of the token which completes it; a token may hold
        several characters, and a character may need several tokens."""
        tokenizer, char_times = self.whisper.processor.tokenizer, []
        for count, time in enumerate(times, 1):
            text = tokenizer.decode(ids[:count])
            complete = text if count == len(ids) else text.rstrip("\ufffd")
            char_times += [time] * (len(complete) - len(char_times))
        return char_times
