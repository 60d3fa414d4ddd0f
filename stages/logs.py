"""The log of what is started: a training that goes on adds to its own, all else begins one, and old ones stay."""

import os
import time
from pathlib import Path


def begin(log: Path, goes_on: bool, kept: int) -> None:
    """Makes way for a log, or a line between what was and what comes.

    Args:
        log: file NAME.log; it need not be there, nor its folder.
        goes_on: what it is of continues. Else a file that is there becomes NAME.TIME.log, by when it was last written.
        kept: so many of those stay, the newest.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        return
    if goes_on:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"\nrun.sh: it goes on, {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        return
    made = time.strftime("%Y%m%d-%H%M%S", time.localtime(log.stat().st_mtime))
    os.replace(log, log.with_suffix(f".{made}.log"))
    for old in sorted(log.parent.glob(f"{log.stem}.[0-9]*-[0-9]*.log"))[: -kept or None]:
        old.unlink()
