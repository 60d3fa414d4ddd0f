"""OmegaConf's interpolations, each parsed once: a recipe has some hundred `${...}`, and composing and checking its
stages parsed them 1800 times, a third of what a dry run costs.

OmegaConf 2.3 to 2.4 visits a parsed tree and changes nothing in it (omegaconf/grammar_visitor.py). Another version is
left as it is, and only slower.
"""

from functools import lru_cache
from importlib.metadata import version

import omegaconf.base

KNOWN = ("2.3.", "2.4.")


def remember() -> None:
    """For all configurations of this process; a second call changes nothing."""
    parse = getattr(omegaconf.base, "parse", None)
    if parse is not None and version("omegaconf").startswith(KNOWN) and not hasattr(parse, "cache_info"):
        omegaconf.base.parse = lru_cache(maxsize=4096)(parse)
