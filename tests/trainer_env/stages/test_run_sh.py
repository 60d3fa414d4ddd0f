"""run.sh with a recipe whose stages take no time (tests/helpers/toy), in a checkout of its own."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from stages.config import compose_stage
from stages.run import plan
from tests.helpers.run_sh_checkout import lines_of, processes_in, start, until

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["install", "data", "sft", "serve", "train", "merge", "eval", "infer", "export", "test"]


def test_help_names_every_stage_and_the_numbers(run):
    status, out = run("--help")
    assert status == 0
    for name in NAMES:
        assert re.search(rf"^ +(-?\d +)?{name} ", out, re.MULTILINE), name


def test_list_names_recipes_and_stages(run):
    status, out = run("--list")
    assert status == 0
    assert "recipes: toy" in out
    assert all(name in out for name in NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "nope", "0"], "unknown recipe 'nope'; known: toy"),
        (["--recipe", "no/such", "0"], "--recipe no/such: there is no such folder"),
        (["--recipe", "recipes/", "0"], "that folder has no recipe.yaml"),
        (["trian"], "unknown stage 'trian'; known: install models list_recordings vectorize"),
        (["7"], "unknown stage '7'"),
        (["2", "0"], "stage data comes before train"),
        (["0", "1", "2"], "at most two stages"),
        (["--forec", "0"], "unknown option '--forec'"),
        (["data", "x=[1"], "'x=[1' is no Hydra override"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_known(run, arguments, message):
    status, out = run(*arguments)
    assert status != 0
    assert message in out


def test_strict_stops_at_bad_rows_where_a_recipe_leaves_them_out():
    command = ["bash", "run.sh", "--recipe", "cosyvoice2", "--dry-run", "--strict", "data"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "-m data_prep.prepare" in done.stdout and done.stdout.count("prepare.on_error=stop") == 2  # voices', too
    recipes = ("tiny_mandarin", "cosyvoice2", "cosyvoice3", "llasa", "glm_tts", "inworld_tts")
    assert [compose_stage(name, "data").prepare.on_error for name in recipes] == ["stop", *["skip"] * 5]


def test_dry_run_prints_the_exact_commands_and_runs_nothing(run, checkout):
    status, out = run("--dry-run", "0", "2", "trainer.name=first try")
    folder = f"--config-path {checkout}/recipes/toy"
    assert status == 0
    env = "env GOMP_SPINCOUNT=1000"  # of every stage; more where the recipe says so
    verls = f"{env} RAY_worker_niceness=0 VERL_TTS_RAY_START_S=600 VERL_USE_EXTERNAL_MODULES=verl_plugins.plugin"
    verls += " TENSORBOARD_DIR=exp/toy/grpo/tensorboard"
    assert [line for line in out.splitlines() if not line.startswith("#")] == [
        f"{env} .venv/bin/python -m toy.work {folder} --config-name data",
        f"{env} .venv/bin/python -m toy.work {folder} --config-name sft",
        f"{env} .venv/bin/python -m toy.server {folder} --config-name server &",
        f"{verls} TOY_SETTING=1 .venv/bin/python -m toy.work {folder} --config-name grpo 'trainer.name=first try'",
    ]
    assert not (checkout / "exp").exists()


@pytest.mark.parametrize("chosen", [["0"], ["0", "0"], ["data"], ["data", "data"]])
def test_one_stage_is_that_stage_alone_by_name_or_number(run, chosen):
    _, out = run("--dry-run", *chosen)
    assert re.findall(r"^# (\w+):", out, re.MULTILINE) == ["data"]


def test_a_range_takes_sft_along_when_it_crosses_it(run):
    _, crossing = run("--dry-run", "data", "1")
    _, starting = run("--dry-run", "sft", "serve")
    assert re.findall(r"^# (\w+):", crossing, re.MULTILINE) == ["data", "sft", "serve"]
    assert re.findall(r"^# (\w+):", starting, re.MULTILINE) == ["sft", "serve"]


def test_an_override_goes_to_the_stages_that_know_its_key(run):
    _, out = run("--dry-run", "data", "train", "clean.strict=false", "optim.lr=1", "+clean.more=2")
    by_config = dict(re.findall(r"--config-name (\w+)(.*)", out))
    assert by_config["data"] == " clean.strict=false +clean.more=2"
    assert by_config["sft"] == " optim.lr=1"
    assert by_config["grpo"] == " optim.lr=1"


def test_an_override_nobody_knows_names_the_nearest_keys(run):
    status, out = run("data", "train", "trainer.total_training_step=3")
    assert status == 1
    assert "no stage of data, sft, serve, train knows the key 'trainer.total_training_step'" in out
    assert "nearest: trainer.total_training_steps (train)" in out


def test_an_override_may_be_of_a_group_that_the_same_command_chooses():
    def planned(recipe: str, stage: str, *overrides: str) -> DictConfig:
        return plan(recipe, stage, stage, list(overrides))[1][0].configs()[-1]

    assert planned("cosyvoice2", "eval", "ear=whisper_large_v3", "ear.threads=16").ear.threads == 16
    over_length = "recipe.reward.terms.over_length.buffer_share"
    cfg = planned("tiny_mandarin", "train", "algo=dapo", f"{over_length}=0.3")
    assert OmegaConf.select(cfg, over_length) == 0.3
    with pytest.raises(SystemExit, match=r"no stage of eval knows the key 'ear\.threads'"):
        planned("cosyvoice2", "eval", "ear.threads=16")  # Paraformer has none
    assert planned("cosyvoice2", "infer", "voice=225").voice == "225"


TEXTS = ["你好，世界", "一,二", "3.50", "it's 5 o'clock: go!", "a=b", "007", "null"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_planned_as_typed(text):
    """What stage infer is told, composed as its own process composes it."""
    (stage,) = plan("tiny_mandarin", "infer", "infer", [f"text={text}"])[1]
    assert stage.configs()[0].text == text


def test_a_text_arrives_as_typed(run, checkout):
    text = " ".join(TEXTS)  # through the shell, to the stage's process
    status, out = run("data", f"text={text}")
    assert status == 0, out
    assert lines_of(checkout / "exp/toy/rl_train.txt") == [text]


def test_a_done_stage_is_skipped_and_force_repeats_it(run, checkout):
    first = run("data")[1]
    second = run("data")[1]
    assert "data: finished in" in first
    assert "data: done already (exp/toy/rl_train.txt); --force repeats it" in second
    assert lines_of(checkout / "exp/toy/rl_train.txt") == ["None"]
    run("--force", "data")
    assert lines_of(checkout / "exp/toy/rl_train.txt") == ["None", "None"]


def test_a_stage_repeats_when_configuration_code_input_or_result_changed(run, checkout):
    run("data", "sft")
    result = checkout / "exp/toy/sft.txt"
    assert len(lines_of(result)) == 1
    run("sft", "sft", "optim.lr=0.2")
    assert len(lines_of(result)) == 2  # configuration
    (checkout / "exp/toy/rl_train.txt").write_text("other texts\n")
    run("sft", "sft", "optim.lr=0.2")
    assert len(lines_of(result)) == 3  # input
    run("sft", "sft", "optim.lr=0.2")
    assert len(lines_of(result)) == 3  # nothing
    result.unlink()
    run("sft", "sft", "optim.lr=0.2")
    assert len(lines_of(result)) == 1  # result
    run("data")
    with open(checkout / "toy/work.py", "a") as file:
        file.write("# changed\n")
    run("data")
    assert len(lines_of(checkout / "exp/toy/rl_train.txt")) == 2  # "other texts" and code


def test_other_texts_of_the_user_make_stage_data_run_again(run, checkout):
    result = checkout / "exp/toy/rl_train.txt"
    (checkout / "texts.txt").write_text("one text\n")
    run("data")
    assert "data: done already" in run("data")[1]
    (checkout / "texts.txt").write_text("two texts\n")
    assert "data (reads (texts.txt) changed since it was done)" in run("data")[1]
    assert len(lines_of(result)) == 2


def test_texts_that_the_stage_makes_itself_do_not_make_it_run_again(run):
    own = "recipe.train_texts=exp/toy/rl_train.txt"  # not there before
    assert "data: finished in" in run("data", own)[1]
    assert "data: done already" in run("data", own)[1]


def test_a_server_port_is_of_no_influence_on_results(run):
    run("data")
    assert "done already" in run("data", "recipe.server.http_port=12345")[1]


def test_a_missing_input_names_the_stage_that_makes_it(run):
    status, out = run("train")
    assert status == 1
    assert "stage train needs exp/toy/rl_train.txt (data.train_files), which is not there" in out
    assert "Stage data makes it: bash run.sh --recipe toy data" in out


def test_a_missing_input_is_found_before_a_long_stage_runs(run, checkout):
    status, out = run("sft", "train")
    assert status == 1
    assert "stage sft needs exp/toy/rl_train.txt" in out
    assert not (checkout / "exp/toy/logs").exists()


def test_a_failed_stage_is_not_done_and_its_status_and_log_are_named(run, checkout):
    status, out = run("data", "fail=true")
    assert status == 1
    assert "stage data failed with exit status 3" in out
    assert "exp/toy/logs/data.log" in out
    assert "working on exp/toy/rl_train.txt" in (checkout / "exp/toy/logs/data.log").read_text()
    assert not (checkout / "exp/toy/marks/data.done").exists()


def test_a_second_run_on_the_same_recipe_is_refused_with_the_pid(run, checkout):
    first = start(checkout, "data", "seconds=600")
    until((checkout / "exp/toy/rl_train.txt").exists, "the first run to work")
    status, out = run("data")
    assert status == 1
    assert f"another run works in exp/toy (pid {first.pid})" in out
    other_status, _ = run("data", "recipe.work_dir=exp/other")
    assert other_status == 0
    first.send_signal(signal.SIGTERM)
    assert first.wait(300) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_stage_leaves_no_process_and_is_not_done(checkout, number):
    going = start(checkout, "data", "seconds=600", "daemon_sleeps=601")
    until((checkout / "exp/toy/rl_train.txt").exists, "the stage to work")
    until(lambda: len(processes_in(checkout)) >= 3, "run.sh, the stage and its daemon")
    going.send_signal(number)
    assert going.wait(300) == 128 + number
    assert processes_in(checkout) == []
    assert not (checkout / "exp/toy/marks/data.done").exists()


def test_a_stage_that_ended_well_leaves_no_daemon(run, checkout):
    status, _ = run("data", "daemon_sleeps=602")
    assert status == 0
    assert processes_in(checkout) == []


def test_a_stage_without_commands_says_so(run, checkout):
    (checkout / "exp/toy/merged").mkdir(parents=True)
    (checkout / "exp/toy/merged/config.json").write_text("{}")
    status, out = run("export")
    assert status == 0
    assert "nothing to export: exp/toy/merged is already this family's own format" in out


def test_without_environments_the_message_says_install(run, checkout):
    (checkout / ".venv").unlink()
    status, out = run("data")
    assert status == 2
    assert "the environment .venv is not there: bash run.sh install" in out


def test_what_stage_data_was_told_about_the_recipe_is_told_to_later_stages(run, checkout):
    (checkout / "my.txt").write_text("a text\n")
    run("data", "recipe.train_texts=my.txt", "recipe.server.http_port=47009", "text=one")
    marks = checkout / "exp/toy/marks/data.recipe"
    assert json.loads(marks.read_text()) == ["recipe.train_texts=my.txt"]
    told = "# as stage data had it (exp/toy/marks/data.recipe): recipe.train_texts="
    status, out = run("--dry-run", "sft")
    assert status == 0 and f"{told}my.txt" in out and "--config-name sft recipe.train_texts=my.txt" in out
    _, out = run("--dry-run", "sft", "recipe.train_texts=other.txt")
    assert told not in out and "--config-name sft recipe.train_texts=other.txt" in out
    _, out = run("--dry-run", "data", "sft")
    assert told not in out and "my.txt" not in out  # stage data is told anew what the command line says
    _, out = run("--dry-run", "sft", "recipe.work_dir=exp/other")
    assert told not in out
    run("data")
    assert json.loads(marks.read_text()) == []


def test_a_second_run_takes_texts_and_models_of_the_first_and_leaves_them(run, checkout):
    run("data", "sft", "recipe.train_texts=texts.txt")
    second = ["recipe.work_dir=exp/second", "recipe.inputs_dir=exp/toy"]
    status, out = run("serve", "train", *second)
    assert status == 0 and "# as stage data had it (exp/toy/marks/data.recipe): recipe.train_texts=texts.txt" in out
    assert (checkout / "exp/second/grpo/steps.txt").exists() and not (checkout / "exp/second/rl_train.txt").exists()
    _, out = run("--dry-run", "data", "train", *second)
    assert "# data, sft: what is in exp/toy is taken as it is (recipe.inputs_dir)" in out
    assert "--config-name grpo" in out and "--config-name data" not in out and "--config-name sft" not in out
    status, out = run("data", *second)
    assert status == 1 and "To make it again: recipe.work_dir=exp/toy" in out


def test_a_recipe_may_lie_outside_the_checkout_and_brings_its_own_modules(checkout, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(checkout / "recipes/toy", elsewhere / "mine")
    shutil.copy(checkout / "toy/work.py", elsewhere / "mine/own.py")
    stages, recipe = elsewhere / "mine/stages.yaml", elsewhere / "mine/recipe.yaml"
    stages.write_text(stages.read_text().replace("toy.work", "mine.own"))
    command = ["bash", str(checkout / "run.sh"), "--recipe", "./mine", "data"]

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)

    refused = call()
    assert refused.returncode == 1 and "recipe.name is 'toy' in the folder mine: they are the same" in refused.stderr
    recipe.write_text(recipe.read_text().replace("name: toy", "name: mine"))
    done = call()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_of(checkout / "exp/mine/rl_train.txt") == ["None"]  # results are in the checkout


def test_a_dry_run_names_inputs_that_are_not_there_after_its_commands(run):
    status, out = run("--dry-run", "train")
    assert status == 1 and "--config-name grpo" in out
    assert "run.sh: stage train needs exp/toy/rl_train.txt (data.train_files), which is not there" in out


def test_a_stage_without_its_environment_says_install(run, checkout):
    (checkout / ".venv-reward").unlink()
    recipe = checkout / "recipes/toy/stages.yaml"
    recipe.write_text(
        recipe.read_text().replace("trainer, module: toy.work, config: sft", "reward, module: toy.work, config: sft")
    )
    status, out = run("data", "sft")
    assert status == 1
    assert "stage sft runs in .venv-reward, which is not there: bash run.sh install" in out
    assert not (checkout / "exp/toy/logs").exists()  # data was not begun
    assert run("data")[0] == 0
