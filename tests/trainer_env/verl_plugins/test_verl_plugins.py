"""The entry points: what a new process finds without naming a path, and that a wrong version stops."""

import os
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
import torch

from tests.conftest import free_ports
from tests.helpers.fresh_process import found_by, fresh
from verl_plugins import versions

Found = Callable[[str], object]


@pytest.fixture(scope="module")
def on_cpu() -> Iterator[Found]:
    """What code finds in a new process; verl is imported once for all of them, as each of them would."""
    with fresh(VERL_TTS_RAY_START_S="600") as found:
        yield found


@pytest.fixture(scope="module")
def on_cuda() -> Iterator[Found]:
    """The same on verl's platform for GPUs."""
    with fresh(VERL_PLATFORM="cuda", VERL_ENGINE_DEVICE=None, VERL_TTS_RAY_START_S=None) as found:
        yield found


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_import_verl_alone_finds_the_cpu_platform_the_engine_and_gloo(on_cpu: Found):
    found = on_cpu(
        "import os, verl\n"
        "from importlib.metadata import version\n"
        "from verl.utils.device import get_device_name\n"
        "from verl.utils.distributed import initialize_global_process_group_ray as patched\n"
        "from torch.distributed.fsdp import CPUOffloadPolicy\n"
        "found = [get_device_name(), os.environ['VERL_ENGINE_DEVICE'], version('vllm'),"
        " patched.__module__, hasattr(patched, '__wrapped__'), CPUOffloadPolicy(pin_memory=True).pin_memory]\n"
        # As verl's SFT trainer begins under torchrun: without the patch torch refuses 'cpu:gloo,cpu:gloo'.
        "os.environ |= {'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': '1', 'MASTER_ADDR': '127.0.0.1',"
        f" 'MASTER_PORT': '{free_ports(1)[0]}'}}\n"
        "from torch import distributed; from verl.utils.distributed import initialize_global_process_group\n"
        "import importlib; importlib.invalidate_caches()\n"  # asks every finder, ours too
        "found += [list(initialize_global_process_group()), distributed.get_backend()]\n"
        "distributed.destroy_process_group()\n"
    )
    expected = ["cpu", "cuda", versions.VLLM_CPU + "+cpu", "verl.utils.distributed", True, False, [0, 0, 1], "gloo"]
    assert found == expected


def test_the_cpu_build_stays_on_the_cpu_where_nvidia_smi_answers(tmp_path):
    """verl takes that for a GPU, whatever its driver is."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert found_by(
        "import verl; from verl.utils.device import get_device_name; from importlib.metadata import version\n"
        "found = [get_device_name(), version('vllm')]",
        PATH=f"{tmp_path}:{os.environ['PATH']}",
    ) == ["cpu", versions.VLLM_CPU + "+cpu"]


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_log_probabilities_of_tokens_are_taken_at_once_and_are_the_same(on_cpu: Found):
    """Logits (0, ln 3): probabilities 1/4 and 3/4; the gradient is label less probability."""
    found = on_cpu(
        "import math, torch, verl\n"
        "from verl.utils.torch_functional import logprobs_from_logits\n"
        "logits = torch.tensor([[0.0, math.log(3)]] * 3, requires_grad=True)\n"
        "taken = logprobs_from_logits(logits, torch.tensor([1, 0, 1]))\n"
        "taken.sum().backward()\n"
        "rows = logprobs_from_logits(logits.detach()[None], torch.tensor([[1, 0, 1]]))\n"
        "found = [taken.exp().tolist(), logits.grad.tolist(), rows.exp().tolist(), taken.grad_fn.name()]"
    )
    assert found[0] == pytest.approx([0.75, 0.25, 0.75])
    assert [value for row in found[1] for value in row] == pytest.approx([-0.25, 0.25, 0.75, -0.75, -0.25, 0.25])
    assert found[2][0] == pytest.approx(found[0])
    assert found[3] == "NegBackward0"  # of one cross entropy; verl's own is a difference of as many logsumexp as tokens


@pytest.mark.parametrize(("platform", "dtype"), [("on_cpu", "float32"), ("on_cuda", "bfloat16")])
def test_log_probabilities_are_verls_own_in_float32_and_keep_no_copy(request, platform, dtype):
    """2500 tokens: three parts. verl's own way, a row at a time, on the same logits in float32. For the backward pass
    a number or two of each token are kept, of 97 logits."""
    found = request.getfixturevalue(platform)(
        "import torch, verl\n"
        "from verl.utils import torch_functional as ours\n"
        "torch.manual_seed(0)\n"
        f"logits = (4 * torch.randn(2500, 97)).to(torch.{dtype}).requires_grad_()\n"
        "labels, weights = torch.randint(97, (2500,)), torch.randn(2500)\n"
        "kept = {}\n"  # bytes by where they are
        "def pack(one):\n"
        "    kept[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()\n"
        "    return one\n"
        "with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one):\n"
        "    taken = ours.logprobs_from_logits(logits, labels)\n"
        "kept.pop(logits.untyped_storage().data_ptr(), None)\n"
        "theirs = ours.logprobs_from_logits_v2.__wrapped__(logits.float(), labels)\n"
        "gradients = [torch.autograd.grad((one * weights).sum(), logits)[0] for one in (taken, theirs)]\n"
        "found = [str(taken.dtype), taken.shape == theirs.shape, (taken - theirs).abs().max().item(),"
        " (gradients[0] - gradients[1]).abs().max().item(), gradients[1].abs().max().item() > 1,"
        " sum(kept.values()) / logits.numel()]"
    )
    assert found[:2] == ["torch.float32", True] and found[4]
    assert found[2] < 1e-4 and found[3] < 0.02  # of bfloat16's 8 bits
    assert found[5] < 0.5


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_verls_engines_come_without_ascends_and_without_vllm(on_cpu: Found):
    assert on_cpu(
        "import sys, verl.workers.engine_workers, verl.checkpoint_engine as engines\n"
        "found = [engines.HCCLCheckpointEngine, 'vllm' in sys.modules]"
    ) == [None, False]


@pytest.mark.parametrize(("process", "patched"), [("on_cpu", True), ("on_cuda", False)])
def test_ray_is_patched_once_if_the_environment_says_for_how_long(request, process, patched):
    found = request.getfixturevalue(process)(
        "import verl, ray._private.services as s; from verl_plugins import patches; patches.give_ray_time_to_start()\n"
        "found = [hasattr(w := s.get_node, '__wrapped__'), hasattr(getattr(w, '__wrapped__', w), '__wrapped__')]"
    )
    assert found == [patched, False]


@pytest.mark.parametrize(
    ("installed", "build"),
    [
        ({"vllm-cpu": "0.28.0"}, "cpu"),
        ({"vllm": "0.28.0+cpu"}, "cpu"),
        ({"vllm": "0.28.0"}, "gpu"),
        ({"vllm": "0.28.0", "vllm-cpu": "0.28.0"}, "gpu"),
        ({}, None),
    ],
)
def test_what_vllm_was_built_for(installed, build, tmp_path, monkeypatch):
    for name, number in installed.items():
        (told := tmp_path / f"{name.replace('-', '_')}-{number}.dist-info").mkdir()  # as every installer names it
        (told / "METADATA").write_text(f"Name: {name}\nVersion: {number}\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.meta_path", [PathFinder])  # whoever else tells of packages does so of the environment's
    assert versions.vllm_build() == build


def test_on_another_platform_nothing_is_applied(on_cuda: Found):
    found = on_cuda(
        "import os, verl\n"
        "from verl.utils.distributed import initialize_global_process_group_ray as original\n"
        "import sys\n"
        "found = ['VERL_ENGINE_DEVICE' in os.environ, hasattr(original, '__wrapped__'),"
        " any('VllmCpu' in str(f) for f in sys.meta_path)]"
    )
    assert found == [False, False, False]


def test_ray_joins_the_cluster_that_is_named_and_none_that_somebody_started(on_cpu: Found, tmp_path: Path):
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray/ray_current_cluster").write_text("10.0.0.9:6379")  # as `ray start` leaves it
    found = on_cpu(
        "import os, verl, ray._private.services as services; from unittest.mock import patch\n"
        f"with patch.dict(os.environ, RAY_TMPDIR={str(tmp_path)!r}):\n"
        "    os.environ.pop('RAY_ADDRESS', None)\n"
        "    found = [services.canonicalize_bootstrap_address(None)]\n"
        "    os.environ['RAY_ADDRESS'] = '10.0.0.7:6379'\n"
        "    found.append(services.canonicalize_bootstrap_address(None))"
    )
    assert found == [None, "10.0.0.7:6379"]


def test_warnings_are_printed_where_vllm_is_served(on_cpu: Found):
    """What vLLM's server imports leaves the root logger errors alone: a run's signs of reward hacking were lost."""
    found = on_cpu(
        "import logging, os, verl\n"
        "from model_hosting_container_standards.logging_config import configure_root_logger\n"
        "def told():\n"
        "    configure_root_logger()\n"
        "    passed = [handler.level <= logging.WARNING for handler in logging.getLogger().handlers]\n"
        "    return [logging.getLogger('verl_plugins.guard').isEnabledFor(logging.WARNING), all(passed)]\n"
        "found = told()\n"
        "os.environ['SAGEMAKER_CONTAINER_LOG_LEVEL'] = 'ERROR'\n"
        "found += told()"
    )
    assert found == [True, True, False, False]  # the latter by the user's own level


@pytest.mark.parametrize("token", [None, "t" * 32])
def test_ray_needs_no_home_and_takes_the_token_that_is_in_one(on_cpu: Found, tmp_path: Path, token: str | None):
    home = tmp_path / "home"
    if token:
        (home / ".ray").mkdir(parents=True)
        (home / ".ray/auth_token").write_text(token)
    else:
        home.write_text("no folder")
    found = on_cpu(
        "import os, ray._private.authentication.authentication_token_setup as setup; from unittest.mock import patch\n"
        "from verl_plugins import patches\n"
        f"with patch.dict(os.environ, HOME={str(home)!r}):\n"
        "    for name in ('RAY_ADDRESS', 'RAY_AUTH_MODE', 'RAY_AUTH_TOKEN', 'RAY_AUTH_TOKEN_PATH'):\n"
        "        os.environ.pop(name, None)\n"
        "    setup.AuthenticationTokenLoader.instance().reset_cache()\n"
        "    patches.give_ray_a_token()\n"
        "    setup.enable_token_auth_by_default()  # these two as ray.init\n"
        "    setup.ensure_token_if_auth_enabled()\n"
        "    found = len(os.environ.get('RAY_AUTH_TOKEN', ''))\n"
        "setup.Config.initialize('')\n"
        "setup.AuthenticationTokenLoader.instance().reset_cache()"
    )
    assert found == (0 if token else 64)


def test_a_checkout_of_verl_on_pythonpath_is_refused(on_cpu: Found, tmp_path: Path):
    """One without metadata passed as the pinned version that lies behind it, and was patched as that."""
    found = on_cpu(
        "import importlib, verl, verl_plugins.plugin as plugin; from unittest.mock import patch\n"
        f"with patch.object(verl.__spec__, 'submodule_search_locations', [{str(tmp_path)!r}]):\n"
        "    try:\n"
        "        importlib.reload(plugin)\n"
        "    except RuntimeError as error:\n"
        "        found = str(error)"
    )
    assert f"verl is imported from {tmp_path}, not from" in found
    assert found.endswith(f"take {tmp_path.parent} out of PYTHONPATH")


def test_another_version_is_refused_with_what_to_do():
    with pytest.raises(RuntimeError, match=r"mine was written for verl 0\.0\.1, found 0\.9\.1.*run\.sh install"):
        versions.require("verl", "0.0.1", "mine")
    with pytest.raises(RuntimeError, match="found none"):
        versions.require("no-such-package", "1", "mine")
    versions.require("torch", torch.__version__.partition("+")[0], "mine")


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_vllm_linear_layers_keep_their_weight():
    """After the plugin oneDNN is off in vLLM, so that a weight update reaches the layer."""
    found = found_by(
        "from verl_plugins import vllm_cpu; vllm_cpu.register()\n"
        "from vllm import _custom_ops; from vllm.platforms import current_platform\n"
        "found = [current_platform.is_cpu(), bool(_custom_ops._supports_onednn)]",
        VLLM_LOGGING_LEVEL="ERROR",
    )
    assert found == [True, False]
