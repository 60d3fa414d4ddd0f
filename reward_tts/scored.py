"""Whether a file of stage score is what it would be again: same rows, settings, models, voices and code."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from speech.files import fingerprint, identities, paths_in, write_text
from speech.imports import ROOT, dotted_names, imported_files
from speech.voices import read_voices

_PARTS = ("server", "token2wav", "asr", "scorers")
_OTHER_OF_RECIPE = {"server", "decodings"}  # ports, and what is for speaking


class Scored:
    """Of the file that a configuration's scores go to; `keep_scores: false`, or no such key: never there already.

    What the scores depend on is taken when this is made: what is edited meanwhile is not what they were made with.
    """

    def __init__(self, cfg: DictConfig, output: str):
        self._output, self._mark = Path(output), Path(output).with_suffix(".made_with")
        self._now = _identity(cfg) if cfg.get("keep_scores") else None

    def is_there(self) -> bool:
        """Whether the file is there, made with the same."""
        if self._now is None or not self._output.exists() or not self._mark.exists():
            return False
        return self._mark.read_text(encoding="utf-8").strip() == self._now

    def forget(self) -> None:
        """Before scoring."""
        self._mark.unlink(missing_ok=True)

    def record(self) -> None:
        """After scoring."""
        if self._now is not None:
            write_text(self._mark, self._now + "\n")


def _identity(cfg: DictConfig) -> str:
    parts = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in _PARTS}
    recipe = OmegaConf.to_container(cfg.recipe, resolve=True)
    recipe = {key: value for key, value in recipe.items() if key not in _OTHER_OF_RECIPE}
    voices = read_voices(cfg.recipe.voices).values() if Path(cfg.recipe.voices or "").is_file() else []
    read = [Path(cfg.input), *paths_in(parts), *(Path(file) for voice in voices for file in voice.files)]
    if cfg.read_tokens and recipe["reward"].get("token_ear") is not None:
        read.append(Path(cfg.recipe.token_ear_dir))
    code = imported_files(["reward_tts.score", *dotted_names([parts, recipe])])
    known = [identities(paths, ROOT, cfg.cache.hash_content_below_mib << 20) for paths in (code, read)]
    return fingerprint(parts, recipe, bool(cfg.read_tokens), *known)
