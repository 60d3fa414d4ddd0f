"""Marks of finished stages: exp/<recipe>/marks/<stage>.done, JSON with all that the result depends on, piece by piece.

config  the composed YAML of the stage's commands with this run's overrides (less `ignored_keys`), and the commands
code    the project's files that those commands import, and those of each class and function that the YAML names; of a
        stage with `server` also the reward server's (speech/imports.py)
server  of a stage with `server`: server.yaml, composed
inputs  each file that the stage needs, and what lies beside one of `stand_for_their_folder` (a checkpoint's weights);
        of a stage with `server` also what the reward server needs. By content up to `hash_content_below_mib`, larger
        ones by size and time; the content of these, where a stage has `checkpoints`, is in `contents`
reads   the files, in the same way, that the keys under `reads` name: a user's texts, recordings, phonemes, and the
        recordings that a file of voices names. A stage may write them itself: they are looked at again when it is done
"""

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf

from speech.files import by_content, changed_keys, contents, identities, write_text
from speech.imports import dotted_names, imported_files
from stages.another_run import as_it_begins, differences
from stages.config import ROOT, config_dir, has_key
from stages.disk import mend_tracker
from stages.table import Stage, work_dir

Parts = dict[str, dict[str, str]]
_KINDS = ("config", "code", "server", "inputs", "reads")
_SHOWN = 3  # of the pieces that changed


def _strings(value: Any) -> list[str]:
    """The strings in a value of the configuration, which may be one, or lists and mappings of some."""
    if isinstance(value, DictConfig | ListConfig):
        return [s for one in (value.values() if isinstance(value, DictConfig) else value) for s in _strings(one)]
    return [value] if isinstance(value, str) else []


def _plain(cfg: DictConfig, without: Iterable[str]) -> dict[str, Any]:
    """The configuration less the keys `without`, interpolations as they are written."""
    kept = OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))
    for key in without:
        if has_key(kept, key):
            parent, _, name = key.rpartition(".")
            node = OmegaConf.select(kept, parent) if parent else kept
            del node[name]
    return OmegaConf.to_container(kept, resolve=False)


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """(dotted key, value as JSON) of each leaf; lists and empty mappings are leaves."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _flat(one, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, json.dumps(value, ensure_ascii=False, default=str)


class Marks:
    """The marks of one recipe's work folder.

    Args:
        table: the recipe's stages.
        serve: the stage serve of this run, with its overrides; None if the server is another's.
    """

    def __init__(self, table: DictConfig, serve: Stage | None = None) -> None:
        self.table, self.serve = table, serve
        self.folder = work_dir(table) / "marks"
        self.aside: dict[Path, Path] = {}  # what the last clear_way renamed, and to what

    def parts(self, stage: Stage) -> Parts:
        """What the stage depends on now, by kind: {name: value or hash}."""
        ignored = stage.spec.get("ignored_keys", self.table.ignored_keys)
        plain = {name: _plain(cfg, ignored) for name, cfg in zip(stage.config_names(), stage.configs(), strict=True)}
        commands = {f"command {i}": f"{c.python} {c.module}" for i, c in enumerate(stage.spec.commands, 1)}
        config = dict(commands)
        for name, one in plain.items():
            for key, value in _flat(one, ""):
                config[key if config.get(key, value) == value else f"{key} ({name}.yaml)"] = value
        config = self._told_by_absence(config)
        names = [*(c.module for c in stage.spec.commands), *dotted_names([*plain.values(), self._wired(stage)])]
        server: dict[str, str] = {}
        if stage.spec.get("server"):
            spec = self.table.stages.serve
            served = _plain(self._server(stage).configs()[0], spec.get("ignored_keys", self.table.ignored_keys))
            server = dict(_flat(served, ""))
            names += [*(c.module for c in spec.commands), *dotted_names(served)]
        return {
            "config": config,
            "code": self._identities(imported_files(names, [ROOT, config_dir(stage.recipe).parent])),
            "server": server,
            "inputs": self._identities(self._needed(stage)),
            **self.reads(stage),
        }

    def _wired(self, stage: Stage) -> list[Any]:
        """Where else names of classes stand: the environment of its commands, and YAML files under `reads`."""
        reads = self._paths_at(stage, stage.spec.get("reads", []))
        files = [path for path in reads if path.suffix in {".yaml", ".yml"} and path.is_file()]
        return [stage.environment(), *(yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)]

    def _server(self, stage: Stage) -> Stage:
        """Stage serve as this run has it; of another's server, with this stage's overrides that it knows."""
        if self.serve:
            return self.serve
        from stages.overrides import Rules, known_to  # imports Hydra's parser, which the other stages need not wait for

        spec = self.table.stages.serve
        known = known_to(stage.recipe, spec.commands[0].config, stage.overrides, Rules.of(self.table))
        return Stage("serve", stage.recipe, spec, known)

    def reads(self, stage: Stage) -> Parts:
        """The part `reads` alone."""
        paths = self._paths_at(stage, stage.spec.get("reads", []))
        for told, keys in stage.spec.get("reads_where", {}).items():
            key, _, value = told.partition("=")
            if any(str(OmegaConf.select(cfg, key)) == value for cfg in stage.configs()):
                paths += self._paths_at(stage, keys)
        voices = self._paths_at(stage, [key for key in stage.spec.get("reads", []) if key in self.table.voices_keys])
        recordings = [ROOT / file for path in voices for voice in _voices(path) for file in voice.files]
        return {"reads": self._identities([*paths, *recordings])}

    def _paths_at(self, stage: Stage, keys: Iterable[str]) -> list[Path]:
        return [ROOT / text for cfg in stage.configs() for key in keys for text in _at(cfg, key)]

    def _needed(self, stage: Stage) -> list[Path]:
        served = [need.path for need in self._server(stage).needs()] if stage.spec.get("server") else []
        paths = [ROOT / path for path in [*(need.path for need in stage.needs()), *served]]
        return [path.parent if path.name in self.table.stand_for_their_folder else path for path in paths]

    def _identities(self, paths: Sequence[Path]) -> dict[str, str]:
        return identities(paths, ROOT, self.table.hash_content_below_mib << 20)

    def read(self, stage: Stage, kind: str = "done") -> Parts | None:
        """What was recorded of a finished ("done") or begun ("begun") stage, None if there is no mark. Of a mark of an
        older version (one hash for all): nothing."""
        path = self._file(stage, kind)
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: found[name] for name in _KINDS if isinstance(found.get(name), dict)}
        for name in {"inputs", "reads"} & parts.keys():
            parts[name] = by_content(parts[name], found.get("contents", {}), ROOT)
        for name, spec in (("config", stage.spec), ("server", self.table.stages.serve)):
            if name in parts:  # a key that is ignored now may stand in a mark of before
                ignored = _dotted(spec.get("ignored_keys", self.table.ignored_keys))
                parts[name] = {k: v for k, v in parts[name].items() if not f"{_plain_key(k)}.".startswith(ignored)}
        if "config" in parts:
            parts["config"] = self._told_by_absence(parts["config"])
        return parts

    def _told_by_absence(self, config: dict[str, str]) -> dict[str, str]:
        """Without keys that came, or went, with this value: a run of before the change is still the same run."""
        absent = dict(_flat(OmegaConf.to_container(self.table.absent_is), ""))
        return {key: value for key, value in config.items() if absent.get(_plain_key(key)) != value}

    def stale(self, stage: Stage, now: Parts) -> str | None:
        """Why the stage has to run: None when it is done with the very same inputs and its results are there."""
        done = self.read(stage)
        if done is None:
            return "not done yet"
        if not done:
            return "its mark is of an older version, which does not say what it was done with"
        changed = [(kind, keys) for kind in _KINDS if (keys := changed_keys(done[kind], now[kind]))]
        if changed:
            return " and ".join(_told(kind, keys) for kind, keys in changed) + " changed since it was done"
        gone = self._gone(stage)
        return f"{', '.join(gone)} is gone" if gone else None

    @staticmethod
    def _gone(stage: Stage) -> list[str]:
        return [path for path in stage.spec.makes if not (ROOT / path).exists()]

    def is_kept(self, stage: Stage, now: Parts) -> bool:
        """Whether a finished stage with `keeps` is of the same settings and inputs, and only made by other code, or
        with another reward server, or has an older mark: to be repeated when it is asked for, and not by itself."""
        done = self.read(stage)
        if done is None or not stage.spec.get("keeps") or self._gone(stage):
            return False
        return not done or not any(changed_keys(done[kind], now[kind]) for kind in ("config", "inputs", "reads"))

    def write(self, stage: Stage, kind: str, parts: Parts) -> None:
        """Record parts; a finished stage is no longer begun, and a begun one not finished. Where checkpoints are at
        stake, large files are recorded by their content, too: a copy of them has another time."""
        files = {**parts["inputs"], **parts["reads"]} if "checkpoints" in stage.spec else {}
        record = {**parts, "contents": contents(files, ROOT), "at": time.strftime("%Y-%m-%dT%H:%M:%S")}
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        write_text(self._file(stage, kind), text)
        if kind == "begun":
            self._file(stage, "done").unlink(missing_ok=True)

    def _file(self, stage: Stage, kind: str) -> Path:
        """The mark of a stage, or of its work in one folder (`mark_of` of its entry): one does not undo the other."""
        folder = str(stage.spec.get("mark_of") or "").replace("/", "_")[-50:]  # a file name has 255 bytes
        return self.folder / f"{stage.name}{'@' if folder else ''}{folder}.{kind}"

    def another_run(self, stage: Stage, now: Parts) -> list[str]:
        """What makes this another run than the one that left checkpoints or scratch; none: it goes on from there."""
        return differences(stage.spec, self.read(stage, "begun"), self.read(stage), now)

    def as_it_begins(self, stage: Stage, force: bool) -> Stage:
        """The stage as its checks are to see it, see stages/another_run.py."""
        return as_it_begins(stage, lambda: self._moves_aside(stage, force))

    def _moves_aside(self, stage: Stage, force: bool) -> bool:
        return force or (not self.table.go_on and bool(self.another_run(stage, self.parts(stage))))

    def clear_way(self, stage: Stage, now: Parts, force: bool) -> list[str]:
        """Take away what this run must not continue from; returns a line for each thing taken.

        `checkpoints` (a folder of the stage's entry) is renamed, and `of_checkpoints`, what other stages made of what
        is in it, with it; `scratch` is deleted. All stay when they are of the same run (stages/another_run.py), or the
        table's `go_on` says so, and what differs is told.
        `account`, in which commands keep themselves what they made of which settings, is deleted if `force`.
        """
        self.aside = {}
        checkpoints, scratch = (ROOT / stage.spec[k] if k in stage.spec else None for k in ("checkpoints", "scratch"))
        others = [] if force else self.another_run(stage, now)
        if not others and not force:
            return mend_tracker(checkpoints) if checkpoints else []
        if not force and self.table.go_on and self.goes_on(stage):
            mended = mend_tracker(checkpoints) if checkpoints else []
            return [f"{stage.name} goes on from what is there (go_on=true), though {'; '.join(others)}", *mended]
        why = f" ({'; '.join(others)})" if others else ""
        said = []
        if force and "account" in stage.spec:
            folder, _, name = stage.spec.account.rpartition("/")
            for account in (ROOT / folder).glob(name):
                account.unlink()
        if checkpoints and checkpoints.exists():
            made = time.strftime(".%Y%m%d-%H%M%S", time.localtime(checkpoints.stat().st_mtime))
            there = [path for name in stage.spec.get("of_checkpoints", []) if (path := ROOT / name).exists()]
            for more in chain([""], (f"-{n}" for n in count(2))):
                self.aside = {path: path.with_name(f"{path.name}{made}{more}") for path in (*there, checkpoints)}
                if not any(path.exists() for path in self.aside.values()):
                    break
            for path, away in self.aside.items():  # checkpoints last: an interruption leaves them to be moved next time
                os.replace(path, away)
            said.append(f"checkpoints of another run moved to {os.path.relpath(self.aside[checkpoints], ROOT)}{why}")
        if scratch and scratch.exists():
            shutil.rmtree(scratch)
            said.append(f"{os.path.relpath(scratch, ROOT)} of another run deleted{why}")
        return said

    @staticmethod
    def goes_on(stage: Stage) -> bool:
        """Whether a stage continues from what clear_way has left: a whole checkpoint of verl's, not the curves that lie
        in its folder before there is one; or what is in `scratch`."""
        last = {"checkpoints": "latest_checkpointed_iteration.txt", "scratch": ""}
        return any((ROOT / stage.spec[key] / name).exists() for key, name in last.items() if key in stage.spec)

    @contextmanager
    def or_back(self) -> Iterator[None]:
        """What clear_way renamed gets its names back where the block ends by an exception: nothing was begun."""
        try:
            yield
        except BaseException:
            for path, away in self.aside.items():
                if away.exists() and not path.exists():
                    os.replace(away, path)
                    print(f"run.sh: {os.path.relpath(path, ROOT)} is where it was", flush=True)
            raise


def _plain_key(key: str) -> str:
    """Without the file that stands behind a key which several have: see `Marks.parts`."""
    return key.partition(" (")[0]


def _dotted(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{key}." for key in keys)


def _told(kind: str, keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{kind} ({', '.join(keys[:_SHOWN])}{more})"


def _at(cfg: DictConfig, key: str) -> list[str]:
    return _strings(OmegaConf.select(cfg, key)) if has_key(cfg, key) else []


def _voices(path: Path) -> list[Any]:
    """The voices of a file; none of one that is not there or wrong, which the stage itself will say."""
    from speech.voices import read_voices  # pydantic, which run.sh needs for nothing else

    with suppress(ValueError, FileNotFoundError):
        return list(read_voices(str(path)).values())
    return []
