"""SenseVoice through FunASR: the ASR of the CosyVoice2 recipe's reward, from a model directory, without a hub.

FunASR's own `inference` gives one language to a whole batch and aligns row by row for timestamps. Here each row has its
language and the time of a character is the frame of its CTC peak, which the greedy path gives for nothing.
"""

from pathlib import Path

import numpy as np
import torch
from funasr import AutoModel
from torch.nn.utils.rnn import pad_sequence

from reward_tts.measures import Transcript

_EVENT_AND_EMOTION_QUERY = [1, 2]  # rows of `embed`, as in funasr/models/sense_voice/model.py
_NUM_QUERIES = 4  # language, event, emotion, text normalisation: placed before the speech frames


class SenseVoiceASR:
    """Batched greedy SenseVoice.

    Args:
        model_dir: FunASR model directory: config.yaml, model.pt, am.mvn and bpe.model, or, as released, another
            *bpe.model that configuration.json names.
        device: torch device.
        batch_size: rows decoded together; rows of similar length should stand together.

    Raises:
        FileNotFoundError: the directory is not there or not whole.
    """

    sample_rate = 16_000
    family = "sensevoice"

    def __init__(self, model_dir: str, device: str = "cpu", batch_size: int = 32):
        missing = [f for f in ("config.yaml", "model.pt", "am.mvn") if not (Path(model_dir) / f).exists()]
        if not (Path(model_dir) / "bpe.model").exists() and not (Path(model_dir) / "configuration.json").exists():
            missing.append("bpe.model")
        if missing:
            raise FileNotFoundError(
                f"SenseVoice directory {model_dir} lacks {missing}: the stage `data` builds or names it"
            )
        auto = AutoModel(model=str(model_dir), device=device, disable_update=True, disable_pbar=True, log_level="ERROR")
        self.model = auto.model.eval()
        self.tokenizer = auto.kwargs["tokenizer"]
        self.frontend = auto.kwargs["frontend"]
        self.device = device
        self.batch_size = batch_size
        self._frame_seconds = self.frontend.frame_shift * self.frontend.lfr_n / 1000

    @torch.inference_mode()
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order.

        Raises:
            ValueError: a language that the model does not know.
        """
        unknown = sorted(set(languages) - set(self.model.lid_dict))
        if unknown:
            raise ValueError(f"SenseVoice does not know the language {unknown}: it has {sorted(self.model.lid_dict)}")
        features = [self._features(wave) for wave in waves]
        transcripts = []
        for start in range(0, len(waves), self.batch_size):
            stop = start + self.batch_size
            transcripts += self._decode(features[start:stop], languages[start:stop])
        return transcripts

    def _features(self, wave: np.ndarray) -> torch.Tensor:
        speech, _ = self.frontend(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
        return speech[0]

    def _decode(self, features: list[torch.Tensor], languages: list[str]) -> list[Transcript]:
        lengths = torch.tensor([len(f) for f in features], device=self.device)
        speech = pad_sequence(features, batch_first=True).to(self.device)
        without_itn = self.model.textnorm_dict["woitn"]
        queries = [[self.model.lid_dict[lang], *_EVENT_AND_EMOTION_QUERY, without_itn] for lang in languages]
        speech = torch.cat([self.model.embed(torch.tensor(queries, device=self.device)), speech], dim=1)
        encoded, _ = self.model.encoder(speech, lengths + _NUM_QUERIES)
        best = self.model.ctc.argmax(encoded)[:, _NUM_QUERIES:].cpu()
        return [self._collapse(path[:length].tolist()) for path, length in zip(best, lengths.tolist(), strict=True)]

    def _collapse(self, path: list[int]) -> Transcript:
        """CTC's rule: a character where the symbol changes, blanks dropped; its time is the frame where it starts."""
        blank = self.model.blank_id
        starts = [i for i, s in enumerate(path) if s != blank and (i == 0 or path[i - 1] != s)]
        text, times = "", []
        for frame in starts:
            piece = self.tokenizer.decode([path[frame]]).replace("▁", "").strip()
            if piece and not piece.startswith("<|"):
                text += piece
                times += [(frame + 0.5) * self._frame_seconds] * len(piece)
        return Transcript(text=text, char_times=times)
