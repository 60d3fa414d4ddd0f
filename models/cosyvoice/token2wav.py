"""Token2wav of CosyVoice2: speech tokens and a voice's recording -> wave, by the released flow matching and vocoder.

Batches, voices and the vocoder's noise: models/flow/token2wav.py. The flow's noise is fixed.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from models.cosyvoice.prompt_features import PromptReader
from models.cosyvoice.release import load_flow, load_vocoder, read_config
from models.flow.token2wav import FlowToken2Wav, Prompt
from speech.interfaces import Row
from speech.voices import Voice, voice_of

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class CosyVoiceToken2Wav(FlowToken2Wav):
    """The `Token2Wav` of CosyVoice2.

    Args:
        model_dir: a released directory: cosyvoice2.yaml, flow.pt, hift.pt, campplus.onnx, the speech tokenizer.
        voices: JSONL of speech/voices.py; each voice needs a recording.
        default_voice: of rows that name none; null: one of the voices by the row's text, so that all completions of a
            text are spoken by the same one.
        device: torch device.
        dtype: of the flow: float32, or float16 or bfloat16 on a GPU.
        steps: of the flow; the official package takes 10.
        batch_size: rows in the flow together.
        speech_tokenizer: file name, for voices without speech tokens.
        seed: of the vocoder's noise.
        voices_kept, voice_threads: see FlowToken2Wav.

    Raises:
        FileNotFoundError: a file is missing. ValueError: no voices, an unknown default, dtype.
    """

    def __init__(
        self,
        model_dir: str,
        voices: str | None,
        default_voice: str | None = None,
        device: str = "cpu",
        dtype: str = "float32",
        steps: int = 10,
        batch_size: int = 16,
        speech_tokenizer: str = "speech_tokenizer_v2.onnx",
        seed: int = 0,
        voices_kept: int = 4096,
        voice_threads: int = 4,
    ):
        if dtype not in DTYPES:
            raise ValueError(f"token2wav.dtype is one of {sorted(DTYPES)}, got {dtype!r}")
        super().__init__(voices, device, batch_size, seed, (model_dir, speech_tokenizer), voices_kept, voice_threads)
        voice_of(default_voice, self.voices)
        if missing := [v.wav for v in self.voices.values() if v.wav is None or not Path(v.wav).is_file()]:
            raise FileNotFoundError(f"{voices}: recordings that are not there: {missing[:5]}, {len(missing)} in all")
        folder = Path(model_dir)
        config = read_config(folder)
        self.sample_rate, self.token_rate = config["sample_rate"], float(config["token_frame_rate"])
        self.codebook_size = config["flow"]["vocab_size"]
        self._ratio = config["flow"]["token_mel_ratio"]
        self.dtype = DTYPES[dtype]
        flow, vocoder = self._load(folder, config, steps)
        self.flow, self.vocoder = flow.to(self.device, self.dtype), vocoder.to(self.device)
        self._reader = PromptReader(folder, speech_tokenizer, config["feat_extractor"], self._ratio)
        self._names, self._default = sorted(self.voices), default_voice

    def _load(self, folder: Path, config: dict[str, Any], steps: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        return load_flow(folder, config, steps), load_vocoder(folder, config)

    def _flow(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.flow(*inputs, streaming=False, finalize=True)

    def _wave(self, mel: torch.Tensor) -> torch.Tensor:
        return self.vocoder(speech_feat=mel)[0][0]

    def _name_of(self, row: Row) -> str:
        return row.voice or self._default or self._names[_number_of(row.text) % len(self._names)]

    def _read(self, voice: Voice) -> Prompt:
        return self._reader.read(voice)

    def _continued(self, spoken: list[torch.Tensor], prompts: Sequence[Prompt]) -> list[torch.Tensor]:
        lengths, heard = torch.tensor([len(s) for s in spoken]), torch.tensor([len(p.mel) for p in prompts])
        on = {"device": self.device}
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            mels, frames = self._flow(
                pad_sequence(spoken, batch_first=True).to(**on),
                lengths.to(**on),
                pad_sequence([p.mel for p in prompts], batch_first=True).to(**on),
                heard.to(**on),
                torch.stack([p.embedding for p in prompts]).to(**on),
            )
        ends = frames.tolist()
        return [mel[:, start:end] for mel, start, end in zip(mels, heard.tolist(), ends, strict=True)]


def _number_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
