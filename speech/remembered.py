"""Results that are kept, bounded by bytes: a few long texts must not fill the memory as many short ones may."""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from cachetools import LRUCache

_WITHOUT_PARTS = frozenset({str, bytes, int, float, bool, type(None)})
_SEQUENCES = frozenset({tuple, list, set, frozenset})
Args, Result = ParamSpec("Args"), TypeVar("Result")


def remembered(
    max_bytes: int, size: Callable[[object], int] | None = None
) -> Callable[[Callable[Args, Result]], Callable[Args, Result]]:
    """Like functools.lru_cache, for functions of hashable positional arguments; safe for several threads.

    What does not fit at all is computed each time. An exception is not kept.

    Args:
        max_bytes: of arguments and results together, as Python counts them.
        size: of (arguments, result), where it can be told more quickly than by `size_of`; not less than that.

    >>> @remembered(max_bytes=1000)
    ... def twice(text):
    ...     print("computed")
    ...     return text * 2
    >>> twice("ab"), twice("ab")
    computed
    ('abab', 'abab')
    """

    def wrap(function: Callable[Args, Result]) -> Callable[Args, Result]:
        cache, lock = LRUCache(max_bytes, getsizeof=lambda kept: kept[2]), threading.Lock()

        @wraps(function)
        def call(*args: Args.args) -> Result:
            with lock:
                if (found := cache.get(args)) is not None:
                    return found[1]
            result = function(*args)
            if (taken := (size or size_of)((args, result))) <= max_bytes:
                with lock:
                    cache[args] = (args, result, taken)
            return result

        call.cache = cache
        return call

    return wrap


def size_of(value: object) -> int:
    """Bytes of a value and of what is in it: in tuples, lists, sets, dictionaries, and attributes of objects. What is
    in it twice counts twice."""
    size, left = 0, [value]
    while left:  # in a loop: it is done once for each transcript of a rollout
        one = left.pop()
        size += sys.getsizeof(one)
        kind = type(one)
        if kind in _WITHOUT_PARTS:
            continue
        if kind in _SEQUENCES:
            left += one
        elif isinstance(one, dict):
            left += one.keys()
            left += one.values()
        elif isinstance(one, tuple | list | set | frozenset):
            left += one
        elif not isinstance(one, str | bytes | int | float):
            left += vars(one).values() if hasattr(one, "__dict__") else ()
            left += (getattr(one, name) for name in getattr(one, "__slots__", ()) if hasattr(one, name))
    return size
