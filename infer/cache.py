"""What was heard, kept by what was heard: the same tokens through the same codec and ear are not listened to twice.

The SFT model's utterances, say, are the same in the evaluation of every GRPO run.
"""

import fcntl
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from omegaconf import DictConfig, OmegaConf

from speech.files import NO_LOCKS, fingerprint, identities, paths_in
from speech.imports import ROOT, dotted_names, imported_files
from speech.voices import read_voices


def identity(module: str, cfg: DictConfig, parts: Sequence[str]) -> str:
    """Hash of everything that what a module makes of utterances depends on: settings, models, voices and their
    recordings, and the code. Models are known by their files.

    Args:
        module: dotted.
        cfg: the stage's configuration, of which `token2wav.voices` and `cache.hash_content_below_mib` are read, too.
        parts: its keys that count.
    """
    options = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in parts}
    voices = read_voices(cfg.token2wav.get("voices")).values()
    read = [*paths_in(options), *(Path(file) for voice in voices for file in voice.files)]
    below = cfg.cache.hash_content_below_mib << 20
    return fingerprint(options, *(identities(paths, ROOT, below) for paths in (code_of(module, options), read)))


def code_of(module: str, options: dict[str, Any]) -> list[Path]:
    """The project's files of a module and of the classes that options name."""
    return imported_files([module, *dotted_names(options)])


def _address(path: Path) -> str:
    """Of the file, as SQLite opens it. On a file system without locks SQLite waits for one until it gives up."""
    address = path.absolute().as_uri()
    try:
        with TemporaryFile(dir=path.parent) as file:  # not `path`: closing it would end the locks of this process on it
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        why = f"{path} cannot be locked ({error.strerror})"
        print(f"{why}: let no other process use it, or choose another cache.path", flush=True)
        return f"{address}?vfs=unix-none"
    return address


class Cache:
    """A mapping from JSON-able keys to JSON-able values in one SQLite file; every `store` is a transaction."""

    def __init__(self, path: str, fingerprint: str):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        address = _address(Path(path))
        self._database = sqlite3.connect(address, timeout=600, uri=True)  # several processes may hear at once
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
