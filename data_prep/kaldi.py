"""Files as Kaldi writes them, an utterance's name, white space, the rest: of test sets and folders of recordings."""

from pathlib import Path

from speech.jsonl import Fault
from speech.paths import input_file


def table(path: Path, faults: list[Fault], expected: str, may_be_empty: bool = False) -> dict[str, tuple[int, str]]:
    """{utterance: (line from 1, the rest of it)}; `expected`: for the message where there is no such file;
    `may_be_empty`: the rest of a line."""
    found: dict[str, tuple[int, str]] = {}
    for number, line in lines_of(path, expected):
        name, rest, *_ = *line.split(maxsplit=1), ""
        if not (rest or may_be_empty):
            faults.append(Fault(str(path), number, name, "has nothing behind it", line))
        elif name in found:
            faults.append(Fault(str(path), number, name, f"is there twice, first in line {found[name][0]}", line))
        else:
            found[name] = (number, rest)
    return found


def lines_of(path: Path, expected: str) -> list[tuple[int, str]]:
    """(line from 1, what stands there) without those that are blank. Raises as input_file, and ValueError: no UTF-8."""
    lines = []
    for number, line in enumerate(input_file(path, expected).read_bytes().split(b"\n"), 1):
        try:
            lines.append((number, line.decode("utf-8-sig" if number == 1 else "utf-8").strip()))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}:{number}: is no UTF-8: {error.reason} at byte {error.start}") from None
    return [(number, line) for number, line in lines if line]


def file_of(name: str, folder: Path) -> Path | None:
    """The file of that name, absolute, or from the folder or one above: Seed-TTS counts from the list's folder,
    CV3-Eval from its repository's, CosyVoice from where its script ran."""
    return next((base / name for base in (folder, *folder.parents) if name and (base / name).is_file()), None)
