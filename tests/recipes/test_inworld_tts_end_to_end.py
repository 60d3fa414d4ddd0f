"""Recipe inworld_tts from recordings to a wave: SFT, GRPO and evaluation with a small Llama, X-codec2 with its encoder,
Whisper, WavLM and MMS of the real classes, and DNSMOS."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from stages.config import ROOT
from tests.helpers.llama_dir import write_llama
from tests.helpers.recipe_run import SPEAKING, TRAINING, RecipeRun
from tests.helpers.small_ears import write_mms, write_wavlm, write_whisper

TEXTS = ["Good morning.", "How are you?", "It rains.", "See you soon.", "Who is there?", "It is late.", "Come in."]
TEXTS += ["Good night."]
HELD_OUT = 2  # of them, the first: what their lines' hashes make of val_share=0.42
SFT = ["sft_hardware=cpu", "data.train_batch_size=2", "trainer.total_training_steps=2", "trainer.test_freq=1"]
HEARING = [
    "reward_server.server.devices=[cpu]",
    "synthesis_hardware=cpu",
    "max_tokens=24",
    "~decodings.greedy",
]


def record(folder: Path) -> list[dict]:
    """Recordings of 0.6 s with their lines; the last is described in words too."""
    rng, rows = np.random.default_rng(0), []
    for place, text in enumerate(TEXTS):
        time = np.arange(14_400) / 24_000
        wave = 0.3 * np.sin(2 * np.pi * 150 * (place + 1) * time) + rng.normal(scale=0.02, size=len(time))
        soundfile.write(folder / f"{place}.wav", wave, 24_000)
        row = {"transcript": text, "language": "en", "wav_path": f"{place}.wav", "duration": 0.6, "sample_rate": 24_000}
        rows.append(row)
    rows[-1]["voice_description"] = "A cheerful child."
    return rows


@pytest.fixture(scope="module")
def run() -> RecipeRun:
    """A text model extended, recordings vectorised, two steps of SFT, one of GRPO, merged, evaluated."""
    run = RecipeRun("inworld_tts", "recipe.min_tokens=12")
    pretrained = run.work / "pretrained"
    write_llama(pretrained / "text_model")
    write_whisper(pretrained / "whisper")
    write_wavlm(pretrained / "wavlm")
    names = OmegaConf.load(ROOT / "recipes/common/ear/mms.yaml").ear.languages.values()
    write_mms(pretrained / "mms", dict.fromkeys(names, "abcdefghijklmnopqrstuvwxyz'"))
    run.xcodec2(semantic=True)
    run.overrides.append(f"recipe.recordings={run.write_jsonl('samples.jsonl', record(run.work))}")
    # Codes as likely as text, and more of them: two steps of SFT do not keep it from the text tokens it was born with.
    run.module("models.extend", "models", "extend.mean_resizing=false")
    share = ["vectorize.val_share=0.42", "vectorize.least_held_out=2"]  # as many as the batch of SFT, below
    run.stages("data", "voices.encoder.semantic_layer=2", *share, "prepare.on_error=stop")
    run.stages("sft", *SFT)
    run.sft = (run.work / "logs" / "sft.log").read_text()
    run.trained = run.stages(
        "serve", "merge", *TRAINING, "asr.max_new_tokens=8", "trainer.rollout_data_dir=exp/test_inworld_tts/rollouts"
    )
    run.stages("eval", *HEARING)
    return run


def test_each_recording_speaks_the_next_text_and_keeps_its_own_for_sft(run):
    kept = TEXTS[HELD_OUT:]
    assert [row["text"] for row in run.read_jsonl("data/train.jsonl")] == kept[1:]
    assert [row["text"] for row in run.read_jsonl("data/sft.jsonl")] == kept
    voices = {voice["name"]: voice for voice in run.read_jsonl("data/voices.jsonl")}
    assert [voices[f"train_{i}"]["text"] for i in range(len(kept) - 1)] == kept[:-1]
    assert len(voices["train_0"]["speech_tokens"]) == 31  # 0.6 s at 50 a second, and the one that is always padded


def test_sft_trains_by_verl_and_is_validated_on_the_recordings_that_were_held_out(run):
    assert [row["text"] for row in run.read_jsonl("data/sft_val.jsonl")] == TEXTS[:HELD_OUT]
    assert [row["text"] for row in run.read_jsonl("data/test.jsonl")] == [TEXTS[1]]  # in the voice of the first
    assert {int(step) for step in re.findall(r"\bstep:(\d+) - ", run.sft)} == {1, 2}
    assert len(set(re.findall(r"val/loss:(?:np\.float64\()?([\d.]+)", run.sft))) == 2  # after each step another one
    assert "model.embed_tokens.weight" in run.changed_weights("base", "sft")


def test_the_reward_is_the_mean_of_error_mos_similarity_and_silence(run):
    rows = run.read_jsonl("grpo/listen/rollouts.jsonl")
    assert len(rows) == 8
    for row in rows:
        terms = [row[f"term_{name}"] for name in ("error", "mos", "similarity")]
        assert row["score"] == pytest.approx((sum(terms) + 0.2 * row["term_silence"]) / 3.2, abs=1e-4)
        assert row["term_error"] == pytest.approx(math.exp(-2.5 * row["error_rate"]), rel=1e-3)
        assert all(0.0 <= term <= 1.0 for term in terms)
    assert len({row["term_similarity"] for row in rows}) > 4


def test_rollouts_have_at_least_the_tokens_that_were_asked_for(run):
    for row in run.read_jsonl("rollouts/1.jsonl"):
        assert row["input"].startswith("Convert the text to speech:")
        assert len(re.findall(r"<\|s_\d+\|>", row["output"])) >= 12


def test_a_step_of_grpo_changes_the_merged_model_which_is_ready_to_serve(run):
    assert re.search(r"step:1 - ", run.trained) and "actor/kl_loss" in run.trained
    assert "model.embed_tokens.weight" in run.changed_weights("sft", "merged")
    served = json.loads((run.work / "merged" / "generation_config.json").read_text())
    published = {"temperature": 0.8, "top_p": 1.0, "top_k": 50, "repetition_penalty": 1.1}  # of inference
    assert {key: served[key] for key in published} == published
    assert (run.work / "merged" / "tokenizer.json").exists()


def test_both_backends_speak_the_same_tokens_with_the_penalty_and_a_wave(run):
    said = {}
    for backend in ("transformers", "vllm"):
        own = [f"backend={backend}", "recipe.decodings.speech.max_tokens=24", "recipe.decodings.speech.min_tokens=20"]
        output = run.stages("infer", "text=Good evening.", "voice=train_0", *own, *SPEAKING)
        (row,) = run.read_jsonl("speech/tokens/GRPO.speech.jsonl")
        said[backend] = row["tokens"]
    assert said["vllm"] == said["transformers"] and len(set(said["vllm"])) > 12
    path = next(line for line in output.splitlines() if line.endswith(".wav"))
    wave, rate = soundfile.read(Path(ROOT) / path)
    assert rate == 16000 and len(wave) == 320 * len(said["vllm"])


def test_evaluation_hears_both_models_with_an_asr_that_is_not_the_rewards(run):
    results = json.loads((run.work / "eval" / "results.json").read_text())
    assert all(system["speaker_similarity"] and system["mos"] for system in results["systems"])
    assert results["ear"] == "reward_tts.asr.mms.MMSASR"
    assert [(s["system"], s["decoding"], s["unit"]) for s in results["systems"]] == [
        ("SFT", "sampled", "WER"),
        ("GRPO", "sampled", "WER"),
    ]
    heard = run.read_jsonl("eval/utterances.jsonl")
    assert {row["text"] for row in heard} == {TEXTS[1]} and any(row["transcript"] for row in heard)
    assert set(results["comparisons"]) == {"sampled"}
