"""stages/slurm.sh: which step runs where, and that none is left."""

import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from omegaconf import DictConfig, OmegaConf

from stages.config import ROOT, compose_stage
from stages.table import table
from tests.conftest import free_ports
from tests.helpers.slurm_job import SCRIPT, job_in


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    return job_in(tmp_path)


def running(job: dict[str, str]) -> list[str]:
    """Processes that have this job's environment."""
    mark, found = f"CALLS={job['CALLS']}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().decode())
        except OSError:  # it has ended, or is not ours
            pass
    return found


def left_over(job: dict[str, str]) -> list[str]:
    """What of the job still runs after five minutes. Slurm's srun ends all processes of a step, the one here the first
    alone: a dry run below it has to come to its end by itself."""
    deadline = time.monotonic() + 300
    while (found := running(job)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def calls_of(job: dict[str, str]) -> list[str]:
    """What srun was asked for, the questions for Ray's state left out."""
    return [line for line in Path(job["CALLS"]).read_text().splitlines() if " status " not in line]


def test_ray_and_a_server_are_on_both_nodes_and_training_knows_both_servers(job, tmp_path):
    command, env = ["bash", SCRIPT, "trainer.save_freq=5", "recipe.max_text_chars=300"], job | {"REAL": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    training, where = "CUDA_VISIBLE_DEVICES=0,1,2", "10.0.0.7:6379"
    shared = "recipe.server.grpc_port=8001 recipe.server.secret_env=VERL_TTS_SECRET"
    head = "ray start --head --node-ip-address=10.0.0.7 --port=6379 --include-dashboard=false --num-gpus=3 --block"
    own = "recipe.max_text_chars=300"  # what is of the recipe the servers are told as well
    serve = f"env CUDA_VISIBLE_DEVICES=3 bash run.sh --recipe inworld_tts serve {own} {shared}"
    assert sorted(calls_of(job)) == sorted(
        [
            "beta: getent ahostsv4 alpha",
            "alpha: getent ahostsv4 beta",
            f"alpha: env {training} {head}",
            f"beta: env {training} ray start --address={where} --num-gpus=3 --block",
            f"alpha: {serve} recipe.server.host=10.0.0.7 recipe.server.name=serve-alpha server.devices=[cuda:0]",
            f"beta: {serve} recipe.server.host=10.0.0.9 recipe.server.name=serve-beta server.devices=[cuda:0]",
            f"alpha: env RAY_ADDRESS={where} bash run.sh --recipe inworld_tts train {shared} "
            "recipe.server.host=10.0.0.7 recipe.server.more=[10.0.0.9:8001] "
            "trainer.nnodes=2 trainer.n_gpus_per_node=3 data.train_batch_size=6 "
            "actor_rollout_ref.actor.ppo_mini_batch_size=${data.train_batch_size} trainer.save_freq=5 " + own,
        ]
    )
    trained = (tmp_path / "exp/inworld_tts/logs/slurm-12/train.log").read_text()
    (command,) = [line for line in trained.splitlines() if "verl.trainer.main_ppo" in line]
    assert "trainer.nnodes=2" in command  # the real run.sh takes these overrides
    assert left_over(job) == []


def test_rays_workers_have_the_environment_that_a_training_on_one_node_has(job, tmp_path):
    (tmp_path / "bin/ray").write_text('#!/usr/bin/env bash\nenv >"$CALLS.env"; exit 3\n')
    given = ["recipe.work_dir=exp/other", "recipe.grpo_dir=${recipe.work_dir}/g2"]
    subprocess.run(["bash", SCRIPT, *given], env=job | {"PLANS": "environment"}, capture_output=True, timeout=600)
    found = dict(line.partition("=")[::2] for line in Path(f"{job['CALLS']}.env").read_text().splitlines())
    own = {name: str(value) for name, value in table("inworld_tts", tuple(given)).environment_of_training.items()}
    assert found | own == found and found["TENSORBOARD_DIR"] == "exp/other/g2/tensorboard"


def trained(job: dict[str, str], *given: str) -> tuple[DictConfig, str]:
    """(grpo.yaml as the job's training composes it, what the job said)."""
    done = subprocess.run(["bash", SCRIPT, *given], env=job, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    (call,) = [line for line in calls_of(job) if " train " in line]
    return compose_stage(job["RECIPE"], "grpo", tuple(call.split(" train ")[1].split())), done.stdout + done.stderr


# Six GPUs. A preset's 32 texts in two updates of 16 are 36 in two of 18; llasa's 8 are 12; 32 that are asked for, 36.
@pytest.mark.parametrize(
    ("recipe", "given", "batch", "mini", "was"),
    [
        ("cosyvoice2", ["preset=emilia_dapo"], 36, 18, "32 texts a step, 16 an update"),
        ("llasa", [], 12, 12, "8 texts a step, 8 an update"),
        ("llasa", ["data.train_batch_size=32"], 36, 36, "32 texts a step, 32 an update"),
    ],
)
def test_a_job_keeps_the_batch_of_the_recipe_as_far_as_its_gpus_divide_it(
    job, tmp_path, recipe, given, batch, mini, was
):
    env = job | {"RECIPE": recipe, "PROMPTS_PER_GPU": "", "PLANS": "batch"}
    cfg, said = trained(env, *given)
    assert (cfg.data.train_batch_size, cfg.actor_rollout_ref.actor.ppo_mini_batch_size) == (batch, mini)
    assert f"{recipe}: {was}; on 6 GPUs {batch} and {mini}" in said
    written = OmegaConf.to_container(cfg, resolve=False)["actor_rollout_ref"]["actor"]["ppo_mini_batch_size"]
    assert written == (mini if mini < batch else "${data.train_batch_size}")


def test_training_is_told_what_verl_asks_for_where_a_recipe_has_its_own_mini_batch(job, tmp_path):
    """cosyvoice2 updates with 32 prompts; six GPUs get six, and verl wants no mini batch above that."""
    cfg, _ = trained(job | {"RECIPE": "cosyvoice2"})
    assert cfg.data.train_batch_size == cfg.actor_rollout_ref.actor.ppo_mini_batch_size == 6
    servers = cfg.reward.custom_reward_function.reward_kwargs.server
    assert (servers.host, servers.grpc_port, list(servers.more)) == ("10.0.0.7", 8001, ["10.0.0.9:8001"])


def test_a_server_that_ends_ends_the_job_and_all_its_steps(job):
    done = subprocess.run(["bash", SCRIPT], env=job | {"BROKEN": "1"}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    assert "a step has ended before the reward servers" in done.stderr
    assert left_over(job) == []


def test_a_requeued_job_does_not_count_servers_of_its_first_life(job, tmp_path):
    logs = tmp_path / "exp/inworld_tts/logs"
    (logs / "slurm-12").mkdir(parents=True)  # it is started again with the same id
    for node in ("alpha", "beta"):
        (logs / f"slurm-12/serve-{node}.log").write_text("READY\n")
    env = job | {"SLURM_RESTART_COUNT": "1", "SILENT": "1", "WAIT_S": "10"}
    done = subprocess.run(["bash", SCRIPT], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1 and "the reward servers: not within 10 s" in done.stderr, done.stdout + done.stderr
    assert not [line for line in calls_of(job) if " train " in line]
    assert (logs / "slurm-12-1/serve-alpha.log").exists()
    assert left_over(job) == []


def test_a_server_that_ends_while_training_goes_on_is_started_again(job, tmp_path):
    env, given = job | {"FRAGILE": "beta"}, ["recipe.max_text_chars=300", "reward=cer", "trainer.save_freq=5"]
    env |= {"SERVER_OVERRIDES": "asr.batch_size=8 server.max_tokens=2000"}
    done = subprocess.run(["bash", SCRIPT, *given], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the reward server on beta has ended (status 7), start 1 of 5" in done.stdout
    log = tmp_path / "exp/inworld_tts/logs/slurm-12/serve-beta.log"
    assert "READY" in log.read_text()
    first, again = [line for line in calls_of(job) if "serve-beta" in line]
    assert first == again
    own = "asr.batch_size=8 server.max_tokens=2000 recipe.max_text_chars=300 reward=cer"
    assert f" serve {own} recipe.server.grpc_port" in first
    (training,) = [line for line in calls_of(job) if " train " in line]
    assert "asr.batch_size" not in training
    said = log.with_name("train.log").read_text().partition("servers have ")[2].partition("\n")[0]
    assert shlex.split(said) == own.split()
    assert left_over(job) == []


def test_a_server_that_ends_too_often_ends_the_job_only_where_it_is_the_last(job):
    """One of many ended the job, though the training's client goes on with the others."""
    env = job | {"FRAGILE": "*", "RESTARTS": "0"}
    done = subprocess.run(["bash", SCRIPT], env=env, capture_output=True, text=True, timeout=600)
    (first,) = [line for line in done.stdout.splitlines() if "goes on with 1 of 2 reward servers" in line]
    assert done.returncode == 1 and "has ended 1 times" in first
    (last,) = done.stderr.splitlines()
    assert "has ended 1 times" in last and ("on alpha" in first) != ("on alpha" in last)
    assert left_over(job) == []


def test_where_names_do_not_resolve_a_node_says_its_own_address(job, tmp_path):
    (tmp_path / "bin/getent").write_text("#!/usr/bin/env bash\nexit 2\n")
    done = subprocess.run(["bash", SCRIPT], env=job | {"BROKEN": "1"}, capture_output=True, text=True, timeout=600)
    assert "Ray on 10.0.0.4:6379" in done.stdout
    (tmp_path / "bin/hostname").write_text("#!/usr/bin/env bash\necho 127.0.0.1\n")
    done = subprocess.run(["bash", SCRIPT], env=job, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1 and "no address of alpha that beta reaches" in done.stderr


def test_a_cancelled_job_leaves_nothing(job):
    with subprocess.Popen(["bash", SCRIPT], env=job | {"REAL": "1"}, stdout=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 300
        while not Path(job["CALLS"]).exists() or "beta" not in Path(job["CALLS"]).read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        assert run.wait(300) == 143
    assert left_over(job) == []


def test_a_job_can_be_cancelled_at_any_time(job):
    """A trap of bash 5.2 that comes while it reads a `$(...)` is lost: 1 job in 50 ended with status 2."""
    for number in range(20):
        with subprocess.Popen(["bash", SCRIPT], env=job, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            time.sleep(0.05 + 0.01 * number)
            run.send_signal(signal.SIGTERM)
            # 0: it had ended before; by the signal itself: bash had not read the script yet, so nothing was begun
            assert run.wait(300) in (143, 0, -signal.SIGTERM), run.stderr.read()
    assert left_over(job) == []


@pytest.mark.parametrize("before", ["steps+=*", "training=*", r"wait\ -n*", r"wait\ \"*", r"set\ +m"])
def test_a_job_that_is_cancelled_while_it_starts_a_step_leaves_nothing(job, tmp_path, before):
    """SIGTERM comes when the step's process is there and the script has not written down yet which it is."""
    (tmp_path / "cancel.sh").write_text(
        f"[[ $0 != *slurm.sh ]] || {{ set -T; trap '[[ $BASH_COMMAND != {before} ]] || "
        "{ trap - DEBUG; kill -TERM $$; }' DEBUG; }\n"
    )
    env = job | {"BASH_ENV": str(tmp_path / "cancel.sh")}
    done = subprocess.run(["bash", SCRIPT], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 143, done.stdout + done.stderr
    assert left_over(job) == []


@pytest.fixture
def short_folder() -> Iterator[str]:
    """Ray's sockets are in it, whose paths have at most 107 characters."""
    with TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def test_real_ray_joins_two_nodes_on_this_machine(job, tmp_path, short_folder):
    """`ray start` and `ray status` as they are; two nodes at one address, their servers and the training stand-ins."""
    (port,) = free_ports(1)
    own = {
        "RAY": f"{ROOT}/.venv/bin/python -m ray.scripts.scripts",
        "ADDRESSES": "127.0.0.1 127.0.0.1",
        "RAY_PORT": str(port),
        "RAY_TMPDIR": short_folder,
        "WAIT_S": "240",
        "POLL_S": "6",  # each `ray status` is a process that imports Ray
    }
    done = subprocess.run(["bash", SCRIPT], env=job | own, capture_output=True, text=True, timeout=600)
    logs = tmp_path / "exp/inworld_tts/logs/slurm-12"
    assert done.returncode == 0, done.stderr + "".join(path.read_text() for path in logs.glob("ray-*.log"))
    assert "trainer.nnodes=2" in (logs / "train.log").read_text()
    assert left_over(job) == []
