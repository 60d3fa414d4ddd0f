"""run.sh with a recipe whose stages take no time (tests/helpers/toy), in a checkout of its own."""

import re

import pytest
from omegaconf import DictConfig, OmegaConf

from stages.config import ROOT, compose_stage
from stages.run import plan
from tests.helpers.run_sh_checkout import lines_of

TOY = ("--recipe", str(ROOT / "tests/helpers/toy/recipes/toy"))  # where nothing of it is started
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
    assert (
        out.endswith("(about half an hour)\n") and "--recipe NAME  " not in out
    )  # all of the stages, and nothing else


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


def test_strict_stops_at_bad_rows_where_a_recipe_leaves_them_out(run_sh):
    _, printed = run_sh("--recipe", "cosyvoice2", "--dry-run", "--strict", "data")
    assert "-m data_prep.prepare" in printed and printed.count("prepare.on_error=stop") == 2  # voices', too
    recipes = ("tiny_mandarin", "cosyvoice2", "cosyvoice3", "llasa", "glm_tts", "inworld_tts")
    assert [compose_stage(name, "data").prepare.on_error for name in recipes] == ["stop", *["skip"] * 5]


def test_dry_run_prints_the_exact_commands_and_runs_nothing(run, checkout):
    status, out = run("--dry-run", "0", "2", "trainer.name=first try")
    folder = f"--config-path {checkout}/recipes/toy"
    assert status == 0
    env = "env GOMP_SPINCOUNT=1000 MALLOC_ARENA_MAX=2"  # of every stage; more where the recipe says so
    verls = f"{env} RAY_worker_niceness=0 RAY_worker_register_timeout_seconds=600 VERL_TTS_RAY_START_S=600"
    verls += " VERL_USE_EXTERNAL_MODULES=verl_plugins.plugin"
    verls += " VERL_TTS_RANKING=exp/toy/checkpoints/best.json"
    verls += " TENSORBOARD_DIR=exp/toy/grpo/tensorboard"
    assert [line for line in out.splitlines() if not line.startswith("#")] == [
        f"{env} .venv/bin/python -m toy.work {folder} --config-name data",
        f"{env} .venv/bin/python -m toy.work {folder} --config-name sft",
        f"{env} .venv/bin/python -m toy.server {folder} --config-name server &",
        f"{verls} TOY_SETTING=1 .venv/bin/python -m toy.work {folder} --config-name grpo 'trainer.name=first try'",
    ]
    assert not (checkout / "exp").exists()


@pytest.mark.parametrize("chosen", [["0"], ["0", "0"], ["data"], ["data", "data"]])
def test_one_stage_is_that_stage_alone_by_name_or_number(run_sh, chosen):
    _, out = run_sh(*TOY, "--dry-run", *chosen)
    assert re.findall(r"^# (\w+):", out, re.MULTILINE) == ["data"]


def test_a_range_takes_sft_along_when_it_crosses_it(run_sh):
    _, crossing = run_sh(*TOY, "--dry-run", "data", "1")
    _, starting = run_sh(*TOY, "--dry-run", "sft", "serve")
    assert re.findall(r"^# (\w+):", crossing, re.MULTILINE) == ["data", "sft", "serve"]
    assert re.findall(r"^# (\w+):", starting, re.MULTILINE) == ["sft", "serve"]


def test_an_override_goes_to_the_stages_that_know_its_key(run_sh):
    _, out = run_sh(*TOY, "--dry-run", "data", "train", "clean.strict=false", "optim.lr=1", "+clean.more=2")
    by_config = dict(re.findall(r"--config-name (\w+)(.*)", out))
    assert by_config["data"] == " clean.strict=false +clean.more=2"
    assert by_config["sft"] == " optim.lr=1"
    assert by_config["grpo"] == " optim.lr=1"


def test_an_override_nobody_knows_names_the_nearest_keys(run_sh):
    status, out = run_sh(*TOY, "data", "train", "trainer.total_training_step=3")
    assert status == 1
    assert "no stage of data, sft, serve, train knows the key 'trainer.total_training_step'" in out
    assert "nearest: trainer.total_training_steps (train)" in out and "+trainer" not in out


def test_numbers_of_the_stages_table_are_overridden_as_others_are():
    """Messages name them: "not ready after 300 s (server_ready_timeout_s)"."""
    numbers = {"server_ready_timeout_s": 900, "server_restarts": 0, "beside_restarts": 1, "stop_grace_s": 2.5}
    numbers |= {"disk_low_mib": 1, "log_tail_lines": 5, "go_on": True}
    overrides = [f"{key}={value}" for key, value in numbers.items()]
    cfg, stages = plan("tiny_mandarin", "serve", "train", [*overrides, "actor_rollout_ref.rollout.n=4"])
    assert {key: cfg[key] for key in numbers} == numbers
    assert [stage.overrides for stage in stages] == [(), ("actor_rollout_ref.rollout.n=4",)]
    with pytest.raises(SystemExit, match="knows the key 'text_keys'"):  # a list is not one of them
        plan("tiny_mandarin", "serve", "train", ["text_keys=1"])


def test_an_override_of_a_new_system_says_how_it_is_added(run_sh):
    status, out = run_sh(*TOY, "eval", "systems.DPO=exp/preferred")
    assert status == 1 and out.rstrip().endswith("; a new one is added by '+systems.DPO=exp/preferred'")


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


def test_each_command_of_a_stage_takes_what_the_command_line_says_of_it():
    """`checkpoints ear=NAME` ended at merge.merge, whose YAML had no ear."""
    given = ["ear=whisper_large_v3", "ear.threads=16", "texts=my.jsonl", "merge.dtype=bfloat16"]
    (stage,) = plan("cosyvoice2", "checkpoints", "checkpoints", given)[1]
    assert stage.overrides == tuple(given)
    for cfg in stage.configs():
        assert (cfg.ear.threads, cfg.texts, cfg.merge.dtype) == (16, "my.jsonl", "bfloat16")
        assert cfg.merge.every and cfg.merge.checkpoints == cfg.checkpoints


@pytest.mark.parametrize(
    ("typed", "value"), [("off", False), ("no", False), ("On", True), ("yes", True), ("false", False)]
)
def test_a_switch_is_turned_on_the_command_line_as_in_a_file(typed, value):
    """By Hydra's grammar off is the text 'off', which is true in an if."""
    (stage,) = plan("cosyvoice2", "data", "data", [f"recipe.needs_voice={typed}"])[1]
    assert [cfg.recipe.needs_voice for cfg in stage.configs()] == [value] * len(stage.configs())
    (stage,) = plan("cosyvoice2", "train", "train", [f"++trainer.val_before_train={typed}"])[1]
    assert stage.configs()[0].trainer.val_before_train is value
    (stage,) = plan("tiny_mandarin", "infer", "infer", [f"text={typed}"])[1]
    assert stage.configs()[0].text == typed


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
