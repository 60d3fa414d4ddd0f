"""The examples in docstrings are what the code does."""

import doctest
from importlib import import_module

import pytest

from stages.config import ROOT

# The page is of the reward's environment: tests/reward_env/demo/test_votes.py has its examples.
PACKAGES = [init.parent for init in ROOT.glob("*/__init__.py") if init.parent.name not in ("tests", "demo")]
FILES = [path.relative_to(ROOT) for package in PACKAGES for path in package.rglob("*.py")]
MODULES = sorted(".".join(file.with_suffix("").parts) for file in FILES if ">>> " in (ROOT / file).read_text("utf-8"))


def test_the_modules_with_examples_are_found():
    assert {"data_prep.jsonl", "models.glm_tts.prompt", "reward_tts.scorers.laughter"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str):
    result = doctest.testmod(import_module(name))
    assert result.attempted > 0 and result.failed == 0
