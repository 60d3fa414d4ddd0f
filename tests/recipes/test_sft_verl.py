"""verl's SFT trainer on a CPU, by sft/verl_train.py: two steps of the small model, LoRA, and going on where it was.

About two minutes.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
YAML = """
defaults: [sft_trainer_engine, recipe, sft_verl_base, sft_hardware: cpu, _self_]
model: {path: MODEL}
hydra: {searchpath: ["pkg://verl.trainer.config", "pkg://recipes.common", "pkg://recipes.tiny_mandarin"]}
"""


def train(built: Path, work: Path, steps: int, *overrides: str) -> str:
    """The stage up to `steps`; its output."""
    work.mkdir(exist_ok=True)
    (work / "sft.yaml").write_text(YAML.replace("MODEL", str(built / "sft")))
    argv = [sys.executable, "-m", "sft.verl_train", "--config-path", str(work), "--config-name", "sft"]
    argv += [f"recipe.work_dir={work}", f"recipe.sft_train={built}/data/sft_train.parquet", "trainer.save_freq=2"]
    argv += ["data.train_batch_size=8", "data.train_max_samples=64", f"trainer.total_training_steps={steps}"]
    environment = os.environ | {
        "VERL_USE_EXTERNAL_MODULES": "verl_plugins.plugin",
        "VERL_ENGINE_DEVICE": "named_parameters",
        "TENSORBOARD_DIR": str(work / "tensorboard"),
        "HF_DATASETS_CACHE": str(work / "datasets"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([*argv, *overrides], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def steps_of(output: str) -> list[int]:
    return [int(step) for step in re.findall(r"\bstep:(\d+) - ", output)]


def changed(before: Path, after: Path) -> set[str]:
    """Names of the tensors that differ; the two checkpoints have the same ones."""
    first, second = (load_file(folder / "model.safetensors") for folder in (before, after))
    assert set(first) == set(second)
    return {name for name in first if not torch.equal(first[name], second[name])}


def test_lora_trains_resumes_and_is_exported_as_a_plain_model(built_recipe, tmp_path):
    lora = ["model.lora_rank=8", "optim.lr=0.01", "optim.lr_scheduler_type=constant", "optim.lr_warmup_steps_ratio=0"]
    assert steps_of(train(built_recipe, tmp_path / "lora", 2, *lora)) == [1, 2]
    after_two = {name: tensor.clone() for name, tensor in load_file(tmp_path / "lora/sft/model.safetensors").items()}
    names = changed(built_recipe / "sft", tmp_path / "lora/sft")
    assert names and all(name.endswith("_proj.weight") for name in names)
    output = train(built_recipe, tmp_path / "lora", 4, *lora)
    assert steps_of(output) == [3, 4]
    after_four = load_file(tmp_path / "lora/sft/model.safetensors")
    assert all(not torch.equal(after_two[name], after_four[name]) for name in names)


def test_full_training_changes_every_tensor_and_starts_from_the_given_model(built_recipe, tmp_path):
    output = train(built_recipe, tmp_path / "full", 2, "optim.lr=0.001", "optim.lr_warmup_steps_ratio=0")
    assert steps_of(output) == [1, 2]
    losses = [float(loss) for loss in re.findall(r"train/loss:([\d.]+)", output)]
    assert all(loss < 6.0 for loss in losses)  # the small model's is 4.8; one that knows nothing has log(1100) = 7
    assert len(changed(built_recipe / "sft", tmp_path / "full/sft")) == len(
        load_file(built_recipe / "sft/model.safetensors")
    )
