"""A text as symbols of SenseVoice's vocabulary, without the model: what its CTC is asked for, and what stages/ looks at
before a training."""

import re

from sentencepiece import SentencePieceProcessor

from speech.readings import written
from speech.readings.units import SYLLABIC


def symbols(vocabulary: SentencePieceProcessor, text: str, language: str) -> list[int]:
    """Numbers of the pieces of the text's first reading, without its punctuation.

    Raises:
        ValueError: a character that the vocabulary does not have, or nothing else.
    """
    between = "" if language in SYLLABIC else " "
    said = between.join(re.findall(r"[^\W_]+", written(text, language).lower()))
    numbers = vocabulary.EncodeAsIds(said)
    if vocabulary.unk_id() in numbers or not numbers:
        unknown = [p for p in vocabulary.EncodeAsPieces(said) if vocabulary.PieceToId(p) == vocabulary.unk_id()]
        raise ValueError(f"SenseVoice has no symbols for {unknown or 'anything'} of {text!r}")
    return numbers
