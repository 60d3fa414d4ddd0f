"""Files that users name: what comes in is a file, and what goes out is nothing that came in."""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from speech.faults import UserError

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def input_file(path: str | Path, expected: str) -> Path:
    """The path, if it is a file that can be read.

    Args:
        path: of the file.
        expected: what it should hold, for the message.

    Raises:
        FileNotFoundError: there is nothing, or a link to nothing.
        ValueError: it is something else (a directory, a pipe, a loop of links), or may not be read.
    """
    path = Path(path)
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except FileNotFoundError:
        missing = f"is a link to {path.readlink()}, which is missing" if path.is_symlink() else "is missing"
        raise FileNotFoundError(f"{path} {missing}: {expected} is expected there") from None
    except OSError as error:
        reason = "is a loop of links" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise UserError(f"{path} {reason}: {expected} is expected there") from None
    if kind != stat.S_IFREG:
        raise UserError(f"{path} is {_KINDS.get(kind, 'something else')}, not a file: {expected} is expected there")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read: {expected} is expected there")
    return path


def relative(path: str | Path, folder: str | Path) -> str:
    """The path from where the folder really lies: written into a file there it leads back, whatever links lead to the
    folder or to the path's own. A path that is itself a link keeps its name."""
    path = Path(path)
    return os.path.relpath(path.parent.resolve() / path.name, Path(folder).resolve())


def check_outputs(
    inputs: Mapping[str, str | Path | None],
    outputs: Mapping[str, str | Path | None],
    folders: Mapping[str, str | Path | None] | None = None,
) -> None:
    """No output is an input, or another output, under whatever name (links, `..`). To be asked before anything is
    written.

    Args:
        inputs, outputs: {what it is called, such as its key in the configuration: path}; None is no file.
        folders: outputs that are folders.

    Raises:
        ValueError: two are one, or an output cannot be a file (a folder).
    """
    seen = {_identity(path): (name, path) for name, path in inputs.items() if path is not None}
    for name, path in [*outputs.items(), *(folders or {}).items()]:
        if path is None:
            continue
        if Path(path).is_dir() and name not in (folders or {}):
            raise UserError(f"{name}={path} is a directory, and would be written as a file")
        other, other_path = seen.setdefault(_identity(path), (name, path))
        if (other, other_path) != (name, path):
            verb = "is read and" if other in inputs else "and this one"
            raise UserError(f"{other}={other_path} {verb} would be written as {name}={path}: name another path")


def _identity(path: str | Path) -> tuple[int, int] | str:
    """The same for every name of a file."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return real
    return found.st_dev, found.st_ino
