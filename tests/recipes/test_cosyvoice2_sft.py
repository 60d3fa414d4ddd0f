"""Stage sft of a CosyVoice recipe: verl's SFT trainer on a CPU with a small model of the real architecture, its head
over speech alone; full weights, LoRA, and what another run goes on from. About two minutes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.cosyvoice import speech_head  # noqa: F401  registers its model class with transformers
from sft.data import collate, load_examples
from sft.train import SpeechTrainer
from stages.config import ROOT, config_dir
from tests.helpers.cosyvoice_release import CODEBOOK, write_llm_by_shapes, write_text_model

WORK = Path("exp/test_cosyvoice2_sft")
SMALL = [f"recipe.work_dir={WORK}", f"recipe.codebook_size={CODEBOOK}"]
STEPS = ["sft_hardware=cpu", "data.train_batch_size=4", "trainer.total_epochs=2", "trainer.save_freq=2"]
TEXTS = ("今天天气", "明天", "希望你比现在更", "我们去吃饭")


def module(name: str, config: str, *overrides: str) -> None:
    where = ["--config-path", str(config_dir("cosyvoice2")), "--config-name", config]
    subprocess.run([".venv/bin/python", "-m", name, *where, *SMALL, *overrides], cwd=ROOT, check=True)


def run_sft(*overrides: str) -> str:
    argv = ["bash", "run.sh", "--recipe", "cosyvoice2", "sft", *STEPS, *overrides, *SMALL]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_DATASETS_CACHE": str(ROOT / WORK / "datasets")}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout + (ROOT / WORK / "logs/sft.log").read_text()


def steps_of(output: str) -> set[int]:
    return {int(step) for step in re.findall(r"\bstep:(\d+) - ", output)}


def weights(folder: str) -> dict[str, torch.Tensor]:
    return load_file(ROOT / WORK / folder / "model.safetensors")


def changed() -> set[str]:
    before, after = weights("sft"), weights("finetuned")
    assert set(before) == set(after)
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.fixture(scope="module")
def work() -> Path:
    """llm.pt converted, four texts with speech tokens prepared by the stages' own commands."""
    work = ROOT / WORK
    shutil.rmtree(work, ignore_errors=True)
    release = work / "pretrained" / "CosyVoice2-0.5B"
    torch.manual_seed(0)
    write_text_model(release / "CosyVoice-BlankEN")
    write_llm_by_shapes(release, "cosyvoice2")
    module("models.cosyvoice.to_huggingface", "models")
    (work / "data").mkdir()
    for name, texts in (("sft", TEXTS), ("train", TEXTS[:1]), ("test", ("很好",))):
        codes = [[(7 * i + j) % CODEBOOK for j in range(9 + i)] for i in range(len(texts))]
        rows = [{"text": text, "speech_tokens": tokens} for text, tokens in zip(texts, codes, strict=True)]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (work / "data" / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    module("data_prep.prepare", "data", "splits=sft", "recipe.voices=null")
    return work


@pytest.fixture(scope="module")
def full(work: Path) -> str:
    return run_sft()


def test_verls_first_loss_is_the_mean_over_answers_of_the_familys_distribution(work: Path, full: str):
    tokenizer = AutoTokenizer.from_pretrained(work / "sft")
    examples = load_examples(str(work / "data/sft_train.parquet"), tokenizer, 512)
    model = AutoModelForCausalLM.from_pretrained(work / "sft", dtype=torch.float32).eval()
    ours = SpeechTrainer.compute_loss(None, model, collate(examples, tokenizer.pad_token_id)).item()
    losses = [float(loss) for loss in re.findall(r"train/loss:(?:np\.float64\()?([\d.]+)", full)]
    assert steps_of(full) == {1, 2}
    assert losses[0] == pytest.approx(ours, rel=1e-4)
    assert losses[-1] < losses[0]


def test_full_training_reaches_every_tensor_and_leaves_the_architecture(work: Path, full: str):
    reached = changed()
    assert {"lm_head.weight", "lm_head.bias", "model.embed_tokens.weight", "model.norm.weight"} <= reached
    assert reached == set(weights("sft"))
    model = AutoModelForCausalLM.from_pretrained(work / "finetuned")
    assert type(model).__name__ == "SpeechHeadQwen2ForCausalLM" and weights("finetuned")["lm_head.bias"].shape == (84,)


def test_another_learning_rate_or_lora_begins_anew_and_the_old_checkpoints_are_kept(work: Path, full: str):
    """Where it went on from step 2 of the run before, it would train nothing and export the old weights."""
    first = weights("finetuned")
    output = run_sft("optim.lr=1e-3")
    (aside,) = re.findall(r"checkpoints of another run moved to (\S+)", output)
    assert steps_of(output) == {1, 2} and (ROOT / aside / "global_step_2").is_dir()
    assert not torch.equal(first["model.norm.weight"], weights("finetuned")["model.norm.weight"])
    output = run_sft("optim.lr=1e-2", "model.lora_rank=4")
    assert steps_of(output) == {1, 2}
    reached = changed()
    assert reached and all(name.endswith("_proj.weight") for name in reached)
    assert "sft: done already" in run_sft("optim.lr=1e-2", "model.lora_rank=4")
