"""Ray's workers as copies of one process that has imported what they need, with a real Ray."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import ray

from stages.config import compose_stage
from tests.helpers.imported_once import Worker
from verl_plugins import forked_worker

ROOT = Path(__file__).resolve().parents[3]
MODULES = ["numpy", "tests.helpers.imported_once", "no_such_module"]


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    command = f"{sys.executable} -m verl_plugins.forked_worker {' '.join(MODULES)}"
    environment = {"VERL_TTS_TOLD": "by the runtime environment", "PYTHONPATH": str(ROOT)}
    while True:  # beside other tests Ray's node may come too late for it, which ends the node and ray.init with it
        try:
            ray.init(
                num_cpus=2, include_dashboard=False, runtime_env={"py_executable": command, "env_vars": environment}
            )
            break
        except Exception as error:
            ray.shutdown()
            if "timed out" not in str(error):
                raise
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def workers(ray_here: None) -> list:
    return [ray.remote(num_cpus=0)(Worker).remote() for _ in range(3)]


@pytest.fixture(scope="module")
def told(workers: list) -> list[dict]:
    return ray.get([worker.told.remote() for worker in workers])


def await_end(pids: set[int]) -> set[int]:
    """Those that still run when a minute is over; what waits for nobody but its parent has ended."""

    def runs(pid: int) -> bool:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return False

    deadline = time.monotonic() + 60
    while (left := set(filter(runs, pids))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_workers_are_copies_of_one_process_that_imported_once(told: list[dict]):
    assert len({one["pid"] for one in told}) == 3
    assert len({one["mark"] for one in told}) == 1, "each imported the module for itself"
    assert len({one["from"] for one in told}) == 1


def test_a_worker_has_the_environment_folder_and_program_that_ray_gave_it(told: list[dict]):
    assert {one["told"] for one in told} == {"by the runtime environment"}
    assert {one["folder"] for one in told} == {os.getcwd()}
    assert all(one["argument"].endswith("default_worker.py") for one in told)


def test_copies_do_not_draw_the_same_numbers(told: list[dict]):
    for of_one in zip(*(one["draws"] for one in told), strict=True):
        assert len({*of_one}) == 3


def test_a_worker_that_is_killed_or_dies_is_known_to_ray_and_gone(workers: list, told: list[dict]):
    ray.kill(workers[1])
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(workers[2].fail.remote())
    assert await_end({told[1]["pid"], told[2]["pid"]}) == set()
    assert ray.get(workers[0].told.remote())["pid"] == told[0]["pid"]


def test_other_variables_that_libraries_read_at_import_get_another_process(told: list[dict]):
    other = ray.remote(num_cpus=0)(Worker).options(runtime_env={"env_vars": {"OMP_NUM_THREADS": "7"}}).remote()
    assert ray.get(other.told.remote())["mark"] != told[0]["mark"]


def test_nothing_is_left_when_ray_has_ended(told: list[dict]):
    ray.shutdown()
    left = {pid for one in told for pid in (one["pid"], one["from"])}
    assert await_end(left) == set()


def test_another_users_process_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address := f"\0verl-tts-test-{os.getpid()}")
    listener.listen()
    forked_worker.connect(address).close()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(SystemExit, match="another user"):
        forked_worker.connect(address)
    assert forked_worker.connect(address + "nobody") is None


def test_who_was_killed_before_it_had_said_all_is_passed_over():
    for said in (b"", forked_worker.NUMBER.pack(100), forked_worker.NUMBER.pack(100) + b'{"argv"'):
        ours, its = socket.socketpair()
        if said:
            socket.send_fds(its, [said[:4]], forked_worker.OPEN_FILES)
            its.sendall(said[4:])
        its.close()
        before = len(os.listdir("/proc/self/fd"))
        assert forked_worker.asked_by(ours) is None
        assert len(os.listdir("/proc/self/fd")) == before, "its open files stayed open"
        ours.close()


def test_who_was_killed_while_the_imports_took_long_is_passed_over():
    ours, its = socket.socketpair()
    said = b"{}"
    socket.send_fds(its, [forked_worker.NUMBER.pack(len(said))], forked_worker.OPEN_FILES)
    its.sendall(said)
    assert not forked_worker.has_left(ours)
    its.close()
    wanted, files = forked_worker.asked_by(ours)  # it had said all
    assert wanted == {} and forked_worker.has_left(ours)
    for descriptor in files:
        os.close(descriptor)
    ours.close()


def test_the_recipes_workers_on_a_cpu_begin_so():
    command = compose_stage("tiny_mandarin", "grpo").ray_kwargs.ray_init.runtime_env.py_executable.split()
    assert command[:3] == [".venv/bin/python", "-m", "verl_plugins.forked_worker"]
    for module in command[3:]:
        assert find_spec(module), module
