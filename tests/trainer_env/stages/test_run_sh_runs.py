"""run.sh on a small checkout: failed and interrupted stages, second runs, recipes from outside."""

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from stages import disk, logs, processes
from stages.server import tail
from tests.helpers.run_sh_checkout import lines_of, processes_in, start, until
from tests.helpers.saved_steps import save_steps


def test_a_failed_stage_is_not_done_and_its_status_and_log_are_named(run, checkout):
    status, out = run("data", "fail=true")
    assert status == 1
    assert "stage data failed with exit status 3" in out
    assert "exp/toy/logs/data.log" in out
    assert "working on exp/toy/rl_train.txt" in (checkout / "exp/toy/logs/data.log").read_text()
    assert not (checkout / "exp/toy/marks/data.done").exists()


def test_a_quota_that_is_used_up_is_told_as_a_full_disk_is(tmp_path):
    def error(number: int) -> OSError:
        return OSError(number, os.strerror(number), "x")

    more = "Make room and run it again: what was done stays"
    quota = "your quota of this disk is used up"
    assert disk.told(error(errno.EDQUOT)) == f"{quota} ([Errno 122] Disk quota exceeded: 'x'). {more}"
    assert disk.told(error(errno.ENOSPC)).startswith("the disk is full ([Errno 28] No space left on device")
    assert disk.told(error(errno.EACCES)) is None
    assert disk.why_failed(tmp_path, "OSError: [Errno 122] Disk quota exceeded: 'x'", 0) == f"{quota}. {more}"
    assert disk.why_failed(tmp_path, "KeyError: 'x'", 0) is None
    assert disk.why_failed(tmp_path, "KeyError: 'x'", 1 << 50).endswith(f"MiB are free on this disk. {more}")


def test_what_a_full_disk_leaves_is_named_and_an_empty_tracker_mended(tmp_path):
    assert disk.mend_tracker(tmp_path) == []
    save_steps(tmp_path, 1, 2)
    assert disk.mend_tracker(tmp_path) == []
    (tmp_path / "global_step_1/data.pt").touch()
    (tracker := tmp_path / "latest_checkpointed_iteration.txt").write_text("")
    (said,) = disk.mend_tracker(tmp_path)
    assert said.endswith("was empty: 1 is the newest step that is whole") and tracker.read_text() == "1"
    told = disk.why_failed(tmp_path, "", 1 << 50, tmp_path)
    assert told.endswith(f"; half-written and of no use: {os.path.relpath(tmp_path / 'global_step_2')}")
    (tmp_path / "global_step_1/data.pt").unlink()
    tracker.write_text("")
    assert disk.mend_tracker(tmp_path)[0].endswith("no checkpoint is whole: deleted") and not tracker.exists()


def test_the_empty_tracker_of_verls_sft_is_mended_too(tmp_path):
    """Its checkpoints have no folder `actor`, and a file of the rows for each process."""
    save_steps(tmp_path, 5, 10, part="")
    for step in (5, 10):
        (tmp_path / f"global_step_{step}/data_0.pt").touch()
    tracker = tmp_path / "latest_checkpointed_iteration.txt"
    tracker.write_text("")
    assert disk.mend_tracker(tmp_path)[0].endswith("10 is the newest step that is whole")
    assert tracker.read_text() == "10"
    assert disk.unfinished(tmp_path) == []


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


def start_with(at_hangup: signal.Handlers, checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    """`start`, with this for SIGHUP, which children inherit: nohup may have started the tests, too."""
    handler = signal.signal(signal.SIGHUP, at_hangup)
    try:
        return start(checkout, *arguments)
    finally:
        signal.signal(signal.SIGHUP, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_stage_leaves_no_process_and_is_not_done(checkout, number):
    going = start_with(signal.SIG_DFL, checkout, "data", "seconds=600", "daemon_sleeps=601")
    until((checkout / "exp/toy/rl_train.txt").exists, "the stage to work")
    until(lambda: len(processes_in(checkout)) >= 3, "run.sh, the stage and its daemon")
    going.send_signal(number)
    assert going.wait(300) == 128 + number
    assert processes_in(checkout) == []
    assert not (checkout / "exp/toy/marks/data.done").exists()


def test_a_run_that_nohup_started_outlives_its_terminal(checkout):
    going = start_with(signal.SIG_IGN, checkout, "data", "seconds=600")  # as nohup does
    until((checkout / "exp/toy/rl_train.txt").exists, "the stage to work")
    going.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        going.wait(2)
    going.send_signal(signal.SIGTERM)
    assert going.wait(300) == 128 + signal.SIGTERM
    assert processes_in(checkout) == []


def test_a_stage_that_ended_well_leaves_no_daemon(run, checkout):
    status, _ = run("data", "daemon_sleeps=602")
    assert status == 0
    assert processes_in(checkout) == []


def test_the_log_of_a_training_that_goes_on_has_all_of_it(run, checkout):
    """Curves are made of it."""
    run("data")
    log, saved = checkout / "exp/toy/logs/train.log", checkout / "exp/toy/grpo/latest_checkpointed_iteration.txt"
    for _ in range(2):  # the second begins anew: nothing is saved yet, though the folder is there
        assert run("serve", "train", "fail=true")[0] == 1
    work = "working on exp/toy/grpo/steps.txt"
    assert lines_of(log) == [work] and len(list(log.parent.glob("train.2*.log"))) == 1
    saved.write_text("1")
    status, out = run("serve", "train", "fail=true")
    assert status == 1 and out.count(f"    {work}") == 1  # the end of the log is that of this run
    said = [line.partition(", 2")[0] for line in lines_of(log) if line.startswith(("working", "run.sh"))]
    assert said == [work, "run.sh: it goes on", work]
    run("serve", "train", "optim.lr=0.5")  # another training
    assert lines_of(log) == [work]
    assert len(list(log.parent.glob("train.2*.log"))) == 2 and len(list(log.parent.glob("serve.2*.log"))) >= 1


def test_an_error_of_a_life_before_is_not_told_as_that_of_this_one(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("OSError: [Errno 122] Disk quota exceeded: 'x'\n")
    logs.begin(log, goes_on=True, kept=5)
    with open(log, "ab") as file:
        begun = file.tell()
        file.write(b"KeyError: 'x'\n")
    assert disk.why_failed(tmp_path, tail(log, 30), 0).startswith("your quota")
    assert tail(log, 30, begun) == "    KeyError: 'x'" and disk.why_failed(tmp_path, tail(log, 30, begun), 0) is None


def test_of_logs_of_runs_before_the_newest_stay(tmp_path):
    log = tmp_path / "train.log"
    for day in range(1, 6):
        log.write_text(f"{day}\n")
        os.utime(log, (86_400 * day, 86_400 * day))
        logs.begin(log, goes_on=False, kept=2)
    assert not log.exists()
    assert [path.read_text() for path in sorted(tmp_path.glob("train.1970*.log"))] == ["4\n", "5\n"]
    assert len(list(tmp_path.iterdir())) == 2


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


def test_a_file_system_without_locks_is_named_and_does_not_end_the_run(tmp_path, monkeypatch, capsys):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    for number in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
        with processes.locked(tmp_path, "run.lock"):
            assert (tmp_path / "run.lock").read_text() == str(os.getpid())
        assert f"cannot be locked ({os.strerror(number)}): let no other run" in capsys.readouterr().out
    number = errno.EIO
    with pytest.raises(OSError, match="Input/output"), processes.locked(tmp_path, "run.lock"):
        pass
