"""What a model is tested with and what it learns: whether a sentence is in both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from data_prep.jsonl import spoken_part
from data_prep.learned import texts_of
from data_prep.prompts import PromptMaker
from speech.jsonl import BadField


def keys(row: Mapping[str, Any], maker: PromptMaker) -> set[str]:
    """By what stage data tells sentences apart: the row's text as it is given and as the model reads it. Raises
    BadField."""
    request = maker.request({"text": row["text"], "language": row["language"]}, has_speech=True)
    return {spoken_part(request.text), spoken_part(maker.spoken_as(request))}


def keys_of(parquets: Iterable[str | Path], maker: PromptMaker) -> Iterator[str]:
    """`keys` of all rows. A text that the recipe refuses is in none of its rows, and has none."""
    for row in (row for parquet in parquets for row in texts_of(parquet)):
        with suppress(BadField):
            yield from keys(row, maker)


def tested(rows: Sequence[Mapping[str, Any]], recipe: DictConfig) -> int:
    """How many of the rows are of a sentence that recipe.rl_test, if it is there, holds: of those stage eval says
    nothing any more."""
    if not rows or not Path(recipe.rl_test).is_file():
        return 0
    maker = PromptMaker(recipe)
    held_out = set(keys_of([recipe.rl_test], maker))
    return sum(not keys(row, maker).isdisjoint(held_out) for row in rows)
