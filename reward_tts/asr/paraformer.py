"""Paraformer through FunASR (Gao et al., 2022, arXiv 2206.08317): the ear of seed-tts-eval for Mandarin, and an ASR for
the reward server, from a model directory, without a hub.

FunASR's own `inference` gives no probabilities, and where rows of a batch differ in length the padding reaches the last
frame of the shorter ones (the predictor's convolution looks one frame ahead, its LSTM runs backwards). Here what lies
behind a row is zeroed, and times are predicted row by row: a batch gives what each row gives alone.
"""

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from reward_tts.asr import funasr_directory
from speech.funasr_import import funasr_module
from speech.interfaces import Transcript

ts_prediction_lfr6_standard = funasr_module("funasr.utils.timestamp_tools").ts_prediction_lfr6_standard
_FILES = ("config.yaml", "model.pt", "tokens.json", "am.mvn")
_CLASSES = ("Paraformer", "BiCifParaformer", "SeacoParaformer")
_LONGEST = 0.24  # seconds of a symbol, as MAX_TOKEN_DURATION of funasr/utils/timestamp_tools.py
_FIRED = 1.0 - 1e-4  # the integrated weight at which FunASR's CIF lets a symbol go


class ParaformerASR:
    """Batched Paraformer, all symbols in one pass: FunASR's classes Paraformer, BiCifParaformer, SeacoParaformer
    (paraformer-zh, without hot words).

    Args:
        model_dir: FunASR model directory: config.yaml, model.pt, tokens.json, am.mvn.
        device: torch device.
        batch_size: rows decoded together; rows of similar length should stand together.
        languages: those that the model was trained on; other rows are refused.

    Raises:
        FileNotFoundError: the directory is not there or not whole.
    """

    sample_rate = 16_000
    family = "paraformer"
    provides = ("confidence",)

    def __init__(self, model_dir: str, device: str = "cpu", batch_size: int = 32, languages: tuple[str, ...] = ("zh",)):
        advice = (
            "download iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch (ModelScope) or "
            "funasr/paraformer-zh (Hugging Face) into it"
        )
        self.model, options = funasr_directory.load(model_dir, _FILES, _CLASSES, advice, device)
        self.tokenizer, self.frontend = options["tokenizer"], options["frontend"]
        self.device, self.batch_size, self.languages = device, batch_size, tuple(languages)
        self._ends = {self.model.sos, self.model.eos, self.model.blank_id}
        self._frame_seconds = self.frontend.frame_shift * self.frontend.lfr_n / 1000

    @torch.inference_mode()
    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order; confidence is the mean probability of the
        written symbols, a character's time that of its
        symbol.

        Raises:
            ValueError: a language that the model does not know.
        """
        unknown = sorted(set(languages) - set(self.languages))
        if unknown:
            raise ValueError(f"this Paraformer does not know the language {unknown}: it has {list(self.languages)}")
        features = [funasr_directory.features(self.frontend, wave) for wave in waves]
        transcripts = []
        for start in range(0, len(features), self.batch_size):
            transcripts += self._decode(features[start : start + self.batch_size])
        return transcripts

    def _decode(self, features: list[torch.Tensor]) -> list[Transcript]:
        lengths = torch.tensor([len(f) for f in features], device=self.device)
        speech = pad_sequence(features, batch_first=True).to(self.device)
        encoded, lengths = self.model.encode(speech, lengths)
        inside = torch.arange(encoded.shape[1], device=self.device)[None, :, None] < lengths[:, None, None]
        encoded = encoded * inside
        acoustic, counts, *_ = self.model.calc_predictor(encoded, lengths)
        counts = counts.round().long()
        if counts.max() < 1:
            return [Transcript("", [], 0.0) for _ in features]
        scores, _ = self.model.cal_decoder_with_predictor(encoded, lengths, acoustic, counts)
        likely, symbols = scores.max(-1)
        return [
            self._write(encoded[i : i + 1, :length], symbols[i, :count].tolist(), likely[i, :count].exp().tolist())
            for i, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True))
        ]

    def _write(self, encoded: torch.Tensor, symbols: list[int], likely: list[float]) -> Transcript:
        """One row: encoder output [1, frames, size], ids and probabilities of its symbols."""
        kept = [i for i, symbol in enumerate(symbols) if symbol not in self._ends]
        text, char_times, sure, goes_on = "", [], [], False
        for i, time in zip(kept, self._times(encoded, len(symbols), kept), strict=True):
            (piece,) = self.tokenizer.ids2tokens([symbols[i]])
            if piece[0] + piece[-1] == "<>":  # <unk>
                continue
            apart = " " if _latin(text[-1:]) and _latin(piece[:1]) and not goes_on else ""
            goes_on = piece.endswith("@@")  # the first part of a word
            written = apart + piece.removesuffix("@@")
            text, char_times = text + written, char_times + [time] * len(written)
            sure.append(likely[i])
        return Transcript(text, char_times, min(1.0, sum(sure) / len(sure)) if sure else 0.0)

    def _times(self, encoded: torch.Tensor, count: int, kept: list[int]) -> list[float]:
        """Of the kept ones of `count` symbols, seconds: the middle of each by the timestamp predictor of BiCif models
        (Shi et al., 2023, arXiv 2301.12343), else the frame in which the weights add up to it (continuous
        integrate-and-fire)."""
        if not kept:
            return []
        lengths = torch.tensor([encoded.shape[1]], device=self.device)
        if hasattr(self.model.predictor, "get_upsample_timestamp"):
            number = torch.tensor([count], device=self.device)
            *_, alphas, peaks = self.model.calc_predictor_timestamp(encoded, lengths, number)
            _, spans = ts_prediction_lfr6_standard(alphas[0], peaks[0], ["?"] * len(kept))
            # FunASR gives the last symbol half of the silence behind it, and any other at most _LONGEST.
            times = [max(0.0, start / 1000 + min(stop - start, 1000 * _LONGEST) / 2000) for start, stop in spans]
        else:
            peaks = self.model.calc_predictor(encoded, lengths)[3][0]
            fired = (peaks >= _FIRED).nonzero()[:, 0].tolist()
            times = [(fired[i] + 0.5) * self._frame_seconds for i in kept if i < len(fired)]
        return (times + [times[-1] if times else 0.0] * len(kept))[: len(kept)]


def _latin(text: str) -> bool:
    return text.isascii() and text.isalpha()
