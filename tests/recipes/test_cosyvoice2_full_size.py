"""CosyVoice2's decoder at its released size, random weights, from a directory of the released layout, on a CPU."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
# In the reward server's environment, where the decoder's classes are.
CODE = """
import json, sys
from pathlib import Path
import numpy as np, torch
from cosyvoice_release import FULL, write_decoder, write_speaker_encoder, write_speech_tokenizer, write_voices
from reward_tts.measures import Row
from reward_tts.token2wav_cosyvoice import CosyVoiceToken2Wav
folder = Path(sys.argv[1])
torch.manual_seed(0)
write_decoder(folder, FULL)
write_speaker_encoder(folder)
write_speech_tokenizer(folder, FULL.codebook)
token2wav = CosyVoiceToken2Wav(str(folder), str(write_voices(folder)), batch_size=4)
rng = np.random.default_rng(0)
rows = [Row(rng.integers(0, 6561, n).astype(np.int32), voice, "zh") for n, voice in ((6, "deep"), (9, "high"))]
waves = token2wav.decode(rows)
alone = token2wav.decode(rows[:1])[0]
np.savez(folder / "waves.npz", *waves, alone=alone)
parameters = [sum(p.numel() for p in part.parameters()) for part in (token2wav.flow, token2wav.vocoder)]
print(json.dumps({"parameters": parameters, "codebook": token2wav.codebook_size}))
"""


@pytest.fixture(scope="module")
def decoded(tmp_path_factory) -> tuple[dict, dict[str, np.ndarray]]:
    """What the decoder says of itself, and the waves of two rows together and of the first alone."""
    folder = tmp_path_factory.mktemp("release")
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    argv = [".venv-reward/bin/python", "-c", CODE, str(folder)]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), dict(np.load(folder / "waves.npz"))


def test_the_decoder_has_its_released_size(decoded):
    facts, _ = decoded
    flow, vocoder = (count / 1e6 for count in facts["parameters"])
    assert facts["codebook"] == 6561
    assert flow == pytest.approx(112.5, abs=2) and vocoder == pytest.approx(20.8, abs=1)


def test_a_batch_sounds_like_its_rows_one_by_one(decoded):
    _, waves = decoded
    assert [len(waves[name]) for name in ("arr_0", "arr_1")] == [6 * 960, 9 * 960]
    np.testing.assert_allclose(waves["arr_0"], waves["alone"], rtol=0, atol=1e-4)
    assert np.abs(waves["alone"]).max() > 1e-3
