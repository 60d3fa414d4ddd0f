"""SenseVoice through FunASR: the ASR of the CosyVoice2 recipe's reward, from a model directory, without a hub.

FunASR's own `inference` gives one language to a whole batch and aligns row by row for timestamps. Here each row has its
language, the time of a character is the frame of its CTC peak, which the greedy path gives for nothing, and so is its
probability.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from reward_tts.asr import funasr_directory
from speech.interfaces import Transcript

_FILES = ("config.yaml", "model.pt", "am.mvn")

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
    provides = ("confidence",)

    def __init__(self, model_dir: str, device: str = "cpu", batch_size: int = 32):
        advice = (
            "the stage `data` builds it, the stage `models` fetches it, or download iic/SenseVoiceSmall (ModelScope) "
            "or FunAudioLLM/SenseVoiceSmall (Hugging Face) into it"
        )
        named = (Path(model_dir) / "configuration.json").exists()  # FunASR reads the vocabulary's name there
        files = (*_FILES, "*bpe.model" if named else "bpe.model")
        self.model, options = funasr_directory.load(model_dir, files, ("SenseVoiceSmall",), advice, device)
        self.tokenizer, self.frontend = options["tokenizer"], options["frontend"]
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
        features = [funasr_directory.features(self.frontend, wave) for wave in waves]
        transcripts = []
        for start in range(0, len(waves), self.batch_size):
            stop = start + self.batch_size
            transcripts += self._decode(features[start:stop], languages[start:stop])
        return transcripts

    def _decode(self, features: list[torch.Tensor], languages: list[str]) -> list[Transcript]:
        lengths = torch.tensor([len(f) for f in features], device=self.device)
        speech = pad_sequence(features, batch_first=True).to(self.device)
        without_itn = self.model.textnorm_dict["woitn"]
        queries = [[self.model.lid_dict[lang], *_EVENT_AND_EMOTION_QUERY, without_itn] for lang in languages]
        speech = torch.cat([self.model.embed(torch.tensor(queries, device=self.device)), speech], dim=1)
        encoded, _ = self.model.encoder(speech, lengths + _NUM_QUERIES)
        encoded = encoded[:, _NUM_QUERIES:]
        best = self.model.ctc.argmax(encoded).cpu()
        paths = [path[:length].tolist() for path, length in zip(best, lengths.tolist(), strict=True)]
        return [self._collapse(path, frames) for path, frames in zip(paths, encoded, strict=True)]

    def _collapse(self, path: list[int], encoded: torch.Tensor) -> Transcript:
        """CTC's rule: a piece where the symbol changes, blanks dropped; its time and probability are those of the frame
        where it starts. Pieces are joined with the spaces that they bring (▁)."""
        blank = self.model.blank_id
        text, times, written = "", [], []
        for frame in [i for i, s in enumerate(path) if s != blank and (i == 0 or path[i - 1] != s)]:
            piece = self.tokenizer.sp.IdToPiece(path[frame])  # decode() of one alone would lose its space
            if piece.startswith("<|"):  # a tag: language, emotion, event
                continue
            piece = piece.replace("▁", " ") if text else piece.replace("▁", " ").lstrip()
            text += piece
            times += [(frame + 0.5) * self._frame_seconds] * len(piece)
            if piece.strip():
                written.append(frame)
        likely = self.model.ctc.ctc_lo(encoded[written]).float().softmax(-1).amax(-1)
        return Transcript(text=text, char_times=times, confidence=float(likely.mean().clamp(0, 1)) if written else 0.0)
