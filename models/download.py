"""Stage `models`: released checkpoints from Hugging Face or ModelScope into folders that the other stages read.

    python -m models.download --config-path <recipes/NAME> --config-name models [models.hub=modelscope]

The hubs' own clients download: they continue where an interrupted download stopped and fetch again what has changed.
Afterwards every file that the recipe needs must be there, and its bytes must be those that the hub names. An entry's
`revision`, by hub, is a commit or a tag; without it the newest is fetched the first time. What was fetched is noted in
`models.lock` (JSON): a later run, or another machine that has this file, fetches the same or fails. With
`models.hub=none` nothing is fetched: the files that are there are checked to be complete. An absolute path among the
files (convert.weights=/abs/epoch_5.pt) is of no repository and is left out.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import hydra
from omegaconf import DictConfig
from tqdm import tqdm

from speech.faults import UserError
from speech.files import whole_file

Sums = dict[str, str]  # file (relative, with /) -> sha256 in hexadecimal, of the files whose sum the hub names
Fetched = tuple[Sums, str | None]  # and the commit that was fetched, where the hub tells it


class DownloadError(RuntimeError):
    """What could not be fetched or is not whole, and what to do."""


def _from_hugging_face(repo: str, revision: str | None, files: list[str], to: Path, noted: Sums) -> Fetched:
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    sums = {file.rfilename: file.lfs.sha256 for file in info.siblings if file.lfs is not None}
    _check_noted(sums, noted)
    snapshot_download(repo, revision=info.sha, allow_patterns=files, local_dir=to)
    return sums, info.sha


def _from_modelscope(repo: str, revision: str | None, files: list[str], to: Path, noted: Sums) -> Fetched:
    from modelscope_hub import HubApi

    hub = HubApi(endpoint=HubApi().resolve_endpoint_for_read(repo))
    listed = hub.list_repo_files(repo, "model", revision=revision)
    sums = {file.path: file.sha256 for file in listed if file.sha256}
    _check_noted(sums, noted)
    hub.download_repo(repo, "model", revision=revision, allow_patterns=files, local_dir=str(to))
    return sums, None


def _check_noted(sums: Sums, noted: Sums) -> None:
    """Before anything is overwritten: what is noted must still be there."""
    if changed := sorted(file for file in noted if sums.get(file) != noted[file]):
        raise ValueError(f"{', '.join(changed)} changed there since models.lock was written; delete it to take what is")


HUBS: Mapping[str, Callable[[str, str | None, list[str], Path, Sums], Fetched]] = {
    "huggingface": _from_hugging_face,
    "modelscope": _from_modelscope,
    "none": lambda *_: ({}, None),
}


def sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(name: str, to: Path, files: list[str], sums: Sums) -> int:
    """Number of files in `to` that `files` name.

    Raises:
        DownloadError: a pattern that no file fits, an empty file, or one whose sum is not the hub's.
    """
    there = sorted(p.relative_to(to).as_posix() for p in to.rglob("*") if p.is_file()) if to.is_dir() else []
    there = [file for file in there if not file.startswith(".")]  # the clients' own notes
    chosen = [file for file in there if any(fnmatch(file, pattern) for pattern in files)]
    missing = [pattern for pattern in files if not any(fnmatch(file, pattern) for file in there)]
    if missing:
        raise DownloadError(f"{name}: {to} lacks {', '.join(missing)}")
    for file in tqdm(chosen, desc=f"checking {name}", unit="file"):
        if (to / file).stat().st_size == 0:
            raise DownloadError(f"{name}: {to / file} is empty: delete it and run this stage again")
        if file in sums and sha256(to / file) != sums[file]:
            raise DownloadError(
                f"{name}: {to / file} is not what the hub has (its sha256 differs): delete it and run this stage again"
            )
    return len(chosen)


def download(cfg: DictConfig) -> None:
    """Fetches and checks every entry of `models.get`.

    Raises:
        ValueError: a hub that there is not, or one on which an entry has no repository.
        DownloadError: what could not be fetched or is not whole, with the way to bring it by hand.
    """
    settings, lock = cfg.models, Path(cfg.models.lock)
    if settings.hub not in HUBS:
        raise UserError(f"models.hub={settings.hub}: known are {', '.join(HUBS)}")
    notes = json.loads(lock.read_text()) if lock.is_file() else {}
    for name, entry in settings["get"].items():
        files, to = [file for file in entry.files if not Path(file).is_absolute()], Path(entry.to)  # yours stay there
        repo = None if settings.hub == "none" else entry.repo.get(settings.hub)
        if repo is None and settings.hub != "none":
            raise ValueError(
                f"models.get.{name}.repo.{settings.hub} is not named: take another models.hub, or bring the files to "
                f"{to} and take models.hub=none"
            )
        revision, note = (entry.get("revision") or {}).get(settings.hub), notes.get(name, {})
        if revision or (note.get("hub"), note.get("repo")) != (settings.hub, repo):
            note = {}  # of something else
        revision = revision or note.get("revision")
        print(f"[models] {name}: {repo or 'what is there'}{f' at {revision}' if revision else ''} -> {to}", flush=True)
        try:
            sums, commit = HUBS[settings.hub](repo, revision, files, to, note.get("sha256", {}))
        except Exception as error:  # of two clients, each with its own kinds
            raise DownloadError(
                f"{name}: {settings.hub} did not give {repo} ({type(error).__name__}: {error}). Run this stage again "
                f"to go on where it stopped, take another hub (models.hub={_other(settings.hub)}), or bring "
                f"{', '.join(files)} to {to} by hand and take models.hub=none"
            ) from error
        print(f"[models] {name}: {check(name, to, files, sums)} files, whole", flush=True)
        if repo:
            own = {file: sums[file] for file in sorted(sums) if any(fnmatch(file, pattern) for pattern in files)}
            notes[name] = {"hub": settings.hub, "repo": repo, "revision": commit or revision, "sha256": own}
            with whole_file(lock) as temporary:
                temporary.write_text(json.dumps(notes, indent=1) + "\n")


def _other(hub: str) -> str:
    return next(name for name in HUBS if name not in (hub, "none"))


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `models`."""
    try:
        download(cfg)
    except (DownloadError, ValueError) as error:
        raise SystemExit(f"run.sh: models: {error}") from None


if __name__ == "__main__":
    main()
