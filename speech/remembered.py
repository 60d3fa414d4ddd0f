"""Results that are kept, bounded by bytes: a few long texts must not fill the memory as many short ones may."""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from cachetools import LRUCache

Args, Result = ParamSpec("Args"), TypeVar("Result")


def remembered(max_bytes: int) -> Callable[[Callable[Args, Result]], Callable[Args, Result]]:
    """Like functools.lru_cache, for functions of hashable positional arguments; safe for several threads.

    What does not fit at all is computed each time. An exception is not kept.

    Args:
        max_bytes: of arguments and results together, as Python counts them.

    >>> @remembered(max_bytes=1000)
    ... def twice(text):
    ...     print("computed")
    ...     return text * 2
    >>> twice("ab"), twice("ab")
    computed
    ('abab', 'abab')
    """

    def wrap(function: Callable[Args, Result]) -> Callable[Args, Result]:
        cache, lock = LRUCache(max_bytes, getsizeof=size_of), threading.Lock()

        @wraps(function)
        def call(*args: Args.args) -> Result:
            with lock:
                if (found := cache.get(args)) is not None:
                    return found[1]
            result = function(*args)
            kept = (args, result)
            if size_of(kept) <= max_bytes:
                with lock:
                    cache[args] = kept
            return result

        call.cache = cache
        return call

    return wrap


def size_of(value: object) -> int:
    """Bytes of a value and of what is in it: in tuples, lists, sets, dictionaries, and attributes of objects. What is
    in it twice counts twice."""
    size = sys.getsizeof(value)
    if isinstance(value, str | bytes | int | float | type(None)):
        return size
    if isinstance(value, dict):
        return size + sum(size_of(key) + size_of(one) for key, one in value.items())
    if isinstance(value, tuple | list | set | frozenset):
        return size + sum(map(size_of, value))
    attributes = [*vars(value).values()] if hasattr(value, "__dict__") else []
    attributes += [getattr(value, name) for name in getattr(value, "__slots__", ()) if hasattr(value, name)]
    return size + sum(map(size_of, attributes))
