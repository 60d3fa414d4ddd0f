"""How often a data set is read in an epoch, of SFT and of GRPO: data.epochs_of_files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from speech.faults import UserError

if TYPE_CHECKING:  # stages/misfits.py imports this file each time run.sh starts
    from datasets import Dataset


def paths(files: str | Sequence[str] | None) -> list[str]:
    """One path, several or none."""
    return [files] if isinstance(files, str) else list(files or [])


def epochs_of(files: Sequence[str], given: Sequence[float] | None) -> list[float]:
    """A number for each file; None: 1. Raises UserError: not as many as files, or one that is not above 0."""
    epochs = [1.0] * len(files) if given is None else list(given)
    if len(epochs) != len(files) or min(epochs, default=1.0) <= 0:
        raise UserError(f"data.epochs_of_files={epochs}: a number above 0 for each of {files}")
    return epochs


def repeated(rows: "Dataset", epochs: float) -> "Dataset":
    """floor(epochs x rows) rows, in order and from the beginning again: the Inworld trainer's weight of a data set."""
    return rows if epochs == 1 else rows.select([i % len(rows) for i in range(int(len(rows) * epochs))])
