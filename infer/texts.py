"""What is to be spoken: rows that stage data prepared, or texts that go through the very same preparation here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from transformers import PreTrainedTokenizerBase

from data_prep.given_readings import FIELD, given_readings
from data_prep.prompt_template import Messages
from data_prep.prompts import PromptMaker, Request
from speech.faults import UserError
from speech.jsonl import BadField, BadRows, Fault, made_of, read_rows
from speech.labels import check_choice
from speech.paths import input_file

LABELS = ("set", "emotion")  # fields of a row by which the evaluation groups its results
GIVEN = ("language", "voice", "instruction")  # keys of infer.yaml for texts whose row does not say it


@dataclass(frozen=True)
class Sentence:
    """A request, its prompt, and where it stands; `prefix`: speech tokens of its own that the prompt ends with;
    `labels`: those of LABELS that its row has; `drawn`: stage data may have put phonemes into the prompt by chance, so
    that the request alone would make another one."""

    request: Request
    messages: Messages
    where: str
    prefix: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    drawn: bool = False


def read_sentences(cfg: DictConfig, prompts: PromptMaker) -> list[Sentence]:
    """The first `limit` of: `text` (with `voice`, `language`, `instruction`, `readings`), or else the rows of `texts`:
    a parquet of stage data, or a .jsonl or .json of {"text", "language", "voice", ...} as stage data takes it, and
    `set` and `emotion`, of recipe.field_values; where no evaluation follows others are left out. The command's `voice`,
    `language` and `instruction` are those of its rows that name none.

    Raises:
        FileNotFoundError: no such file.
        BadRows: rows that cannot be spoken, all of them with file, line and field.
        ValueError: no row at all, both a text and texts, or a key that these texts have no place for.
    """
    if cfg.texts is None:
        if cfg.get("text") is None:  # infer.yaml has the key, eval.yaml has not
            raise ValueError("nothing to speak: text=... or texts=FILE.jsonl")
        try:
            return [_sentence("text=", _row_of(cfg), prompts, cfg.recipe.field_values, strict=False)]
        except BadField as bad:
            raise BadRows([bad.at("text=")]) from None
    if cfg.get("text") not in (None, "null", cfg.recipe.get("sample_text")):  # run.sh hands null on as it is typed
        raise UserError(f"text={cfg.text} and texts={cfg.texts}: one of them, please")
    path = input_file(cfg.texts, f"texts to speak (stage data makes {cfg.recipe.rl_test})")
    if cfg.get("readings"):
        raise UserError(f"readings=... are of one text: in {path} each row has a field of that name")
    given = _given(cfg)
    if path.suffix == ".parquet":
        wav = {"voice": f"voice_wav={cfg.voice_wav}"} if cfg.get("voice_wav") is not None else {}  # as it was typed
        if said := [wav.get(name, f"{name}={given[name]}") for name in ("voice", "instruction") if name in given]:
            raise UserError(f"{' and '.join(said)}: {path} holds prompts, made already; a .jsonl of texts takes it")
        found = list(islice(_prepared(path, prompts), cfg.limit))
    else:
        made = partial(_sentence, prompts=prompts, known=cfg.recipe.field_values, strict="text" not in cfg)
        rows = islice(read_rows(path), cfg.limit)
        found = list(made_of(rows, path, lambda line, row: made(f"{path}:{line}", _with(row, given))))
        if faults := [one for one in found if isinstance(one, Fault)]:
            raise BadRows(faults)
    if not found:
        raise ValueError(f"{path} holds no text")
    return found


def _row_of(cfg: DictConfig) -> dict[str, Any]:
    row = {"text": str(cfg.text), **_given(cfg)}
    return row | ({FIELD: OmegaConf.to_container(cfg.readings, resolve=True)} if cfg.get("readings") else {})


def _given(cfg: DictConfig) -> dict[str, str]:
    """What the command says of GIVEN; eval.yaml has none of these keys."""
    given = {name: cfg.get(name) for name in GIVEN}
    return {name: str(said) for name, said in given.items() if said not in (None, "null")}  # run.sh hands null on, too


def _with(row: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """A row with what is given where it says nothing."""
    return dict(row) | {name: said for name, said in given.items() if row.get(name) is None}


def _prepared(path: Path, prompts: PromptMaker) -> Iterator[Sentence]:
    import pyarrow.parquet as pq  # here: the page needs none, and its environment has none

    for row in pq.read_table(path, columns=["prompt", "extra_info"]).to_pylist():
        info = row["extra_info"]
        told = {"instruction": info.get("instruction"), FIELD: given_readings(info, info["text"])}
        request = Request(info["text"], info["language"], info["voice"], **told)
        place, labels = f"{path}:{info['index']}", {name: info[name] for name in LABELS if info.get(name)}
        prefix = tuple(info.get("speech_prefix") or ())
        # Speech that begins with a prefix is what a whole prompt is answered with: see infer.speak.spoken.
        drawn = prompts.takes_readings and not prefix
        yield Sentence(request, row["prompt"], place, prefix, labels, drawn)


def _sentence(
    where: str, row: Mapping[str, Any], prompts: PromptMaker, known: Mapping[str, Any], strict: bool
) -> Sentence:
    """Of a row; `known`: values of labels, of which others are left out or, if `strict`, refused. Raises BadField."""
    request = prompts.request(row)
    labels = _labels(row, known, strict)
    return Sentence(request, prompts.messages(request, training=False), where, labels=labels)


def _labels(row: Mapping[str, Any], known: Mapping[str, Any], strict: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in LABELS:
        given = {name: str(row[name]) if type(row.get(name)) is int else row.get(name)}  # set 3
        try:
            found |= {name: label} if (label := check_choice(given, name, known.get(name))) else {}
        except BadField:
            if strict:
                raise
    return found


def prompt_ids(sentences: list[Sentence], tokenizer: PreTrainedTokenizerBase, prompts: PromptMaker) -> list[list[int]]:
    """Token ids that the model continues with speech, of each sentence.

    Raises:
        BadRows: prompts of more tokens than recipe.max_prompt_tokens.
    """
    found, faults = [], []
    for sentence in sentences:
        try:
            found.append(prompts.ids(sentence.messages, tokenizer))
        except BadField as bad:
            faults.append(bad.at(sentence.where))
    if faults:
        raise BadRows(faults)
    return found
