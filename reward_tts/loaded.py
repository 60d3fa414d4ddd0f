"""Which files a reward server's models are made of, by content, wherever they lie: it tells them as they were at its
start, and a training compares them with its own, which may have been made again since, or be another run's. And by
which settings they measure."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from speech.files import files_under, fingerprint, identities
from speech.voices import read_voices

VOICES = ".voices"  # ends a key whose file names recordings


def loaded(
    cfg: DictConfig, scorers: Collection[str] | None = None, keys: Collection[str] | None = None
) -> dict[str, dict[str, str]]:
    """{key that names files: {file, from there: hash of that name and the content}}, less what is not there. A file of
    voices is one with their recordings.

    Args:
        cfg: server.yaml, composed. What the token ear learns while it serves is none of them.
        scorers: names of those that count; None: all.
        keys: that count; None: all.
    """
    parts = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in ("token2wav", "asr", "scorers")}
    if scorers is not None:
        parts["scorers"] = {name: parts["scorers"][name] for name in scorers}
    if cfg.recipe.reward.get("token_ear") is not None:
        parts["recipe"] = {"token_ear_dir": cfg.recipe.token_ear_dir}
    contents = cache(_contents)  # of a model that two parts share
    named = ((key, path) for key, path in _named(parts) if keys is None or key in keys)
    read = OmegaConf.to_container(cfg.server.loads, resolve=True)
    return {key: contents(path, key.endswith(VOICES), tuple(read.get(key, ("",)))) for key, path in named}


def settings(cfg: DictConfig, scorers: Collection[str]) -> dict[str, str]:
    """{key: hash of its value} of all that decides what is measured beside those files, less `server.technical`.
    Hashes, as everybody may ask for them.

    Args:
        cfg: server.yaml, composed.
        scorers: names of those that count.
    """
    parts = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in ("token2wav", "asr", "scorers")}
    parts["scorers"] = {name: parts["scorers"][name] for name in scorers}
    parts |= {"server": {"max_tokens": cfg.server.max_tokens}, "recipe": {"seed": cfg.recipe.seed}}
    files = {key for key, _ in _named(parts)}
    kept = {key: value for key, value in _leaves(parts) if key not in files}
    technical = set(cfg.server.technical)
    return {key: fingerprint(value)[:12] for key, value in kept.items() if key.rpartition(".")[2] not in technical}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of each leaf of plain mappings and lists."""
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(one, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


def _named(value: Any) -> Iterator[tuple[str, Path]]:
    """(dotted key, path) of each string in plain lists and mappings that names a file or folder."""
    for key, one in _leaves(value):
        if isinstance(one, str) and one and Path(one).exists():
            yield key, Path(one)


def _contents(path: Path, has_voices: bool, read: tuple[str, ...]) -> dict[str, str]:
    files = (file for name in read for file in files_under(path / name))
    shown = [file for file in files if not _hidden(file.relative_to(path))]
    found = identities(shown, root=path)
    if has_voices:  # one hash with its recordings: there may be ten thousand, and a server tells its hashes
        with suppress(ValueError, OSError):  # one that is wrong has a content as well; who reads it says the rest
            recordings = [Path(file) for voice in read_voices(str(path)).values() for file in voice.files]
            found["."] = fingerprint(found["."], identities(recordings, root=path))
    return {name: fingerprint(name, content) for name, content in found.items()}


def _hidden(path: Path) -> bool:
    """What a hub's client keeps beside its files (.cache of Hugging Face's, .msc of ModelScope's) has times in it."""
    return any(part.startswith(".") for part in path.parts)
