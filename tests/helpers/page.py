"""A page of docs/ as a reader follows it: the files that it shows, its commands, and a checkout to do it in."""

import re
import shutil
import subprocess
from pathlib import Path

from stages.config import ROOT

# A block of code; a file's name, with its folder, in backquotes.
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<content>.*?)^```$", re.M | re.S)
_NAME = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|yaml))`")


def files_of(page: str) -> dict[str, str]:
    """{path: content} of each block of Python or YAML that a file's name comes right before, in the page's order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found, end = {}, 0
    for block in _BLOCK.finditer(text):
        paragraph = text[end : block.start()].rstrip().rpartition("\n\n")[2]
        names = _NAME.findall(paragraph)
        if block["kind"] in ("python", "yaml") and names:
            found[names[0] if block["kind"] == "yaml" else names[-1]] = block["content"]
        end = block.end()
    return found


def commands_of(page: str) -> list[str]:
    """The lines of its shell blocks, each continued one as one."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block["content"] for block in _BLOCK.finditer(text) if not block["kind"]]
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def checkout(folder: Path, built: Path | None = None) -> Path:
    """This checkout's files in `folder`, with its environments, and the small models (or an empty exp/)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for environment in (".venv", ".venv-reward"):
        (folder / environment).symlink_to(ROOT / environment)
    (folder / "exp").mkdir()
    if built:
        (folder / "exp/tiny_mandarin").symlink_to(built)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
