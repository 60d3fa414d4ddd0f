"""Wave files of utterances: their names, and a manifest that says which of them is of which row."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path

import numpy as np
import soundfile

from infer.records import Utterance
from speech.files import append_jsonl, fingerprint, growing_lines, whole_file

_NAME_LENGTH = 40  # characters of a text in a file's name, which ends at 255 bytes
MANIFEST = "manifest.jsonl"  # beside the waves


def write_waves(paths: Iterable[str | None], waves: Iterable[np.ndarray], rate: int) -> list[str]:
    """16-bit wave files; returns the paths of those that were written: without sound there is none."""
    written = []
    for path, wave in zip(paths, waves, strict=True):
        if path is not None and len(wave):
            with whole_file(path) as temporary:
                soundfile.write(temporary, wave, rate, format="WAV", subtype="PCM_16")
            written.append(path)
    return written


def by_number(folder: str, utterances: Iterable[Utterance]) -> list[str]:
    """Paths that are the same for every model: folder/<index>-<sample>.wav."""
    return [f"{folder}/{utterance.index}-{utterance.sample}.wav" for utterance in utterances]


def by_text(folder: str, utterances: Iterable[Utterance], taken: Collection[str] = ()) -> list[str]:
    """Paths by what is said, folder/今天三点.wav; where one is there already, is `taken`, or is given twice,
    folder/今天三点-2.wav and so on: nothing is written over."""
    paths: dict[str, None] = {}
    for utterance in utterances:
        name = "_".join(re.findall(r"\w+", utterance.text))[:_NAME_LENGTH] or "wave"
        numbers = (f"{folder}/{name}" + (f"-{number}" if number > 1 else "") + ".wav" for number in count(1))
        free = (path for path in numbers if path not in paths and path not in taken and not Path(path).exists())
        paths[next(free)] = None
    return list(paths)


class Manifest:
    """FOLDER/manifest.jsonl: a line for each utterance that was spoken into this folder, the latest last: {"index",
    "sample", "where" (file and line of its text), "text", "language", "voice", "path" (null: it has no wave),
    "seconds", "finished" (the model ended by itself), "made_of"}. A line is there before its wave is, so that after an
    interruption the same utterance has the same name.

    Args:
        folder: of the waves.
        identity: hash of all that a wave depends on beside its utterance; None: every wave is a new one.
    """

    def __init__(self, folder: str, identity: str | None):
        self._folder, self._file, self._identity = folder, Path(folder) / MANIFEST, identity
        lines, _ = growing_lines(self._file)
        # in this folder, whatever its path was when they were written: it may have been moved or copied since
        paths = [line["path"] and f"{folder}/{Path(line['path']).name}" for line in lines]
        self._named = set(paths)
        self._known = {line["made_of"]: path for line, path in zip(lines, paths, strict=True)} if identity else {}

    def _key(self, utterance: Utterance) -> str:
        return fingerprint(self._identity, asdict(utterance))

    def paths(self, utterances: Sequence[Utterance]) -> list[str | None]:
        """Where the wave of each goes, or is already; None where nothing was said."""
        known = [self._known.get(self._key(utterance)) for utterance in utterances]
        new = [one for one, path in zip(utterances, known, strict=True) if one.tokens and path is None]
        names = iter(by_text(self._folder, new, self._named))
        return [(path or next(names)) if one.tokens else None for one, path in zip(utterances, known, strict=True)]

    def add(self, utterances: Sequence[Utterance], paths: Sequence[str | None], seconds: Sequence[float]) -> None:
        """Lines of those that have none."""
        Path(self._folder).mkdir(parents=True, exist_ok=True)
        lines = []
        for one, path, lasts in zip(utterances, paths, seconds, strict=True):
            told = {name: getattr(one, name) for name in ("index", "sample", "where", "text", "language", "voice")}
            told |= {"path": path, "seconds": round(lasts, 3), "finished": one.finished, "made_of": self._key(one)}
            lines += [told] if told["made_of"] not in self._known else []
        append_jsonl(self._file, lines)
