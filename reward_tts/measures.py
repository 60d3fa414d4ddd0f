"""What travels between the parts: a row to be spoken, what an ASR heard, and what the server measured."""

import hashlib
import json
import math
import os
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from speech.faults import UserError

CONTRACT = 4  # of inputs and outputs of the server; a client asks for its own before training starts
SECRET_HEADER = "triton-grpc-protocol-triton-access-token"  # of gRPC, as Triton and PyTriton would have it
SECRET_HEADER_HTTP = "triton-access-token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # a server there is for its own machine alone


class Status(IntEnum):
    """Of one row: the server's STATUS output."""

    OK = 0
    BAD_ROW = 1  # the request is at fault: asking again gives the same
    FAILED = 2  # a part of the server failed on this row
    BAD_SPEECH = 3  # the model is at fault: tokens that nothing can speak (none, too many, outside the codebook)
    OUT_OF_MEMORY = 4  # nothing is at fault: who shares the device had the memory; it may be free later, or elsewhere


def secret_of(key: str, variable: str | None) -> str | None:
    """The secret that an environment variable holds, which the setting `key` names; None if it names none.

    Raises:
        UserError: the variable is not set, or empty.
    """
    if variable is not None and not os.environ.get(variable):
        raise UserError(f"{key} names {variable}, which is not set")
    return None if variable is None else os.environ[variable]


def row_checksum(tokens: Sequence[int], text: str, language: str | None, voice: str | None) -> str:
    """Which question an answer belongs to: 16 hexadecimal digits of what a row asked, as the client sent it.

    The server writes it into the row's MEASURES, and whoever asked compares. Each part is hashed with its length, so
    that no two rows are the same string of bytes. No name and an empty one are the same.

    Args:
        tokens: speech tokens, of 32 bits.
        text: what they should say.
        language: of the text.
        voice: name of a voice.

    >>> row_checksum([7, 300, 12], "你好", "zh", None)
    'f6df312826486035'
    """
    hashed = hashlib.blake2b(struct.pack(f"<q{len(tokens)}i", len(tokens), *tokens), digest_size=8)
    for part in (text, language or "", voice or ""):
        content = part.encode("utf-8", errors="surrogatepass")
        hashed.update(struct.pack("<q", len(content)) + content)
    return hashed.hexdigest()


@dataclass(frozen=True)
class Measures:
    """What the server measured of one utterance; the reward function judges it.

    Attributes:
        recipe: name of the recipe that the server serves.
        status: a `Status`; what follows is worth reading only if it is OK.
        message: what is wrong with the row; empty if nothing is.
        transcript: as the ASR wrote it.
        char_times: seconds, one for each character of transcript, or empty.
        confidence: of the ASR in its transcript, in [0, 1], or None; see Transcript.
        duration_s: of the wave, seconds.
        num_tokens: speech tokens spoken.
        token_rate: speech tokens per second.
        scores: of the scorers, {measure: number, or numbers by name}; see reward_tts/scorers.
        checksum: `row_checksum` of the row that was measured; one that is not the asker's is no answer to it.
        service_s: seconds that the batch of the row was worked on; what a request took beyond it was waiting.
    """

    recipe: str
    status: int
    message: str = ""
    transcript: str = ""
    char_times: list[float] = field(default_factory=list)
    confidence: float | None = None
    duration_s: float = 0.0
    num_tokens: int = 0
    token_rate: float = 0.0
    scores: dict[str, Any] = field(default_factory=dict)
    checksum: str = ""
    service_s: float = 0.0

    @property
    def is_speech(self) -> bool:
        """Whether the tokens could be spoken; what was measured is worth reading only then."""
        return self.status != Status.BAD_SPEECH

    @property
    def named(self) -> dict[str, Any]:
        """What recipe.reward.logged may name: the scores, and the confidence where the ASR gives one."""
        return self.scores | ({} if self.confidence is None else {"confidence": self.confidence})

    def not_finite(self) -> list[str]:
        """Names of what is no finite number where one is needed."""
        named = {"duration_s": self.duration_s, "token_rate": self.token_rate, "char_times": self.char_times}
        return [name for name, value in (named | self.named).items() if not _finite(value)]

    def to_json(self) -> str:
        """One line of JSON; times to the millisecond, infinities and NaN refused with ValueError."""
        values = asdict(self) | {"char_times": [round(t, 3) for t in self.char_times]}
        values["service_s"] = round(self.service_s, 3)
        return json.dumps(values, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Measures":
        """What `to_json` wrote.

        Raises:
            ValueError: no JSON object, a field missing or unknown.
        """
        values = json.loads(text)
        fields = set(cls.__dataclass_fields__)
        if not isinstance(values, dict) or set(values) != fields:
            raise ValueError(f"measures need the fields {sorted(fields)}, got {text[:200]!r}")
        return cls(**values)


@dataclass(frozen=True)
class Span:
    """When the request for a row was under way, as the reward function tells it beside the score.

    Attributes:
        begin, end: seconds since the epoch.
        attempts: how often it was sent.
        mismatches: how many of them were answered with another row's measures.
    """

    begin: float
    end: float
    attempts: int
    mismatches: int

    def to_info(self) -> str:
        """As one string: verl's metrics leave strings out."""
        return f"{self.begin:.3f} {self.end:.3f} {self.attempts} {self.mismatches}"

    @classmethod
    def from_info(cls, told: str) -> "Span":
        """What `to_info` wrote."""
        begin, end, attempts, mismatches = told.split()
        return cls(float(begin), float(end), int(attempts), int(mismatches))


def _finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(_finite(v) for v in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
