"""Stage install in a checkout of its own, with programs of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_PIP = f"{ROOT}/tests/helpers/bin:{os.environ['PATH']}"  # a PATH with a python3 that answers for pip at once


def checkout_in(folder: Path) -> Path:
    """What stage install reads, without environments."""
    for name in ("requirements", "recipes", "requirements.txt", "requirements-reward.txt", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "stages", folder / "stages")
    return folder


def tool(folder: Path, name: str, text: str) -> None:
    """A program of this name in folder/bin."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / "bin" / name).chmod(0o755)


def install(checkout: Path, *arguments: str, pip: bool = False, **environment: str) -> tuple[int, str]:
    """(exit status, all output) of stage install there, with the programs in its bin and none of our variables.
    `pip`: the real one tells its settings, in place of one that has none."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VERL_TTS_", "PIP_", "UV_"))}
    path = os.environ["PATH"] if pip else WITHOUT_PIP
    own = {"PATH": f"{checkout}/bin:{path}", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        ["bash", "stages/install.sh", *(arguments or ("--dry-run", "tiny_mandarin"))],
        cwd=checkout,
        env=kept | own | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


GPU = "[ $1 = -L ] && echo GPU 0: H200 || echo 580.65.06"
# uv as far as stage install sees it: an environment with a Python that says by its exit status whether this machine has
# all that it needs, and what it is told.
UV = """case $1 in
--version) echo uv 1 ;;
venv)
  for folder in "$@"; do :; done
  mkdir -p $folder/bin
  printf '#!/bin/sh\\nexit %s\\n' ${LACKS:-0} >$folder/bin/python
  chmod +x $folder/bin/python ;;
pip) echo "uv $*"; env | grep -e ^UV_ -e ^SSL_CERT_FILE= ;;
esac
true"""
