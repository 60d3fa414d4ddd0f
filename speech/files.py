"""Results that appear whole or not at all, and whether what is there was made of the same settings and files."""

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from speech.faults import UserError

_PROCESS = secrets.token_hex(4)  # beside the pid, which containers on one file system may have alike
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # of shared file systems that are mounted without locks


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives the temporary path to write to; renames it to `path` at the end, removes it after an error (disk full)."""
    with whole_files([path]) as (temporary,):
        yield temporary


@contextmanager
def whole_files(paths: Sequence[str | Path]) -> Iterator[list[Path]]:
    """As whole_file, for several: all of them get their names, or none. Where one cannot be renamed, those before it
    are again what they were. Of those that are replaced there is none for a moment, never a half one. One that is there
    with the very same content stays, with its time: large files are known by that (`identities`).

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
                if _same_content(target, temporary):
                    continue
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
def whole_directory(path: str | Path, ours: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """As whole_file, for a directory. An earlier `path` is replaced: for a moment there is none, never a half one.

    Args:
        ours: whether something in an earlier `path` may be replaced. By default all, for folders of a run's own.

    Raises:
        UserError: before anything is written, if there is something else: the user named a folder that is in use.
    """
    target = Path(path)
    others = [file.name for file in target.iterdir() if not ours(file)] if ours and target.is_dir() else []
    if others:
        raise UserError(f"{path} holds {', '.join(sorted(others)[:5])}, which would be lost: name a folder of its own")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = _new(target), _old(target)
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
    return target.with_name(f"{target.name}.{os.getpid()}-{_PROCESS}.tmp")


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.{os.getpid()}-{_PROCESS}.old")


def _same_content(one: Path, other: Path) -> bool:
    if not one.is_file() or not other.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    return _content(one) == _content(other)


def write_text(path: str | Path, text: str) -> None:
    """One string, UTF-8: the file is whole or not there."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_jsonl(path: str | Path, rows: Iterable[Any]) -> None:
    """Rows (dictionaries or dataclasses), one on a line: the file is whole or not there."""
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row if isinstance(row, dict) else asdict(row), ensure_ascii=False) + "\n")


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Rows of a JSONL that this project wrote; others' are for speech.jsonl.read_rows, which names what is bad. A line
    ends at its newline alone: str.splitlines() parts it at a U+2028 or U+0085 in a text, too."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def append_jsonl(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows behind those that are there, on the disk when this returns. Half a line that a kill or a full disk left at
    the end is cut off first: it was no row yet, and another one behind it would be none either."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    with open(path, "ab+") as file:
        if end := file.seek(0, os.SEEK_END):
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def growing_lines(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The whole lines of a growing JSONL from `offset` on, and the offset behind them."""
    if not path.exists():
        return [], offset
    with open(path, "rb") as file:
        file.seek(offset)
        whole, newline, _ = file.read().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()], offset + len(whole) + len(newline)


def files_under(path: Path) -> Iterator[Path]:
    """path itself, or every file under it, sorted; without compiled Python. Nothing where there is nothing."""
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def identities(paths: Iterable[Path], root: Path, content_below: float = inf) -> dict[str, str]:
    """{path relative to root: what tells its content} of these files, and of those in these folders.

    Args:
        content_below: bytes. Up to so many a file is known by its content (SHA-256), a larger one by size and time.
    """
    files = dict.fromkeys(file for path in paths for file in files_under(path))
    return {os.path.relpath(file, root): _identity(file, content_below) for file in files}


def _identity(path: Path, content_below: float) -> str:
    stat = path.stat()
    return _size_and_time(stat) if stat.st_size > content_below else _content(path)


def _size_and_time(stat: os.stat_result) -> str:
    return f"{stat.st_size} bytes of {stat.st_mtime_ns} ns"


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(identities: Mapping[str, str], root: Path) -> dict[str, str]:
    """{file: SHA-256} of those files of `identities` that are known there by size and time, and still have these."""
    return {name: _content_then(root / name, told) for name, told in identities.items() if _is_at(root / name, told)}


def by_content(before: Mapping[str, str], contents: Mapping[str, str], root: Path) -> dict[str, str]:
    """`before` as `identities` would say it now, of files whose time alone is another: they were copied, or written
    again, with the same content.

    Args:
        before: of `identities`.
        contents: of the same files, of the same time.
    """
    found = dict(before)
    for name, content in contents.items():
        path, told = root / name, before.get(name, "")
        if not path.is_file() or told.partition(" ")[0] != str(path.stat().st_size):
            continue
        now = _size_and_time(path.stat())
        if told != now and _content_then(path, now) == content:
            found[name] = now
    return found


def _is_at(path: Path, told: str) -> bool:
    return " " in told and path.is_file() and _size_and_time(path.stat()) == told


@cache
def _content_then(path: Path, _told: str) -> str:
    """Of gigabytes, which are read once in a process; size and time are for the cache."""
    return _content(path)


def paths_in(value: Any) -> Iterator[Path]:
    """The files and folders that there are among the strings in `value` (plain lists and mappings, at any depth)."""
    if isinstance(value, str):
        if value and Path(value).exists():
            yield Path(value)
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from paths_in(one)


def fingerprint(*parts: Any) -> str:
    """SHA-256 of JSON-able parts, whatever the order of keys in them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Keys that only one of the two has, or that have another value there: none, if it is of the same settings."""
    return sorted(
        key for key in before.keys() | now.keys() if key not in before or key not in now or before[key] != now[key]
    )
