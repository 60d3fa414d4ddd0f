"""What goes to the reward server and comes back: the tensors of its two models, by name, type and shape; and a row of
them as an instance gets and answers it.

The front checks requests against it (reward_tts/server/front/checks.py), the adapter tells Triton of it, and both read
a row's words and its checksum with the functions here, so that they cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reward_tts.measures import Measures, row_checksum

SPEAKING_MODEL = "token2wav"


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a model.

    Attributes:
        name: of the tensor.
        kind: Triton's name of its type: INT32, FP32, BYTES.
        width: of a row; -1: as many as it has.
        optional: whether a request may leave it out.
    """

    name: str
    kind: str
    width: int = 1
    optional: bool = False


@dataclass(frozen=True)
class ModelSpec:
    """One model. `batched`: each tensor has the number of rows before its own width; else a request is one row."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batched: bool


MEASURING = ModelSpec(
    inputs=(
        TensorSpec("TOKENS", "INT32", -1),
        TensorSpec("TOKEN_LENS", "INT32"),
        TensorSpec("GT_TEXT", "BYTES"),
        TensorSpec("CONTRACT", "INT32", optional=True),
        TensorSpec("LANGUAGE", "BYTES", optional=True),
        TensorSpec("VOICE", "BYTES", optional=True),
    ),
    outputs=(
        TensorSpec("REWARDS", "FP32"),
        TensorSpec("TRANSCRIPTS", "BYTES"),
        TensorSpec("MEASURES", "BYTES"),
        TensorSpec("STATUS", "INT32"),
    ),
    batched=True,
)
SPEAKING = ModelSpec(
    inputs=(
        TensorSpec("TOKENS", "INT32", -1),
        TensorSpec("VOICE", "BYTES", optional=True),
        TensorSpec("TEXT", "BYTES", optional=True),
    ),
    outputs=(
        TensorSpec("WAVE", "FP32", -1),
        TensorSpec("SAMPLE_RATE", "INT32"),
        TensorSpec("MEASURES", "BYTES"),
    ),
    batched=False,
)


@dataclass(frozen=True)
class Query:
    """One row of a request; `problem` tells why it cannot be read, and is empty if it can; `checksum` is of the row as
    it was sent."""

    tokens: np.ndarray
    text: str
    language: str | None
    voice: str | None
    problem: str
    checksum: str


@dataclass(frozen=True)
class Reply:
    """One row of a response."""

    reward: float
    measures: Measures


def words(values: Mapping[str, bytes]) -> dict[str, str]:
    """{name: text} of a row's BYTES; what is no UTF-8 has U+FFFD in its place."""
    return {name: value.decode("utf-8", errors="replace") for name, value in values.items()}


def asked_checksum(tokens: Sequence[int], said: Mapping[str, str]) -> str:
    """`row_checksum` of a row as it was sent, from the tokens that count and the words of its request."""
    text = said.get("GT_TEXT", said.get("TEXT", ""))
    return row_checksum(tokens, text, said.get("LANGUAGE"), said.get("VOICE"))


def answers(measures: bytes, checksum: str) -> bool:
    """Whether MEASURES, as `Measures.to_json` wrote them, are of the row with this checksum. Quotation marks within a
    transcript have a backslash before them, so that nothing that was said can be taken for it."""
    return b'"checksum": "%s"' % checksum.encode() in measures
