"""The examples in docstrings are what the code does."""

import doctest
from importlib import import_module

import pytest

MODULES = ["reward_tts.errors", "reward_tts.formulas", "reward_tts.text_norm", "verl_plugins.reward_metrics"]
MODULES += ["stages.preflight", "data_prep.options"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str):
    result = doctest.testmod(import_module(name))
    assert result.attempted > 0 and result.failed == 0
