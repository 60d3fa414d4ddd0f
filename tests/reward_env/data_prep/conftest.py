"""A small encoder of recordings, and recordings."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.recordings import sample
from tests.helpers.xcodec2_dir import write_codec, write_semantic


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_codec(folder / "xcodec2")
    write_semantic(folder / "w2v-bert-2.0")
    return folder


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Eight lines: 0 to 3 and 7 are used, 4 is of another language, 5 too long, 6 says nothing."""
    (tmp_path / "wavs").mkdir()
    rng = np.random.default_rng(0)
    for place in range(8):
        wave = 0.3 * np.sin(2 * np.pi * 200 * (place + 1) * np.arange(12000 + 480 * place) / 24000)
        stereo = np.stack([wave, wave], axis=1) + rng.normal(scale=0.02, size=(len(wave), 2))
        soundfile.write(tmp_path / "wavs" / f"{place}.wav", stereo, 24000)
    rows = [sample(place, 0.5 + 0.02 * place) for place in range(8)]
    rows[1]["language"] = rows[2]["language"] = "de"
    rows[3]["voice_description"] = "An old man."
    rows[4]["language"], rows[5]["duration"], rows[6]["transcript"] = "xx", 31.0, "... !"
    rows[7]["emotion"] = "happy"
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "samples.jsonl"
