"""Outputs whose names may be a user's own files: what a command wrote itself is replaced, and nothing else."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from speech.faults import UserError
from speech.files import identities


def check_writable(outputs: Mapping[str, str], advice: str) -> None:
    """Raises UserError: an output, {key: file}, is a data set of a hub, which a file of that name would hide."""
    if named := [f"{key}={path}" for key, path in outputs.items() if str(path).startswith("hub:")]:
        raise UserError(f"{', '.join(named)}: this is written here, and not read. {advice}")


def written(outputs: Mapping[str, str], made: Sequence[Path], account: Path, advice: str) -> dict[str, str]:
    """{file, from the account's folder: SHA-256} of what was written last, with what takes the outputs' names now.

    Args:
        outputs: {key: file}.
        made: what is to become of each, in order.
        account: JSON of what this returned the last time, if it is there.
        advice: of the message, what to do with files of one's own.

    Raises:
        UserError: an output is there that holds neither this nor what was written last: a file of the user's own.
    """
    folder = account.parent
    before = json.loads(account.read_text()) if account.exists() else {}
    files = [os.path.relpath(path, folder) for path in outputs.values()]
    fresh = dict(zip(files, identities(made, folder).values(), strict=True))
    there = identities(map(Path, outputs.values()), folder)
    foreign = [
        f"{key}={path}"
        for (key, path), name in zip(outputs.items(), files, strict=True)
        if there.get(name, fresh[name]) not in (fresh[name], before.get(name))
    ]
    if foreign:
        raise UserError(
            f"{', '.join(foreign)}: there already, with other rows than were written last, which would be lost. "
            f"{advice}. If it was made here before there was {account}, delete it"
        )
    return before | fresh
