"""Code in a process that has imported neither verl nor our plugins, but what they import, which takes 5 s."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from tests.helpers.forked import server


@contextmanager
def fresh(**environment: str | None) -> Iterator[Callable[[str], object]]:
    """A function: code -> what it assigns to the name `found`; all in one process, so that what one code has imported
    is there for the next one. `environment`: variables changed before, or (None) taken away.

    Raises (the function):
        Exception: of the code, with its traceback.
    """
    with ProcessPoolExecutor(1, server(), _begin, (environment,)) as pool:
        yield lambda code: pool.submit(_run, code).result()


def found_by(code: str, **environment: str | None) -> object:
    """The same for one code in a process of its own."""
    with fresh(**environment) as run:
        return run(code)


def _begin(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _run(code: str) -> object:
    names: dict[str, object] = {}
    exec(code, names)
    return names["found"]
