"""A toy stage's YAML without Hydra, whose import takes longer than such a stage."""

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def composed() -> DictConfig:
    """What the command line says: --config-path FOLDER --config-name NAME OVERRIDE..."""
    _, folder, _, name, *overrides = sys.argv[1:]
    files = [OmegaConf.load(Path(folder, f"{one}.yaml")) for one in ("recipe", name)]  # as their `defaults` say
    cfg = OmegaConf.merge(*files)
    OmegaConf.set_struct(cfg, True)  # as Hydra's: a key that is not there is an error, but for +key=...
    cfg.merge_with_dotlist([one for one in overrides if not one.startswith("+")])
    OmegaConf.set_struct(cfg, False)
    return OmegaConf.merge(cfg, OmegaConf.from_dotlist([one.lstrip("+") for one in overrides if one.startswith("+")]))
