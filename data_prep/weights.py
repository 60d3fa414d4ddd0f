"""How often a data set is read in an epoch."""

from datasets import Dataset


def repeated(rows: Dataset, epochs: float) -> Dataset:
    """floor(epochs x rows) rows, in order and from the beginning again: the Inworld trainer's weight of a data set."""
    return rows if epochs == 1 else rows.select([i % len(rows) for i in range(int(len(rows) * epochs))])
