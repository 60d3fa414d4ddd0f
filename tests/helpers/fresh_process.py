"""Code in a process that has imported neither verl nor our plugins, but what they import, which takes 5 s."""

import os
from concurrent.futures import ProcessPoolExecutor

from tests.helpers.forked import server


def found_by(code: str, **environment: str) -> object:
    """What `code` assigns to the name `found`, in a process of its own with these variables changed.

    Raises:
        Exception: of the code, with its traceback.
    """
    with ProcessPoolExecutor(1, server()) as pool:
        return pool.submit(_run, code, environment).result()


def _run(code: str, environment: dict[str, str]) -> object:
    os.environ.update(environment)
    names: dict[str, object] = {}
    exec(code, names)
    return names["found"]
