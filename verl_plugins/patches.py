"""All that verl 0.9.1, and Ray for it, need and have no hook for, in one place. plugin.py applies `apply` on the CPU
platform only.

Each part says what breaks without it and where its right place would be.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from email.message import Message
from functools import lru_cache, partial, wraps
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError, version
from types import SimpleNamespace
from typing import Any

import hydra
import torch
import torch.distributed.fsdp
import verl.utils.distributed
import verl.utils.torch_functional
from omegaconf import DictConfig
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from verl.plugin.platform import get_platform

from verl_plugins import versions
from verl_plugins.cpu_platform import PlatformCPU

WHY = "verl_plugins/patches.py"
RAY_SECONDS = "VERL_TTS_RAY_START_S"  # set by stages/standard.yaml; without it Ray is as it is
_TOKENS = 1024  # whose logits are in float32 at once: 0.6 GB of a vocabulary of 150 000


def apply() -> None:
    """Applies everything below, once.

    Raises:
        RuntimeError: verl or torch is not the version that this was written for.
    """
    versions.require("verl", versions.VERL, WHY)
    versions.require("torch", versions.TORCH, WHY)
    choose_fsdp_engine()
    name_vllm_cpu()
    use_gloo_alone()
    offload_to_pageable_memory()
    leave_hccl_out()  # make_agent_loops_at_once: by rollout.py, or each process would import agent loops


def choose_fsdp_engine() -> None:
    """verl registers its FSDP engine for "cuda" and "npu" only (verl/workers/engine/fsdp/transformer_impl.py); this is
    verl's own variable for taking one of another device."""
    os.environ.setdefault("VERL_ENGINE_DEVICE", "cuda")


def leave_hccl_out() -> None:
    """Ascend's way to send weights imports vLLM, and with it torch._inductor, into each process that imports verl's
    engines (2 s of CPU), those of SFT too. An ImportError is to verl that it is not there, which on a CPU is so
    (verl/checkpoint_engine/__init__.py; its right place is a check of the platform there)."""
    sys.modules.setdefault("verl.checkpoint_engine.hccl_checkpoint_engine", None)


class VllmCpuFinder(DistributionFinder):
    """Answers for the distribution `vllm` where only `vllm-cpu` is installed.

    verl reads `importlib.metadata.version("vllm")` (verl/third_party/vllm/__init__.py). vLLM itself writes the version
    of its CPU build as here, "0.28.0+cpu" (vllm/platforms/__init__.py). sys.meta_path is the documented place for such
    an answer (importlib.metadata), so nothing is replaced.
    """

    def find_spec(self, *_args: object) -> None:
        """No modules here; sys.meta_path asks every finder."""

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """One distribution, and only when it is asked for by name."""
        if context is not None and context.name == "vllm":
            yield VllmCpuDistribution()


class VllmCpuDistribution(Distribution):
    """Name and version, nothing else."""

    def read_text(self, filename: str) -> str | None:
        """The METADATA file is the only one."""
        if filename != "METADATA":
            return None
        metadata = Message()
        metadata["Metadata-Version"] = "2.1"
        metadata["Name"] = "vllm"
        metadata["Version"] = version("vllm-cpu") + "+cpu"
        return metadata.as_string()

    def locate_file(self, path: str) -> str:
        """Asked for by the base class; there are no files."""
        return path


def name_vllm_cpu() -> None:
    """Adds VllmCpuFinder behind all others, if vLLM's CPU build is what is installed."""
    try:
        version("vllm")
    except PackageNotFoundError:
        sys.meta_path.append(VllmCpuFinder())  # not the class: importlib.invalidate_caches() calls a method of it


def use_gloo_alone() -> None:
    """verl.utils.distributed asks torch for "cpu:gloo,<device>:<backend>", for Ray's workers and for torchrun's (of the
    SFT trainer), and torch refuses "cpu:gloo,cpu:gloo" (it names a device twice). Upstream: there."""
    original = verl.utils.distributed.initialize_global_process_group_ray

    @wraps(original)
    def initialize(timeout_second: float | None = None, backend: str | None = None) -> None:
        original(timeout_second=timeout_second, backend=backend or "gloo")

    @wraps(verl.utils.distributed.initialize_global_process_group)
    def initialize_of_torchrun(timeout_second: float = 36000) -> tuple[int, int, int]:
        initialize(timeout_second)
        return tuple(int(os.environ[name]) for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"))

    verl.utils.distributed.initialize_global_process_group_ray = initialize
    verl.utils.distributed.initialize_global_process_group = initialize_of_torchrun


def offload_to_pageable_memory() -> None:
    """verl offloads a reference model with CPUOffloadPolicy(pin_memory=True), and pinning takes an accelerator.
    Upstream: verl/workers/engine/fsdp/transformer_impl.py. Without reference model nothing calls it."""

    class CPUOffloadPolicy(torch.distributed.fsdp.CPUOffloadPolicy):
        def __init__(self, pin_memory: bool = True):
            super().__init__(pin_memory=False)

    torch.distributed.fsdp.CPUOffloadPolicy = CPUOffloadPolicy


def take_log_probabilities_at_once() -> None:
    """Without flash-attn, on any platform, verl loops over the first axis of the logits, which saves memory where it is
    the batch. Its FSDP engine hands over [tokens, vocabulary], so that each token is an operation of its own, forwards
    and backwards: 19 000 for 256 short rollouts, a fifth of a small model's update on a CPU. Here _TOKENS are taken at
    a time, in float32 as under autocast, and once more in the backward pass: until then nothing is kept beside the
    logits (verl: 2 bytes for each of bfloat16). Upstream: torch_functional.py there."""
    versions.require("verl", versions.VERL, WHY)
    original = verl.utils.torch_functional.logprobs_from_logits_v2
    taken = partial(checkpoint, _cross_entropy, use_reentrant=False, preserve_rng_state=False)  # nothing is drawn

    @wraps(original)
    def log_probabilities(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if logits.dtype == torch.float64 or logits.dim() != 2:
            return original(logits, labels)
        parts = zip(logits.split(_TOKENS), labels.split(_TOKENS), strict=True)
        return -torch.cat([taken(*part) for part in parts])

    verl.utils.torch_functional.logprobs_from_logits_v2 = log_probabilities


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.float(), labels, reduction="none")


def let_audited_rows_stand_for_others() -> None:
    """verl's validation takes the mean of the rows that have a number, alike: of what is measured on a wave these are
    the rows that the token ear is unsure of, and a few others. Of rows in several languages the error rate of each is
    added, val-aux/NAME/LANGUAGE/error_rate: verl knows groups of rows by their data source alone, which is the recipe
    here. On every platform, by replay_sampler.py. Upstream: weights of rows in process_validation_metrics."""
    versions.require("verl", versions.VERL, WHY)
    import verl.trainer.ppo.v1.trainer_base as trainer

    from verl_plugins.reward_metrics import as_if_all_were_heard, by_language

    original = trainer.process_validation_metrics
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def process(sources: list[str], uids: list[str], infos: dict[str, list[Any]], **more: Any) -> dict:
        found = original(sources, uids, as_if_all_were_heard(sources, infos), **more)
        if own := by_language(sources, infos):
            found |= original(own, uids, {"error_rate": infos["error_rate"]})
        return found

    trainer.process_validation_metrics = process


def join_only_a_named_cluster() -> None:
    """Lets `ray.init` join the cluster of RAY_ADDRESS and no other, on every platform. verl names none, and Ray would
    take the one that whoever used `ray start` last on this machine has left in a file of its temporary folder, living
    or not: trainings went there, or ended (`num_cpus and num_gpus must not be provided`). Upstream:
    get_ray_address_from_environment in ray/_private/services.py, a look whether that cluster lives."""
    versions.require("ray", versions.RAY, WHY)
    import ray._private.services as services

    services.find_bootstrap_address = lambda temp_dir: None


def give_ray_a_token() -> None:
    """Ray 2.60 guards the cluster that `ray.init` starts with a token, and writes one to ~/.ray where it has none: a
    home that cannot be written to (of a container or a service, or a full one) ended the training when the long stages
    before it were done. Where nobody has chosen one, each run gets its own, which no file keeps and Ray's processes
    inherit. Upstream: ensure_token_if_auth_enabled in ray/_private/authentication/authentication_token_setup.py."""
    versions.require("ray", versions.RAY, WHY)
    from ray._raylet import AuthenticationTokenLoader

    chosen = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    loader = AuthenticationTokenLoader.instance()
    if not any(map(os.environ.get, chosen)) and not loader.has_token(ignore_auth_mode=True):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        loader.reset_cache()


def keep_warnings() -> None:
    """vLLM's server imports model_hosting_container_standards (0.1.16), which lets the root logger and its handlers
    pass on errors alone unless one of these two variables names another level: of a whole run no warning was printed,
    of reward hacking among them. A level that the user names counts."""
    if not os.environ.get("LOG_LEVEL"):
        os.environ.setdefault("SAGEMAKER_CONTAINER_LOG_LEVEL", "WARNING")


def make_agent_loops_at_once() -> None:
    """verl makes the agent loop of each rollout by hydra.utils.instantiate, which copies its two lines of YAML, merges
    them with all that is given, and resolves that: 3.5 ms, a fifth of the agent loop worker's time, and vLLM waits
    for it to hand over the next prompt. Upstream: experimental/agent_loop/agent_loop.py, one look at the class."""
    if not isinstance(get_platform(), PlatformCPU):
        return
    versions.require("verl", versions.VERL, WHY)
    import verl.experimental.agent_loop.agent_loop as agent_loop

    class_of = lru_cache(hydra.utils.get_class)

    def instantiate(config: DictConfig, **given: Any) -> Any:
        return class_of(config._target_)(**{k: v for k, v in config.items() if k != "_target_"}, **given)

    agent_loop.hydra = SimpleNamespace(utils=SimpleNamespace(instantiate=instantiate))


def put_around_the_loss(layer: Callable[[Any], Any]) -> None:
    """verl hands a policy loss neither step nor data. What it does hand to `ppo_loss` is the batch, in which each
    rollout carries the step that it was made for: `layer` (of annealing.py, which applies this in each worker) makes
    of that function the one that is called. Upstream: verl/workers/utils/losses.py."""
    versions.require("verl", versions.VERL, WHY)
    import verl.workers.engine_workers as workers

    if not hasattr(workers.ppo_loss, "__wrapped__"):
        workers.ppo_loss = layer(workers.ppo_loss)


def give_ray_time_to_start() -> None:
    """Makes Ray ask for its own node for as long as VERL_TTS_RAY_START_S says, on every platform.

    ray/_private/node.py asks the GCS for the node that it has just started, again and again for 30 s that no setting
    changes; one question that the GCS did not answer in time (it has 60 s) ends it as well. Beside seven other jobs on
    two cores that took longer, and a training that had waited for its turn for minutes ended before its first step.
    Upstream: `raylet_start_wait_time_s` there."""
    if RAY_SECONDS not in os.environ:
        return
    versions.require("ray", versions.RAY, WHY)
    import ray._private.services as services

    if not hasattr(services.get_node, "__wrapped__"):
        services.get_node = patient(services.get_node, float(os.environ[RAY_SECONDS]))


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
