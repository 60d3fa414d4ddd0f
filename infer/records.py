"""The JSONL between synthesis, decoding and evaluation: one utterance a line.

`{"index": 3, "sample": 0, "text": "...", "tokens": [17, 4, ...], "finished": true}`; `index` counts the texts. Only
`text` and `tokens` (or `speech_tokens`, as in SFT data) are required.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict
from pydantic import AliasChoices, BaseModel, Field, model_validator

from infer.shares import place_of
from merge.choose import saved_steps
from speech.faults import UserError
from speech.files import read_jsonl, write_jsonl
from speech.jsonl import BadField, Token, check, read_all
from speech.labels import check_choice

LIKELIHOOD = "likelihood"  # `chosen_by` of what the token ear could weigh; others: infer/choose.py


@dataclass(frozen=True)
class Utterance:
    """Speech tokens of one text. `finished`: the model ended by itself; None where nobody generated (a teacher).
    `unknown`: characters of the text that the model's tokenizer does not know. `parts`: speech tokens of each part of a
    long text (infer/parts.py); empty: it has one. `set`: of the texts, such as one of several test sets. `emotion`:
    asked for. `chosen_by`: how it was chosen among several (infer/choose.py). `instruction`, `readings`: as the row of
    the text had them. `where`: file and line of that row. `stray`: what the model wrote beside speech tokens."""

    index: int
    sample: int
    text: str
    tokens: list[int]
    finished: bool | None
    language: str
    voice: str | None = None
    unknown: str = ""
    parts: tuple[int, ...] = ()
    chosen_by: str | None = None
    set: str | None = None
    emotion: str | None = None
    instruction: str | None = None
    readings: list[Any] | None = None
    where: str | None = None
    stray: str = ""


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
    parts: list[int] = []
    chosen_by: str | None = None
    set: str | None = None
    emotion: str | None = None
    instruction: str | None = None
    readings: list[Any] | None = None
    where: str | None = None
    stray: str = ""

    @model_validator(mode="after")
    def _parts_are_all(self) -> "_Row":
        if self.parts and sum(self.parts) != len(self.tokens):
            raise BadField("parts", f"are {sum(self.parts)} tokens in all, the row has {len(self.tokens)}")
        return self


def read_utterances(path: str, language: str, limit: int | None = None) -> list[Utterance]:
    """Utterances of a JSONL file; `language` where a row names none; `limit`: only texts with a lower index.

    Raises:
        FileNotFoundError: with the stage that makes such files.
        ValueError: lines that are no such rows, with file, line and field.
    """

    def made(number: int, row: dict[str, Any]) -> Utterance:
        given = check(_Row, row)
        emotion = check_choice(row, "emotion", None) if given.emotion else None
        said = (given.text, given.tokens, given.finished, given.language or language, given.voice, given.unknown)
        said = (*said, tuple(given.parts), given.chosen_by, given.set, emotion)
        index = number - 1 if given.index is None else given.index
        said = (*said, given.instruction, given.readings, given.where, given.stray)
        return Utterance(index, given.sample, *said)

    found = read_all(path, made, "speech tokens to listen to (infer.synthesise writes them)")
    utterances = [one for one in found if limit is None or one.index < limit]
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


def settle_systems(cfg: DictConfig) -> None:
    """With `checkpoints`, a folder, its sub-folders are the systems of the configuration, and `systems` before them;
    with `of_run` as well, a training's folder, without steps that it has not saved or not kept: what was merged of them
    stays, it may be all that is left of that model, but merge.step=best can do nothing with it. With `only`, a list, no
    others than those of it.

    Raises:
        FileNotFoundError: none is there.
        ValueError: `only` names a system that there is not.
    """
    if cfg.get("checkpoints") is not None:
        _add_checkpoints(cfg)
    if cfg.get("only") is None:
        return
    if unknown := sorted(set(cfg.only) - set(cfg.systems)):
        raise UserError(f"only={list(cfg.only)}: {unknown} is not among the systems, {sorted(cfg.systems)}")
    with open_dict(cfg):
        cfg.systems = {name: cfg.systems[name] for name in cfg.only}


def _add_checkpoints(cfg: DictConfig) -> None:
    found = {path.parent.name: str(path.parent) for path in Path(cfg.checkpoints).glob("*/config.json")}
    if cfg.get("of_run") is not None:
        there = {f"step_{step}" for step in saved_steps(cfg.of_run)}
        gone = sorted(name for name in found if re.fullmatch(r"step_\d+", name) and name not in there)
        if gone:
            print(f"{', '.join(gone)} of {cfg.checkpoints}: not among the checkpoints of {cfg.of_run}, left out")
        found = {name: path for name, path in found.items() if name not in gone}
    if not found:
        raise FileNotFoundError(f"no checkpoint in {cfg.checkpoints}: stage checkpoints merges them")
    ordered = sorted(found, key=lambda name: [int(part) if part.isdigit() else part for part in name.split("_")])
    with open_dict(cfg):
        cfg.systems = dict(cfg.systems) | {name: found[name] for name in ordered}


def check_checkpoints(cfg: DictConfig) -> None:
    """Raises FileNotFoundError: a system of the configuration is not there."""
    for system, checkpoint in cfg.systems.items():
        if not (Path(checkpoint) / "config.json").exists():
            raise FileNotFoundError(f"no checkpoint of {system} in {checkpoint}: train it first (GRPO: and merge it)")


def own_part(path: str, cfg: DictConfig) -> str:
    """Where a process writes its part of a file, text after text, until all are there."""
    return _part(path, cfg.get("begun"), *place_of(cfg))


def _part(path: str, begun: str | None, which: int | str, count: int | str) -> str:
    """`begun`: what tells that it is made of the same, so that another command neither takes nor touches it."""
    return f"{path}.{f'made_with_{begun}' if begun else 'part'}.{which}of{count}"


def join_parts(paths: Iterable[str], count: int, begun: str | None = None) -> None:
    """Of the parts that `count` processes wrote, the files that one would have written. The parts are deleted, and
    those that the same command left with another number of processes, which nothing would go on with."""
    for path in paths:
        parts = [Path(_part(path, begun, which, count)) for which in range(count)]
        rows = [row for part in parts for row in read_jsonl(part)]
        write_jsonl(path, sorted(rows, key=lambda row: (row["index"], row["sample"])))
        for part in glob(_part(escape(path), begun, "*", "*")):
            Path(part).unlink()
