"""A device on which nothing can be computed any more ends the server: no row is at fault."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from reward_tts.reward.reward import Reward
from reward_tts.server import supervisor
from reward_tts.server.instance import Instance
from reward_tts.server.pipeline import DeviceLost, SpeechPipeline
from reward_tts.server.pytriton_adapter import _speaking
from reward_tts.server.wire import Query
from tests.helpers.rewards import CONFIG

NOWHERE = "cuda:99"  # computes nothing, with a GPU as without


class IllegalAccess:
    """token2wav after "an illegal memory access": every call raises."""

    sample_rate, token_rate, codebook_size, provides = 24000, 25.0, 1024, ()

    def decode(self, rows):
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


@pytest.fixture
def instance() -> Instance:
    broken = IllegalAccess()
    pipeline = SpeechPipeline(broken, broken, "r", max_tokens=200, device=NOWHERE)
    return Instance(pipeline, "zh", Reward(CONFIG), 2000)


def test_no_row_is_answered_and_the_reason_is_kept(instance):
    asked = [Query(np.array([7, 3], np.int32), "你好", "zh", None, "", "c")] * 2
    with pytest.raises(DeviceLost, match=r"on cuda:99 any more: AcceleratorError: CUDA error: an illegal memory"):
        instance.answer(asked)
    assert instance.pipeline.lost and not instance.pipeline.counts.statuses
    with pytest.raises(DeviceLost):
        _speaking(instance.speak)([{"TOKENS": np.array([7, 3], np.int32)}])


def test_a_fault_of_a_row_is_none_of_the_device(instance):
    instance.pipeline.counts.device = "cpu"
    (answer,) = instance.answer([Query(np.array([7, 3], np.int32), "你好", "zh", None, "", "c")])
    assert answer.measures.message.startswith("AcceleratorError") and not instance.pipeline.lost
    assert instance.pipeline.counts.statuses == {"FAILED": 1}


def test_the_server_ends_with_the_reason(instance, monkeypatch, tmp_path):
    """By a RuntimeError, as where something died too often: exit status 1, and run.sh starts it again."""
    ended = []

    class Front:
        def __init__(self, *_):
            pass

        def wait_listening(self, stop):
            instance.pipeline.lost = "nothing can be computed"

        def death(self):
            return ""

        def stop(self):
            ended.append("front")

    class Triton:
        def __init__(self, folder: Path):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            ended.append("triton")

        def death(self):
            return ""

    monkeypatch.setattr(supervisor, "Front", Front)
    deaths = supervisor.Deaths(most=1, minutes=1.0)
    with pytest.raises(RuntimeError, match=r"nothing can be computed\. The server ends"):
        supervisor._supervise(Triton, tmp_path, {}, "", deaths, threading.Event(), lambda: instance.pipeline.lost)
    assert ended == ["triton", "front"]
