"""Parquets that stage data wrote, seen by stage sft before it learns from them."""

from collections.abc import Iterator
from pathlib import Path

from speech.paths import input_file

_READ = ["extra_info.text", "extra_info.language"]


def texts_of(parquet: str | Path) -> Iterator[dict[str, str]]:
    """{"text", "language"} of each row of a parquet that stage data wrote; nothing of another one. Raises
    FileNotFoundError."""
    import pyarrow.parquet as pq  # here: the reward's environment, which reads scores alone, has none

    file = pq.ParquetFile(input_file(parquet, "a parquet of stage data"))
    if set(_READ) <= {file.schema.column(place).path for place in range(len(file.schema))}:
        for batch in file.iter_batches(columns=_READ):
            yield from batch.column(0).to_pylist()
