"""How likely an ear finds the text that was asked for: a Whisper decoder (the NLL term of ch-tts-llasa), the reward's
own ASR (SenseVoice by CTC, Whisper by its decoder), or the token ear, which needs no wave."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reward_tts.token_ear import TokenEar, first_reading
from speech.interfaces import ASR, Row

HIGHEST_NLL = (
    50.0  # nats per symbol: speech that is too short to say the text is infinitely unlikely, measures are finite
)


def bounded(nll: float) -> float:
    """A negative log-likelihood from 0 to HIGHEST_NLL: a text that is all but certain has -1e-8 by rounding.

    >>> bounded(-1e-8), bounded(1.5), bounded(float("inf"))
    (0.0, 1.5, 50.0)
    """
    return min(max(nll, 0.0), HIGHEST_NLL)


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
    sample_rate = 16_000

    def __init__(self, model_dir: str, device: str = "cpu", dtype: str = "float32", batch_size: int = 16):
        from reward_tts.asr import whisper_directory  # with transformers two fifths of what a server would import

        self.whisper = whisper_directory.load(model_dir, device, dtype)
        self.model, self.processor, self.batch_size = self.whisper.model, self.whisper.processor, batch_size

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """nll in nats for each token of the row's text and the end token; the prompt's tokens are given.

        Raises:
            ValueError: a language that Whisper does not know, or a text that is too long for it.
        """
        texts, languages = [row.text for row in rows], [row.language for row in rows]
        return [{"nll": one} for one in self.whisper.nll(waves, texts, languages, self.batch_size)]


class CTCLikelihood:
    """By the pipeline's own ASR, whose encoding of the waves it shares: `_partial_: true` in server.yaml.

    Args:
        asr: with a method nll(waves, texts, languages): SenseVoiceASR, by CTC, or WhisperASR, whose decoder's NLL
            stands in CTC's place (the measure has its name of the first).

    Raises:
        ValueError: the ASR has none.
    """

    provides = ("ctc_nll",)

    def __init__(self, asr: ASR):
        if not hasattr(asr, "nll"):
            raise ValueError(f"{type(asr).__name__} cannot say how likely a text is: take SenseVoice or Whisper")
        self.asr, self.sample_rate = asr, asr.sample_rate

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """ctc_nll: -log p(the row's text | wave), nats for each of its symbols (of Whisper: its tokens and the end), at
        most HIGHEST_NLL."""
        found = self.asr.nll(waves, [row.text for row in rows], [row.language for row in rows])
        return [{"ctc_nll": bounded(one)} for one in found]


class TokenLikelihood:
    """By the token ear (stage `token_ear`), from the tokens alone, on a CPU: `_partial_: true` in server.yaml.

    Args:
        model_dir: what the stage wrote.
        asr: of the pipeline: its sampling rate is taken, whose waves are there anyway and not looked at.

    Raises:
        FileNotFoundError: it was not trained yet.
    """

    provides = ("token_nll",)

    def __init__(self, model_dir: str, asr: ASR):
        self.ear, self.sample_rate = TokenEar.load(model_dir), asr.sample_rate

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """token_nll: -log p(first reading of the row's text | its tokens), nats per unit of pronunciation, at most
        HIGHEST_NLL.

        Raises:
            ValueError: a text has a unit that the ear never heard, or is in a language that it did not learn.
        """
        wanted = [first_reading(row.text, row.language) for row in rows]
        for row, units in zip(rows, wanted, strict=True):
            if not self.ear.knows((), row.language):
                raise ValueError(f"the token ear has not learned {row.language}, in which {row.text!r} is")
            if unknown := sorted(set(units) - self.ear.index.keys()):
                raise ValueError(f"the token ear never heard {unknown} of {row.text!r}: train it on texts with them")
        found = self.ear.nll([row.tokens.tolist() for row in rows], wanted)
        return [{"token_nll": bounded(one)} for one in found]


class TokenAlignment:
    """Which tokens are to blame, by the token ear's alignment with the text: for `token_credit: {by: alignment}`;
    `_partial_: true` in server.yaml.

    Args:
        model_dir, asr: as of `TokenLikelihood`.

    Raises:
        FileNotFoundError: it was not trained yet.
    """

    provides = ("token_doubt",)

    def __init__(self, model_dir: str, asr: ASR):
        self.ear, self.sample_rate = TokenEar.load(model_dir), asr.sample_rate

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """token_doubt: `aligned_doubts` of each row."""
        return [{"token_doubt": one} for one in aligned_doubts(self.ear, rows)]


def aligned_doubts(ear: TokenEar, rows: Sequence[Row]) -> list[list[float]]:
    """How far each of a row's tokens speaks against the first reading of its text, in [0, 1], to the hundredth; nothing
    of a text that the ear has not learned."""
    wanted = [first_reading(row.text, row.language) if ear.knows((), row.language) else [] for row in rows]
    found = ear.doubts([row.tokens.tolist() for row in rows], wanted)
    return [[round(one, 2) for one in doubts] for doubts in found]
