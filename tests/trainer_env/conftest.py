"""What several folders of the trainer's tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.one_process import command, fresh


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where torch would keep what it compiles in the process of `vllm_speaks`."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def vllm_speaks(compiled: Path) -> Iterator[Callable[..., None]]:
    """vllm_speaks(recipe's folder, *overrides): stage eval's first command, in a process of its own, as run.sh does it,
    but in the same one each time: vLLM's imports take 13 s."""
    with fresh({"TORCHINDUCTOR_CACHE_DIR": str(compiled)}) as process:
        yield lambda folder, *overrides: command(
            process, "infer.synthesise", ["--config-path", str(folder), "--config-name", "eval", *overrides]
        )
