"""Parquets that stage data wrote, seen by stage sft before it learns from them."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from omegaconf import DictConfig

from data_prep.jsonl import spoken_part
from speech.paths import input_file

SPOKEN_BY = "spoken_by"  # of a row, the checkpoint whose speech it is; in a parquet's own account a list of them
_READ = ["extra_info.text", "extra_info.language"]


def texts_of(parquet: str | Path) -> Iterator[dict[str, str]]:
    """{"text", "language"} of each row of a parquet that stage data wrote; nothing of another one. Raises
    FileNotFoundError."""
    import pyarrow.parquet as pq  # here: the reward's environment, which reads scores alone, has none

    file = pq.ParquetFile(input_file(parquet, "a parquet of stage data"))
    if set(_READ) <= {file.schema.column(place).path for place in range(len(file.schema))}:
        for batch in file.iter_batches(columns=_READ):
            yield from batch.column(0).to_pylist()


def remarks(parquets: Iterable[str], recipe: DictConfig, model: str | None) -> Iterator[str]:
    """What a person should know before SFT learns from them, beginning with `model` (None: with nothing):

    - how many rows are of a sentence that recipe.rl_test, if it is there, holds, by their texts as given (of what it
      makes at once stage data leaves them out, also as read);
    - that they are the best of another model's speech (`pairs.best`), with which one might go on instead.
    """
    parquets = list(parquets)
    if Path(recipe.rl_test).is_file():
        held_out = {spoken_part(row["text"]) for row in texts_of(recipe.rl_test)}
        learned = [spoken_part(row["text"]) in held_out for parquet in parquets for row in texts_of(parquet)]
        if count := sum(learned):
            told = f"{count} of {len(learned)} rows are sentences of recipe.rl_test={recipe.rl_test}: of these stage"
            yield f"{told} eval then says nothing. Prepare both at once (docs/data.md), or with prepare.held_out_too"
    for parquet in parquets:
        begins = None if model is None else os.path.realpath(model)
        if others := [one for one in _speakers(parquet) if os.path.realpath(one) != begins]:
            told = f"{parquet} is speech of {', '.join(others)}, and this begins with {model or 'nothing'}:"
            yield f"{told} recipe.sft_base (tiny_mandarin: sft.start) names what SFT goes on from"


def _speakers(parquet: str) -> list[str]:
    import pyarrow.parquet as pq

    return json.loads((pq.read_metadata(parquet).metadata or {}).get(SPOKEN_BY.encode(), "[]"))
