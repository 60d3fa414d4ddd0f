"""What token2wavs of the flow families share: a voice goes before each row, the flow takes rows of a batch together,
the vocoder takes them one by one. What an utterance sounds like does not depend on its neighbours: chance is the same
for every row, so that rollouts of one text differ by what they say alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.flow.seeded_noise import SeededNoise
from speech.interfaces import Row
from speech.loading import there, weights_of
from speech.voices import Voice, read_voices, voice_of


@dataclass(frozen=True)
class Prompt:
    """What the flow continues: a voice, on the CPU.

    Attributes:
        tokens: speech tokens int64 [n].
        mel: float32 [frames, bins], log.
        embedding: of the speaker, float32 [192].
    """

    tokens: Tensor
    mel: Tensor
    embedding: Tensor


# Of all token2wavs of this process, of which a server has one on each GPU: by release and voice, the last used last.
_PROMPTS: dict[tuple[Hashable, Voice], Future[Prompt]] = {}
_PROMPTS_LOCK = Lock()


class FlowToken2Wav(ABC):
    """A `Token2Wav` by flow matching and a vocoder.

    Args:
        voices: JSONL of speech/voices.py.
        device: torch device.
        batch_size: rows in the flow together.
        seed: of the vocoder's noise.
        release: all that the features of a voice depend on beside the voice.
        voices_kept: voices whose features this process keeps, those used last: 0.2 MB for 10 s of recording.
        voice_threads: that compute the features of new voices.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it holds no voice.
    """

    sample_rate: int
    token_rate: float
    codebook_size: int

    def __init__(
        self,
        voices: str | None,
        device: str,
        batch_size: int,
        seed: int,
        release: Hashable,
        voices_kept: int,
        voice_threads: int,
    ):
        self.device, self.batch_size, self.seed = torch.device(device), batch_size, seed
        self.voices, self._release, self._voices_kept = read_voices(voices), release, voices_kept
        self._threads = ThreadPoolExecutor(voice_threads, thread_name_prefix="voices")
        if not self.voices:
            raise ValueError(
                f"{voices or 'null'} (recipe.voices) holds no voice: {type(self).__name__} speaks with the voice of a "
                "recording"
            )

    @torch.inference_mode()
    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        """One float32 mono wave per row, in the order given; rows of similar length should stand together.

        Raises:
            ValueError: a row whose voice there is not, or whose recording cannot be used.
        """
        waves, all_prompts = [], self.prompts(rows)
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            prompts = all_prompts[start : start + self.batch_size]
            for mel in self._mels([torch.from_numpy(row.tokens.astype(np.int64)) for row in chosen], prompts):
                with SeededNoise(self.seed):
                    waves.append(self._wave(mel[None]).float().cpu().numpy())
        return waves

    def prompts(self, rows: Sequence[Row]) -> list[Prompt]:
        """Features of the rows' voices, computed at the first use of a voice in this process, or after a failure.

        Raises:
            as decode.
        """
        keys = [(self._release, voice_of(self._name_of(row), self.voices)) for row in rows]
        with _PROMPTS_LOCK:
            asked = {key: _PROMPTS.pop(key, None) for key in dict.fromkeys(keys)}
            asked = {key: known or self._threads.submit(self._read, key[1]) for key, known in asked.items()}
            _PROMPTS.update(asked)
            for oldest in list(_PROMPTS)[: max(len(_PROMPTS) - self._voices_kept, 0)]:
                del _PROMPTS[oldest]
        for key in [key for key, found in asked.items() if found.exception()]:
            with _PROMPTS_LOCK:
                _PROMPTS.pop(key, None)
        return [asked[key].result() for key in keys]

    def _mels(self, tokens: Sequence[Tensor], prompts: Sequence[Prompt]) -> list[Tensor]:
        """Log-mels [bins, frames] of the tokens int64 [n], without the prompts', on the device."""
        spoken = [torch.cat([prompt.tokens, row]) for prompt, row in zip(prompts, tokens, strict=True)]
        return self._continued(spoken, prompts)

    def _name_of(self, row: Row) -> str | None:
        """The name of the voice that speaks the row."""
        return row.voice

    @abstractmethod
    def _read(self, voice: Voice) -> Prompt:
        """The features of a voice."""

    @abstractmethod
    def _continued(self, spoken: list[Tensor], prompts: Sequence[Prompt]) -> list[Tensor]:
        """Log-mels [bins, frames] of what follows the prompts; `spoken`: tokens int64 [n], the prompts' first."""

    @abstractmethod
    def _wave(self, mel: Tensor) -> Tensor:
        """[samples] of a log-mel [1, bins, frames]."""


def with_weights(module: Any, path: Path, advice: str, prefix: str = "", of: str | None = None) -> Any:
    """The module with the tensors of a file (as they are, or as `model` in it), for inference.

    Args:
        advice: where to get the file, for the message.
        prefix: that names in it may begin with.
        of: what the file should fit, for the message; None: the module's class.

    Raises:
        FileNotFoundError: the file is missing. ValueError: its tensors are not the module's.
    """
    state = weights_of(there(path, advice))
    if isinstance(state.get("model"), dict):
        state = state["model"]
    tensors = {name.removeprefix(prefix): value for name, value in state.items() if isinstance(value, Tensor)}
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {of or type(module).__name__}: {error}") from error
    return module.eval()
