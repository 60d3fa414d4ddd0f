"""Recipe llasa from texts to a wave, with a small Llama, X-codec2 and Whisper of the real classes."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.llasa.prompt import understanding
from speech.voices import Voice, read_voices
from stages.config import ROOT
from tests.helpers.llama_dir import LLASA, write_llama
from tests.helpers.recipe_run import SPEAKING, TRAINING, RecipeRun
from tests.helpers.small_ears import write_whisper

CODES = 65536
VOICES = "exp/test_llasa/voices.jsonl"


@pytest.fixture(scope="module")
def run() -> RecipeRun:
    """Llasa-1B's layout extended, a recording made a voice, texts prepared, one step of GRPO, merged."""
    run = RecipeRun("llasa", "recipe.sft_dir=exp/test_llasa/base", "recipe.reward.terms.cer_and_nll.beta_c=0.3")
    run.overrides.append(f"recipe.voices={VOICES}")
    pretrained = run.work / "pretrained"
    write_llama(pretrained / "llasa", LLASA, CODES)
    write_whisper(pretrained / "whisper")
    run.xcodec2(semantic=True)
    texts = {"train_texts": ["안녕하세요.", "오늘은 비가 와요."], "test_texts": ["고맙습니다."]}
    rows = {key: [{"text": text, "voice": "mina"} for text in values] for key, values in texts.items()}
    rows["sft_texts"] = [{"text": "네, 알겠습니다.", "speech_tokens": [1, 2, 65535]}]
    run.overrides += [f"recipe.{key}={run.write_jsonl(f'{key}.jsonl', value)}" for key, value in rows.items()]
    soundfile.write(run.work / "mina.wav", 0.3 * np.sin(np.arange(1500) ** 1.2), 16_000)  # 0.09 s, 5 tokens
    recordings = run.write_jsonl("recordings.jsonl", [{"name": "mina", "text": "네.", "wav": "mina.wav"}])
    run.module("models.extend", "models")
    run.stages("data", f"voices.input={recordings}", "voices.encoder.semantic_layer=2")
    run.trained = run.stages(
        "serve", "merge", *TRAINING, "asr.max_new_tokens=8", "trainer.rollout_data_dir=exp/test_llasa/rollouts"
    )
    return run


def test_the_reward_is_the_harmonic_mean_of_cer_and_nll_of_what_whisper_heard(run):
    rows = run.read_jsonl("grpo/listen/rollouts.jsonl")
    assert len(rows) == 8 and {row["text"] for row in rows} == {"안녕하세요.", "오늘은 비가 와요."}
    for row in rows:
        assert row["score"] == pytest.approx((row["term_cer_and_nll"] + 0.2 * row["term_silence"]) / 1.2)
        of_cer, of_nll = 1 - math.tanh(0.3 * row["error_rate"]), math.exp(-row["nll"] / 3)
        assert row["term_cer_and_nll"] == pytest.approx(1 / (0.6 / of_cer + 0.4 / of_nll), rel=1e-4)
    assert len({row["score"] for row in rows}) > 4
    assert sorted(row["score"] for row in run.read_jsonl("rollouts/1.jsonl")) == pytest.approx(
        sorted(row["score"] for row in rows), abs=1e-5
    )


@pytest.fixture
def voice(run) -> Voice:
    """What the stage data made of the recording."""
    return read_voices(str(ROOT / VOICES))["mina"]


def test_rollouts_continue_the_speech_tokens_of_the_voices_recording(run, voice):
    assert len(voice.speech_tokens) == 5 and len(set(voice.speech_tokens)) > 1
    for row in run.read_jsonl("rollouts/1.jsonl"):
        assert row["input"].endswith("".join(f"<|s_{token}|>" for token in voice.speech_tokens))
        assert understanding(row["gts"], voice)[0]["content"].split("<|")[0] in row["input"]
        assert len(re.findall(r"<\|s_\d+\|>", row["output"])) > 12


def test_a_step_of_grpo_changes_the_merged_model(run):
    assert re.search(r"step:1 - ", run.trained)
    assert "model.embed_tokens.weight" in run.changed_weights()


def test_both_backends_speak_the_same_tokens_and_a_wave(run):
    said = {}
    for backend in ("transformers", "vllm"):
        output = run.stages("infer", "text=안녕하세요.", "voice=mina", f"backend={backend}", *SPEAKING)
        (row,) = run.read_jsonl("speech/tokens/GRPO.speech.jsonl")
        said[backend] = row["tokens"]
    assert said["vllm"] == said["transformers"] and len(said["vllm"]) > 12
    path = next(line for line in output.splitlines() if line.endswith(".wav"))
    wave, rate = soundfile.read(Path(ROOT) / path)
    assert rate == 16000 and len(wave) == 320 * len(said["vllm"])
