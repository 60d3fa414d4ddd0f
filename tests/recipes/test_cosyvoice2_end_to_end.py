"""cosyvoice2 from llm.pt to llm.pt and to a wave, on a CPU with small models of the real architecture.

    PYTHONPATH=. .venv/bin/python -m pytest tests/recipes/test_cosyvoice2_end_to_end.py

A release with random weights (tests/cosyvoice_release.py) stands where the stage `models` puts what it fetched; from
there on all is the recipe's own: conversion, voices, parquet, Triton with CosyVoice's decoder and SenseVoice, GRPO by
verl and vLLM, merge, export, inference.
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
from conftest import free_ports
from cosyvoice_release import CODEBOOK, TEXTS
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("exp/test_cosyvoice2")
RECIPE = ROOT / "recipes" / "cosyvoice2"
SMALL = [f"recipe.work_dir={WORK}", f"recipe.codebook_size={CODEBOOK}", "recipe.max_prompt_tokens=64"]
STEPS = 2
TRAINING = [
    "hardware=cpu",
    "server.devices=[cpu]",
    "token2wav.dtype=float32",
    # An ear that was hardly trained hears nothing of all: the length makes completions differ.
    "+recipe.reward.terms.over_length={max_tokens: 40, buffer_tokens: 36}",
    "+recipe.reward.weights.over_length=1.0",
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
    "actor_rollout_ref.rollout.max_model_len=128",
    # The actor's own distribution, so that its probabilities and vLLM's can be compared.
    "actor_rollout_ref.rollout.temperature=1.0",
    "actor_rollout_ref.rollout.top_p=1.0",
    "actor_rollout_ref.rollout.top_k=-1",
]
SPEAKING = ["reward_server.server.devices=[cpu]", "reward_server.token2wav.dtype=float32", "vllm.dtype=float32"]
# In the reward server's environment, where the official package is: logits of the exported llm.pt, by its own class.
OFFICIAL = """
import json, sys
from pathlib import Path
import torch
from cosyvoice_release import CODEBOOK, LLM, qwen2lm_class
folder, ids = Path(sys.argv[1]), json.loads(sys.argv[2])
encoder, model = qwen2lm_class()
size = LLM["hidden_size"]
llm = model(size, size, CODEBOOK, encoder(str(folder / "CosyVoice-BlankEN")), sampling=None).eval()
llm.load_state_dict(torch.load(folder / "llm.pt", weights_only=True))
start, task = llm.llm_embedding.weight
text = llm.llm.model.model.embed_tokens(torch.tensor(ids["text"]))
inputs = torch.cat([start[None], text, task[None], llm.speech_embedding(torch.tensor(ids["speech"]))])[None]
seen = torch.tril(torch.ones(1, inputs.shape[1], inputs.shape[1])).bool()
torch.save(llm.llm_decoder(llm.llm.forward_one_step(inputs, masks=seen)[0])[0].detach(), sys.argv[3])
"""


def run(argv: list[str]) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def run_sh(*arguments: str) -> str:
    return run(["bash", "run.sh", "--recipe", "cosyvoice2", *arguments, *SMALL])


@pytest.fixture(scope="module")
def converted() -> Path:
    """What the stages `models` and `data` leave; recordings and texts are the user's."""
    work = ROOT / WORK
    shutil.rmtree(work, ignore_errors=True)
    run([".venv-reward/bin/python", "tests/cosyvoice_release.py", str(work / "pretrained")])
    convert = [".venv/bin/python", "-m", "merge.cosyvoice.to_huggingface", "--config-path", str(RECIPE)]
    run([*convert, "--config-name", "models", *SMALL])
    data = work / "data"
    data.mkdir()
    release = work / "pretrained" / "CosyVoice2-0.5B"
    for name in ("deep.wav", "high.wav"):
        shutil.copy(release / name, data)
    shutil.copy(release / "voices.jsonl", data / "recordings.jsonl")
    texts = [TEXTS[i : i + 4] for i in range(0, 20, 2)]
    for name, rows in (("test", texts[:2]), ("train", texts[2:])):
        voices = ["high", None]  # with a prompt for the language model, and without
        lines = [json.dumps({"text": t, "voice": voices[i % 2]}, ensure_ascii=False) for i, t in enumerate(rows)]
        (data / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_sh("data")
    return work


@pytest.fixture(scope="module")
def trained(converted: Path) -> str:
    """Output of serve, train and merge."""
    names = ("http_port", "grpc_port", "metrics_port")
    where = [f"recipe.server.{name}={port}" for name, port in zip(names, free_ports(3), strict=True)]
    rollouts = [f"trainer.rollout_data_dir={WORK}/rollouts"]
    return run_sh("serve", "merge", *TRAINING, *where, *rollouts)


def test_voices_got_their_speech_tokens(converted: Path):
    rows = [json.loads(line) for line in (converted / "data/voices.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == ["deep", "high"]
    assert rows[0]["speech_tokens"] == list(range(25)) and len(rows[1]["speech_tokens"]) == 25


def test_grpo_trains_head_and_bias_with_rewards_from_the_real_decoder(converted: Path, trained: str):
    steps = [int(number) for number in re.findall(r"\bstep:(\d+) - ", trained)]
    assert steps == list(range(1, STEPS + 1))
    rows = [json.loads(line) for n in steps for line in (converted / f"rollouts/{n}.jsonl").read_text().splitlines()]
    assert len(rows) == STEPS * 16
    assert len({row["score"] for row in rows}) > 3
    assert all(set(re.sub(r"<\|(s_\d+|eos\d)\|>", "", row["output"])) == set() for row in rows), "text among the speech"
    before, after = (load_file(converted / name / "model.safetensors") for name in ("sft", "merged"))
    assert sorted(before) == sorted(after)
    for name in ("lm_head.weight", "lm_head.bias", "model.norm.weight"):
        assert not torch.equal(before[name], after[name]), name
    assert after["lm_head.bias"].shape == (CODEBOOK + 3,)


def test_actor_and_rollout_agree_on_probabilities(trained: str):
    """vLLM with the weights that verl sent it, against the actor: the bias is in both, and follows the training."""
    found = [float(value) for value in re.findall(r"rollout_probs_diff_max:(?:np\.float64\()?([-+.\de]+)", trained)]
    assert len(found) == STEPS
    assert max(found) < 1e-5


def test_the_exported_model_has_the_logits_of_the_merged_one_in_the_official_class(
    converted: Path, trained: str, tmp_path
):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from data_prep.prompt_template import encode_prompt, zero_shot
    from data_prep.voices import Voice
    from verl_plugins import speech_head  # noqa: F401

    run_sh("export")
    words = AutoTokenizer.from_pretrained(converted / "merged")
    prompt = encode_prompt(words, zero_shot("今天", Voice("a", "明天", (7, 80))))
    ids = {"text": words.encode("明天今天"), "speech": [7, 80]}
    argv = [
        ".venv-reward/bin/python",
        "-c",
        OFFICIAL,
        str(converted / "export"),
        json.dumps(ids),
        str(tmp_path / "l.pt"),
    ]
    run(argv)
    model = AutoModelForCausalLM.from_pretrained(converted / "merged", dtype=torch.float32).eval()
    ours = model(torch.tensor([prompt])).logits[0].detach()
    first = words.convert_tokens_to_ids("<|s_0|>")
    torch.testing.assert_close(ours[:, first : first + CODEBOOK + 3], torch.load(tmp_path / "l.pt"), rtol=0, atol=1e-5)
    assert (converted / "export" / "flow.pt").samefile(converted / "pretrained/CosyVoice2-0.5B/flow.pt")


def test_a_sentence_becomes_a_wave_in_a_given_voice(converted: Path, trained: str):
    speech = ["max_tokens=40", "vllm.max_model_len=128", "vllm.max_num_batched_tokens=128"]
    output = run_sh("infer", "text=今天天气", "voice=high", *SPEAKING, *speech)
    (path,) = [line for line in output.splitlines() if line.endswith(".wav")]
    wave, rate = soundfile.read(ROOT / path)
    assert rate == 24000 and len(wave) > 0 and len(wave) % 960 == 0


def test_evaluation_speaks_the_prepared_rows(converted: Path, trained: str):
    """The held-out parquet, by both models; a row without a voice has none in its prompt."""
    argv = [".venv/bin/python", "-m", "infer.synthesise", "--config-path", str(RECIPE), "--config-name", "eval", *SMALL]
    run([*argv, "backend=transformers", "~decodings.sampled", "max_tokens=8"])
    for system in ("SFT", "GRPO"):
        lines = (converted / f"eval/tokens/{system}.greedy.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert [(row["text"], row["language"], row["voice"]) for row in rows] == [
            (TEXTS[0:4], "zh", "high"),
            (TEXTS[2:6], "zh", None),
        ]
        assert all(row["tokens"] for row in rows)
