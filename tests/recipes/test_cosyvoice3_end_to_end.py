"""cosyvoice3 from llm.pt to llm.pt and to a wave: the tests of tests/cosyvoice_end_to_end.py with its recipe.

PYTHONPATH=. .venv/bin/python -m pytest tests/recipes/test_cosyvoice3_end_to_end.py
"""

import pytest
from cosyvoice_end_to_end import *  # noqa: F403


@pytest.fixture(scope="module")
def family() -> str:
    return "cosyvoice3"
