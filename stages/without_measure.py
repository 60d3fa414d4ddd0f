"""What the reward server could not measure of a training: terms that no scorer of it offers."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from stages.misfits import Fault

_BY_SHORTCUT = "token_ear"  # measured before any scorer (reward_tts/server/shortcut.py)


def of_terms(cfg: DictConfig, server: DictConfig) -> Iterator[Fault]:
    """Measures that recipe.reward needs and no class in this server.yaml offers, as far as their sources say what they
    offer: none of them is imported, they are of the reward server's environment."""
    offered: set[str] = set()
    for part in (server.asr, *(one for one in (server.get("scorers") or {}).values() if one)):
        if (measures := provided(str(part._target_))) is None:
            return
        offered |= set(measures)
    for measure, key in _needs(cfg).items():
        if measure not in offered and measure != _BY_SHORTCUT:
            why = f"needs the measure {measure}, which no scorer of server.yaml offers (they offer {sorted(offered)})"
            yield f"recipe.reward.{key}", f"{why}: add one that does, docs/reward.md"


def provided(target: str) -> tuple[str, ...] | None:
    """`provides` of the class `target` (dotted) or of one that it extends, from their sources; None where it is not
    written there as it is."""
    module, _, name = target.rpartition(".")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not str(spec.origin).endswith(".py"):
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    own = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)
    found = None
    for node in ast.walk(own) if own else ():
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [ast.unparse(one) for whole in targets if whole for one in getattr(whole, "elts", [whole])]
        if not {"provides", "self.provides"}.intersection(names):
            continue
        try:
            value = ast.literal_eval(node.value) if names == ["provides"] else None
        except ValueError:
            value = None
        if not isinstance(value, tuple):
            return None
        found = (found or ()) + value
    if found is not None or own is None:
        return found
    froms = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    imported = {one.asname or one.name: f"{node.module}.{one.name}" for node in froms for one in node.names}
    bases = (provided(imported.get(base, f"{module}.{base}")) for base in map(ast.unparse, own.bases))
    return next((measures for measures in bases if measures is not None), None)


def _needs(cfg: DictConfig) -> dict[str, str]:
    """As `Reward.needs`; nothing where there is no reward, or a wrong one, which check_reward names with its place."""
    from reward_tts.reward.config import RewardConfigError
    from reward_tts.reward.reward import Reward

    if "reward" not in cfg.recipe:
        return {}
    try:
        return Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True)).needs
    except RewardConfigError:
        return {}
