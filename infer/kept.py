"""Which systems have spoken already, and what one said that was interrupted: same checkpoint, texts, settings and code,
so the same tokens. Of a file of texts alone; one sentence of the command line is spoken each time."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

from infer.records import token_files
from speech.files import fingerprint, identities, paths_in, write_text
from speech.imports import ROOT, dotted_names, imported_files

# Keys without influence on the tokens: which systems, how many processes, where to; what listens afterwards, and what
# merged before, which the checkpoints show.
_OTHER = {"systems", "only", "checkpoints", "of_run", "workers", "share", "tokens_dir", "keep_tokens"}
_OTHER |= {"teacher", "compare", "listen_to", "report", "outlier_at", "bootstrap", "ear", "scorers", "prosody"}
_OTHER |= {"out_dir", "files", "hear_at_once", "cache", "token2wav", "reward_server", "merge"}
_OTHER |= {"input", "output", "read_tokens", "keep_scores", "server", "asr", "pairs", "prefer"}  # of prefer.yaml
_OTHER |= {"text", "out", "waves_dir", "block", "begun"}
_SHOWN = 12  # characters of a hash in a file's name
_OTHER_OF_RECIPE = {"server", "reward", "eval_dir"}


def identities_now(cfg: DictConfig) -> dict[str, str]:
    """{system: hash of all that its tokens depend on}; nothing where tokens are not kept. To be taken before they are
    made: what is edited meanwhile is not what they were made with."""
    return dict(_identities(cfg)) if cfg.get("keep_tokens") and cfg.texts is not None else {}


def spoken_already(cfg: DictConfig, now: Mapping[str, str]) -> list[str]:
    """The systems whose files of all decodings are there and as this configuration would make them."""
    return [name for name, identity in now.items() if _is_there(cfg, name) and _recorded(cfg, name) == identity]


def record(cfg: DictConfig, before: Mapping[str, str]) -> None:
    """After synthesis: with what the tokens of the configuration's systems were made."""
    for name in cfg.systems:
        if name in before:
            write_text(_mark(cfg, name), before[name] + "\n")


def begin(cfg: DictConfig, before: Mapping[str, str]) -> None:
    """Before synthesis: the files of the configuration's systems are no longer whole. Sets `begun`, by which a process
    finds what it said of them before an interruption (infer.records.own_part)."""
    for name in cfg.systems:
        _mark(cfg, name).unlink(missing_ok=True)
    with open_dict(cfg):
        cfg.begun = fingerprint({name: before[name] for name in cfg.systems})[:_SHOWN] if before else None


def _mark(cfg: DictConfig, system: str) -> Path:
    return Path(cfg.tokens_dir) / f"{system}.made_with"


def _recorded(cfg: DictConfig, system: str) -> str | None:
    mark = _mark(cfg, system)
    return mark.read_text(encoding="utf-8").strip() if mark.exists() else None


def _is_there(cfg: DictConfig, system: str) -> bool:
    return all(Path(path).exists() for (name, _), path in token_files(cfg).items() if name == system)


def _identities(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """(system, hash of all that its tokens depend on)."""
    settings = OmegaConf.to_container(cfg, resolve=True)
    recipe = {key: value for key, value in settings["recipe"].items() if key not in _OTHER_OF_RECIPE}
    settings = {key: value for key, value in settings.items() if key not in _OTHER} | {"recipe": recipe}
    read = [cfg.texts, cfg.recipe.voices, *paths_in(recipe.get("phoneme_in"))]
    if any(decoding.get("choose") for decoding in cfg.decodings.values()):
        read.append(cfg.recipe.token_ear_dir)
    below = cfg.cache.hash_content_below_mib << 20
    shared = [imported_files(["infer.speak", *dotted_names(settings)]), [Path(path) for path in read if path]]
    known = [identities(paths, ROOT, below) for paths in shared]
    for name, checkpoint in cfg.systems.items():
        yield name, fingerprint(settings, *known, identities([Path(checkpoint)], ROOT, below))
