"""Both CosyVoice recipes from llm.pt to llm.pt and to a wave, on a CPU with small models of the real architecture.

A release with random weights (tests/helpers/cosyvoice_release.py) stands where the stage `models` puts what it
fetched; from there on all is the recipe's own: conversion, voices, parquet, Triton with CosyVoice's decoder and
SenseVoice, GRPO by verl and vLLM, merge, export, inference.
"""

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

from models.cosyvoice.layout import FAMILIES
from speech.tokens import parse_speech_tokens
from stages.config import ROOT, compose_stage, config_dir
from tests.conftest import free_ports
from tests.helpers.cosyvoice_decoder import CODEBOOK
from tests.helpers.cosyvoice_release import LLM, NAMES, TEXTS

STEPS = 2
TRAINING = [
    "hardware=cpu",
    "server.devices=[cpu]",
    "token2wav.dtype=float32",
    # An ear that was hardly trained hears nothing of all: the length makes completions differ.
    "+recipe.reward.terms.over_length={weight: 1.0, max_tokens: 40, buffer_tokens: 36}",
    f"trainer.total_training_steps={STEPS}",
    "trainer.save_freq=1",
    "trainer.test_freq=-1",
    "trainer.val_before_train=false",
    "data.train_batch_size=4",
    "data.max_response_length=48",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=16",
    "actor_rollout_ref.actor.optim.lr=1e-3",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=16",
    "actor_rollout_ref.rollout.max_model_len=160",
    # The actor's own distribution, so that its probabilities and vLLM's can be compared.
    "actor_rollout_ref.rollout.temperature=1.0",
    "actor_rollout_ref.rollout.top_p=1.0",
    "actor_rollout_ref.rollout.top_k=-1",
]
SPEAKING = ["reward_server.server.devices=[cpu]", "reward_server.token2wav.dtype=float32", "synthesis_hardware=cpu"]
# In the reward server's environment, where the official package is: logits of the exported llm.pt, by its classes.
OFFICIAL = """
import json, sys
from pathlib import Path
import torch
from tests.helpers.cosyvoice_release import official_logits
folder, family, ids, target = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
state = torch.load(folder / "llm.pt", weights_only=True)
torch.save(official_logits(folder, state, family, ids["text"], ids["speech"]), target)
"""


@pytest.fixture(scope="module", params=["cosyvoice2", "cosyvoice3"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def work_of(family: str) -> Path:
    """Relative to the root."""
    return Path(f"exp/test_{family}")


def small(family: str) -> list[str]:
    sizes = [f"recipe.codebook_size={CODEBOOK}", "recipe.max_prompt_tokens=112"]
    return [f"recipe.work_dir={work_of(family)}", *sizes]


def run(argv: list[str]) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def run_sh(family: str, *arguments: str) -> str:
    return run(["bash", "run.sh", "--verbose", "--recipe", family, *arguments, *small(family)])


@pytest.fixture(scope="module")
def converted(family: str) -> Path:
    """What the stages `models` and `data` leave; recordings and texts are the user's."""
    work = ROOT / work_of(family)
    shutil.rmtree(work, ignore_errors=True)
    run([".venv-reward/bin/python", "-m", "tests.helpers.cosyvoice_release", family, str(work / "pretrained")])
    convert = [".venv/bin/python", "-m", "models.cosyvoice.to_huggingface", "--config-path", str(config_dir(family))]
    run([*convert, "--config-name", "models", *small(family)])
    data = work / "data"
    data.mkdir()
    release = work / "pretrained" / NAMES[family]
    for name in ("deep.wav", "high.wav"):
        shutil.copy(release / name, data)
    shutil.copy(release / "voices.jsonl", data / "recordings.jsonl")
    texts = [TEXTS[i : i + 4] for i in range(0, 20, 2)]
    for name, rows in (("test", texts[:2]), ("train", texts[2:])):
        voices = ["high", None]  # with a prompt for the language model, and without
        lines = [json.dumps({"text": t, "voice": voices[i % 2]}, ensure_ascii=False) for i, t in enumerate(rows)]
        (data / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_sh(family, "data")
    return work


@pytest.fixture(scope="module")
def trained(family: str, converted: Path) -> str:
    """Output of serve, train and merge."""
    names = ("http_port", "grpc_port", "metrics_port")
    where = [f"recipe.server.{name}={port}" for name, port in zip(names, free_ports(3), strict=True)]
    rollouts = [f"trainer.rollout_data_dir={work_of(family)}/rollouts"]
    return run_sh(family, "serve", "merge", *TRAINING, *where, *rollouts)


def test_voices_got_their_speech_tokens(converted: Path):
    rows = [json.loads(line) for line in (converted / "data/voices.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == ["deep", "high"]
    assert rows[0]["speech_tokens"] == list(range(25)) and len(rows[1]["speech_tokens"]) == 25


def test_grpo_trains_the_head_with_rewards_from_the_real_decoder(family: str, converted: Path, trained: str):
    steps = [int(number) for number in re.findall(r"\bstep:(\d+) - ", trained)]
    assert steps == list(range(1, STEPS + 1))
    rows = [json.loads(line) for n in steps for line in (converted / f"rollouts/{n}.jsonl").read_text().splitlines()]
    assert len(rows) == STEPS * 16
    assert len({row["score"] for row in rows}) > 3
    ends = FAMILIES[family].behind_codebook
    assert {parse_speech_tokens(row["output"])[1] for row in rows} <= {"", *ends}, "text among the speech"
    before, after = (load_file(converted / name / "model.safetensors") for name in ("sft", "merged"))
    assert sorted(before) == sorted(after)
    head = {name: tuple(value.shape) for name, value in after.items() if name.startswith("lm_head.")}
    rows, bias = CODEBOOK + len(ends), FAMILIES[family].head_bias
    assert head == {"lm_head.weight": (rows, LLM["hidden_size"])} | ({"lm_head.bias": (rows,)} if bias else {})
    for name in (*head, "model.norm.weight"):
        assert not torch.equal(before[name], after[name]), name


def test_actor_and_rollout_agree_on_probabilities(trained: str):
    """vLLM with the weights that verl sent it, against the actor: the head is in both, and follows the training."""
    found = [float(value) for value in re.findall(r"rollout_probs_diff_max:(?:np\.float64\()?([-+.\de]+)", trained)]
    assert len(found) == STEPS
    assert max(found) < 1e-4  # 1e-6 on one machine; each CPU's kernels round in their own way


def test_the_exported_model_has_the_logits_of_the_merged_one_in_the_official_class(
    family: str, converted: Path, trained: str, tmp_path: Path
):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from data_prep.prompt_template import encode_prompt, zero_shot
    from models.cosyvoice import speech_head  # noqa: F401
    from speech.voices import Voice

    run_sh(family, "export")
    words = AutoTokenizer.from_pretrained(converted / "merged")
    prompt = encode_prompt(words, zero_shot("今天", Voice("a", "明天。", (7, 80))))
    instruction = compose_stage(family, "models").convert.instruction
    ids = json.dumps({"text": words.encode(instruction + "明天。") + words.encode("今天"), "speech": [7, 80]})
    run([".venv-reward/bin/python", "-c", OFFICIAL, str(converted / "export"), family, ids, str(tmp_path / "l.pt")])
    model = AutoModelForCausalLM.from_pretrained(converted / "merged", dtype=torch.float32).eval()
    ours = model(torch.tensor([prompt])).logits[0].detach()
    first = words.convert_tokens_to_ids("<|s_0|>")
    theirs = torch.load(tmp_path / "l.pt")
    assert theirs.shape[1] == CODEBOOK + len(FAMILIES[family].behind_codebook)
    torch.testing.assert_close(ours[:, first : first + theirs.shape[1]], theirs, rtol=0, atol=1e-5)
    assert (converted / "export" / "flow.pt").samefile(converted / "pretrained" / NAMES[family] / "flow.pt")


def test_a_sentence_becomes_a_wave_in_a_given_voice(family: str, converted: Path, trained: str):
    speech = ["max_tokens=40", "vllm.max_model_len=160", "vllm.max_num_batched_tokens=160"]
    output = run_sh(family, "infer", "text=今天天气", "voice=high", *SPEAKING, *speech)
    path = next(line for line in output.splitlines() if line.endswith(".wav"))
    wave, rate = soundfile.read(ROOT / path)
    assert rate == 24000 and len(wave) > 0 and len(wave) % 960 == 0


def test_evaluation_speaks_the_prepared_rows(family: str, converted: Path, trained: str):
    """The held-out parquet, by both models; a row without a voice has none in its prompt."""
    argv = [".venv/bin/python", "-m", "infer.synthesise", "--config-path", str(config_dir(family))]
    run([*argv, "--config-name", "eval", *small(family), "backend=transformers", "~decodings.sampled", "max_tokens=8"])
    for system in ("SFT", "GRPO"):
        lines = (converted / f"eval/tokens/{system}.greedy.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert [(row["text"], row["language"], row["voice"]) for row in rows] == [
            (TEXTS[0:4], "zh", "high"),
            (TEXTS[2:6], "zh", None),
        ]
        assert all(row["tokens"] for row in rows)
