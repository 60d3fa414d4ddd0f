"""Full disks, and quotas that are used up: the same to a person, another number to the system."""

import errno
import os
import shutil
from pathlib import Path

from merge.choose import TRACKER, last_step, part_of, unfinished
from speech.files import write_text

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota of this disk is used up"}
_ADVICE = "Make room and run it again: what was done stays"


def told(error: OSError) -> str | None:
    """What to say of an error; None if it has nothing to do with room on a disk."""
    return f"{_FULL[error.errno]} ({error}). {_ADVICE}" if error.errno in _FULL else None


def why_failed(folder: Path, said: str, low_mib: int, checkpoints: Path | None = None) -> str | None:
    """What to say of a stage that failed, most likely for want of room; None if there was enough.

    Args:
        folder: in which it works.
        said: the end of its log; a quota is not seen in the free space of a disk.
        low_mib: less free space than this is hardly any.
        checkpoints: folder of a training by verl; one that it could not finish is named, as verl takes it away only
            where it saves the same step again.
    """
    free = shutil.disk_usage(folder).free >> 20
    if free < low_mib:
        full = f"only {free} MiB are free on this disk"
    elif os.strerror(errno.EDQUOT) in said:
        full = _FULL[errno.EDQUOT]
    else:
        return None
    half = [os.path.relpath(path) for path in unfinished(checkpoints)] if checkpoints else []
    return f"{full}. {_ADVICE}" + (f"; half-written and of no use: {', '.join(half)}" if half else "")


def mend_tracker(checkpoints: Path) -> list[str]:
    """verl's tracker of its newest checkpoint, written again where a full disk or a kill left it empty, which verl
    itself could not read; returns a line if so."""
    tracker = checkpoints / TRACKER
    if not tracker.is_file() or tracker.read_text().strip():
        return []
    if (step := last_step(checkpoints, part_of(checkpoints))) is None:
        tracker.unlink()
        return [f"{os.path.relpath(tracker)} was empty, and no checkpoint is whole: deleted"]
    write_text(tracker, str(step))
    return [f"{os.path.relpath(tracker)} was empty: {step} is the newest step that is whole"]
