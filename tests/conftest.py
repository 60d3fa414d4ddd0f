"""Fixtures of both environments: small real models, built once per checkout by the real stages, and a real server."""

import fcntl
import gc
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.helpers")

ROOT = Path(__file__).resolve().parent.parent
RECIPE = "tiny_mandarin"
BUILD = ROOT / "exp/test_build"
RUN = os.environ.get("VERL_TTS_TEST_RUN", "")  # of stages/test.sh: the same in all its processes of pytest
# Enough for models that speak and hear; the claims about quality are those of the recipe, not of the tests.
SMALL = [line for line in (Path(__file__).parent / "helpers/small_build.txt").read_text().split() if line]


# What takes long, the longest first: each is one worker's (--dist loadfile), and short ones are to fill the end. The
# first of them builds the small models; meanwhile the others go through those that need none.
LONG = ["test_end_to_end", "test_given_voice", "test_shares", "test_reading_error", "test_recipe_configs"]
LONG += ["test_slurm", "test_resume", "test_synthesise", "test_sft", "test_documented_commands"]
LONG += ["test_preflight_training"]
LONG += ["test_server_supervised", "test_server_life", "test_reward_faults", "test_soak", "test_new_scorer_page"]
LONG += ["test_own_texts", "test_prefer", "test_reward_server", "test_server_security", "test_overload"]
LONG += ["test_speech_prefix", "test_run_sh_server", "test_run_sh", "test_reward_overrides", "test_speech_head"]
LONG += ["test_cosyvoice_prompt", "test_lora", "test_verl_plugins", "test_run_sh_runs", "test_marks"]
LONG += ["test_queue_polls", "test_data_prep_memory", "test_algorithm_updates", "test_install", "test_merge"]

# Those that ask `reward_server`, which each worker starts for itself: one worker's, all of them.
SERVED = {"test_end_to_end", "test_reward_server", "test_reward_faults", "test_server_untrusted", "test_speech_prefix"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files for a worker, as --dist loadfile has it, and those of SERVED together."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "served" if Path(file).stem in SERVED else file

    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays: no garbage collector looks through it. verl runs a full one three times a checkpoint,
    which took two thirds of test_resume's time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_unconfigure() -> None:
    """Else nanobind tells all that vLLM's libraries hold when the process ends."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; of the others those first that need no small models, which are built meanwhile.

    Pytest 9 takes overlapping arguments as one, so that naming a file first does not do.
    """
    waiting = {item.path for item in items if "built_recipe" in getattr(item, "fixturenames", ())}
    places = {f"{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: (places.get(item.path.name, len(LONG)), item.path in waiting))


def _run_sh(*arguments: str) -> str:
    done = subprocess.run(["bash", "run.sh", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = done.stdout.decode(errors="replace")
    assert done.returncode == 0, out[-6000:]
    return out


@pytest.fixture(scope="session")
def small_overrides() -> list[str]:
    """Overrides with which run.sh works on the small models; with the marks there, what made them is skipped."""
    return [f"recipe.work_dir={BUILD.relative_to(ROOT)}", *SMALL]


@pytest.fixture(scope="session")
def built_recipe(small_overrides: list[str]) -> Path:
    """exp/test_build (absolute): data/, tokenizer/, token2wav/, reward_asr/, sft/, token_ear/, by the real stages."""
    BUILD.parent.mkdir(exist_ok=True)
    with open(BUILD.with_suffix(".lock"), "a+") as file:  # the other processes of pytest wait for the models, too
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if RUN and file.read() == RUN:  # one of them has seen to them already
            return BUILD
        of_ear = [one for one in small_overrides if one.startswith("token_ear.")]
        rest = [one for one in small_overrides if one not in of_ear]
        # Between them is baseline, which no test reads.
        for call in (["data", "sft", *rest], ["token_ear", "token_ear", rest[0], *of_ear]):
            out = _run_sh("--recipe", RECIPE, *call)
            if "made by other code" in out or "What it made stays as it is" in out:  # the tests are of today's code
                _run_sh("--force", "--recipe", RECIPE, *call)
        file.truncate(0)
        file.write(RUN)
    return BUILD


def copy_of(built: Path, name: str) -> Path:
    """The small models in a folder of their own, exp/NAME, with nothing trained yet."""
    folder = built.with_name(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for part in ("data", "tokenizer", "token2wav", "reward_asr", "sft", "token_ear"):
        (folder / part).symlink_to(built / part)
    return folder


def port_range(worker: str) -> range:
    """The ports of one worker of pytest-xdist (gw0, gw1, ...; without it, of an environment), and of nobody else: Linux
    gives those from 32768 on to whoever asks for any, Ray's workers take 10002 to 19999, torchrun 29500."""
    place = int(worker.removeprefix("gw")) % 7 if worker.startswith("gw") else 7 + (worker == ".venv-reward")
    first = 20000 + 1000 * place
    return range(first, first + 1000)


_ports = port_range(os.environ.get("PYTEST_XDIST_WORKER", Path(sys.prefix).name))
_untouched = iter(random.sample(_ports, len(_ports)))  # another run of the tests on this machine draws other ones


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; none is given out twice."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port := next(_untouched)))
            found.append(port)
    return found


@pytest.fixture
def ports() -> list[int]:
    """Three free ports: HTTP, gRPC, metrics."""
    return free_ports(3)


@pytest.fixture(scope="module")
def ports_of_module() -> list[int]:
    """The same for all tests of a module."""
    return free_ports(3)


@dataclass
class Server:
    """A running reward server."""

    host: str
    http_port: int
    grpc_port: int
    metrics_port: int
    process: subprocess.Popen[bytes]
    log: Path

    def is_ready(self) -> bool:
        """Whether Triton says that the model is ready."""
        url = f"http://{self.host}:{self.http_port}/v2/models/token2wav_asr/ready"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Ask it to end and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(300)  # models, Triton and what was begun end one after another
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def start_server(built: Path, log: Path, *overrides: str, ports: list[int] | None = None) -> Server:
    """The real server with the small models; returns when it is ready, fails with its log's end.

    `ports`: HTTP, gRPC, metrics; free ones if not given, and others once if somebody was faster to take one.
    """
    http, grpc, metrics = ports or free_ports(3)
    work_dir = built.relative_to(ROOT)
    argv = [".venv-reward/bin/python", "-m", "reward_tts.server", "--config-path", str(ROOT / "recipes" / RECIPE)]
    argv += ["--config-name", "server", f"recipe.work_dir={work_dir}", f"recipe.server.http_port={http}"]
    argv += [f"recipe.server.grpc_port={grpc}", f"recipe.server.metrics_port={metrics}"]
    argv += ["server.instances=1", *overrides]  # one is ready sooner than two
    with open(log, "wb") as file:
        process = subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    server = Server("127.0.0.1", http, grpc, metrics, process, log)
    deadline = time.monotonic() + 300
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            said = log.read_text(errors="replace")
            if not ports and re.search(r"\) is taken\.|already in use", said):  # our words, and those of the system
                return start_server(built, log, *overrides, ports=free_ports(3))
            pytest.fail(f"the reward server did not get ready:\n{said[-4000:]}")
        time.sleep(0.3)
    return server


@pytest.fixture(scope="session")
def reward_server(built_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for the whole session, which hears every row. Tests that stop or kill a server start their own
    (server_starter)."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    server = start_server(built_recipe, log, "recipe.reward.token_ear=null")
    yield server
    server.stop()


@pytest.fixture
def server_starter(built_recipe: Path, tmp_path: Path) -> Iterator:
    """A function (*overrides, ports=None) -> Server; all that it started are stopped at the end of the test."""
    started: list[Server] = []

    def start(*overrides: str, ports: list[int] | None = None) -> Server:
        started.append(start_server(built_recipe, tmp_path / f"server{len(started)}.log", *overrides, ports=ports))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def spoken(built_recipe: Path) -> list[tuple[list[int], str]]:
    """The teacher's own speech of the test texts as (speech tokens, text), of varied length."""
    lines = (built_recipe / "data/test_teacher.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [(row["speech_tokens"], row["text"]) for row in map(json.loads, lines)]
    assert len({len(tokens) for tokens, _ in rows}) > 5
    return rows


@pytest.fixture(scope="session")
def asked(spoken: list[tuple[list[int], str]]) -> list[tuple[list[int], str]]:
    """The twelve shortest of them: for tests of how rows are answered, whatever is heard."""
    return sorted(spoken, key=lambda row: len(row[0]))[:12]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """run.sh, stages/ and the toy recipe in an empty folder, with this environment as .venv."""
    shutil.copy(ROOT / "run.sh", tmp_path)
    for folder in ("stages", "hydra_plugins"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(ROOT / "tests/helpers/toy", tmp_path, dirs_exist_ok=True)
    for environment in (".venv", ".venv-reward"):
        (tmp_path / environment).symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Callable[..., tuple[int, str]]:
    """run(*arguments) -> exit status, all output."""

    def call(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "run.sh", "--recipe", "toy", *arguments], cwd=checkout, capture_output=True, text=True, timeout=600
        )
        return done.returncode, done.stdout + done.stderr

    return call
