"""GRPO and its variants train: each of recipes/common/algo and kl takes two steps in verl on the small models, with the
real reward server; then LoRA the whole way of run.sh, up to a sentence spoken by the merged model.

About eight minutes; `bash run.sh --recipe all test` runs it.
"""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from tests.conftest import copy_of

ROOT = Path(__file__).resolve().parents[2]
PROMPTS, SAMPLES, STEPS = 4, 4, 2
SIZES = [
    f"trainer.total_training_steps={STEPS}",
    "recipe.reward.token_ear=null",  # as the server of the tests
    "trainer.val_before_train=false",
    "trainer.test_freq=-1",
    "trainer.v1.sampler.sampler_kwargs.observers.audio.every=0",
    "ray_kwargs.ray_init.num_cpus=32",  # workers of algorithms that are done stay until the end
    f"data.train_batch_size={PROMPTS}",
    f"actor_rollout_ref.rollout.n={SAMPLES}",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8",
    f"actor_rollout_ref.actor.ppo_mini_batch_size={PROMPTS // 2}",  # two updates of a batch, so that ratios leave 1
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.actor.optim.lr=1e-4",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",  # the optimizer goes on from one algorithm to the next
]
TWO_TERMS = ["+recipe.reward.terms.silence={weight: 0.5, allowed: 0.0}"]
FILTER = ["algorithm.filter_groups.max_num_gen_batches=2"]
CHOICES = {  # the first starts the workers, and so must have a reference model
    "grpo": ["algo=grpo", "kl=loss"],
    "grpo_no_std": ["algo=grpo_no_std", "kl=reward"],
    "gspo": ["algo=gspo", "kl=none"],
    "token_credit": ["algo=token_credit", "kl=none"],
    "dapo": ["algo=dapo", "kl=none", *FILTER],
    "gdpo": ["algo=gdpo", "kl=none", *TWO_TERMS],
}


@pytest.fixture(scope="module")
def session(built_recipe: Path, reward_server, tmp_path_factory) -> Path:
    """The folder with each choice's metrics."""
    work = copy_of(built_recipe, "test_algorithms")
    where = [f"recipe.server.http_port={reward_server.http_port}", f"recipe.server.grpc_port={reward_server.grpc_port}"]
    shared = [f"recipe.work_dir={work.relative_to(ROOT)}", "tuning=full", "trainer.save_freq=-1", *where, *SIZES]
    shared += ["trainer.logger=[console,file]"]
    plan = tmp_path_factory.mktemp("session") / "plan.json"
    plan.write_text(json.dumps({name: [*shared, *choice] for name, choice in CHOICES.items()}))
    argv = [sys.executable, "-m", "tests.helpers.algorithm_session"]
    argv += ["--config-path", str(ROOT / "recipes/tiny_mandarin"), "--config-name", "grpo"]
    argv += [*shared, *CHOICES["grpo"], f"+recipe.session={plan}"]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VERL_USE_EXTERNAL_MODULES": "verl_plugins.plugin",
        "GOMP_SPINCOUNT": "1000",
        "VERL_TTS_RAY_START_S": "600",
    }
    log = work / "session.log"
    with open(log, "wb") as out:
        done = subprocess.run(argv, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, timeout=1500)
    assert done.returncode == 0, log.read_text(errors="replace")[-8000:]
    return work / "session"


def steps(session: Path, name: str) -> list[dict]:
    """Metrics of each step."""
    rows = [json.loads(line) for line in (session / f"{name}.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    return [row["data"] for row in rows]


@pytest.mark.parametrize("name", CHOICES)
def test_each_algorithm_takes_two_steps_and_moves_the_weights(session, name):
    for metrics in steps(session, name):
        assert math.isfinite(metrics["actor/pg_loss"]) and math.isfinite(metrics["actor/grad_norm"])
        assert metrics["reward/score/std"] > 0.0
    assert max(metrics["actor/grad_norm"] for metrics in steps(session, name)) > 0.0


@pytest.mark.parametrize("name", CHOICES)
def test_a_distance_to_the_reference_is_computed_only_where_asked_for(session, name):
    (*_, last) = steps(session, name)
    assert any(key.endswith("kl_loss") for key in last) == ("kl=loss" in CHOICES[name])
    assert ("actor/reward_kl_penalty" in last) == ("kl=reward" in CHOICES[name])


def test_without_std_advantages_are_differences_of_rewards(session):
    """Rewards are in [0, 1], less the mean of the group: no advantage reaches 1. With std they do."""
    assert all(abs(metrics["critic/advantages/max"]) < 1.0 for metrics in steps(session, "grpo_no_std"))
    assert any(metrics["critic/advantages/max"] > 1.0 for metrics in steps(session, "grpo"))


def test_gspo_clips_in_its_narrow_bounds(session):
    """The second update of a batch has left the bounds of 3e-4 with a learning rate of 1e-4, not those of 0.2."""
    gspo, grpo = (max(metrics["actor/pg_clipfrac"] for metrics in steps(session, name)) for name in ("gspo", "grpo"))
    assert gspo > grpo


def test_dapo_draws_again_at_most_as_often_as_it_may_and_punishes_length(session):
    for metrics in steps(session, "dapo"):
        drawn = metrics["training/filter_groups/drawn_again"]
        assert 0.0 <= drawn <= 3.0  # beyond one batch only for what was thrown away before the limit was reached
        kept = metrics["training/filter_groups/kept_without_spread"]
        assert metrics["reward/groups_without_spread"] == pytest.approx(kept / PROMPTS)
        assert -1.0 <= metrics["reward/term_over_length/mean"] <= 0.0


def test_gdpo_has_both_terms_and_a_batch_of_standard_advantages(session):
    for metrics in steps(session, "gdpo"):
        assert {"reward/term_pinyin/mean", "reward/term_silence/mean"} <= set(metrics)
        assert metrics["critic/advantages/max"] < math.sqrt(PROMPTS * SAMPLES)


@pytest.fixture(scope="module")
def lora(built_recipe: Path, ports_of_module: list[int]) -> Path:
    """Work folder after training with LoRA, merging, and saying a sentence, by run.sh."""
    work = copy_of(built_recipe, "test_lora")
    names = ("http_port", "grpc_port", "metrics_port")
    where = [f"recipe.server.{name}={port}" for name, port in zip(names, ports_of_module, strict=True)]
    shared = [f"recipe.work_dir={work.relative_to(ROOT)}", *where]
    training = [*SIZES, "algo=grpo", "tuning=lora", "actor_rollout_ref.model.lora_rank=8", "trainer.save_freq=2"]
    for arguments in (["serve", "merge", *training], ["infer", "text=今天三点"]):
        log = work / f"{arguments[0]}.txt"
        with open(log, "wb") as out:
            argv = ["bash", "run.sh", "--verbose", *arguments, *shared]
            done = subprocess.run(argv, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=900)
        assert done.returncode == 0, log.read_text(errors="replace")[-6000:]
    return work


def test_lora_trains_the_linear_layers_and_merges_into_a_plain_checkpoint(lora):
    before, after = load_file(lora / "sft/model.safetensors"), load_file(lora / "merged/model.safetensors")
    assert set(after) == set(before)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed and all(re.search(r"_proj\.weight$", name) for name in changed)
    assert not (lora / "merged/lora_adapter").exists()


def test_the_merged_lora_model_speaks(lora):
    path = (lora / "infer.txt").read_text().splitlines()[-1]
    wave, rate = soundfile.read(ROOT / path)
    assert rate == 24000 and len(wave) > 0
