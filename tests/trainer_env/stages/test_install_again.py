"""Stage install where environments are there, or pip has settings: what is kept, made anew, and told to uv; and the end
of `run.sh test` by Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stages.config import ROOT
from tests.helpers.install import GPU, UV, WITHOUT_PIP, checkout_in, install, tool
from tests.helpers.run_sh_checkout import processes_in, until

HERE = "{}.{}".format(*sys.version_info)


@pytest.mark.parametrize(("kept", "found"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_a_command_without_the_variable_leaves_environments_as_they_were_made(tmp_path, kept, found):
    """VERL_TTS_DEVICE=cpu for one command, and the next one on the same machine deleted both environments."""
    (checkout_in(tmp_path) / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text(f"{kept}\n")
    tool(tmp_path, "nvidia-smi", GPU if found == "gpu" else "exit 9")
    status, out = install(tmp_path)
    assert status == 0 and "rm -rf" not in out and f"requirements/trainer-{kept}.txt" in out
    assert f"the environments stay those for {kept}, as they were made; others: VERL_TTS_DEVICE={found} bash" in out


def test_a_recipe_for_the_other_device_is_told_before_anything_is_downloaded(tmp_path):
    """The default is for the CPU, also on a laptop with a GPU; the others need one."""
    tool(checkout_in(tmp_path), "nvidia-smi", "exit 9")
    told = "no GPU is here, the environments are for the CPU, and cosyvoice2 is configured for GPUs"
    assert told in install(tmp_path, "--dry-run", "cosyvoice2")[1]  # on a login node
    assert "no GPU is here" not in install(tmp_path, "--dry-run", "tiny_mandarin")[1]
    assert "no GPU is here" not in install(tmp_path, "--dry-run", "cosyvoice2", VERL_TTS_DEVICE="cpu")[1]
    tool(tmp_path, "nvidia-smi", GPU)
    status, out = install(tmp_path, "--dry-run", "tiny_mandarin")
    assert status == 0 and "requirements/trainer-cpu.txt" in out and "trainer-gpu" not in out
    assert out.index("tiny_mandarin is configured for the CPU, and so are its environments") < out.index("uv pip")
    assert "requirements/trainer-gpu.txt" in install(tmp_path, "--dry-run", "cosyvoice2")[1]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text("cpu\n")
    for option, refused in (("--force", 1), ("--dry-run", 0)):  # the commands can be looked at
        status, out = install(tmp_path, option, "cosyvoice2")
        assert status == refused
        assert "are for the CPU, and cosyvoice2 is configured for GPUs: export VERL_TTS_DEVICE=gpu" in out
        assert ("uv pip install" in out) != refused
    asked = install(tmp_path, "--dry-run", "cosyvoice2", VERL_TTS_DEVICE="gpu")[1]
    assert asked.count("mv .venv .venv.before \n") == asked.count("rm -rf .venv.before \n") == 1


def run_sh(checkout: Path, *arguments: str, gpu: str = GPU) -> str:
    """All that run.sh says there on a machine with a GPU; it ends before stages that need Python."""
    tool(checkout, "nvidia-smi", gpu)
    shutil.copy(ROOT / "run.sh", checkout)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VERL_TTS_")}
    own = {"PATH": f"{checkout}/bin:{WITHOUT_PIP}", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(["bash", "run.sh", *arguments], cwd=checkout, env=kept | own, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_machine_on_the_command_line_counts_before_the_recipes_own(tmp_path):
    """`--recipe llasa --dry-run machine=cpu` of docs/overrides.md died where environments are for the CPU, and
    `machine=gpu` on a fresh machine took builds for the CPU."""
    checkout_in(tmp_path)
    assert "trainer-gpu" in run_sh(tmp_path, "--dry-run", "install", "machine=cpu", "machine=gpu")
    assert "trainer-gpu" in run_sh(tmp_path, "--dry-run", "install", "machine=gpu", gpu="exit 9")  # a login node
    assert "trainer-cpu" in run_sh(tmp_path, "--recipe", "llasa", "--dry-run", "install", "machine=cpu")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text("cpu\n")
    shown = run_sh(tmp_path, "--recipe", "llasa", "--dry-run", "machine=cpu")
    assert "trainer-cpu" in shown and "is configured for GPUs" not in shown
    assert "tiny_mandarin is configured for GPUs" in run_sh(tmp_path, "install", "machine=gpu")


@pytest.mark.parametrize(
    ("chosen", "builds"),
    [("- override machine: cpu", "cpu"), ("- override /machine: 'cpu'", "cpu"), ("- override machine: gpu", "gpu")],
)
def test_a_recipe_of_ones_own_may_override_the_machine(tmp_path, chosen, builds):
    tool(checkout_in(tmp_path), "nvidia-smi", GPU)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/recipe.yaml").write_text(f"defaults:\n  - recipe_base\n  {chosen}\n")
    assert f"requirements/trainer-{builds}.txt" in install(tmp_path, "--dry-run", str(tmp_path / "mine"))[1]


@pytest.mark.parametrize(
    ("made_with", "asked", "version", "anew"),
    [
        ("3.11", "", "3.11", False),
        ("3.12", "", "3.12", False),
        ("3.11", "3.12", "3.12", True),
        ("3.12", "3.12", "3.12", False),
        ("3.11", "3.11.9", "3.11", False),
        ("3.11.9", "python3.11", "3.11", False),
        ("3.12", "cpython-3.11.9", "3.11", True),
        (HERE, sys.executable, HERE, False),
        (HERE, sys.prefix, HERE, False),
        ("3.11", ">=3.12", ">=3.12", True),
    ],
)
def test_an_environment_of_another_python_is_made_anew_where_one_is_asked_for(
    tmp_path, made_with, asked, version, anew
):
    (checkout_in(tmp_path) / ".venv").mkdir()
    (tmp_path / ".venv/installed.python").write_text(f"{made_with}\n")
    status, out = install(tmp_path, VERL_TTS_DEVICE="cpu", VERL_TTS_PYTHON=asked)
    assert status == 0 and f".venv for cpu, Python {version} " in out
    assert ("mv .venv .venv.before \n" in out) == anew == (f".venv has Python {made_with}: it is made anew" in out)


def test_a_python_that_was_chosen_by_its_path_makes_the_next_environment_too(tmp_path):
    """uv would not find it by its version."""
    tool(checkout_in(tmp_path), "uv", UV)
    tool(tmp_path, "nvidia-smi", GPU)
    tool(tmp_path, "own", "echo 3.12")
    own = f"{tmp_path}/bin/own"
    assert install(tmp_path, "tiny_mandarin", VERL_TTS_DEVICE="cpu", VERL_TTS_PYTHON=own)[0] == 0
    assert (tmp_path / ".venv/installed.python").read_text() == f"{own}\n"
    out = install(tmp_path, "--dry-run", "tiny_mandarin", VERL_TTS_DEVICE="gpu")[1]
    assert f"venv --quiet --python {own} .venv" in out and ".venv for gpu, Python 3.12 " in out


def environment_in(checkout: Path, linked: bool) -> Path:
    """An environment of builds for the CPU, in which a file `kept` is; a link to another checkout's, or a folder."""
    folder = checkout / ("other" if linked else ".venv")
    folder.mkdir()
    (folder / "installed.device").write_text("cpu\n")
    (folder / "kept").touch()
    if linked:
        (checkout / ".venv").symlink_to("other")
    return folder


def asked_for_gpus(checkout: Path, uv: str, **environment: str) -> int:
    """Exit status of stage install there that makes an environment for the CPU anew."""
    tool(checkout, "nvidia-smi", GPU)
    tool(checkout, "uv", UV.replace("case $1 in\n", f"case $1 in\n{uv}\n"))
    return install(checkout, "tiny_mandarin", VERL_TTS_DEVICE="gpu", **environment)[0]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("uv", "lacks"),
    [("venv) exit 2 ;;", "0"), ("", "1"), ("pip) exit 1 ;;", "0"), ("pip) kill -TERM $PPID; exit 1 ;;", "0")],
)
def test_an_environment_is_there_until_another_one_is_whole(tmp_path, uv, lacks, linked):
    """With VERL_TTS_PYTHON=3.13, which was not there, the good environment was gone, and nothing in its place."""
    environment_in(checkout_in(tmp_path), linked)
    assert asked_for_gpus(tmp_path, uv, LACKS=lacks) != 0
    assert (tmp_path / ".venv/kept").exists() and (tmp_path / ".venv").is_symlink() == linked
    assert (tmp_path / ".venv/installed.device").read_text() == "cpu\n"
    assert list(tmp_path.glob(".venv.before")) == []


@pytest.mark.parametrize("linked", [False, True])
def test_an_environment_that_was_made_anew_leaves_nothing_of_the_one_before(tmp_path, linked):
    folder = environment_in(checkout_in(tmp_path), linked)
    assert asked_for_gpus(tmp_path, "") == 0
    assert not (tmp_path / ".venv/kept").exists() and not (tmp_path / ".venv").is_symlink()
    assert (tmp_path / ".venv/installed.device").read_text() == "gpu\n"
    assert list(tmp_path.glob(".venv.before")) == []
    assert (folder / "kept").exists() == linked  # another checkout's


@pytest.mark.parametrize("whole", [False, True])
def test_what_a_killed_install_left_aside_comes_back_unless_the_new_one_is_whole(tmp_path, whole):
    environment_in(checkout_in(tmp_path), linked=False).rename(tmp_path / ".venv.before")
    (tmp_path / ".venv").mkdir()
    if whole:
        (tmp_path / ".venv/installed.sha256").write_text("what is pinned\n")
    tool(tmp_path, "uv", UV)
    assert install(tmp_path)[0] == 0 and (tmp_path / ".venv.before/kept").exists()  # a dry run changes nothing
    assert install(tmp_path, "tiny_mandarin", VERL_TTS_DEVICE="cpu")[0] == 0
    assert (tmp_path / ".venv/kept").exists() != whole
    assert list(tmp_path.glob(".venv.before")) == []


def test_a_python_that_lacks_system_packages_leaves_no_environment(tmp_path):
    """It advised VERL_TTS_PYTHON=3.12 then, found the environment of 3.11 again, and asked for the same packages."""
    tool(checkout_in(tmp_path), "uv", UV)
    status, _ = install(tmp_path, "tiny_mandarin", VERL_TTS_DEVICE="cpu", LACKS="1")
    assert status == 1 and not (tmp_path / ".venv").exists()


# pip 22.0 of Ubuntu 22.04, which a user has told `user` and `require-virtualenv`; it brings the uv of the test.
PIP = """case "$*" in
*--root-user-action*) echo no such option: --root-user-action; exit 2 ;;
"-m pip install"*) [ "$PIP_USER$PIP_REQUIRE_VIRTUALENV" = 00 ] && mkdir -p .venv-uv/bin && cp bin/own .venv-uv/bin/uv ;;
esac"""


def test_uv_comes_by_any_pip_however_it_is_configured(tmp_path):
    tool(checkout_in(tmp_path), "python3", PIP)
    tool(tmp_path, "own", UV)
    tool(tmp_path, "uv", "exit 1")  # none of this machine's
    told = {"VERL_TTS_DEVICE": "cpu", "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1"}
    status, out = install(tmp_path, "tiny_mandarin", **told)
    assert status == 0 and (tmp_path / ".venv/installed.device").exists(), out


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_uv_is_told_where_pip_finds_packages(tmp_path, device):
    tool(checkout_in(tmp_path), "uv", UV)
    tool(tmp_path, "nvidia-smi", GPU)
    where = {"PIP_FIND_LINKS": "/my/wheels /more", "PIP_NO_INDEX": "1", "VERL_TTS_DEVICE": device}
    where |= {"PIP_CERT": "/my/ca.pem", "PIP_TRUSTED_HOST": "one.host\ntwo.host", "SSL_CERT_FILE": ""}
    status, out = install(tmp_path, "tiny_mandarin", pip=True, **where)
    assert status == 0, out
    told = [line for line in out.splitlines() if line.startswith("uv ")]
    assert len(told) == 6 and all(line.startswith("uv pip install --no-index --python .venv") for line in told)
    assert out.count("UV_FIND_LINKS=/my/wheels,/more\n") == 6
    assert out.count("SSL_CERT_FILE=/my/ca.pem\n") == out.count("UV_INSECURE_HOST=one.host two.host\n") == 6
    status, out = install(tmp_path, "--force", "tiny_mandarin", pip=True, **(where | {"PIP_NO_INDEX": "0"}))
    assert status == 0 and "uv pip install --python .venv" in out and "--no-index" not in out


@pytest.mark.parametrize("whose", ["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"])
@pytest.mark.parametrize(("device", "taken"), [("cpu", True), ("gpu", False)])
def test_links_and_no_index_of_pips_own_configuration_are_for_cpu_builds(tmp_path, device, taken, whose):
    """no-index alone would have left builds for GPUs with no place to come from. The user's, or the machine's."""
    tool(checkout_in(tmp_path), "uv", UV)
    tool(tmp_path, "nvidia-smi", GPU)
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/pip.conf").write_text("[global]\nfind-links = /my/wheels\nno-index = true\ncert = /my/ca.pem\n")
    none = {"XDG_CONFIG_HOME": f"{tmp_path}/none", "HOME": f"{tmp_path}/none", "PIP_CONFIG_FILE": ""}
    own = none | {whose: str(tmp_path), "SSL_CERT_FILE": ""}
    status, out = install(tmp_path, "tiny_mandarin", pip=True, VERL_TTS_DEVICE=device, **own)
    assert status == 0, out
    assert ("UV_FIND_LINKS=/my/wheels\n" in out) == ("uv pip install --no-index " in out) == taken
    assert "SSL_CERT_FILE=/my/ca.pem\n" in out or whose == "XDG_CONFIG_DIRS"  # before which /etc/pip.conf comes


# As pytest: at SIGINT it ends what it has begun, and exits with status 2. What it is not asked to test it does at once.
PYTEST = f"""#!{sys.executable}
import subprocess, sys, time
if "pytest" in sys.argv:
    child = subprocess.Popen(["sleep", "1000"])
    try:
        time.sleep(1000)
    except KeyboardInterrupt:
        child.kill()
        sys.exit(2)
"""


@pytest.mark.parametrize(
    ("number", "at_interrupt"),
    [(signal.SIGINT, signal.SIG_DFL), (signal.SIGTERM, signal.SIG_DFL), (signal.SIGTERM, signal.SIG_IGN)],
)
def test_an_interrupted_run_of_the_tests_leaves_no_process(tmp_path: Path, number: int, at_interrupt: int):
    """In a terminal, and in the background, where a shell has SIGINT ignored."""
    for name in ("recipes", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "stages").mkdir()
    shutil.copy(ROOT / "stages/test.sh", tmp_path / "stages")
    (tmp_path / "stages/install.sh").touch()
    for program in (".venv/bin/python", ".venv-reward/bin/python", ".venv/bin/ruff"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text(PYTEST)
        (tmp_path / program).chmod(0o755)
    command = ["bash", "stages/test.sh", "tiny_mandarin"]
    going = subprocess.Popen(
        command,
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, at_interrupt),
    )
    until(lambda: len(processes_in(tmp_path)) == 7, "the script, three suites and what they have begun")
    os.killpg(going.pid, number)  # as a terminal does, but for SIGTERM
    assert going.wait(300) == 128 + number
    assert processes_in(tmp_path) == []
