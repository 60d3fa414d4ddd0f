"""Stage `data`, second half: JSON/JSONL texts -> checked, normalised, templated parquet in verl's schema.

    python -m data_prep.prepare --config-path <recipes/NAME> --config-name data [prepare.on_error=skip]

All outputs appear together, each whole, or none does. By default one bad row stops the run, with a list of them;
`prepare.on_error=skip` leaves them out, counts them and writes them to `prepare.rejects`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import hydra
import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import DictConfig

from data_prep import phoneme_in
from data_prep.jsonl import BadField, Fault, SeenTexts, check_speech_tokens, check_string, check_text, read_rows
from data_prep.voices import read_voices, voice_of
from data_prep.whole import whole_file
from reward_tts.speech_tokens import format_speech_tokens
from reward_tts.text_norm import normalise

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def schema(kind: str, extra_fields: list[str]) -> pa.Schema:
    """Columns of an `rl` or `sft` parquet; `extra_fields` are further strings in extra_info."""
    info = [("index", pa.int64()), ("split", pa.string()), ("text", pa.string())]
    info += [(name, pa.string()) for name in ("language", "voice", *extra_fields)]
    columns = [("data_source", pa.string()), ("extra_info", pa.struct(info))]
    if kind == "sft":
        return pa.schema([*columns, ("messages", _MESSAGES)])
    model = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])
    return pa.schema([*columns, ("prompt", _MESSAGES), ("ability", pa.string()), ("reward_model", model)])


class Preparation:
    """One run; `cfg` is recipes/NAME/data.yaml composed."""

    def __init__(self, cfg: DictConfig):
        self.recipe, self.cfg = cfg.recipe, cfg.prepare
        self.template: Callable[..., list[dict[str, str]]] = hydra.utils.get_method(cfg.recipe.prompt_template)
        self.voices = read_voices(cfg.recipe.voices)
        self.phonemes = phoneme_in.of_recipe(cfg.recipe)
        self.held_out = SeenTexts()
        self.faults: list[Fault] = []  # those that will be shown
        self.fault_count = 0
        self.not_carried: Counter[str] = Counter()
        for key, value, known in [("on_error", cfg.prepare.on_error, ("stop", "skip"))] + [
            (f"splits.{name}.kind", split.kind, ("rl", "sft")) for name, split in cfg.prepare.splits.items()
        ]:
            if value not in known:
                raise ValueError(f"prepare.{key}={value}: known are {', '.join(known)}")

    def run(self) -> dict[str, int]:
        """Writes all splits; the number of rows of each.

        Raises:
            ValueError: bad rows and on_error=stop, or a split without a good row. Nothing is written then.
        """
        splits = sorted(
            self.cfg.splits.items(), key=lambda item: not item[1].held_out
        )  # held-out texts are known first
        counts = {}
        with ExitStack() as outputs:
            self.rejects = outputs.enter_context(whole_file(self.cfg.rejects)).open("w", encoding="utf-8")
            outputs.callback(self.rejects.close)
            for name, split in splits:
                counts[name] = self._write(name, split, outputs.enter_context(whole_file(split.output)))
            self.rejects.close()  # what may fail for want of space fails before the first output has its name
            if self.fault_count and self.cfg.on_error == "stop":
                raise ValueError(self._report())
            if empty := [name for name, count in counts.items() if not count]:
                raise ValueError(f"no good row in {', '.join(empty)}\n{self._report()}")
        return counts

    def _write(self, name: str, split: DictConfig, temporary: Path) -> int:
        columns, count, before = schema(split.kind, list(self.cfg.extra_fields)), 0, self.fault_count
        rows = self._rows(name, split)
        with pq.ParquetWriter(temporary, columns) as writer:
            while chunk := list(islice(rows, self.cfg.batch_rows)):
                writer.write_batch(pa.RecordBatch.from_pylist(chunk, schema=columns))
                count += len(chunk)
        print(f"[prepare] {name}: {count} rows, {self.fault_count - before} bad -> {split.output}", flush=True)
        return count

    def _rows(self, name: str, split: DictConfig) -> Iterator[dict[str, Any]]:
        seen, index = SeenTexts(), 0
        for line, raw, value in read_rows(split.input):
            try:
                if isinstance(value, BadField):
                    raise value
                yield self._row(value, name, split, index, seen)
                index += 1
            except BadField as bad:
                self._reject(Fault(split.input, line, bad.field, bad.reason, raw))

    def _row(self, row: dict[str, Any], name: str, split: DictConfig, index: int, seen: SeenTexts) -> dict[str, Any]:
        text = check_text(row, self.cfg.max_text_length)
        language, voice = check_string(row, "language", self.recipe.language), check_string(row, "voice", None)
        if not normalise(text, language):
            raise BadField("text", f"has nothing to be spoken: {text}")
        info = {"index": index, "split": name, "text": text, "language": language, "voice": voice}
        info |= {field: check_string(row, field, None) for field in self.cfg.extra_fields}
        out: dict[str, Any] = {"data_source": self.recipe.name, "extra_info": info}
        try:
            said = self.phonemes(text, language, not split.held_out)
            prompt = self.template(said, voice=voice_of(voice, self.voices))
        except ValueError as error:
            raise BadField("voice" if voice else "text", str(error)) from error
        if split.kind == "sft":
            tokens = check_speech_tokens(row, self.recipe.codebook_size, self.cfg.max_speech_tokens)
            out["messages"] = [*prompt, {"role": "assistant", "content": format_speech_tokens(tokens)}]
        else:
            ability, judge = "text-to-speech", {"style": "rule", "ground_truth": text}
            out |= {"prompt": prompt, "ability": ability, "reward_model": judge}
        if split.held_out:
            self.held_out.add(text)
        elif (text,) in self.held_out:
            raise BadField("text", f"is also in a held-out split: {text}")
        if not seen.add(text, language, voice):
            raise BadField("text", f"is there already, with the same language and voice: {text}")
        used = {
            "text",
            "language",
            "voice",
            *self.cfg.extra_fields,
            *(["speech_tokens"] if split.kind == "sft" else []),
        }
        self.not_carried.update(set(row) - used)
        return out

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
            [*lines, f"Mend them, or prepare.on_error=skip leaves them out and lists them in {self.cfg.rejects}"]
        )


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `data`."""
    preparation = Preparation(cfg)
    preparation.run()
    if preparation.fault_count:
        print(f"[prepare] {preparation.fault_count} bad rows left out: {cfg.prepare.rejects}", flush=True)
    for field, count in preparation.not_carried.items():
        print(f"[prepare] field '{field}' of {count} rows was not carried over (prepare.extra_fields)", flush=True)


if __name__ == "__main__":
    main()
