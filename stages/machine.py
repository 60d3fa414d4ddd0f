"""What the machine itself must bring, how many GPUs it has, and the builds that it got. Run by the Python of a new
environment, before packages go into it.

Prints nothing when all is there; else names the Debian/Ubuntu packages that are missing and exits with status 1.
Standard library only.
"""

import ctypes
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

OLDEST_GLIBC = (2, 35)  # of the Triton that nvidia-pytriton 0.7.0 brings


def loads(*names: str) -> bool:
    """Whether one of these shared libraries can be loaded."""
    for name in names:
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            continue
    return False


def missing_packages() -> list[str]:
    """Names for apt-get of what is not there."""
    version = sysconfig.get_python_version()
    shared = f"libpython{version}.so.1.0"
    has = {
        "libnuma1": loads("libnuma.so.1"),  # vLLM's CPU build links it
        "libgomp1": loads("libgomp.so.1"),
        f"libpython{version}": loads(shared, os.path.join(sysconfig.get_config_var("LIBDIR"), shared)),  # Triton's stub
        # For the few packages that come without a wheel (crcmod, pyworld).
        "build-essential": bool(shutil.which("cc") and shutil.which("c++")),
        f"python{version}-dev": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    }
    return [package for package, there in has.items() if not there]


def gpus(drivers: str = "/proc/driver/nvidia/gpus") -> int:
    """GPUs that this process may use, without asking CUDA; 0 also where that cannot be known.

    Args:
        drivers: NVIDIA's driver has a folder for each GPU there.
    """
    there, listed = len(list(Path(drivers).glob("*"))), os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        return there
    names = [name for one in listed.split(",") if (name := one.strip()) not in ("", "-1")]
    return 0 if any(name.startswith("MIG") for name in names) else min(there, len(names))  # several on one GPU


def builds() -> str | None:
    """ "cpu" or "gpu": for what stages/install.sh made the trainer's environment; None where it has not said."""
    told = Path(__file__).parents[1] / ".venv/installed.device"
    return told.read_text().strip() if told.is_file() else None


def main() -> None:
    """Exit with a message when something is missing."""
    name, glibc = platform.libc_ver()
    if name == "glibc" and tuple(map(int, glibc.split("."))) < OLDEST_GLIBC:
        sys.exit(f"run.sh: install: Triton needs glibc 2.35 or newer (Debian 12, Ubuntu 22.04); here it is {glibc}")
    missing = missing_packages()
    if missing:
        sys.exit(f"run.sh: install: system packages are missing. As root: apt-get install -y {' '.join(missing)}")


if __name__ == "__main__":
    main()
