"""Texts, rollouts and GPUs of a training that do not divide are refused before anything starts, with what would do."""

import re
from copy import deepcopy
from functools import partial
from itertools import product

import pytest
from omegaconf import OmegaConf

from stages import batch, gpu_shares, machine
from stages.config import ROOT, compose_stage, recipes
from stages.gpu_shares import BATCH, GPUS, MINI
from stages.preflight import check_planned, check_training
from stages.run import Run, plan

ACTOR, DRAWN = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
LOG = f"{DRAWN}.log_prob_micro_batch_size_per_gpu"


@pytest.mark.parametrize(
    ("recipe", "overrides", "key", "fits"),
    [
        ("cosyvoice2", [f"{GPUS}=7", "data.train_batch_size=35"], BATCH, (42, 21)),  # two updates, as 35 of 32 are
        ("cosyvoice2", [f"{GPUS}=7"], MINI, (35, 35)),
        ("cosyvoice2", ["preset=emilia_dapo", f"{GPUS}=7"], MINI, (42, 21)),
        ("cosyvoice2", ["data.train_batch_size=40"], BATCH, (48, 24)),
        (
            "cosyvoice2",
            [f"{MINI}=16", "actor_rollout_ref.rollout.n=3"],
            f"{ACTOR}.ppo_micro_batch_size_per_gpu",
            (64, 32),
        ),
        ("llasa", [f"{GPUS}=7"], MINI, (14, 14)),
        ("llasa", [f"{GPUS}=3"], MINI, (9, 9)),
        ("glm_tts", ["actor_rollout_ref.rollout.n=4"], LOG, (16, 16)),
    ],
)
def test_a_batch_that_the_gpus_do_not_share_evenly_is_refused_with_one_that_they_do(recipe, overrides, key, fits):
    """verl's assertions come after the first rollouts; of 40 texts in updates of 32 it trains on empty rows."""
    (found,) = gpu_shares.of_batch(compose_stage(recipe, "grpo", tuple(overrides)))
    assert found[0] == key and found[1].endswith(f": {BATCH}={fits[0]} {MINI}={fits[1]} would do")
    told = (*overrides, f"{BATCH}={fits[0]}", f"{MINI}={fits[1]}")
    assert list(gpu_shares.of_batch(compose_stage(recipe, "grpo", told))) == []
    with pytest.raises(SystemExit, match=re.escape(f"{BATCH}={fits[0]} {MINI}={fits[1]} would do")):
        check_training(plan(recipe, "train", "train", overrides)[1][0])


def test_one_update_is_written_as_with_prompts_per_gpu(monkeypatch, capsys):
    """A job that was begun with 14 texts of PROMPTS_PER_GPU=1, and no setting changed, is the same run."""
    monkeypatch.setattr("sys.argv", ["stages.batch", "--recipe", "inworld_tts", "--gpus", "14"])
    batch.main()
    told = ["data.train_batch_size=14", "actor_rollout_ref.actor.ppo_mini_batch_size=${data.train_batch_size}"]
    assert [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")] == told


def test_texts_of_an_update_fill_the_micro_batches_of_each_gpu():
    cfg = compose_stage("cosyvoice2", "grpo", ("actor_rollout_ref.rollout.n=6",))  # micro batches of 4: two texts
    assert gpu_shares.divisible(cfg, 14) == (56, 56)
    assert gpu_shares.divisible(compose_stage("cosyvoice2", "grpo"), 8) == (32, 32)  # as published, on its GPUs
    assert gpu_shares.divisible(compose_stage("cosyvoice2", "grpo", ("preset=emilia_dapo",)), 14) == (56, 28)
    cfg = compose_stage(
        "glm_tts", "grpo", ("actor_rollout_ref.rollout.n=4",)
    )  # log-probabilities of 8 rollouts at once
    assert gpu_shares.divisible(cfg, 14) == (28, 28)


def test_micro_batches_of_log_probabilities_divide_a_step_and_not_an_update():
    """At cfe05f7 64 texts in two updates of 32 were told for 32 in two of 16, which fit: 32 rollouts on each GPU."""
    cfg = compose_stage("cosyvoice2", "grpo", (f"{MINI}=16", f"{DRAWN}.n=8", f"{LOG}=32"))
    assert list(gpu_shares.of_batch(cfg)) == [] and gpu_shares.divisible(cfg, 8) == (32, 16)
    assert gpu_shares.divisible(cfg, 7) == (56, 28)  # in two of 21 they would be 48 on each, in two of 28 they are 64


def test_a_batch_that_the_gpus_share_is_told_as_it_is():
    cfg, silent = deepcopy(compose_stage("cosyvoice2", "grpo")), 0
    for values in product((16, 32, 48), (8, 16, 32), (2, 4, 8), (4, 8, 16, 32)):
        for key, value in zip((BATCH, MINI, f"{DRAWN}.n", LOG), values, strict=True):
            OmegaConf.update(cfg, key, value)
        if not list(gpu_shares.of_batch(cfg)):
            assert gpu_shares.divisible(cfg, 8) == values[:2], values
            silent += 1
    assert silent > 30


def test_a_training_under_way_goes_on_with_a_batch_that_verl_fills(tmp_path, capsys):
    """At cfe05f7 it was refused, and the batch that would do was another run, from its beginning."""
    training = plan("cosyvoice2", "train", "train", ["data.train_batch_size=40", f"recipe.grpo_dir={tmp_path}"])[1][0]
    with pytest.raises(SystemExit, match="is 40, no multiple of"):
        check_training(training)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    (tmp_path / "global_step_10").mkdir()
    check_training(training)
    assert "run.sh: warning: data.train_batch_size is 40, no multiple of" in capsys.readouterr().out


def test_every_recipe_has_a_batch_that_its_gpus_share():
    for recipe in recipes():
        assert list(gpu_shares.of_batch(compose_stage(recipe, "grpo"))) == [], recipe
    own = (f"{ACTOR}.ulysses_sequence_parallel_size=2", "actor_rollout_ref.rollout.n=2")  # 4 of 8 GPUs share 64
    assert list(gpu_shares.of_batch(compose_stage("cosyvoice2", "grpo", own))) == []
    # The default on a CPU takes vLLM's log-probabilities: no micro batch of them has to fit.
    few = ("data.train_batch_size=4", f"{ACTOR}.ppo_micro_batch_size_per_gpu=16")
    assert list(gpu_shares.of_batch(compose_stage("tiny_mandarin", "grpo", (*few, f"{DRAWN}.n=4")))) == []


@pytest.fixture
def four_gpus(monkeypatch, tmp_path):
    """A machine with four GPUs, for this process alone."""
    for number in range(4):
        (tmp_path / f"driver/0000:0{number}:00.0").mkdir(parents=True)
    for name in ("RAY_ADDRESS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(machine, "gpus", partial(machine.gpus, str(tmp_path / "driver")))
    monkeypatch.setattr(machine, "builds", lambda: "gpu")


def test_more_gpus_than_the_machine_has_are_refused_where_it_is_to_run(monkeypatch, four_gpus):
    _, (training,) = plan("cosyvoice2", "train", "train", [])
    told = rf"gpu\.yaml, line \d+: {GPUS} is 8, and this run sees 4: {GPUS}=4, less those of the reward server"
    with pytest.raises(SystemExit, match=told):
        check_training(training, here=True)
    check_training(training)  # a dry run may be for another machine
    check_training(plan("cosyvoice2", "train", "train", [f"{GPUS}=4"])[1][0], here=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2")
    assert machine.gpus() == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-c7a3,MIG-7b8d")  # two parts, of one GPU or of two
    assert machine.gpus() == 0
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.7:6379")  # a cluster's
    check_training(training, here=True)


@pytest.mark.parametrize(("stage", "file"), [("train", "hardware"), ("sft", "sft_hardware")])
def test_a_training_on_gpus_with_builds_for_the_cpu_is_refused_where_it_is_to_run(monkeypatch, stage, file):
    """What a login node installs: it ended when verl looked for a GPU, after the stages before."""
    recipe = {"train": "cosyvoice2", "sft": "llasa"}[stage]
    monkeypatch.setattr(machine, "builds", lambda: "cpu")
    told = rf"{file}/gpu\.yaml, line \d+: trainer\.device is cuda, .* bash run\.sh --recipe {recipe} install"
    with pytest.raises(SystemExit, match=told):
        check_training(plan(recipe, stage, stage, [])[1][0], here=True)
    check_training(plan(recipe, stage, stage, [])[1][0])
    check_training(plan(recipe, stage, stage, ["machine=cpu"])[1][0], here=True)


def test_a_training_that_is_done_needs_no_gpus_of_this_machine(four_gpus, tmp_path, capsys):
    """At cfe05f7 `2 4` of a run from a machine with eight was refused, and nothing merged."""
    cfg, stages = plan("cosyvoice2", "train", "merge", [f"recipe.work_dir={tmp_path}/work"])
    training = stages[0]
    for file in (*(ROOT / need.path for need in training.needs()), tmp_path / "work/grpo/x"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    going = Run(cfg, stages, force=False)
    with pytest.raises(SystemExit, match="and this run sees 4"):
        check_planned(stages, going.is_due)
    going.marks.write(training, "done", going.marks.parts(training))
    check_planned(stages, going.is_due)
    assert list(going.one(training, stages[1:])) == [] and "train: done already" in capsys.readouterr().out
    assert going.is_due(stages[1])
    with pytest.raises(SystemExit, match="and this run sees 4"):
        check_planned(stages, Run(cfg, stages, force=True).is_due)
