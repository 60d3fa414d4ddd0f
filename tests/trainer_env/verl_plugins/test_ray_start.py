"""Ray gets the time that it needs to start beside other work."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import ray._private.node

from verl_plugins.ray_start import patient

ROOT = Path(__file__).resolve().parents[3]


def asked(fails: int):
    """(the question, how often it was asked): the first ones find no node."""
    times = []

    def ask(address: str, node: str) -> dict:
        times.append((address, node))
        if len(times) <= fails:
            raise RuntimeError("Deadline Exceeded")
        return {"node_id": node}

    return ask, times


def test_a_node_that_is_late_is_asked_for_again():
    ask, times = asked(fails=3)
    assert patient(ask, seconds=60, pause_s=0)("127.0.0.1:1", "n") == {"node_id": "n"}
    assert times == [("127.0.0.1:1", "n")] * 4


def test_after_its_time_the_last_error_is_told():
    ask, times = asked(fails=10**9)
    with pytest.raises(RuntimeError, match="Deadline Exceeded"):
        patient(ask, seconds=0, pause_s=0)("127.0.0.1:1", "n")
    assert times


def test_rays_start_asks_where_the_patch_is():
    assert "ray._private.services.get_node(" in inspect.getsource(ray._private.node.Node.__init__)


@pytest.mark.parametrize("seconds", [None, "600"])
def test_the_plugin_patches_ray_if_the_environment_says_for_how_long(seconds):
    environment = {key: value for key, value in os.environ.items() if key != "VERL_TTS_RAY_START_S"}
    environment |= {"VERL_TTS_RAY_START_S": seconds} if seconds else {}
    code = "import verl_plugins.ray_start as r; r.apply(); r.apply(); import ray._private.services as s; "
    code += "w = s.get_node; print(hasattr(w, '__wrapped__'), hasattr(getattr(w, '__wrapped__', w), '__wrapped__'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(seconds is not None), "False"], done.stderr
