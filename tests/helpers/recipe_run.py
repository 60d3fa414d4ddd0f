"""A recipe with small models in its own folder under exp/: what the end-to-end tests of llasa and inworld_tts share."""

import json
import os
import shutil
import subprocess

import torch
from safetensors.torch import load_file

from stages.config import ROOT, config_dir
from tests.conftest import free_ports

# GRPO of one step without a GPU: two prompts, four completions each.
TRAINING = [
    "hardware=cpu",
    "trainer.n_gpus_per_node=1",
    "trainer.total_training_steps=1",
    "trainer.save_freq=1",
    "trainer.test_freq=-1",
    "trainer.val_before_train=false",
    "data.train_batch_size=2",
    "data.max_response_length=24",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    # The terms of each rollout stand in grpo/listen/rollouts.jsonl.
    "trainer.v1.sampler.sampler_kwargs.observers.audio.every=1",
    "trainer.v1.sampler.sampler_kwargs.observers.audio.count=8",
    "merge.dtype=float32",
]
SPEAKING = [
    "reward_server.server.devices=[cpu]",
    "synthesis_hardware=cpu",
    "max_tokens=24",
    "recipe.decodings.speech.temperature=0.0",
]


class RecipeRun:
    """run.sh and single commands of one recipe, all with the same overrides."""

    def __init__(self, recipe: str, *overrides: str):
        self.recipe, self.work = recipe, ROOT / "exp" / f"test_{recipe}"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        ports = zip(("http_port", "grpc_port", "metrics_port"), free_ports(3), strict=True)
        self.overrides = [f"recipe.work_dir=exp/test_{recipe}", *(f"recipe.server.{k}={v}" for k, v in ports)]
        self.overrides += ["server.devices=[cpu]", "asr.dtype=float32", *overrides]

    def xcodec2(self, semantic: bool = False) -> None:
        """Small X-codec2, and w2v-bert, by the environment that has the package."""
        folders = ["xcodec2", *(["w2v-bert-2.0"] if semantic else [])]
        paths = [str(self.work / "pretrained" / name) for name in folders]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(
            [".venv-reward/bin/python", "-m", "tests.helpers.xcodec2_dir", *paths], cwd=ROOT, env=env, check=True
        )

    def module(self, name: str, config: str, *overrides: str) -> None:
        """One command of a stage, in the trainer's environment."""
        own = [one for one in self.overrides if one.startswith("recipe.")]
        command = [
            ".venv/bin/python",
            "-m",
            name,
            "--config-path",
            str(config_dir(self.recipe)),
            "--config-name",
            config,
        ]
        subprocess.run([*command, *own, *overrides], cwd=ROOT, check=True)

    def stages(self, *arguments: str) -> str:
        """run.sh with stages and further overrides; its output. Keys that no stage of the range knows are left out."""
        serves = "serve" in arguments
        own = [one for one in self.overrides if serves or not one.startswith(("server.", "asr."))]
        done = subprocess.run(
            ["bash", "run.sh", "--verbose", "--recipe", self.recipe, *arguments, *own],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-3000:]
        return done.stdout

    def write_jsonl(self, path: str, rows: list[dict]) -> str:
        """A file in the work folder; its path relative to the root."""
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return str(file.relative_to(ROOT))

    def read_jsonl(self, path: str) -> list[dict]:
        return [json.loads(line) for line in (self.work / path).read_text().splitlines()]

    def changed_weights(self, first: str = "base", second: str = "merged") -> list[str]:
        """Names of the weights in which two models differ; without SFT, GRPO begins with the first."""
        before, after = (load_file(self.work / name / "model.safetensors") for name in (first, second))
        return [name for name in after if not torch.equal(before[name].float(), after[name].float())]
