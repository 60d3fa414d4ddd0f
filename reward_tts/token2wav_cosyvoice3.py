"""Token2wav of CosyVoice3, by the official repository: no package has its flow (a DiT) and its causal vocoder.

`source` is a checkout of FunAudioLLM/CosyVoice with third_party/Matcha-TTS, and what flow and vocoder need of its
requirements.txt (HyperPyYAML, x-transformers, conformer, lightning, openai-whisper, inflect, torchaudio) is in
.venv-reward. The official flow takes one utterance at a time. Voices, noise and features: token2wav_cosyvoice.py.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from reward_tts.cosyvoice_prompts import Prompt
from reward_tts.cosyvoice_release import config_file, read_weights
from reward_tts.token2wav_cosyvoice import CosyVoiceToken2Wav


class CosyVoice3Token2Wav(CosyVoiceToken2Wav):
    """The `Token2Wav` of CosyVoice3.

    Args:
        source: the checkout.
        options: see CosyVoiceToken2Wav.

    Raises:
        FileNotFoundError: `source` is no such checkout.
    """

    def __init__(self, source: str | None, **options: Any):
        parts = [Path(str(source)).resolve(), Path(str(source)).resolve() / "third_party" / "Matcha-TTS"]
        if missing := [p for p in (parts[0] / "cosyvoice", parts[1] / "matcha") if not p.is_dir()]:
            raise FileNotFoundError(
                f"{missing[0]} is missing: token2wav.source is a checkout of github.com/FunAudioLLM/CosyVoice with its "
                "submodules, because no package has CosyVoice3's decoder (see recipes/cosyvoice3/README.md)"
            )
        sys.path[:0] = [str(p) for p in parts]
        super().__init__(**options)

    def _load(self, folder: Path, config: dict[str, Any]) -> tuple[torch.nn.Module, torch.nn.Module]:
        from hyperpyyaml import load_hyperpyyaml  # the release's own YAML says which classes

        unused = {"llm": None, "hifigan": None, "qwen_pretrain_path": ""}
        with config_file(folder).open(encoding="utf-8") as file:
            made = load_hyperpyyaml(file, overrides={name: value for name, value in unused.items() if name in config})
        made["flow"].load_state_dict(read_weights(folder / "flow.pt"))
        vocoder = {name.removeprefix("generator."): value for name, value in read_weights(folder / "hift.pt").items()}
        made["hift"].load_state_dict(vocoder)
        return made["flow"].eval(), made["hift"].eval()

    def _mels(self, tokens: Sequence[torch.Tensor], prompts: Sequence[Prompt]) -> list[torch.Tensor]:
        return [self._mel(row, prompt) for row, prompt in zip(tokens, prompts, strict=True)]

    def _mel(self, tokens: torch.Tensor, prompt: Prompt) -> torch.Tensor:
        def on_device(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return value[None].to(self.device), torch.tensor([len(value)], device=self.device)

        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            mel, _ = self.flow.inference(
                *on_device(tokens),
                *on_device(prompt.tokens),
                *on_device(prompt.mel),
                prompt.embedding[None].to(self.device),
                streaming=False,
                finalize=True,
            )
        return mel[0].float()

    def _wave(self, mel: torch.Tensor) -> torch.Tensor:
        return self.vocoder.inference(speech_feat=mel)[0]
