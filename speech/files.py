"""Files that come in are what they should be; results appear whole or not at all: written under a temporary name next
to the target, then renamed."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

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
        raise ValueError(f"{path} {reason}: {expected} is expected there") from None
    if kind != stat.S_IFREG:
        raise ValueError(f"{path} is {_KINDS.get(kind, 'something else')}, not a file: {expected} is expected there")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} may not be read: {expected} is expected there")
    return path


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
            raise ValueError(f"{name}={path} is a directory, and would be written as a file")
        other, other_path = seen.setdefault(_identity(path), (name, path))
        if (other, other_path) != (name, path):
            verb = "is read and" if other in inputs else "and this one"
            raise ValueError(f"{other}={other_path} {verb} would be written as {name}={path}: name another path")


def _identity(path: str | Path) -> tuple[int, int] | str:
    """The same for every name of a file."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return real
    return found.st_dev, found.st_ino


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives the temporary path to write to; renames it to `path` at the end, removes it after an error (disk full)."""
    with whole_files([path]) as (temporary,):
        yield temporary


@contextmanager
def whole_files(paths: Sequence[str | Path]) -> Iterator[list[Path]]:
    """As whole_file, for several: all of them get their names, or none. Where one cannot be renamed, those before it
    are again what they were. Of those that are replaced there is none for a moment, never a half one.

    Raises:
        OSError: one cannot be renamed.
    """
    targets = [Path(path) for path in paths]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    temporaries = [_new(target) for target in targets]
    try:
        yield temporaries
        with ExitStack() as undo:
            for target, temporary in zip(targets, temporaries, strict=True):
                if len(targets) > 1 and target.is_file():
                    kept = _old(target)
                    target.replace(kept)
                    undo.callback(kept.replace, target)
                    temporary.replace(target)
                else:
                    temporary.replace(target)
                    undo.callback(target.unlink)
            undo.pop_all()
    finally:
        for target, temporary in zip(targets, temporaries, strict=True):
            temporary.unlink(missing_ok=True)
            _old(target).unlink(missing_ok=True)


@contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """As whole_file, for a directory. An earlier `path` is replaced: for a moment there is none, never a half one."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _new(target)
    old = _old(target)
    temporary.mkdir()
    try:
        yield temporary
        if target.exists():
            target.replace(old)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _new(target: Path) -> Path:
    return target.with_name(f"{target.name}.{os.getpid()}.tmp")


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.{os.getpid()}.old")
