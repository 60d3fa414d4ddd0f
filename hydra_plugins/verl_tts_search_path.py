"""Where Hydra looks for YAML after a recipe's own folder. Hydra finds this file by its folder's name.

A stage's `--config-path` is recipes/NAME (or a recipe elsewhere). What that folder lacks is taken from verl's own
configuration, then from recipes/common, so that a recipe without a merge.yaml has the common one; `standard`, which
every stages.yaml extends, is in stages/.
"""

from importlib.util import find_spec
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

ROOT = Path(__file__).resolve().parent.parent


def folders() -> list[Path]:
    """The folders that are there, first one first. verl is looked up, not imported: that takes 13 s."""
    verl = find_spec("verl")
    verls = [Path(folder) / "trainer/config" for folder in verl.submodule_search_locations or []] if verl else []
    return [folder for folder in (*verls, ROOT / "recipes/common", ROOT / "stages") if folder.is_dir()]


class RecipeSearchPath(SearchPathPlugin):
    """Adds `folders()` to the search path of every Hydra program that runs from this checkout."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Hydra calls it once, with the main folder in the path already, and before it composes anything."""
        from stages import parsed  # here: stages.config imports this module

        parsed.remember()
        for folder in folders():
            search_path.append(provider="verl-tts", path=f"file://{folder}")
