"""The JSONL between synthesis, decoding and evaluation: one utterance a line.

`{"index": 3, "sample": 0, "text": "...", "tokens": [17, 4, ...], "finished": true}`; `index` counts the texts. Only
`text` and `tokens` (or `speech_tokens`, as in SFT data) are required.
"""

from dataclasses import dataclass

from omegaconf import DictConfig
from pydantic import AliasChoices, BaseModel, Field

from speech.jsonl import BadField, Fault, Token, check, read_rows, refuse


@dataclass(frozen=True)
class Utterance:
    """Speech tokens of one text. `finished`: the model ended by itself; None where nobody generated (a teacher).
    `unknown`: characters of the text that the model's tokenizer does not know."""

    index: int
    sample: int
    text: str
    tokens: list[int]
    finished: bool | None
    language: str
    voice: str | None = None
    unknown: str = ""


class _Row(BaseModel):
    """A line of the file; what else is there is of no interest."""

    index: int | None = Field(None, ge=0)
    sample: int = Field(0, ge=0)
    text: str
    tokens: list[Token] = Field(validation_alias=AliasChoices("tokens", "speech_tokens"))
    finished: bool | None = None
    language: str | None = None
    voice: str | None = None
    unknown: str = ""


def read_utterances(path: str, language: str, limit: int | None = None) -> list[Utterance]:
    """Utterances of a JSONL file; `language` where a row names none; `limit`: only texts with a lower index.

    Raises:
        FileNotFoundError: with the stage that makes such files.
        ValueError: lines that are no such rows, with file, line and field.
    """
    utterances, faults = [], []
    for number, raw, row in read_rows(path, expected="speech tokens to listen to (infer.synthesise writes them)"):
        try:
            if isinstance(row, BadField):
                raise row
            given = check(_Row, row)
        except BadField as bad:
            faults.append(Fault(path, number, bad.field, bad.reason, raw))
            continue
        index = number - 1 if given.index is None else given.index
        if limit is None or index < limit:
            said = (given.text, given.tokens, given.finished, given.language or language, given.voice, given.unknown)
            utterances.append(Utterance(index, given.sample, *said))
    refuse(path, faults)
    if not utterances:
        raise ValueError(f"{path} holds no utterance")
    return utterances


def token_files(cfg: DictConfig) -> dict[tuple[str, str], str]:
    """{(system, decoding): path} of every file that a configuration's synthesis writes, in its order."""
    return {
        (system, decoding): f"{cfg.tokens_dir}/{system}.{decoding}.jsonl"
        for system in cfg.systems
        for decoding in cfg.decodings
    }
