"""run.sh and the reward server: started, waited for and stopped, or somebody else's; training that goes on."""

import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import free_ports
from tests.helpers.run_sh_checkout import lines_of, ports_as_overrides, processes_in, start, texts_there, until


def test_in_a_range_the_server_is_started_waited_for_and_stopped(run, checkout, ports):
    status, out = run("--verbose", "data", "train", *ports_as_overrides(ports))
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


def test_train_alone_says_how_to_start_the_server(run, checkout, ports):
    texts_there(checkout)
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 1
    assert f"no reward server is ready on 127.0.0.1:{ports[0]}" in out
    assert "bash run.sh --recipe toy serve" in out


def test_train_uses_the_server_of_another_terminal(run, checkout, ports):
    texts_there(checkout)
    server = start(checkout, "1", *ports_as_overrides(ports))
    log = checkout / "exp/toy/logs/serve.log"
    until(lambda: log.exists() and "serving" in log.read_text(), "the server")
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 0, out
    assert f"using the reward server on 127.0.0.1:{ports[0]}" in out
    server.send_signal(signal.SIGINT)
    assert server.wait(300) == 128 + signal.SIGINT
    assert processes_in(checkout) == []


def test_servers_of_one_recipe_run_side_by_side_under_names_of_their_own(run, checkout):
    servers = []
    for name in ("serve", "second"):
        servers.append(start(checkout, "1", f"recipe.server.name={name}", *ports_as_overrides(free_ports(3))))
        log = checkout / f"exp/toy/logs/{name}.log"
        until(lambda log=log: log.exists() and "serving" in log.read_text(), f"the server {name}")
    status, out = run("1", "recipe.server.name=second", *ports_as_overrides(free_ports(3)))
    assert status == 1 and f"another run works in exp/toy (pid {servers[1].pid})" in out
    for server in servers:
        server.send_signal(signal.SIGINT)
        assert server.wait(300) == 128 + signal.SIGINT


def test_a_server_of_another_recipe_is_refused(run, checkout, ports):
    texts_there(checkout)
    server = start(checkout, "1", "says=other", *ports_as_overrides(ports))
    log = checkout / "exp/toy/logs/serve.log"
    until(lambda: log.exists() and "serving" in log.read_text(), "the server")
    status, out = run("2", "2", *ports_as_overrides(ports))
    assert status == 1
    assert f"the reward server on 127.0.0.1:{ports[0]} is of recipe 'other', not 'toy'" in out
    server.send_signal(signal.SIGINT)
    server.wait(300)


def test_a_taken_port_is_named_with_the_key_to_change(run, ports):
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
    texts_there(checkout)
    going = start(checkout, "serve", "train", "seconds=600", *where)
    steps = checkout / "exp/toy/grpo/steps.txt"
    until(lambda: steps.exists() and len(train_steps(checkout)) == 1, "training")
    going.send_signal(signal.SIGINT)
    going.wait(300)
    continued = start(checkout, "serve", "train", "seconds=600", "trainer.total_training_steps=20", *where)
    until(lambda: len(train_steps(checkout)) == 2, "training to continue")  # same folder
    continued.send_signal(signal.SIGINT)
    continued.wait(300)
    status, out = run("serve", "train", "optim.lr=0.5", *where)  # another run
    assert status == 0, out
    assert len(train_steps(checkout)) == 1
    (aside,) = re.findall(r"checkpoints of another run moved to (exp/toy/grpo\.\S+)", out)
    assert len(lines_of(checkout / aside / "steps.txt")) == 2


def test_whoever_is_refused_finds_a_finished_training_where_it_was(run, checkout, ports):
    where = ports_as_overrides(ports)
    assert run("data", "train", *where)[0] == 0

    def refused(told: str, *arguments: str) -> None:
        status, out = run(*arguments, "optim.lr=0.5", *where)
        assert status == 1 and told in out
        assert len(train_steps(checkout)) == 1 and (checkout / "exp/toy/marks/train.done").exists()
        assert [path.name for path in (checkout / "exp/toy").glob("grpo*")] == ["grpo"]

    refused("no reward server is ready on", "train")
    refused("no reward server is ready on", "--force", "train")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the training's server linger
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        refused(f"port {ports[0]} (recipe.server.http_port) is taken", "serve", "train")
    ended = server_pids(checkout)
    server = start(checkout, "1", "says=other", *where)
    until(lambda: server_pids(checkout) not in (ended, []), "the server")
    refused("is of recipe 'other', not 'toy'", "train")
    before = (checkout / "exp/toy/logs/serve.log").read_text()
    refused("is taken. A server with model token2wav_asr is there", "serve", "train")
    assert (checkout / "exp/toy/logs/serve.log").read_text().startswith(before)  # of the one that goes on
    server.send_signal(signal.SIGINT)
    server.wait(300)
    refused("exp/toy/grpo is where it was", "serve", "train", "dies=true")  # before anything was trained


def server_pids(checkout: Path) -> list[int]:
    log = checkout / "exp/toy/logs/serve.log"
    return [int(pid) for pid in re.findall(r"serving, pid (\d+)", log.read_text() if log.exists() else "")]


def sleeping(checkout: Path, seconds: str) -> list[int]:
    found = []
    for pid in processes_in(checkout):
        with suppress(OSError):  # it has ended since
            found += [pid] if Path(f"/proc/{pid}/cmdline").read_bytes() == f"sleep\0{seconds}\0".encode() else []
    return found


@pytest.mark.parametrize(("number", "again"), [(signal.SIGKILL, True), (signal.SIGTERM, False)])
def test_a_server_that_ended_in_a_range_is_started_again_unless_asked_to(run, checkout, ports, number, again):
    texts_there(checkout)
    release = checkout / "release"
    long = ["leaves_s=1001", "daemon_sleeps=1002"]  # what the server and the training leave to themselves
    going = start(checkout, "serve", "train", f"wait_for={release}", *long, *ports_as_overrides(ports))
    until((checkout / "exp/toy/grpo/steps.txt").exists, "training")
    (pid,) = server_pids(checkout)
    until(lambda: sleeping(checkout, "1001") and sleeping(checkout, "1002"), "what they leave")
    (left,), (going_on,) = sleeping(checkout, "1001"), sleeping(checkout, "1002")
    os.kill(pid, number)
    until(lambda: len(server_pids(checkout)) == 1 + again and not psutil.pid_exists(pid), "the server's end")
    assert (left in sleeping(checkout, "1001")) is not again  # it may hold a port of the next one
    assert sleeping(checkout, "1002") == [going_on]  # as Ray's workers may be: nobody's children, and the training's
    release.touch()
    out, _ = going.communicate(timeout=300)
    assert going.returncode == 0, out
    assert ("the reward server is started again (1 of 10 times at most)" in out) is again
    assert "train: finished" in out and processes_in(checkout) == []
