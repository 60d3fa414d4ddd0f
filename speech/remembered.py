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
    """Bytes of a value and of what is in its tuples, lists, sets and dictionaries."""
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(size_of(key) + size_of(one) for key, one in value.items())
    return size + sum(map(size_of, value)) if isinstance(value, tuple | list | set | frozenset) else size
