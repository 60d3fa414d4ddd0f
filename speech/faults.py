"""Faults that are a user's to mend, and how a stage's command ends by one."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """A setting, file or row of the user's is at fault; the message says what to do."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """What the user is at fault for ends the program with its message and without a traceback; around what a command
    does, or `@told_plainly()` below `@hydra.main(...)`. A file that is missing is told so where this project looked for
    it and says what was expected; one that another library or a bug of ours failed to open has the system's error
    number, and keeps its traceback."""
    try:
        yield
    except UserError as error:
        raise SystemExit(str(error)) from None
    except FileNotFoundError as error:
        if error.errno is not None:
            raise
        raise SystemExit(str(error)) from None
