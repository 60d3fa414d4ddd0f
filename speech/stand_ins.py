"""What stands in for modules of packages while the rest of them is imported, and the guard of whatever leans on the
inside of a package: on exactly one version.

A package may import what is not there (torchaudio, of which PyPI has only CUDA builds), or dozens of modules of which
nothing here needs any. Where else packages are patched: CONTRIBUTING.md, rule 1.
"""

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType


@cache
def require(distribution: str, expected: str, where: str, check: str) -> None:
    """Stops unless exactly this version is installed.

    Args:
        distribution: name on the package index.
        expected: version without local part ("2.13.0" also accepts "2.13.0+cpu").
        where: file that depends on it and has that number, for the message.
        check: what to look at in another version, for the message.

    Raises:
        RuntimeError: another version, or none.
    """
    try:
        found = version(distribution)
    except PackageNotFoundError:
        found = "none"
    if found.partition("+")[0] != expected:
        other = f", or check in {distribution} {found} {check}; then write its number in {where}"
        raise RuntimeError(
            f"{where} was written for {distribution} {expected}, found {found}. Install the pinned requirements (bash "
            f"run.sh install, or bash run.sh --recipe NAME install){'' if found == 'none' else other}"
        )


def hollow_package(name: str, distribution: str, expected: str, where: str, check: str) -> None:
    """From now on the modules of a package can be imported by their full names without its `__init__.py`.

    Args:
        name: of the package; the others as in `require`.

    Raises:
        RuntimeError: another version of it, or none.
    """
    require(distribution, expected, where, check)
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = list(PathFinder.find_spec(name).submodule_search_locations)
        sys.modules[name] = package


@contextmanager
def modules(given: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """For the time of an import, these modules by their full names, whatever is there; None: there is no such."""
    before = {name: sys.modules[name] for name in given if name in sys.modules}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in given:
            sys.modules.pop(name, None)
        sys.modules.update(before)


@contextmanager
def no_submodules() -> Iterator[None]:
    """For the time of an import, a package that goes through all of its modules to import them finds none."""
    walk = pkgutil.walk_packages
    pkgutil.walk_packages = lambda *_, **__: iter(())
    try:
        yield
    finally:
        pkgutil.walk_packages = walk
