"""Marks of finished stages: exp/<recipe>/marks/<stage>.done, JSON with the hash of everything the result depends on.

config  the composed YAML of the stage's commands with this run's overrides (less `ignored_keys`), and the commands
code    the files named under `code` in the stage's entry, by content
inputs  each file that the stage needs, and what lies beside one of `stand_for_their_folder` (a checkpoint's weights);
        of a stage with `server` also what the reward server needs. By content up to `hash_content_below_mib`, larger
        ones by size and time
reads   the files, in the same way, that the keys under `reads` name: a user's texts, recordings, phonemes. A stage may
        write them itself, so they are looked at again when it is done
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from stages.config import ROOT, has_key
from stages.table import Stage, work_dir

Parts = dict[str, str]


def _files(path: Path) -> Iterator[Path]:
    """path itself, or every file under it in a fixed order; compiled Python is left out."""
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _digest(chunks: Iterable[bytes | str]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        data = chunk.encode() if isinstance(chunk, str) else chunk
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _file_identity(path: Path, content_below: int) -> str:
    stat = path.stat()
    if stat.st_size > content_below:
        return f"{stat.st_size} {stat.st_mtime_ns}"
    return _digest([path.read_bytes()])


def _strings(value: Any) -> list[str]:
    """The strings in a value of the configuration, which may be one, or lists and mappings of some."""
    if isinstance(value, DictConfig | ListConfig):
        return [s for one in (value.values() if isinstance(value, DictConfig) else value) for s in _strings(one)]
    return [value] if isinstance(value, str) else []


def _config_text(cfg: DictConfig, without: Iterable[str]) -> str:
    kept = OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))
    for key in without:
        if has_key(kept, key):
            parent, _, name = key.rpartition(".")
            node = OmegaConf.select(kept, parent) if parent else kept
            del node[name]
    return OmegaConf.to_yaml(kept, sort_keys=True)


class Marks:
    """The marks of one recipe's work folder."""

    def __init__(self, table: DictConfig) -> None:
        self.table = table
        self.folder = work_dir(table) / "marks"

    def parts(self, stage: Stage) -> Parts:
        """Hashes of what the stage's result depends on now; "kept" is config without the keys that may change."""
        ignored = list(stage.spec.get("ignored_keys", self.table.ignored_keys))
        may_change = list(stage.spec.get("may_change", []))
        commands = OmegaConf.to_yaml(stage.spec.commands)
        code = [f for entry in stage.spec.code for f in _files(ROOT / entry) if f.suffix == ".py"]
        return {
            "config": _digest([commands, *(_config_text(cfg, ignored) for cfg in stage.configs())]),
            "kept": _digest([commands, *(_config_text(cfg, ignored + may_change) for cfg in stage.configs())]),
            "code": _digest(x for f in code for x in (os.path.relpath(f, ROOT), f.read_bytes())),
            "inputs": self._identity(self._inputs(stage)),
            **self.reads(stage),
        }

    def reads(self, stage: Stage) -> Parts:
        """Hash of the files that the keys under `reads` name now; a key or file that is not there counts as such."""
        values = [OmegaConf.select(cfg, key) for key in stage.spec.get("reads", []) for cfg in stage.configs()]
        return {"reads": self._identity(ROOT / path for value in values for path in _strings(value))}

    def _inputs(self, stage: Stage) -> list[Path]:
        served = [need.path for need in self.table.stages.serve.needs] if stage.spec.get("server") else []
        paths = [ROOT / path for path in [*(need.path for need in stage.needs()), *served]]
        return [path.parent if path.name in self.table.stand_for_their_folder else path for path in paths]

    def _identity(self, paths: Iterable[Path]) -> str:
        below = self.table.hash_content_below_mib << 20
        files = dict.fromkeys(file for path in paths for file in _files(path))
        return _digest(x for f in files for x in (os.path.relpath(f, ROOT), _file_identity(f, below)))

    def read(self, stage: Stage, kind: str = "done") -> Parts | None:
        """The recorded hashes of a finished ("done") or begun ("begun") stage, None if there is no mark."""
        path = self.folder / f"{stage.name}.{kind}"
        return json.loads(path.read_text()) if path.exists() else None

    def stale(self, stage: Stage, now: Parts) -> str | None:
        """Why the stage has to run: None when it is done with the very same inputs and its results are there."""
        done = self.read(stage)
        if done is None:
            return "not done yet"
        changed = [name for name in ("config", "code", "inputs", "reads") if done.get(name) != now[name]]
        if changed:
            return f"{' and '.join(changed)} changed since it was done"
        gone = [path for path in stage.spec.makes if not (ROOT / path).exists()]
        return f"{', '.join(gone)} is gone" if gone else None

    def write(self, stage: Stage, kind: str, parts: Parts) -> None:
        """Record parts; a finished stage is no longer begun, and a begun one not finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{stage.name}.{kind}"
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps({**parts, "at": time.strftime("%Y-%m-%dT%H:%M:%S")}, indent=1) + "\n")
        os.replace(fresh, path)
        if kind == "begun":
            (self.folder / f"{stage.name}.done").unlink(missing_ok=True)

    def clear_way(self, stage: Stage, now: Parts, force: bool) -> list[str]:
        """Take away what this run must not continue from; returns a line for each thing taken.

        `checkpoints` (a folder of the stage's entry) is renamed, `scratch` is deleted. Both stay when they are of the
        same run: same configuration but for `may_change`, same inputs, and, if it had finished, the same code and, of
        checkpoints, the same `reads`.
        """
        begun, done = self.read(stage, "begun"), self.read(stage)
        kept = ("code", "reads") if "checkpoints" in stage.spec else ("code",)
        same = begun is not None and all(begun[name] == now[name] for name in ("kept", "inputs"))
        if same and not force and (done is None or all(done.get(name) == now[name] for name in kept)):
            return []
        said = []
        checkpoints, scratch = (ROOT / stage.spec[k] if k in stage.spec else None for k in ("checkpoints", "scratch"))
        if checkpoints and checkpoints.exists():
            made = time.strftime("%Y%m%d-%H%M%S", time.localtime(checkpoints.stat().st_mtime))
            aside = checkpoints.with_name(f"{checkpoints.name}.{made}")
            os.replace(checkpoints, aside)
            said.append(f"checkpoints of another run moved to {os.path.relpath(aside, ROOT)}")
        if scratch and scratch.exists():
            shutil.rmtree(scratch)
            said.append(f"{os.path.relpath(scratch, ROOT)} of another run deleted")
        return said
