"""What token2wavs of the flow families share: a voice goes before each row, the flow takes rows of a batch together,
the vocoder takes them one by one. What an utterance sounds like does not depend on its neighbours: chance is the same
for every row, so that rollouts of one text differ by what they say alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.flow.seeded_noise import SeededNoise
from speech.interfaces import Row
from speech.loading import weights_of
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


class FlowToken2Wav(ABC):
    """A `Token2Wav` by flow matching and a vocoder.

    Args:
        voices: JSONL of speech/voices.py.
        device: torch device.
        batch_size: rows in the flow together.
        seed: of the vocoder's noise.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it holds no voice.
    """

    sample_rate: int
    token_rate: float
    codebook_size: int

    def __init__(self, voices: str | None, device: str, batch_size: int, seed: int):
        self.device, self.batch_size, self.seed = torch.device(device), batch_size, seed
        self.voices, self._prompts = read_voices(voices), dict[str, Prompt]()
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
        waves = []
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            prompts = [self.prompt(row) for row in chosen]
            for mel in self._mels([torch.from_numpy(row.tokens.astype(np.int64)) for row in chosen], prompts):
                with SeededNoise(self.seed):
                    waves.append(self._wave(mel[None]).float().cpu().numpy())
        return waves

    def prompt(self, row: Row) -> Prompt:
        """Features of the row's voice, computed at its first use."""
        if (name := self._name_of(row)) not in self._prompts:
            self._prompts[name] = self._read(voice_of(name, self.voices))
        return self._prompts[name]

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


def there(path: Path, advice: str) -> Path:
    """The path itself. Raises FileNotFoundError with the advice."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {advice}")
    return path
