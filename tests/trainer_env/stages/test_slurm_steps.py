"""stages/slurm.sh: the GPUs, the folder and the secrets that a step gets."""

import subprocess
from pathlib import Path

import pytest

from tests.helpers.slurm_job import SCRIPT, job_in


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    return job_in(tmp_path)


def of_ray(job: dict[str, str], **given: str) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) of the step that starts Ray, which ends the job at once; what that says: CALLS.said."""
    (Path(job["SLURM_SUBMIT_DIR"]) / "bin/ray").write_text(
        '#!/usr/bin/env bash\n[[ $1 != start ]] || { echo "$*"; env; } >"$CALLS.ray"\nexit 3\n'
    )
    with open(f"{job['CALLS']}.said", "w") as said:
        subprocess.run(["bash", SCRIPT], env=job | given, stdout=said, stderr=said, timeout=600)
    arguments, *lines = Path(f"{job['CALLS']}.ray").read_text().splitlines()
    return arguments.split(), dict(line.partition("=")[::2] for line in lines)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"REWARD_GPUS": "4"}, "both sides need one"),
        ({"SLURM_GPUS_PER_NODE": "h200:2"}, "GPUS_PER_NODE=4, and Slurm gave 2 of each node"),
        ({"SLURM_GPUS_ON_NODE": "3"}, "GPUS_PER_NODE=4, and Slurm gave 3 of each node"),
    ],
)
def test_gpus_that_are_not_there_for_both_sides_are_refused(job, given, why):
    done = subprocess.run(["bash", SCRIPT], env=job | given, capture_output=True, text=True)
    assert done.returncode == 1 and why in done.stderr


@pytest.mark.parametrize(
    ("given", "training"),
    [
        ({"SLURM_GPUS_ON_NODE": "4"}, 3),
        ({"SLURM_GPUS_ON_NODE": "8", "SLURM_GPUS_PER_NODE": "h200:2"}, 1),  # of a whole node (--exclusive)
        ({"SLURM_GPUS_ON_NODE": "8", "GPUS_PER_NODE": "6"}, 5),
        ({}, 7),
    ],
)
def test_the_gpus_that_slurm_gave_are_shared(job, given, training):
    """`--gpus-per-node=4` got --num-gpus=7, and a server on GPU 7."""
    arguments, environment = of_ray(job, **({"GPUS_PER_NODE": ""} | given))
    assert f"--num-gpus={training}" in arguments
    assert environment["CUDA_VISIBLE_DEVICES"] == ",".join(map(str, range(training)))


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({"TMPDIR": "", "SLURM_JOB_ID": "12"}, "/tmp/vtts-12"),
        ({"TMPDIR": "/tmp/", "SLURM_JOB_ID": "13"}, "/tmp/vtts-13"),
        ({"TMPDIR": "/tmp", "RAY_TMPDIR": "/local"}, "/local"),
        # 31 bytes, 8 of /vtts-12 and 68 of /ray/session_..._.../sockets/plasma_store are the 107 that a socket has
        ({"TMPDIR": "/scratch/of-all-users-012345678"}, "/scratch/of-all-users-012345678/vtts-12"),
        ({"TMPDIR": "/scratch/of-all-users-0123456789"}, None),
    ],
)
def test_rays_folder_is_the_jobs_own_where_its_sockets_have_room(job, given, folder):
    """In /tmp/ray, `ray start` of a second user ended with PermissionError; then so in a TMPDIR that users share."""
    job.pop("RAY_TMPDIR", None)
    assert of_ray(job, **given)[1].get("RAY_TMPDIR") == folder
    assert ("RAY_TMPDIR=" in Path(f"{job['CALLS']}.said").read_text()) == (folder is None)


def test_steps_of_a_job_that_was_submitted_without_its_environment_have_its_secrets(job):
    """sbatch --export=NONE: Ray's head and the servers had none."""
    _, environment = of_ray(job, SLURM_EXPORT_ENV="NONE")
    assert [len(environment.get(name, "")) for name in ("VERL_TTS_SECRET", "RAY_AUTH_TOKEN")] == [64, 64]
