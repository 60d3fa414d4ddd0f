"""Stage `data`, second half: JSON/JSONL texts -> checked, normalised, templated parquet in verl's schema.

    python -m data_prep.prepare --config-path <recipes/NAME> --config-name data [prepare.on_error=skip]

All outputs appear together, each whole, or none does. By default one bad row stops the run, with a list of them;
`prepare.on_error=skip` leaves them out, counts them and writes them to `prepare.rejects`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hydra
import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import DictConfig, OmegaConf

from data_prep.given_readings import FIELD, as_field
from data_prep.hub_rows import local
from data_prep.jsonl import SeenTexts, check_speech_tokens, spoken_part, tokens_of
from data_prep.learned import SPOKEN_BY
from data_prep.options import asks_for_seconds, check_options, draw_prefix, filtered
from data_prep.prompts import PromptMaker, Request
from data_prep.tested import keys_of
from data_prep.weights import paths
from speech.faults import UserError, told_plainly
from speech.files import whole_files
from speech.jsonl import BadField, BadRows, Fault, made_of, read_rows
from speech.labels import check_choice, check_string
from speech.paths import check_outputs
from speech.texts import normalise_text
from speech.tokens import format_speech_tokens

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def schema(kind: str, extra_fields: list[str], speech_prefix: bool = False) -> pa.Schema:
    """Columns of an `rl` or `sft` parquet; `extra_fields` are further strings in extra_info, and `speech_prefix` adds
    the speech tokens that a prompt ends with."""
    info = [("index", pa.int64()), ("split", pa.string()), ("text", pa.string())]
    info += [(name, pa.string()) for name in ("language", "voice", *extra_fields)]
    if speech_prefix:
        info.append(("speech_prefix", pa.list_(pa.int32())))
    columns = [("data_source", pa.string()), ("extra_info", pa.struct(info))]
    if kind == "sft":
        return pa.schema([*columns, ("messages", _MESSAGES)])
    model = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])
    return pa.schema([*columns, ("prompt", _MESSAGES), ("ability", pa.string()), ("reward_model", model)])


def _names(path: str, field: str) -> bool:
    """Whether a file of rows names a field somewhere: a column that no row needs would make another parquet of it."""
    if not Path(path).is_file():
        return False  # as read_rows will say
    with open(path, "rb") as lines:
        return any(f'"{field}"'.encode() in line for line in lines)


class Settings(SimpleNamespace):
    """A resolved branch of the configuration: reading a DictConfig ten times a row took most of the time."""

    @classmethod
    def of(cls, cfg: DictConfig) -> "Settings":
        """Of a branch and all below it; what is `???` is left out."""
        return cls._of(OmegaConf.to_container(cfg, resolve=True))

    @classmethod
    def _of(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return cls(**{str(key): cls._of(item) for key, item in value.items() if item != "???"})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not set in data.yaml (recipe.* or prepare.*)")


class Preparation:
    """One run; `cfg` is recipes/NAME/data.yaml composed."""

    def __init__(self, cfg: DictConfig):
        self.recipe, self.cfg = Settings.of(cfg.recipe), Settings.of(cfg.prepare)
        self.splits: dict[str, Settings] = vars(self.cfg.splits)
        self.prompts = PromptMaker(cfg.recipe)
        self.held_out = SeenTexts()
        self.faults: list[Fault] = []  # those that will be shown
        self.fault_count = 0
        self.not_carried: Counter[str] = Counter()
        self.filtered: Counter[str] = Counter()  # by reason
        self.without_prefix = 0
        self.spoken_by: dict[str, set[str]] = defaultdict(set)  # of a split, the models whose best speech it is
        self.unknown: dict[str, list[str]] = defaultdict(list)  # of a split, the characters of each row that has some
        for key, value, known in [("on_error", cfg.prepare.on_error, ("stop", "skip"))] + [
            (f"splits.{name}.kind", split.kind, ("rl", "sft")) for name, split in cfg.prepare.splits.items()
        ]:
            if value not in known:
                raise UserError(f"prepare.{key}={value}: known are {', '.join(known)}")
        check_options(cfg.prepare)
        self.held_out_too = paths(cfg.prepare.held_out_too)
        # By a maker of their own, whose counts of unsure readings are not those of this run's rows.
        for key in keys_of(self.held_out_too, PromptMaker(cfg.recipe)) if self.held_out_too else ():
            self.held_out.add(key)

    def run(self) -> dict[str, int]:
        """Writes all splits; the number of rows of each.

        Raises:
            ValueError: bad rows and on_error=stop, or a split without a good row. Nothing is written then.
        """
        splits = sorted(self.splits.items(), key=lambda item: not item[1].held_out)  # held-out texts are known first
        inputs = {f"prepare.splits.{name}.input": split.input for name, split in splits}
        inputs |= {f"prepare.held_out_too[{place}]": path for place, path in enumerate(self.held_out_too)}
        outputs = {f"prepare.splits.{name}.output": split.output for name, split in splits}
        outputs["prepare.rejects"] = self.cfg.rejects
        check_outputs(inputs | {"recipe.voices": self.recipe.voices}, outputs)
        counts = {}
        with whole_files(list(outputs.values())) as temporaries, temporaries[-1].open("w", encoding="utf-8") as rejects:
            self.rejects = rejects
            for (name, split), temporary in zip(splits, temporaries, strict=False):
                counts[name] = self._write(name, split, temporary)
            rejects.close()  # what may fail for want of space fails before the first output has its name
            if self.fault_count and self.cfg.on_error == "stop":
                raise BadRows.of(self._report())
            if empty := [name for name, count in counts.items() if not count]:
                without = ", ".join(f"{name} ({self.splits[name].input})" for name in empty)
                found = (
                    self._report() if self.fault_count else "The rows that were there were filtered, or there is none."
                )
                raise ValueError(f"no good row in {without}\n{found}")
        return counts

    def _write(self, name: str, split: Settings, temporary: Path) -> int:
        prefixed = split.kind == "rl" and self.cfg.use_speech_prefix
        more = ["instruction"] if self.prompts.takes_instructions and "instruction" not in self.cfg.extra_fields else []
        self.with_readings = self.prompts.takes_readings and _names(local(split.input, self.cfg.hub_dir), FIELD)
        more += [FIELD] if self.with_readings else []
        columns, count = schema(split.kind, [*more, *self.cfg.extra_fields], prefixed), 0
        faults, filtered = self.fault_count, self.filtered.total()
        rows = self._rows(name, split)
        with pq.ParquetWriter(temporary, columns) as writer:
            while chunk := list(islice(rows, self.cfg.batch_rows)):
                writer.write_batch(pa.RecordBatch.from_pylist(chunk, schema=columns))
                count += len(chunk)
            if self.spoken_by[name]:
                writer.add_key_value_metadata({SPOKEN_BY: json.dumps(sorted(self.spoken_by[name]))})
        left_out = f"{self.filtered.total() - filtered} filtered, {self.fault_count - faults} bad"
        print(f"[prepare] {name}: {count} rows, {left_out} -> {split.output}", flush=True)
        return count

    def _rows(self, name: str, split: Settings) -> Iterator[dict[str, Any]]:
        seen, index = SeenTexts(), 0

        def make(_: int, row: dict[str, Any]) -> dict[str, Any] | None:
            return self._row(row, name, split, index, seen)

        for made in made_of(read_rows(local(split.input, self.cfg.hub_dir)), split.input, make):
            if isinstance(made, Fault):
                self._reject(made)
            elif made is not None:
                yield made
                index += 1

    def _row(
        self, row: dict[str, Any], name: str, split: Settings, index: int, seen: SeenTexts
    ) -> dict[str, Any] | None:
        """The row as it is written, or None if a filter leaves it out. Raises BadField."""
        request = self.prompts.request(row, self.cfg.max_text_length, has_speech=split.kind == "sft")
        if reason := filtered(row, request.text, request.language, self.cfg.filters, self.cfg.token_rate):
            self.filtered[reason] += 1
            return None
        info = {"index": index, "split": name, "text": request.text}
        info |= {"language": request.language, "voice": request.voice}
        info |= {"instruction": request.instruction} if self.prompts.takes_instructions else {}
        if self.with_readings:
            info[FIELD] = json.dumps(as_field(request.readings)) if request.readings else None
        known = vars(self.cfg.field_values)
        more = [field for field in self.cfg.extra_fields if field not in info]
        info |= {field: check_choice(row, field, known.get(field)) for field in more}
        out: dict[str, Any] = {"data_source": self.recipe.name, "extra_info": info}
        training, answer = not split.held_out, None
        if split.kind == "sft":
            answer = format_speech_tokens(self._speech_tokens(row))
            out["messages"] = [*self.prompts.messages(request, training), {"role": "assistant", "content": answer}]
        else:
            prompt = self.prompts.messages(
                request, training, self._prefix(row, info) if self.cfg.use_speech_prefix else []
            )
            self.prompts.ids(prompt, self.prompts.tokenizer)  # not too many
            judge = {"style": "rule", "ground_truth": request.text}
            out |= {"prompt": prompt, "ability": "text-to-speech", "reward_model": judge}
        self._check_new(request, split, seen, answer)
        if unknown := self.prompts.unknown(request.text, self.prompts.tokenizer):
            self.unknown[name].append(unknown)
        if split.kind == "sft" and (model := check_string(row, SPOKEN_BY, None)):
            self.spoken_by[name].add(model)
        used = {"text", "language", "voice", "instruction", FIELD, SPOKEN_BY, *self.cfg.extra_fields}
        used |= {tokens_of(row)[0]} if split.kind == "sft" or self.cfg.use_speech_prefix else set()
        used |= {"duration"} if asks_for_seconds(self.cfg.filters) else set()
        self.not_carried.update(set(row) - used)
        return out

    def _speech_tokens(self, row: dict[str, Any]) -> list[int]:
        return check_speech_tokens(row, self.recipe.codebook_size, self.cfg.max_speech_tokens)

    def _prefix(self, row: dict[str, Any], info: dict[str, Any]) -> list[int]:
        """Draws the row's speech prefix and writes it into `info`, for the reward."""
        identity = [info["text"], info["language"], info["voice"]]
        span = (self.cfg.speech_prefix.min_seconds, self.cfg.speech_prefix.max_seconds)
        prefix = draw_prefix(self._speech_tokens(row), identity, *span, self.cfg.token_rate, self.recipe.seed)
        info["speech_prefix"] = prefix
        self.without_prefix += not prefix
        return prefix

    def _check_new(self, request: Request, split: Settings, seen: SeenTexts, answer: str | None) -> None:
        """Texts that the model reads alike but for width or composition are the same, and a held-out one is the same as
        one that differs in signs or case, as it is given or as it is read. `answer`: of an sft row, for which many
        speakers may say the same."""
        read = self.prompts.spoken_as(request)
        for key in {spoken_part(request.text), spoken_part(read)}:
            if split.held_out:
                self.held_out.add(key)
            elif (key,) in self.held_out:
                raise BadField("text", f"is also in a held-out split: {request.text}")
        if not seen.add(normalise_text(read), request.language, request.voice, request.instruction, answer):
            same = "language and voice" if answer is None else "language, voice and speech tokens"
            raise BadField("text", f"is there already, with the same {same}: {request.text}")

    def _reject(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < self.cfg.shown_faults:
            self.faults.append(fault)
        self.rejects.write(json.dumps(asdict(fault), ensure_ascii=False) + "\n")

    def _report(self) -> str:
        lines = [f"{self.fault_count} bad rows; nothing was written:", *(f"  {fault}" for fault in self.faults)]
        if more := self.fault_count - len(self.faults):
            lines.append(f"  and {more} more (prepare.shown_faults={self.cfg.shown_faults})")
        return "\n".join(
            [*lines, f"Fix them, or prepare.on_error=skip leaves them out and lists them in {self.cfg.rejects}"]
        )


def push(outputs: list[str], target: str) -> None:
    """Copies finished files into a folder or to hdfs by verl's own helper, which does not say whether that worked.

    Raises:
        RuntimeError: a file is not there afterwards.
    """
    from verl.utils import hdfs_io  # slow to import

    hdfs_io.makedirs(target, exist_ok=True)
    for output in outputs:
        there = f"{target.rstrip('/')}/{Path(output).name}"
        hdfs_io.copy(output, there)
        if not hdfs_io.exists(there):
            raise RuntimeError(f"{output} was not copied to {there} (prepare.push_to); is the program `hdfs` there?")
        print(f"[prepare] {output} -> {there}", flush=True)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `data`."""
    with told_plainly():
        preparation = Preparation(cfg)
        preparation.run()
    if preparation.fault_count:
        print(f"[prepare] {preparation.fault_count} bad rows left out: {cfg.prepare.rejects}", flush=True)
    for reason, count in preparation.filtered.most_common():
        print(f"[prepare] {count} rows filtered: {reason}", flush=True)
    if preparation.without_prefix:
        print(
            f"[prepare] {preparation.without_prefix} rows are too short for a speech prefix and have none", flush=True
        )
    for name, found in preparation.unknown.items():
        characters = "".join(sorted(set("".join(found))))[:40]
        print(f"[prepare] {name}: {len(found)} rows hold characters that the tokenizer does not know: {characters}")
    for line in preparation.prompts.warnings():
        print(f"[prepare] {line}", flush=True)
    for field, count in preparation.not_carried.items():
        print(f"[prepare] field '{field}' of {count} rows was not carried over (prepare.extra_fields)", flush=True)
    if cfg.prepare.push_to:
        push([split.output for split in cfg.prepare.splits.values()], cfg.prepare.push_to)


if __name__ == "__main__":
    main()
