"""What was heard, kept by what was heard: the same tokens through the same codec and ear are not listened to twice.

The SFT model's utterances, say, are the same in the evaluation of every GRPO run.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def fingerprint(options: Any, code: Iterable[str | Path], files: Iterable[str] = ()) -> str:
    """Hash of everything that what is heard depends on.

    Args:
        options: JSON-able. A string in it that is the path of a file counts with its content; of a folder (models
            of many GB), name, size and time of each file in it.
        code: folders whose Python files count by content.
        files: further ones, by size and time.
    """
    paths = [Path(text) for text in _strings(options) if text and os.path.exists(text)]
    sources = sorted(path for folder in code for path in Path(folder).rglob("*.py"))
    seen = [f for p in paths if p.is_dir() for f in sorted(p.rglob("*")) if f.is_file()] + [Path(f) for f in files]
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in seen]
    contents = [(str(path), _content(path)) for path in [*sources, *(p for p in paths if p.is_file())]]
    return hashlib.sha256(json.dumps([options, stats, contents], sort_keys=True).encode()).hexdigest()


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _strings(options: Any) -> Iterator[str]:
    if isinstance(options, str):
        yield options
    elif isinstance(options, dict | list):
        for value in options.values() if isinstance(options, dict) else options:
            yield from _strings(value)


class Cache:
    """A mapping from JSON-able keys to JSON-able values in one SQLite file; every `store` is a transaction."""

    def __init__(self, path: str, fingerprint: str):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path)
        self._database.execute("CREATE TABLE IF NOT EXISTS heard (key TEXT PRIMARY KEY, value TEXT)")
        self._fingerprint = fingerprint

    def _key(self, key: Any) -> str:
        return hashlib.sha256((self._fingerprint + json.dumps(key)).encode()).hexdigest()

    def get(self, key: Any) -> Any | None:
        """The value, or None."""
        row = self._database.execute("SELECT value FROM heard WHERE key = ?", (self._key(key),)).fetchone()
        return None if row is None else json.loads(row[0])

    def store(self, items: Iterable[tuple[Any, Any]]) -> None:
        """Adds (key, value) pairs, all or none."""
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO heard VALUES (?, ?)",
                [(self._key(key), json.dumps(value, ensure_ascii=False)) for key, value in items],
            )
