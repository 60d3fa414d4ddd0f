"""The JSONL between synthesis, decoding and evaluation: one utterance a line.

`{"index": 3, "sample": 0, "text": "...", "tokens": [17, 4, ...], "finished": true}`; `index` counts the texts. Only
`text` and `tokens` (or `speech_tokens`, as in SFT data) are required.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig


@dataclass(frozen=True)
class Utterance:
    """Speech tokens of one text. `finished`: the model ended by itself; None where nobody generated (a teacher)."""

    index: int
    sample: int
    text: str
    tokens: list[int]
    finished: bool | None
    language: str
    voice: str | None = None


def read_utterances(path: str, language: str, limit: int | None = None) -> list[Utterance]:
    """Utterances of a JSONL file; `language` where a row names none; `limit`: only texts with a lower index.

    Raises:
        FileNotFoundError: with the stage that makes such files.
        ValueError: a line that is no such row, with file, line and field.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} is missing: no speech tokens to listen to (infer.synthesise writes them)")
    utterances = []
    for number, row in _rows(path):
        tokens = row.get("tokens", row.get("speech_tokens"))
        if not isinstance(row.get("text"), str):
            raise ValueError(f"{path}, line {number}, field text: expected a string, got {row.get('text')!r}")
        if not isinstance(tokens, list) or not all(type(token) is int and token >= 0 for token in tokens):
            raise ValueError(f"{path}, line {number}, field tokens: expected a list of whole numbers, got {tokens!r}")
        index = row.get("index", number - 1)
        if limit is None or index < limit:
            utterances.append(
                Utterance(
                    index,
                    row.get("sample", 0),
                    row["text"],
                    tokens,
                    row.get("finished"),
                    row.get("language", language),
                    row.get("voice"),
                )
            )
    if not utterances:
        raise ValueError(f"{path} holds no utterance")
    return utterances


def _rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: no JSON ({error})") from error
            if not isinstance(row, dict):
                raise ValueError(f"{path}, line {number}: expected an object, got {line.strip()[:80]}")
            yield number, row


def token_files(cfg: DictConfig) -> dict[tuple[str, str], str]:
    """{(system, decoding): path} of every file that a configuration's synthesis writes, in its order."""
    return {
        (system, decoding): f"{cfg.tokens_dir}/{system}.{decoding}.jsonl"
        for system in cfg.systems
        for decoding in cfg.decodings
    }
