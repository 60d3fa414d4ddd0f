"""Which recordings are held out, and whether they are enough, before the hours of encoding."""

import heapq
import json
import math
from hashlib import blake2b

from omegaconf import DictConfig

from data_prep.recordings import filters, read_recordings
from speech.jsonl import Fault


def place_of(sample: str) -> int:
    """Where a recording stands in the draw of those that are held out, below 2**32: by its own line, so that it does
    not depend on the number of workers."""
    return int.from_bytes(blake2b(sample.encode(), digest_size=4).digest(), "big")


def check_held_out(own: DictConfig) -> None:
    """Whether enough recordings are held out, counted one by one: encoding them takes hours, and the share of a small
    corpus may draw none.

    Args:
        own: branch `vectorize`. Without a val_share nothing is held out, and nothing is wanted.

    Raises:
        ValueError: fewer than vectorize.least_held_out, with a share that holds out so many.
    """
    if not own.val_share:
        return
    checks, wanted = filters(own.filters), own.least_held_out
    read = (one for one in read_recordings(own.input) if not isinstance(one, Fault))
    used = (json.dumps(one.row, ensure_ascii=False) for one in read if not any(check(one) for check in checks))
    first = heapq.nsmallest(wanted, map(place_of, used))
    drawn = sum(place < own.val_share * 2**32 for place in first)
    if drawn >= wanted:
        return
    if len(first) < wanted:
        more = f"and only {len(first)} are left by vectorize.filters"
    else:
        share = (first[-1] + 1) / 2**32
        digits = 1 - math.floor(math.log10(share))
        more = f"such as vectorize.val_share={math.ceil(share * 10**digits) / 10**digits:g}, which does"
    raise ValueError(
        f"vectorize.val_share={own.val_share} holds out {drawn} recordings of {own.input}, too few: {wanted} are "
        f"wanted (vectorize.least_held_out; two give one text to test with); a larger share, {more}"
    )
