"""Full disks, and quotas that are used up: the same to a person, another number to the system."""

import errno
import os
import shutil
from pathlib import Path

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota of this disk is used up"}
_ADVICE = "Make room and run it again: what was done stays"


def told(error: OSError) -> str | None:
    """What to say of an error; None if it has nothing to do with room on a disk."""
    return f"{_FULL[error.errno]} ({error}). {_ADVICE}" if error.errno in _FULL else None


def why_failed(folder: Path, said: str, low_mib: int) -> str | None:
    """What to say of a stage that failed, most likely for want of room; None if there was enough.

    Args:
        folder: in which it works.
        said: the end of its log; a quota is not seen in the free space of a disk.
        low_mib: less free space than this is hardly any.
    """
    free = shutil.disk_usage(folder).free >> 20
    if free < low_mib:
        return f"only {free} MiB are free on this disk. {_ADVICE}"
    return f"{_FULL[errno.EDQUOT]}. {_ADVICE}" if os.strerror(errno.EDQUOT) in said else None
