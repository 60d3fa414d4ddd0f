"""A training that cannot work is refused before anything starts, with the line or override that is to blame."""

from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from merge.choose import latest
from stages import misfits, sft_misfits
from stages.config import compose_stage, recipes
from stages.marks import Marks
from stages.preflight import check_planned, check_training
from stages.run import plan
from tests.helpers.saved_steps import save_steps
from verl_plugins.schedule import Schedule

BEGUN = "actor_rollout_ref.model.lora_adapter_path"
SPLIT = "actor_rollout_ref.actor.ulysses_sequence_parallel_size"
FLASH = "actor_rollout_ref.model.override_config.attn_implementation=flash_attention_2"


@pytest.mark.parametrize(
    ("stage", "overrides", "at_fault"),
    [
        ("train", ["trainer.nnodes=2"], r"line \d+: .*host is 127\.0\.0\.1, which the other of trainer\.nnodes=2"),
        ("train", ["trainer.nnodes=2", "recipe.server.host=localhost"], "command line: .*host is localhost"),
        ("train", ["trainer.nnodes=2", "recipe.server.host=10.0.0.7"], None),
        ("sft", ["trainer.nnodes=2"], None),
        ("train", ["trainer.use_v1=false"], r"command line: .*use_v1 is false, and verl's older trainer does not work"),
        ("train", ["trainer.v1.trainer_mode=separate_async"], r"trainer_mode is separate_async, and .*replay_sampler"),
        ("train", ["tuning=lora"], None),
        ("train", ["tuning=lora", "actor_rollout_ref.model.lora.merge=false"], r"model\.lora must have merge: true"),
        ("train", [f"{BEGUN}=no/adapter"], rf"{BEGUN} is of LoRA: tuning=lora"),
        (
            "train",
            ["tuning=lora", f"{BEGUN}=no/adapter"],
            r"no/adapter \(lora_adapter_path\) lacks adapter_config\.json",
        ),
        ("train", ["actor_rollout_ref.model.lora_rank=8"], r"model\.lora must have merge: true"),
        ("sft", ["model.lora_rank=8"], None),
        ("sft", ["sft.choose=newest"], r"command line: .*sft\.choose does not fit: sft\.choose is last or best"),
        ("sft", ["sft.adapter=x"], r"model\.lora_rank does not fit: .* are of LoRA"),
        ("train", [f"{SPLIT}=2"], rf"command line: {SPLIT}=2: {SPLIT} above 1 needs {FLASH}"),
        ("train", [f"{SPLIT}=2", FLASH], None),
        ("sft", ["engine.ulysses_sequence_parallel_size=2"], r"needs model\.override_config\.attn_implementation="),
    ],
)
def test_settings_that_verl_takes_and_that_do_not_fit_together_are_refused(stage, overrides, at_fault):
    _, (planned,) = plan("llasa", stage, stage, overrides)
    if at_fault is None:
        check_training(planned)
        return
    with pytest.raises(SystemExit, match=at_fault):
        check_training(planned)


def test_parameters_are_chosen_by_name_where_the_engine_can():
    check_training(plan("tiny_mandarin", "train", "train", [])[1][0])
    check_training(plan("tiny_mandarin", "train", "train", ["hardware=gpu"])[1][0])
    engine = "ray_kwargs.ray_init.runtime_env.env_vars.VERL_ENGINE_DEVICE=null"
    _, (without,) = plan("tiny_mandarin", "train", "train", [engine])
    with pytest.raises(SystemExit, match=r"final_norm\.yaml, line \d+: .* which verl's own engine cannot: VERL_"):
        check_training(without)


def test_settings_of_a_cpu_are_refused_with_builds_for_gpus(monkeypatch):
    monkeypatch.setattr(misfits, "vllm_build", lambda: "gpu")
    with pytest.raises(
        SystemExit, match=r"cpu\.yaml, line \d+: trainer\.device is cpu, and .* machine=gpu, as docs/gpus"
    ):
        check_training(plan("tiny_mandarin", "train", "train", [])[1][0])
    check_training(plan("llasa", "train", "train", [])[1][0])


def test_run_sh_refuses_them_before_anything_starts(run_sh):
    status, out = run_sh("--recipe", "llasa", "serve", "train", "trainer.nnodes=2")
    assert status == 1 and "recipe.server.host is 127.0.0.1, which" in out


CREDIT = ["algo=token_credit", "recipe.reward.token_credit={lead_tokens: 2}"]


@pytest.mark.parametrize(
    ("recipe", "stage", "overrides", "at_fault"),
    [
        ("tiny_mandarin", "train", ["kl=reward"], r"kl/reward\.yaml, line \d+: algorithm\.use_kl_in_reward mixes a"),
        ("tiny_mandarin", "train", ["kl=reward", "algo=grpo"], None),
        ("tiny_mandarin", "train", ["actor_rollout_ref.rollout.n=1"], r"command line: .*n is 1, and token_credit_grpo"),
        ("llasa", "train", ["actor_rollout_ref.rollout.n=1"], r"n is 1, and group_relative compares the rollouts"),
        ("llasa", "train", ["algorithm.adv_estimator=grpo"], r"=grpo prefers one of equal scores by the rounding"),
        ("llasa", "train", ["algorithm.adv_estimator=remax"], r"=remax is not given the rewards of the likeliest"),
        (
            "llasa",
            "train",
            CREDIT,
            r"the time of each character, which WhisperASR does not give: asr\.timestamps",
        ),
        ("cosyvoice2", "train", CREDIT, None),
        ("cosyvoice3", "train", CREDIT, r"server\.yaml leaves silent tokens out of the wave after 5 of them"),
        ("cosyvoice3", "train", ["algo=gdpo"], None),
        ("tiny_mandarin", "train", ["algo=gdpo"], None),
        ("tiny_mandarin", "train", ["algo=glm_tts"], None),
        ("llasa", "train", ["data.max_response_length=1501"], r"is 1501, more than server\.max_tokens=1500"),
        ("glm_tts", "train", ["tuning=glm_lora"], None),
        ("glm_tts", "train", ["tuning=glm_lora", "kl=loss"], r"glm_lora\.yaml, line \d+: .*trained in the reference"),
    ],
)
def test_settings_that_train_on_nothing_are_refused_with_their_place(recipe, stage, overrides, at_fault):
    """At 7864d8e some were refused after the first rollouts, and most were not."""
    _, planned = plan(recipe, stage, stage, overrides)
    with pytest.raises(SystemExit, match=at_fault) if at_fault else nullcontext():
        check_training(planned[0], planned)


def test_an_asr_with_times_on_the_same_command_line_counts():
    _, planned = plan("llasa", "serve", "train", [*CREDIT, "asr.timestamps=true"])
    check_training(planned[-1], planned)


def test_what_a_jobs_own_servers_are_told_counts(monkeypatch):
    """At d641b49 a Slurm job whose servers take 2000 tokens was refused by the 1500 of server.yaml."""
    _, planned = plan("llasa", "train", "train", ["data.max_response_length=1501"])
    with pytest.raises(SystemExit, match=r"is 1501, more than server\.max_tokens=1500"):
        check_training(planned[0], planned)
    monkeypatch.setenv(
        "VERL_TTS_SERVER_OVERRIDES", "server.max_tokens=2000 reward=cer recipe.language=zh server_ready_timeout_s=9"
    )
    check_training(planned[0], planned)


def test_what_is_no_number_is_refused_with_its_place():
    with pytest.raises(SystemExit, match=r"command line: trainer\.nnodes=two: trainer\.nnodes is a number, got 'two'"):
        plan("llasa", "train", "train", ["trainer.nnodes=two"])


DRAWN = "actor_rollout_ref.rollout"
OLD = "algorithm.rollout_correction.bypass_mode"


@pytest.mark.parametrize(
    ("override", "key"),
    [
        (f"{DRAWN}.top_p=0.9", f"{DRAWN}.top_p"),
        (f"{DRAWN}.top_k=25", f"{DRAWN}.top_k"),
        (f"+{DRAWN}.custom.sampling.repetition_penalty=1.1", f"{DRAWN}.custom.sampling.repetition_penalty"),
        (f"+{DRAWN}.custom.sampling.min_p=0.05", f"{DRAWN}.custom.sampling.min_p"),
        (f"+{DRAWN}.custom.sampling.min_tokens=25", f"{DRAWN}.custom.sampling.min_tokens"),
        (f"{DRAWN}.temperature=0.8", None),  # by which the actor divides, too
        (f"{DRAWN}.top_k=0", None),
        (f"+{DRAWN}.custom.sampling.repetition_penalty=1.0", None),
        (f"+{DRAWN}.custom.sampling.stop_token_ids=[7]", None),
        (f"{DRAWN}.val_kwargs.top_p=0.9", None),
    ],
)
def test_rollouts_not_drawn_from_the_policy_need_the_actors_log_probabilities(override, key):
    """At 1e922d5 the default trained them with a ratio of the nucleus' mass."""
    found = list(misfits.of_settings(compose_stage("tiny_mandarin", "grpo", (override,))))
    assert [key for key, _ in found] == ([] if key is None else [key])
    assert all(why.endswith(f"{OLD}=false") for _, why in found)
    assert list(misfits.of_settings(compose_stage("tiny_mandarin", "grpo", (override, f"{OLD}=false")))) == []


def test_every_recipe_is_asked_how_it_draws_by_vllms_log_probabilities():
    found = misfits.of_settings(compose_stage("cosyvoice2", "grpo", (f"{OLD}=true",)))
    assert [key for key, _ in found] == [f"{DRAWN}.top_p", f"{DRAWN}.top_k"]
    for recipe in recipes():
        assert list(misfits.of_settings(compose_stage(recipe, "grpo"))) == []


def test_raw_log_probabilities_are_those_of_the_actor_at_a_temperature_of_one():
    raw = (f"{DRAWN}.logprobs_mode=raw_logprobs", f"{DRAWN}.top_p=0.9")
    assert list(misfits.of_settings(compose_stage("tiny_mandarin", "grpo", raw))) == []
    ((key, _),) = misfits.of_settings(compose_stage("tiny_mandarin", "grpo", (*raw, f"{DRAWN}.temperature=0.8")))
    assert key == f"{DRAWN}.logprobs_mode"


def texts(folder: Path, rows: int) -> str:
    file = folder / f"{rows}.parquet"
    pq.write_table(pa.table({"prompt": ["x"] * rows}), file)
    return f"data.train_files={file}"


def test_fewer_texts_than_a_batch_and_steps_beyond_the_epochs_are_refused(tmp_path):
    def faults(rows: int, *overrides: str) -> list[tuple[str, str]]:
        folder = f"trainer.default_local_dir={tmp_path}/grpo"
        return list(misfits.of_rows(compose_stage("llasa", "grpo", (texts(tmp_path, rows), folder, *overrides))))

    assert faults(8) == []
    ((key, why),) = faults(7)
    assert key == "data.train_batch_size" and "have 7 texts: verl would divide by 0 steps" in why
    assert faults(17, "trainer.total_training_steps=4", "trainer.total_epochs=2") == []
    ((key, why),) = faults(17, "trainer.total_training_steps=5", "trainer.total_epochs=2")
    assert key == "trainer.total_training_steps" and why.endswith("the training would end after 4")
    assert faults(7, "data.epochs_of_files=[2.0]") == []  # 14 rows
    ((key, why),) = faults(8, "data.epochs_of_files=[0.5]")
    assert key == "data.train_batch_size" and "have 4 texts" in why
    ((key, _),) = faults(8, "data.epochs_of_files=[1.0,2.0]")
    assert key == "data.epochs_of_files"


def test_grpo_that_goes_on_by_another_schedule_is_refused_before_anything_starts(tmp_path):
    """At 7864d8e 20 steps of a cosine and then 40 were no run of 40."""
    actor = tmp_path / "grpo/global_step_20/actor"
    actor.mkdir(parents=True)
    (tmp_path / "grpo/latest_checkpointed_iteration.txt").write_text("20")
    Schedule("cosine", 0, 20, 0.05, 0.5).write(actor)

    def faults(*overrides: str) -> list[tuple[str, str]]:
        own = (texts(tmp_path, 32), f"trainer.default_local_dir={tmp_path}/grpo", *overrides)
        return list(misfits.of_schedule(compose_stage("tiny_mandarin", "grpo", own)))

    assert faults("trainer.total_training_steps=20") == []
    ((key, why),) = faults("trainer.total_training_steps=40")
    assert key == "trainer.total_training_steps" and "'total_steps': 20" in why and "'total_steps': 40" in why
    Schedule("constant", 0).write(actor)
    assert faults("trainer.total_training_steps=40", "actor_rollout_ref.actor.optim.lr_scheduler_type=constant") == []


def test_checkpoints_that_are_moved_aside_have_no_say_in_the_schedule(tmp_path):
    """At b75001f0 a finished default refused more steps of other rollouts, and --force, though both begin anew."""
    actor = tmp_path / "grpo/global_step_20/actor"
    actor.mkdir(parents=True)
    (tmp_path / "grpo/latest_checkpointed_iteration.txt").write_text("20")
    Schedule("cosine", 0, 20, 0.05, 0.5).write(actor)
    own = [f"recipe.work_dir={tmp_path}", texts(tmp_path, 32)]
    cfg, (begun,) = plan("tiny_mandarin", "train", "train", own)
    marks = Marks(cfg)
    marks.write(begun, "begun", marks.parts(begun))

    def checked(force: bool, *overrides: str) -> None:
        (stage,) = plan("tiny_mandarin", "train", "train", [*own, "trainer.total_training_steps=24", *overrides])[1]
        check_planned([stage], lambda stage: True, partial(marks.as_it_begins, force=force), here=False)

    with pytest.raises(SystemExit, match=r"'total_steps': 20.*'total_steps': 24"):
        checked(False)
    checked(True)
    checked(False, "actor_rollout_ref.rollout.n=16")


def test_clipping_of_glm_tts_is_the_published_one_that_acts():
    assert compose_stage("glm_tts", "grpo").actor_rollout_ref.actor.optim.clip_grad == 5.0


def test_sft_on_too_few_rows_or_by_another_schedule_is_refused_at_once(tmp_path):
    folder = tmp_path / "sft_checkpoints/global_step_2"
    folder.mkdir(parents=True)
    (tmp_path / "sft_checkpoints/latest_checkpointed_iteration.txt").write_text("2")
    Schedule("cosine", 0, 2, 0.0, 0.5).write(folder)

    def faults(rows: int, *overrides: str) -> list[tuple[str, str]]:
        own = (texts(tmp_path, rows), f"trainer.default_local_dir={tmp_path}/sft_checkpoints", "sft_hardware=cpu")
        more = ("data.train_batch_size=8", "trainer.n_gpus_per_node=1", "optim.lr_warmup_steps_ratio=0", *overrides)
        return list(sft_misfits.of_rows(compose_stage("llasa", "sft", own + more)))

    assert faults(16, "trainer.total_epochs=1") == []
    ((key, why),) = faults(7, "trainer.total_epochs=1")
    assert key == "data.train_batch_size" and "have 7 rows for an epoch" in why
    ((key, why),) = faults(16, "trainer.total_epochs=2")
    assert key == "trainer.total_epochs" and "'total_steps': 2" in why and "'total_steps': 4" in why


@pytest.mark.parametrize(
    ("stage", "key"), [("sft", "trainer.max_ckpt_to_keep"), ("grpo", "trainer.max_actor_ckpt_to_keep")]
)
def test_a_checkpoint_that_an_interruption_takes_away_is_told(tmp_path, stage, key):
    """At 508d3aa SFT kept one by default, and where that was gone the same command began at step 0."""

    def faults(*overrides: str) -> list[tuple[str, str]]:
        own = (f"trainer.default_local_dir={tmp_path}", *overrides)
        cfg = compose_stage("llasa", stage, own)
        return [*misfits.of_settings(cfg), *misfits.of_resumption(cfg)]

    assert faults() == []
    ((found, why),) = faults(f"{key}=1")
    assert found == key and why.startswith("is 1: an interruption")
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("4")
    ((found, why),) = faults()
    assert found == "trainer.default_local_dir" and "names global_step_4, which is not there" in why
    assert faults("trainer.resume_mode=disable") == []
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("")  # as a kill in the middle of a save leaves it
    assert faults() == []  # nothing is whole: it begins
    save_steps(tmp_path, 20, part="" if stage == "sft" else "actor")
    (tmp_path / "global_step_20/data.pt").touch()
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("")
    assert faults() == [] and latest(tmp_path) == tmp_path / "global_step_20"
