"""Which of the project's own files a program depends on: found by reading its imports, without running anything."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_DOTTED = re.compile(r"(?:pkg://)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?::\w+)?")  # a.b.C, pkg://a.b, a.b:C
_PACKAGE = re.compile(r"(?:[A-Za-z_]\w*\.)+")  # a.b.
_FILE = re.compile(r"[\w-]+(?:[/.][\w-]+)*")


def imported_files(names: Iterable[str], roots: Sequence[Path] = (ROOT,)) -> list[Path]:
    """The files of these modules (or of classes and functions in them), and of everything that they import, sorted.

    An import counts wherever it stands, in a function too, and so does a name in a string ("models.x.y:Class"), by
    which vLLM and verl find classes, or the beginning of one (f"models.{x}": all modules of the package); a file or a
    folder of files that lies next to a module and is named in it (a table that it reads) is one of its files. What is
    not below `roots` (installed packages) is left out.

    Args:
        names: dotted, as after `python -m` or in a `_target_`; names of nothing below `roots` are passed over.
        roots: folders that modules are looked for in, in this order.
    """
    found: dict[Path, None] = {}
    waiting = [path for name in names for path in _files_of(name, roots, run=True)]
    while waiting:
        if (path := waiting.pop()) in found:
            continue
        found[path] = None
        if path.suffix == ".py":
            root = next(root for root in roots if path.is_relative_to(root))
            stat = path.stat()
            named, beside = _mentions(path, root, stat.st_mtime_ns, stat.st_size)
            waiting += [*beside, *(file for name in named for file in _files_of(name, roots))]
    return sorted(found)


def dotted_names(value: Any) -> Iterator[str]:
    """The strings in `value` (plain lists and mappings, at any depth) that could name a module, class or function."""
    if isinstance(value, str):
        if found := _DOTTED.fullmatch(value):
            yield found[1]
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from dotted_names(one)


def _files_of(name: str, roots: Sequence[Path], run: bool = False) -> Iterator[Path]:
    """The file of the longest part of `name` that is a module, and the `__init__.py` of the packages around it.

    `run`: of a package also `__main__.py`, which `python -m` would run.
    """
    parts = name.split(".")
    for root in roots:
        if not (root / parts[0]).is_dir() and not (root / f"{parts[0]}.py").is_file():
            continue
        folder = root
        for part in parts:
            if (module := folder / f"{part}.py").is_file():
                yield module
                return
            folder /= part
            if (init := folder / "__init__.py").is_file():
                yield init
            elif not folder.is_dir():
                return
        if run and (main := folder / "__main__.py").is_file():
            yield main
        return


@cache
def _mentions(path: Path, root: Path, _time: int, _size: int) -> tuple[list[str], list[Path]]:
    """The dotted names in a source, and the files next to it that it names. Time and size are for the cache."""
    names: list[str] = []
    beside: list[Path] = []
    package = path.parent.relative_to(root).parts
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names += [
                f"{module}.{alias.name}" for alias in node.names
            ]  # a module in it, or a name: the longest part counts
        elif isinstance(node, ast.JoinedStr) and (prefix := _prefix(node, package)):
            names += _modules_in(root, prefix)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            names += dotted_names(node.value)
            if _FILE.fullmatch(node.value):
                beside += _tables(path.parent / node.value)
    return names, beside


def _prefix(text: ast.JoinedStr, package: Sequence[str]) -> str:
    """The package in f"speech.readings.{language}" or f"{__package__}.{language}", with its last dot; or nothing."""
    parts = [ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else part.value for part in text.values]
    if parts[:1] == ["__package__"] and len(parts) == 3:
        parts = [".".join(package) + parts[1], *parts[2:]]
    return parts[0] if len(parts) == 2 and _PACKAGE.fullmatch(parts[0]) else ""


def _modules_in(root: Path, prefix: str) -> list[str]:
    folder = root.joinpath(*prefix.rstrip(".").split("."))
    return [prefix + path.stem for path in folder.glob("*") if path.suffix == ".py" or (path / "__init__.py").is_file()]


def _tables(path: Path) -> list[Path]:
    """A file that a module names, or all of a folder; folders of code are modules, not tables, and what Python compiles
    comes and goes."""
    if path.is_file():
        return [path]
    if path.is_dir() and path.name != "__pycache__" and not any(path.rglob("*.py")):
        return [file for file in path.rglob("*") if file.is_file()]
    return []
