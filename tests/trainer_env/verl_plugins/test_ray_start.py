"""Ray gets the time that it needs to start beside other work."""

import inspect

import pytest
import ray._private.node

from verl_plugins.patches import patient


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
