"""A toy stage's YAML without Hydra, whose import takes longer than such a stage."""

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def composed() -> DictConfig:
    """What the command line says: --config-path FOLDER --config-name NAME OVERRIDE..."""
    _, folder, _, name, *overrides = sys.argv[1:]
    files = [OmegaConf.load(Path(folder, f"{one}.yaml")) for one in ("recipe", name)]  # as their `defaults` say
    return OmegaConf.merge(*files, OmegaConf.from_dotlist([one.lstrip("+") for one in overrides]))
