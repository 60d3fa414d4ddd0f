"""A model that speaks at once, and texts for it."""

from pathlib import Path

import pytest

from tests.helpers.small_speaker import write_speaker


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint model/ and texts.jsonl."""
    folder = tmp_path_factory.mktemp("synthesis")
    write_speaker(folder)
    return folder
