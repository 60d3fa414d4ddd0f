"""The CosyVoice decoders at their released size, random weights, from a directory of the released layout, on a CPU."""

import json
import os
import subprocess

import numpy as np
import pytest

from stages.config import ROOT, compose_stage

MILLIONS = {"cosyvoice2": (112.5, 20.8), "cosyvoice3": (332.3, 20.8)}  # parameters of the official flow and vocoder
# In the reward server's environment, where the decoder's classes are.
CODE = """
import json, sys
from pathlib import Path
import numpy as np, torch
from hydra.utils import get_class
from tests.helpers.cosyvoice_decoder import FULL
from tests.helpers.cosyvoice_release import write_sound
from speech.interfaces import Row
folder, family, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
torch.manual_seed(0)
voices = write_sound(folder, family, FULL[family])
token2wav = get_class(settings.pop("_target_"))(model_dir=str(folder), voices=str(voices), batch_size=4, **settings)
rng = np.random.default_rng(0)
rows = [Row(rng.integers(0, 6561, n).astype(np.int32), voice, "zh") for n, voice in ((6, "deep"), (9, "high"))]
waves = token2wav.decode(rows)
alone = token2wav.decode(rows[:1])[0]
np.savez(folder / "waves.npz", *waves, alone=alone)
parameters = [sum(p.numel() for p in part.parameters()) for part in (token2wav.flow, token2wav.vocoder)]
print(json.dumps({"parameters": parameters, "codebook": token2wav.codebook_size}))
"""


@pytest.fixture(scope="module", params=["cosyvoice2", "cosyvoice3"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def decoded(family: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict[str, np.ndarray]]:
    """What the decoder says of itself, and the waves of two rows together and of the first alone."""
    folder = tmp_path_factory.mktemp("release")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    configured = compose_stage(family, "server").token2wav
    settings = json.dumps({name: configured[name] for name in ("_target_", "speech_tokenizer")})
    argv = [".venv-reward/bin/python", "-c", CODE, str(folder), family, settings]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), dict(np.load(folder / "waves.npz"))


def test_the_decoder_has_its_released_size(family, decoded):
    facts, _ = decoded
    flow, vocoder = (count / 1e6 for count in facts["parameters"])
    assert facts["codebook"] == 6561
    assert (round(flow, 1), round(vocoder, 1)) == MILLIONS[family]


def test_a_batch_sounds_like_its_rows_one_by_one(decoded):
    _, waves = decoded
    assert [len(waves[name]) for name in ("arr_0", "arr_1")] == [6 * 960, 9 * 960]
    np.testing.assert_allclose(waves["arr_0"], waves["alone"], rtol=0, atol=1e-4)
    assert np.abs(waves["alone"]).max() > 1e-3
