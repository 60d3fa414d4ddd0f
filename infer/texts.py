"""What is to be spoken: rows that stage data prepared, or texts that go through the very same preparation here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from omegaconf import DictConfig
from transformers import PreTrainedTokenizerBase

from data_prep.prompt_template import Messages
from data_prep.prompts import PromptMaker, Request
from speech.jsonl import BadField, read_rows


@dataclass(frozen=True)
class Sentence:
    """A request, its prompt, and where it stands; `prefix`: speech tokens of its own that the prompt ends with."""

    request: Request
    messages: Messages
    where: str
    prefix: tuple[int, ...] = ()


def read_sentences(cfg: DictConfig, prompts: PromptMaker) -> list[Sentence]:
    """The first `limit` of: `text` (with `voice` and `language`), or else the rows of `texts`, which is a parquet of
    stage data, or a .jsonl or .json of {"text", "language", "voice"} as stage data takes it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a row that cannot be spoken, with file, line and field; no row at all.
    """
    if cfg.get("text") is not None:  # infer.yaml has it, eval.yaml has not
        return [_made({"text": str(cfg.text), "language": cfg.language, "voice": cfg.voice}, "text=", prompts)]
    if cfg.texts is None:
        raise ValueError("nothing to speak: text=... or texts=FILE.jsonl")
    path = Path(cfg.texts)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: no texts to speak (stage data makes {cfg.recipe.rl_test})")
    found = list(islice(_prepared(path) if path.suffix == ".parquet" else _texts(path, prompts), cfg.limit))
    if not found:
        raise ValueError(f"{path} holds no text")
    return found


def _prepared(path: Path) -> Iterator[Sentence]:
    for row in pq.read_table(path, columns=["prompt", "extra_info"]).to_pylist():
        info = row["extra_info"]
        request = Request(info["text"], info["language"], info["voice"])
        yield Sentence(request, row["prompt"], f"{path}:{info['index']}", tuple(info.get("speech_prefix") or ()))


def _texts(path: Path, prompts: PromptMaker) -> Iterator[Sentence]:
    for line, _, row in read_rows(path):
        yield _made(row, f"{path}:{line}", prompts)


def _made(row: Mapping[str, Any] | BadField, where: str, prompts: PromptMaker) -> Sentence:
    try:
        if isinstance(row, BadField):
            raise row
        request = prompts.request(row)
        return Sentence(request, prompts.messages(request, training=False), where)
    except BadField as bad:
        raise _refused(where, bad) from bad


def prompt_ids(sentences: list[Sentence], tokenizer: PreTrainedTokenizerBase, prompts: PromptMaker) -> list[list[int]]:
    """Token ids that the model continues with speech, of each sentence.

    Raises:
        ValueError: a prompt of more tokens than recipe.max_prompt_tokens, with file, line and field.
    """
    found = []
    for sentence in sentences:
        try:
            found.append(prompts.ids(sentence.messages, tokenizer))
        except BadField as bad:
            raise _refused(sentence.where, bad) from bad
    return found


def _refused(where: str, bad: BadField) -> ValueError:
    return ValueError(f"{where}: " + (f"field '{bad.field}': " if bad.field else "") + str(bad))
