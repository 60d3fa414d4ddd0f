"""run.sh with a recipe whose stages take no time (tests/trainer/toy), in a checkout of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import free_ports

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["install", "data", "sft", "serve", "train", "merge", "eval", "infer", "export", "test"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """run.sh, stages/ and the toy recipe in an empty folder, with this environment as .venv."""
    shutil.copy(ROOT / "run.sh", tmp_path)
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    shutil.copytree(ROOT / "tests/trainer/toy", tmp_path, dirs_exist_ok=True)
    for environment in (".venv", ".venv-reward"):
        (tmp_path / environment).symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Callable[..., tuple[int, str]]:
    """run(*arguments) -> exit status, all output."""

    def call(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "run.sh", "--recipe", "toy", *arguments], cwd=checkout, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    return call


def ports_as_overrides(ports: list[int]) -> list[str]:
    names = ("http_port", "grpc_port", "metrics_port")
    return [f"recipe.server.{name}={port}" for name, port in zip(names, ports, strict=True)]


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.1)


def start(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "run.sh", "--recipe", "toy", *arguments],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes_in(checkout: Path) -> list[int]:
    """Processes whose current folder is the checkout: everything that its run.sh started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == str(checkout):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


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
        (["trian"], "unknown stage 'trian'; known: install models data sft serve train"),
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


def test_dry_run_prints_the_exact_commands_and_runs_nothing(run, checkout):
    status, out = run("--dry-run", "0", "2", "trainer.name=first try")
    folder = f"--config-path {checkout}/recipes/toy"
    assert status == 0
    env = "env GOMP_SPINCOUNT=1000"  # of every stage; more where the recipe says so
    assert [line for line in out.splitlines() if not line.startswith("#")] == [
        f"{env} .venv/bin/python -m toy.work {folder} --config-name data",
        f"{env} .venv/bin/python -m toy.work {folder} --config-name sft",
        f"{env} .venv/bin/python -m toy.server {folder} --config-name server &",
        f"{env} TOY_SETTING=1 .venv/bin/python -m toy.work {folder} --config-name grpo 'trainer.name=first try'",
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


@pytest.mark.parametrize("text", ["你好，世界", "一,二", "3.50", "it's 5 o'clock: go!", "a=b", "007", "null"])
def test_text_arrives_as_typed(run, checkout, text):
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
    assert first.wait(60) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_stage_leaves_no_process_and_is_not_done(checkout, number):
    going = start(checkout, "data", "seconds=600", "daemon_sleeps=601")
    until((checkout / "exp/toy/rl_train.txt").exists, "the stage to work")
    assert len(processes_in(checkout)) >= 3  # run.sh, the stage and its daemon
    going.send_signal(number)
    assert going.wait(60) == 128 + number
    assert processes_in(checkout) == []
    assert not (checkout / "exp/toy/marks/data.done").exists()


def test_a_stage_that_ended_well_leaves_no_daemon(run, checkout):
    status, _ = run("data", "daemon_sleeps=602")
    assert status == 0
    assert processes_in(checkout) == []


def test_in_a_range_the_server_is_started_waited_for_and_stopped(run, checkout, ports):
    status, out = run("data", "train", *ports_as_overrides(ports))
    assert status == 0, out
    assert f"serve: ready on 127.0.0.1:{ports[1]}" in out
    assert out.index("serve: ready") < out.index("working on exp/toy/grpo/steps.txt")
    assert "serving, pid" in (checkout / "exp/toy/logs/serve.log").read_text()
    assert processes_in(checkout) == []
    again = run("data", "train", *ports_as_overrides(ports))[1]
    assert "train: done already" in again
    assert "serve: ready" not in again


def test_a_server_that_dies_before_it_is_ready_shows_the_end_of_its_log(run, ports):
    status, out = run("data", "train", "dies=true", *ports_as_overrides(ports))
    assert status == 1
    assert "the reward server ended before it was ready (exit status 7)" in out
    assert "no model for this voice" in out


def test_train_alone_says_how_to_start_the_server(run, ports):
    run("data")
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 1
    assert f"no reward server is ready on 127.0.0.1:{ports[0]}" in out
    assert "bash run.sh --recipe toy serve" in out


def test_train_uses_the_server_of_another_terminal(run, checkout, ports):
    run("data")
    server = start(checkout, "1", *ports_as_overrides(ports))
    log = checkout / "exp/toy/logs/serve.log"
    until(lambda: log.exists() and "serving" in log.read_text(), "the server")
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 0, out
    assert f"using the reward server on 127.0.0.1:{ports[0]}" in out
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 128 + signal.SIGINT
    assert processes_in(checkout) == []


def test_servers_of_one_recipe_run_side_by_side_under_names_of_their_own(run, checkout):
    run("data")
    servers = []
    for name in ("serve", "second"):
        servers.append(start(checkout, "1", f"recipe.server.name={name}", *ports_as_overrides(free_ports(3))))
        log = checkout / f"exp/toy/logs/{name}.log"
        until(lambda log=log: log.exists() and "serving" in log.read_text(), f"the server {name}")
    status, out = run("1", "recipe.server.name=second", *ports_as_overrides(free_ports(3)))
    assert status == 1 and f"another run works in exp/toy (pid {servers[1].pid})" in out
    for server in servers:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 128 + signal.SIGINT


def test_a_server_of_another_recipe_is_refused(run, checkout, ports):
    run("data")
    server = start(checkout, "1", "says=other", *ports_as_overrides(ports))
    log = checkout / "exp/toy/logs/serve.log"
    until(lambda: log.exists() and "serving" in log.read_text(), "the server")
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 1
    assert f"the reward server on 127.0.0.1:{ports[0]} is of recipe 'other', not 'toy'" in out
    server.send_signal(signal.SIGINT)
    server.wait(60)


def test_a_taken_port_is_named_with_the_key_to_change(run, ports):
    run("data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[1]))
        taken.listen()
        status, out = run("1", *ports_as_overrides(ports))
    assert status == 1
    assert f"port {ports[1]} (recipe.server.grpc_port) is taken" in out
    assert "recipe.server.grpc_port=PORT" in out


def train_steps(checkout: Path) -> list[str]:
    return lines_of(checkout / "exp/toy/grpo/steps.txt")


def test_training_continues_its_own_checkpoints_and_puts_others_aside(run, checkout, ports):
    where = ports_as_overrides(ports)
    run("data", "train", "fail=true", *where)  # data fails too: nothing is trained
    assert not (checkout / "exp/toy/grpo").exists()
    run("data")
    going = start(checkout, "serve", "train", "seconds=600", *where)
    until((checkout / "exp/toy/grpo/steps.txt").exists, "training")
    going.send_signal(signal.SIGINT)
    going.wait(60)
    continued = start(checkout, "serve", "train", "seconds=600", "trainer.total_training_steps=20", *where)
    until(lambda: len(train_steps(checkout)) == 2, "training to continue")  # same folder
    continued.send_signal(signal.SIGINT)
    continued.wait(60)
    status, out = run("serve", "train", "optim.lr=0.5", *where)  # another run
    assert status == 0, out
    assert len(train_steps(checkout)) == 1
    (aside,) = re.findall(r"checkpoints of another run moved to (exp/toy/grpo\.\S+)", out)
    assert len(lines_of(checkout / aside / "steps.txt")) == 2


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
    assert "the environments .venv and .venv-reward are not both there: bash run.sh install" in out
