"""What can be said of all recordings before the hours of encoding: whether their rows are sound and their files there,
and whether enough are held out."""

import heapq
import json
import math
from collections.abc import Iterator
from hashlib import blake2b

from omegaconf import DictConfig

from data_prep.recordings import filters, read_recordings
from speech.faults import UserError
from speech.jsonl import BadRows, Fault
from speech.paths import input_file

_LISTED = 20  # faults, each with its whole row: of a million rows in a wrong folder they would be most of a gigabyte


def place_of(sample: str) -> int:
    """Where a recording stands in the draw of those that are held out, below 2**32: by its own line, so that it does
    not depend on the number of workers."""
    return int.from_bytes(blake2b(sample.encode(), digest_size=4).digest(), "big")


def check_list(own: DictConfig) -> None:
    """Whether all rows are sound, and their files there, unless on_error=skip leaves them out; and whether enough
    recordings are held out, counted one by one, as the share of a small corpus may draw none.

    Args:
        own: branch `vectorize`. Without a val_share nothing is held out, and nothing is wanted.

    Raises:
        BadRows: rows that are none, or whose files cannot be read: the first of them, and how many there are.
        ValueError: fewer than vectorize.least_held_out, with a share that holds out so many.
    """
    checks, wanted = filters(own.filters), own.least_held_out
    faults: list[Fault] = []
    unlisted = 0
    if not own.val_share and own.on_error == "skip":
        return

    def bad(fault: Fault) -> None:
        nonlocal unlisted
        if len(faults) < _LISTED:
            faults.append(fault)
        else:
            unlisted += 1

    def used() -> Iterator[str]:
        for one in read_recordings(own.input):
            if isinstance(one, Fault):
                bad(one)
            elif not any(check(one) for check in checks):
                row = json.dumps(one.row, ensure_ascii=False)
                if own.on_error == "stop" and (reason := _no_file(one.wav_path)):
                    bad(Fault(own.input, one.line, "wav_path", reason, row))
                yield row

    first = heapq.nsmallest(wanted, map(place_of, used()))
    if faults and own.on_error == "stop":
        then = "nothing was encoded (vectorize.on_error=skip leaves them out)"
        raise BadRows(faults, then=then, unlisted=unlisted)
    if not own.val_share:
        return
    drawn = sum(place < own.val_share * 2**32 for place in first)
    if drawn >= wanted:
        return
    if len(first) < wanted:
        more = f"and only {len(first)} are left by vectorize.filters"
    else:
        share = (first[-1] + 1) / 2**32
        digits = 1 - math.floor(math.log10(share))
        more = f"such as vectorize.val_share={math.ceil(share * 10**digits) / 10**digits:g}, which does"
    raise UserError(
        f"vectorize.val_share={own.val_share} holds out {drawn} recordings of {own.input}, too few: {wanted} are "
        f"wanted (vectorize.least_held_out; two give one text to test with); a larger share, {more}"
    )


def _no_file(path: str) -> str | None:
    try:
        input_file(path, "a recording")
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    return None
