"""Recipe glm_tts from a release to a wave and back to a release, small: Llama, flow, HiFT, SenseVoice, WavLM,
emotion2vec and a laughter classifier of the real classes; two steps of GRPO with four terms compared separately."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from tests.conftest import free_ports
from tests.helpers.glm_release import write_release

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "exp" / "test_glm_tts"
CODES = 32768
TEXTS = ["今天是二月十二号", "银行行长说行不行", "哈哈现在是上午八点半"]
LLAMA = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
}
WEIGHTS = {"error": 1.0, "similarity": 0.1, "emotion": 0.1, "laughter": 0.1}
SERVER = [
    "reward=four",
    "scorers.laughter.threshold=0.4",
    "server.devices=[cpu]",
    "token2wav.steps=2",
]
TRAINING = [
    "hardware=cpu",
    "data.train_batch_size=3",
    "data.max_response_length=16",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=12",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=12",
    "actor_rollout_ref.actor.policy_loss.clip_ratio_high={start: 0.3, end: 0.5, until_step: 10}",
    "actor_rollout_ref.actor.optim.lr=1e-3",
    "trainer.total_training_steps=2",
    "trainer.save_freq=2",
    "trainer.val_before_train=false",
    "trainer.test_freq=-1",
    "trainer.v1.sampler.sampler_kwargs.observers.audio.every=2",
    f"trainer.rollout_data_dir={WORK.relative_to(ROOT)}/rollouts",
]
SPEAKING = ["synthesis_hardware=cpu", "text=他在行走", "voice=anna", "max_tokens=16", "vllm.max_model_len=256"]


def command(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | (env or {}), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def own(built_recipe: Path) -> list[str]:
    """Overrides of all stages: folders of this test, SenseVoice of the small build, free ports."""
    shutil.rmtree(WORK, ignore_errors=True)
    names = ("http_port", "grpc_port", "metrics_port")
    ports = [f"recipe.server.{name}={port}" for name, port in zip(names, free_ports(3), strict=True)]
    return [
        f"recipe.work_dir={WORK.relative_to(ROOT)}",
        f"recipe.reward_asr_dir={built_recipe.relative_to(ROOT)}/reward_asr",
        f"recipe.voices={WORK.relative_to(ROOT)}/pretrained/voices.jsonl",
        "recipe.max_prompt_tokens=160",
        *ports,
    ]


@pytest.fixture(scope="module")
def trained(own: list[str]) -> str:
    """A release, converted; its texts prepared; GRPO; merged: what run.sh printed."""
    write_release(WORK / "pretrained", TEXTS, CODES, **LLAMA)
    command(
        ".venv-reward/bin/python", "-m", "tests.helpers.glm_sound", f"{WORK}/pretrained", env={"PYTHONPATH": str(ROOT)}
    )
    config = ["--config-path", f"{ROOT}/recipes/glm_tts", "--config-name", "models"]
    command(".venv/bin/python", "-m", "models.glm_tts.convert", *config, *own)
    (WORK / "data").mkdir()
    emotions = ["happy", "angry", "happy"]
    rows = [{"text": text, "voice": "anna", "emotion": e} for text, e in zip(TEXTS, emotions, strict=True)]
    for name, chosen in (("train", rows), ("test", [{**rows[0], "text": "重庆的重量"}])):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in chosen)
        (WORK / "data" / f"{name}.jsonl").write_text("".join(lines))
    return command("bash", "run.sh", "--verbose", "--recipe", "glm_tts", "data", "merge", *own, *SERVER, *TRAINING)


def rollouts(step: int) -> list[dict]:
    return [json.loads(line) for line in (WORK / "rollouts" / f"{step}.jsonl").read_text().splitlines()]


def metric(name: str, printed: str) -> list[float]:
    """Its value at each step, as verl's console says."""
    found = re.findall(rf" {re.escape(name)}:(?:np\.float64\()?([-+.\de]+)", printed)
    return [float(value) for value in found]


def test_every_rollout_begins_with_the_published_prompt(trained: str):
    """Of the prompt verl writes down what is no special token: the texts without what became phonemes, the voice."""
    for row in [*rollouts(1), *rollouts(2)]:
        before, _, speech = row["input"].partition("<|s_")
        assert before.startswith("今天下雨。 ") and before.endswith("。") and speech.endswith("|><|s_49|>")
        assert row["gts"] in TEXTS  # the plain one, for the reward
        assert set(before) <= set("今天下雨。 " + row["gts"])
        assert row["output"].count("<|s_") > 8  # of 16 tokens of a model that has not learned
    assert len(rollouts(1)) == 12 and len({row["score"] for row in rollouts(1)}) > 6


def test_rollouts_to_listen_to_are_spoken_in_their_voice(trained: str):
    rows = [json.loads(line) for line in (WORK / "grpo/listen/rollouts.jsonl").read_text().splitlines()]
    assert {row["step"] for row in rows} == {2} and {row["text"] for row in rows} <= set(TEXTS)
    for row in rows:
        wave, rate = soundfile.read(ROOT / row["path"])
        assert rate == 24_000 and len(wave) == 960 * row["num_tokens"]


def test_all_four_terms_make_the_reward_by_their_weights(trained: str):
    score, *terms = (
        metric(name, trained) for name in ("critic/score/mean", *(f"reward/term_{t}/mean" for t in WEIGHTS))
    )
    for step in range(2):
        total = sum(weight * values[step] for weight, values in zip(WEIGHTS.values(), terms, strict=True))
        assert score[step] == pytest.approx(total / 1.3, abs=1e-4)
    assert all(
        spread > 0 for term in ("similarity", "emotion") for spread in metric(f"reward/term_{term}/std", trained)
    )
    for step, mean in enumerate(metric("reward/term_laughter/mean", trained), 1):  # a step's texts may be of two epochs
        rows = [json.loads(line) for line in (WORK / f"rollouts/{step}.jsonl").read_text().splitlines()]
        assert 0 <= mean <= sum("哈哈" in row["gts"] for row in rows) / 12 + 1e-6


def test_clip_bounds_are_those_of_the_step(trained: str):
    """High: 0.3 + 0.2 * step / 10; low: 0.2 + 0.1 * step / 1000."""
    assert metric("actor/clip_ratio_high", trained) == pytest.approx([0.32, 0.34])
    assert metric("actor/clip_ratio_low", trained) == pytest.approx([0.2001, 0.2002])


def test_grpo_changed_the_model_and_export_gives_it_in_the_releases_layout(trained: str, own: list[str]):
    before = load_file(WORK / "pretrained/llm/model.safetensors")
    command("bash", "run.sh", "--recipe", "glm_tts", "export", *own[:1])
    after = load_file(WORK / "export/llm/model.safetensors")
    merged = load_file(WORK / "merged/model.safetensors")
    assert set(after) == set(before) and all(torch.equal(after[name], merged[name]) for name in after)
    assert any(not torch.equal(after[name], before[name]) for name in after)
    configs = [json.loads((WORK / part / "llm/config.json").read_text()) for part in ("pretrained", "export")]
    assert configs[0] == configs[1]


def test_both_backends_speak_the_same_tokens_and_a_wave_in_the_given_voice(trained: str, own: list[str]):
    speaking = [*SPEAKING, *own[:3], "reward_server.token2wav.steps=2", "reward_server.server.devices=[cpu]"]
    said = {}
    for backend in ("transformers", "vllm"):
        printed = command("bash", "run.sh", "--recipe", "glm_tts", "infer", *speaking, f"backend={backend}")
        (line,) = (WORK / "speech/tokens/GRPO.speech.jsonl").read_text().splitlines()
        said[backend] = json.loads(line)["tokens"]
    assert said["vllm"] == said["transformers"] != []  # of random weights, trained a little: no length is sure
    wave, rate = soundfile.read(ROOT / re.findall(r"\S+\.wav", printed)[-1])
    assert rate == 24_000 and len(wave) == 960 * len(said["vllm"])
