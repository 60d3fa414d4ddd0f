"""`infer voice_wav=me.wav voice_text="..." text="..." out=a.wav` as a user types it, with small models of the real
classes: CosyVoice2's speech tokenizer and flow, X-codec2 and w2v-bert."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.cosyvoice.to_huggingface import convert
from models.extend import extend
from speech.files import whole_directory
from stages.config import ROOT, compose_stage
from tests.conftest import copy_of
from tests.helpers.cosyvoice_decoder import CODEBOOK
from tests.helpers.llama_dir import LLASA, write_llama

COSYVOICE = [f"recipe.codebook_size={CODEBOOK}", "recipe.max_prompt_tokens=112", "vllm.max_model_len=160"]
ON_CPU = ["backend=transformers", "synthesis_hardware=cpu", "reward_server.server.devices=[cpu]", "max_tokens=24"]


WRITE = """
import sys
from pathlib import Path
from tests.helpers.cosyvoice_release import NAMES, write_release
from tests.helpers.xcodec2_dir import write_codec, write_semantic

cosyvoice, llasa = (Path(folder) / "pretrained" for folder in sys.argv[1:])
write_release(cosyvoice / NAMES["cosyvoice2"], "cosyvoice2")
write_codec(llasa / "xcodec2")
write_semantic(llasa / "w2v-bert-2.0")
"""


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def must(*argv: str) -> str:
    done = run(*argv)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def folder_of(name: str) -> Path:
    return ROOT / f"exp/test_given_{name}"


@pytest.fixture(scope="module")
def sounds() -> None:
    """What speaks and listens, of both recipes, by one process of the environment that has its classes."""
    for name in ("cosyvoice2", "llasa"):
        shutil.rmtree(folder_of(name), ignore_errors=True)
        folder_of(name).mkdir(parents=True)
    must(".venv-reward/bin/python", "-c", WRITE, str(folder_of("cosyvoice2")), str(folder_of("llasa")))


def cosyvoice2(work: Path) -> list[str]:
    own = [f"recipe.work_dir={work.relative_to(ROOT)}", *COSYVOICE[:2]]
    cfg = compose_stage("cosyvoice2", "models", tuple(own))
    with whole_directory(cfg.recipe.sft_dir) as target:
        convert(Path(cfg.convert.source), target, cfg.convert, CODEBOOK)
    return [*own, f"recipe.merged_dir={work}/sft", "reward_server.token2wav.dtype=float32", COSYVOICE[2]]


def llasa(work: Path) -> list[str]:
    own = [f"recipe.work_dir={work.relative_to(ROOT)}", f"recipe.sft_dir={work}/base"]
    write_llama(work / "pretrained/llasa", LLASA, 65536)
    extend(compose_stage("llasa", "models", tuple(own)))
    return [*own, f"recipe.merged_dir={work}/base", "voices.encoder.semantic_layer=2"]


@pytest.fixture(scope="module", params=[cosyvoice2, llasa], ids=lambda make: make.__name__)
def recipe(request, sounds) -> tuple[str, Path, list[str]]:
    """Its name, its folder with models, and the overrides that say so."""
    name = request.param.__name__
    return name, folder_of(name), request.param(folder_of(name))


# Words of the recording, text, speech tokens of one second (X-codec2 pads whole frames by one more), Hz.
SAID = {"cosyvoice2": ("明天。", "今天天气", 25, 24_000), "llasa": ("네.", "안녕하세요.", 51, 16_000)}


def test_a_sentence_is_spoken_with_any_recording(recipe, tmp_path):
    name, work, own = recipe
    words, text, count, rate = SAID[name]
    soundfile.write(
        tmp_path / "me.flac", 0.3 * np.sin(np.arange(24_000) ** 1.2), 24_000
    )  # one second, whatever its form
    asked = [f"voice_wav={tmp_path}/me.flac", f"voice_text={words}", f"text={text}", f"out={tmp_path}/a.wav"]
    must("bash", "run.sh", "--recipe", name, "infer", *asked, *ON_CPU, *own)
    wave, found = soundfile.read(tmp_path / "a.wav")
    assert found == rate and len(wave) > 0 and np.isfinite(wave).all()
    (voice,) = map(json.loads, (work / "speech/given_voice.jsonl").read_text(encoding="utf-8").splitlines())
    assert (voice["name"], voice["text"], len(voice["speech_tokens"])) == ("given", words, count)
    assert voice["language"] == {"cosyvoice2": "zh", "llasa": "ko"}[name]
    assert Path(work / "speech", voice["wav"]).resolve() == (tmp_path / "me.flac").resolve()
    (row,) = map(json.loads, (work / "speech/tokens/GRPO.speech.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["text"], row["voice"]) == (text, "given") and row["tokens"]


def test_what_is_no_recording_is_said_before_a_model_is_loaded(recipe, tmp_path):
    name, _, own = recipe
    (tmp_path / "me.wav").write_text("no sound")
    done = run(
        "bash", "run.sh", "--recipe", name, "infer", f"voice_wav={tmp_path}/me.wav", "voice_text=a", *ON_CPU, *own
    )
    assert done.returncode == 1 and "me.wav" in done.stdout and "Traceback" not in done.stdout, done.stdout[-3000:]


def test_a_recipe_with_one_voice_says_so(built_recipe):
    work = copy_of(built_recipe, "test_given_tiny_mandarin")  # a run of its own: others may be in built_recipe's
    models = [f"recipe.work_dir={work}", f"recipe.merged_dir={work}/sft"]
    done = run("bash", "run.sh", "infer", "voice_wav=me.wav", "voice_text=你好", *models)
    assert "tiny_mandarin has a voice of its own and speaks with no other" in done.stdout, done.stdout[-3000:]
    assert done.returncode == 1 and "Traceback" not in done.stdout
