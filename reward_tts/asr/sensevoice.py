"""SenseVoice through FunASR: the ASR of the CosyVoice2 recipe's reward, from a model directory, without a hub.

FunASR's own `inference` gives one language to a whole batch and aligns row by row for timestamps. Here each row has its
language, the time of a character is the frame of its CTC peak, which the greedy path gives for nothing, and so is its
probability. The same frames say how likely any other text is: `nll`.
"""

from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pad_sequence

from reward_tts.asr import funasr_directory
from reward_tts.asr.symbols import symbols
from speech.interfaces import Transcript

_FILES = ("config.yaml", "model.pt", "am.mvn")

_EVENT_AND_EMOTION_QUERY = [1, 2]  # rows of `embed`, as in funasr/models/sense_voice/model.py
_NUM_QUERIES = 4  # language, event, emotion, text normalisation: placed before the speech frames
_ENCODED = 64  # waves whose encoding is kept: those of one batch of the server, heard and then asked for a likelihood


class SenseVoiceASR:
    """Batched greedy SenseVoice.

    Args:
        model_dir: FunASR model directory: config.yaml, model.pt, am.mvn and bpe.model, or, as released, another
            *bpe.model that configuration.json names.
        device: torch device.
        batch_size: rows decoded together; rows of similar length should stand together.
        languages: of rows, others are refused; None: all that the model has a query for.

    Raises:
        FileNotFoundError: the directory is not there or not whole.
    """

    sample_rate = 16_000
    family = "sensevoice"
    provides = ("confidence",)

    def __init__(
        self, model_dir: str, device: str = "cpu", batch_size: int = 32, languages: Collection[str] | None = None
    ):
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
        known = set(self.model.lid_dict)
        self.languages = known if languages is None else known & set(languages)
        self._frame_seconds = self.frontend.frame_shift * self.frontend.lfr_n / 1000
        self._encoded: OrderedDict[tuple[int, str], tuple[np.ndarray, torch.Tensor]] = OrderedDict()

    @torch.inference_mode()
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order.

        Raises:
            ValueError: a language that the model does not know.
        """
        return [self._read(encoded) for encoded in self._encode(waves, languages)]

    @torch.inference_mode()
    def nll(self, waves: list[np.ndarray], texts: list[str], languages: list[str]) -> list[float]:
        """-log p(text | wave) by CTC, in nats per symbol of the text (a character of Mandarin); infinite where the wave
        has too few frames to say it. Waves that were just transcribed are not encoded again: an array is known by its
        identity, so it must not be written to in between. The sum is over all alignments of the text's first reading,
        without its punctuation.

        Raises:
            ValueError: a language or a character that the model does not know.
        """
        labels = [symbols(self.tokenizer.sp, text, language) for text, language in zip(texts, languages, strict=True)]
        encoded = self._encode(waves, languages)
        return [self._nll(frames, label) for frames, label in zip(encoded, labels, strict=True)]

    def _nll(self, encoded: torch.Tensor, label: list[int]) -> float:
        likely = self.model.ctc.ctc_lo(encoded).float().log_softmax(-1).cpu()[:, None]
        sizes = torch.tensor([len(likely)]), torch.tensor([len(label)])
        loss = ctc_loss(likely, torch.tensor([label]), *sizes, blank=self.model.blank_id, reduction="sum")
        return float(loss) / len(label)

    def _encode(self, waves: list[np.ndarray], languages: list[str]) -> list[torch.Tensor]:
        """The encoder's frames float32 [frames, size] of each wave, without the queries."""
        if unknown := sorted(set(languages) - self.languages):
            raise ValueError(f"SenseVoice does not know the language {unknown}: it has {sorted(self.languages)}")
        keys = [(id(wave), language) for wave, language in zip(waves, languages, strict=True)]
        new = [i for i, key in enumerate(keys) if key not in self._encoded]
        features = [funasr_directory.features(self.frontend, waves[i]) for i in new]
        for start in range(0, len(new), self.batch_size):
            chosen = new[start : start + self.batch_size]
            frames = self._frames(features[start : start + self.batch_size], [languages[i] for i in chosen])
            for i, one in zip(chosen, frames, strict=True):
                self._encoded[keys[i]] = waves[i], one  # the wave too: no other may get its identity
        found = [self._encoded[key][1] for key in keys]
        while len(self._encoded) > _ENCODED:
            self._encoded.popitem(last=False)
        return found

    def _frames(self, features: list[torch.Tensor], languages: list[str]) -> list[torch.Tensor]:
        lengths = torch.tensor([len(f) for f in features], device=self.device)
        speech = pad_sequence(features, batch_first=True).to(self.device)
        without_itn = self.model.textnorm_dict["woitn"]
        queries = [[self.model.lid_dict[lang], *_EVENT_AND_EMOTION_QUERY, without_itn] for lang in languages]
        speech = torch.cat([self.model.embed(torch.tensor(queries, device=self.device)), speech], dim=1)
        encoded, _ = self.model.encoder(speech, lengths + _NUM_QUERIES)
        return [one[:length] for one, length in zip(encoded[:, _NUM_QUERIES:], lengths.tolist(), strict=True)]

    def _read(self, encoded: torch.Tensor) -> Transcript:
        return self._collapse(self.model.ctc.argmax(encoded[None])[0].tolist(), encoded)

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
