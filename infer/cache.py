"""What was heard, kept by what was heard: the same tokens through the same codec and ear are not listened to twice.

The SFT model's utterances, say, are the same in the evaluation of every GRPO run.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Cache:
    """A mapping from JSON-able keys to JSON-able values in one SQLite file; every `store` is a transaction."""

    def __init__(self, path: str, fingerprint: str):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=600)  # several processes may hear at once
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
