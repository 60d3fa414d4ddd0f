"""Whether a package is the environment's own, or another of its name that PYTHONPATH puts before it."""

import sysconfig
from importlib.util import find_spec
from pathlib import Path


def require_own(*names: str) -> None:
    """Stops if a package comes from elsewhere though the environment has it: such as a checkout on PYTHONPATH, for
    which no pin holds and whose version importlib.metadata does not know.

    Args:
        names: as they are imported. What the environment's folder does not have itself (an editable install) may lie
            anywhere.

    Raises:
        RuntimeError: with the folder that it comes from.
    """
    for name in names:
        own = Path(sysconfig.get_path("purelib"), name)
        if own.is_dir() and not own.samefile(found := Path(next(iter(find_spec(name).submodule_search_locations)))):
            raise RuntimeError(
                f"{name} is imported from {found}, not from {own}, which this was written for: take {found.parent} out "
                "of PYTHONPATH"
            )
