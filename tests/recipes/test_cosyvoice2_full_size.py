"""cosyvoice2's decoder at its released size: the tests of tests/cosyvoice_full_size.py."""

import pytest
from cosyvoice_full_size import *  # noqa: F403


@pytest.fixture(scope="module")
def family() -> str:
    return "cosyvoice2"
