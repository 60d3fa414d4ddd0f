"""Ray's start on a machine with other work: `ray.init` waits 30 s for its own node and then gives up.

ray/_private/node.py asks the GCS for the node that it has just started, again and again for 30 s that no setting
changes; one question that the GCS did not answer in time (it has 60 s) ends it as well. Beside seven other jobs on two
cores that took longer, and a training that had waited for its turn for minutes ended before its first step. Upstream:
`raylet_start_wait_time_s` there.
"""

import os
import time
from collections.abc import Callable
from functools import wraps

import ray._private.services as services

from verl_plugins import versions

WHY = "verl_plugins/ray_start.py"
SECONDS = "VERL_TTS_RAY_START_S"  # set by stages/standard.yaml; without it Ray is as it is


def apply() -> None:
    """Makes Ray ask for as long as VERL_TTS_RAY_START_S says. RuntimeError: another version of Ray."""
    if SECONDS in os.environ and not hasattr(services.get_node, "__wrapped__"):
        versions.require("ray", versions.RAY, WHY)
        services.get_node = patient(services.get_node, float(os.environ[SECONDS]))


def patient(ask: Callable[..., dict], seconds: float, pause_s: float = 1.0) -> Callable[..., dict]:
    """`ask`, which is repeated for so long while it raises RuntimeError: the node is not known yet."""

    @wraps(ask)
    def repeated(*args: object) -> dict:
        end = time.monotonic() + seconds
        while True:
            try:
                return ask(*args)
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(pause_s)

    return repeated
