"""A published zero-shot test set -> the texts and the recordings that the stages read.

    python -m data_prep.test_sets --config-path <recipes/NAME> --config-name data test_set.input=.../zh/meta.lst

`test_set.input` is a list of Seed-TTS (seed-tts-eval: meta.lst, hardcase.lst; `utterance|prompt text|prompt
wav|text`, and a fifth field that is not used, the true recording) or a folder of CV3-Eval (`text`, `prompt_text`,
`prompt_wav.scp` as Kaldi writes them: an utterance's name, white space, the rest) or GLM-TTS's own .jsonl
(data_prep/glm_rows.py), or a data set that a hub has by name, hub:NAME@SPLIT (data_prep/hub_rows.py), whose columns
`test_set.hub.columns` names. Several are a list of them, or a pattern such as grpo/data/[0-9]*.jsonl. Into
`test_set.output` go texts.jsonl for infer.synthesise and recordings.jsonl for data_prep.encode_voices.
"""

import glob
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from data_prep.glm_rows import rows_of
from data_prep.hub_rows import local
from data_prep.kaldi import file_of, lines_of, table
from speech.faults import UserError, told_plainly
from speech.files import whole_files, write_jsonl
from speech.jsonl import BadField, BadRows, Fault, read_all
from speech.paths import check_outputs, relative

_FIELDS = ("utterance", "prompt text", "prompt wav", "text")  # of a list
_EXPECTED = "a list of Seed-TTS (test_set.input), or text, prompt_text or prompt_wav.scp of CV3-Eval"


@dataclass(frozen=True)
class Task:
    """One line of a test set: `text` is to be said in the voice of `wav`, in which `prompt_text` is said."""

    name: str
    text: str
    prompt_text: str
    wav: Path
    tokens: tuple[int, ...] = ()  # speech tokens of it, where the test set brings them
    emotion: str | None = None
    embedding: Path | None = None  # of the speaker, and
    mel: Path | None = None  # the recording's, where the test set brings them


def inputs_of(given: str | Sequence[str]) -> list[str]:
    """What test_set.input names: one, the files of a pattern, or those of a list of both.

    Raises:
        UserError: a pattern that no file fits.
    """
    found: list[str] = []
    for one in [given] if isinstance(given, str) else given:
        is_pattern = glob.has_magic(one) and not one.startswith("hub:") and not Path(one).exists()
        if not (paths := sorted(glob.glob(one)) if is_pattern else [one]):
            raise UserError(f"test_set.input={one}: no file fits this pattern")
        found += paths
    return found


def read_test_set(given: str | Path | Sequence[str], shown_faults: int, hub: DictConfig | None = None) -> list[Task]:
    """The tasks of a list, a folder or a data set of a hub, or of several, in order.

    Args:
        given: one of them, or several (inputs_of).
        shown_faults: bad lines that an error lists.
        hub: branch test_set.hub, for hub:NAME.

    Raises:
        FileNotFoundError: there is no such file. ValueError: bad lines, the first `shown_faults` of them with file,
            line and field; or none at all; or a data set that cannot be had.
    """
    faults: list[Fault] = []
    paths = [str(given)] if isinstance(given, str | Path) else given
    tasks = [task for path in paths for task in _tasks_of(path, faults, hub)]
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults[:shown_faults])
        where = paths[0] if len(paths) == 1 else f"{len(paths)} files"
        raise ValueError(f"{len(faults)} bad lines in {where}:\n{listed}")
    return tasks


def _tasks_of(path: str | Path, faults: list[Fault], hub: DictConfig | None) -> list[Task]:
    before = len(faults)
    if hub and str(path).startswith("hub:"):
        path = Path(local(str(path), hub.folder, hub.columns.wav)).resolve()
        tasks = _of_rows(path, hub.columns, faults)
    elif (path := Path(path).resolve()).suffix == ".jsonl":
        tasks = [Task(*row) for row in rows_of(path, faults)]
    else:
        tasks = _of_folder(path, faults) if path.is_dir() else _of_list(path, faults)
    if not tasks and len(faults) == before:
        raise ValueError(f"{path} holds no line")
    return tasks


def _of_rows(path: Path, columns: DictConfig, faults: list[Fault]) -> list[Task]:
    """Of a data set's rows, whose recordings are files beside them; `columns`: which one holds what."""
    tasks: dict[str, Task] = {}

    def add(_: int, row: dict[str, Any]) -> None:
        name, text, said, wav = (_said(row, columns[key]) for key in ("name", "text", "prompt_text", "wav"))
        if name in tasks:
            raise BadField(columns.name, f"{name} is there twice")
        tokens = row.get(columns.tokens) if columns.tokens else []
        if not isinstance(tokens, list) or not all(type(one) is int for one in tokens):
            raise BadField(columns.tokens, "is no list of integers")
        tasks[name] = Task(name, text, said, path.parent / wav, tuple(tokens))

    read_all(path, add, "rows of a test set (test_set.input)", faults=faults)
    return list(tasks.values())


def _said(row: dict[str, Any], column: str) -> str:
    """A column's value, a string or a number. Raises BadField."""
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise BadField(column, f"is missing or empty; the columns are {', '.join(row)}")
    return str(value).strip()


def _of_list(path: Path, faults: list[Fault]) -> list[Task]:
    tasks: dict[str, Task] = {}
    for number, line in lines_of(path, _EXPECTED):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) not in (4, 5):
            reason = f"has {len(fields)} fields between |, expected {'|'.join(_FIELDS)}"
            faults.append(Fault(str(path), number, None, reason, line))
            continue
        name, prompt_text, wav, text = fields[:4]
        empty = [field for field, value in zip(_FIELDS, fields, strict=False) if not value]
        found = file_of(wav, path.parent)
        if empty:
            faults.append(Fault(str(path), number, empty[0], "is empty", line))
        elif name in tasks:
            faults.append(Fault(str(path), number, "utterance", f"{name} is there twice", line))
        elif found is None:
            faults.append(Fault(str(path), number, "prompt wav", f"{wav} is no file", line))
        else:
            tasks[name] = Task(name, text, prompt_text, found)
    return list(tasks.values())


def _of_folder(folder: Path, faults: list[Fault]) -> list[Task]:
    names = ("text", "prompt_text", "prompt_wav.scp")
    texts, prompts, wavs = (table(folder / name, faults, _EXPECTED) for name in names)
    tasks = []
    for name, (number, text) in texts.items():
        lacking = [file for file, there in (("prompt_text", prompts), ("prompt_wav.scp", wavs)) if name not in there]
        if lacking:
            faults.append(Fault(str(folder / "text"), number, None, f"{name} is not in {' and '.join(lacking)}", text))
            continue
        scp_line, wav = wavs[name]
        found = file_of(wav, folder)
        if found is None:
            faults.append(Fault(str(folder / "prompt_wav.scp"), scp_line, name, f"{wav} is no file", wav))
        else:
            tasks.append(Task(name, text, prompts[name][1], found))
    return tasks


def language_of(path: str | Path) -> str:
    """The language that a test set's folder, or its split of a hub's data set, is named after, alone or at its end:
    zh/meta.lst, zero_shot/hard_en.

    >>> language_of("seedtts_testset/zh/meta.lst"), language_of("CV3-Eval/data/zero_shot/hard_en")
    ('zh', 'en')
    >>> language_of("hub:yuekai/CV3-Eval@hard_en")
    'en'

    Raises:
        ValueError: its name is none.
    """
    folder = Path(path).parent if Path(path).suffix else Path(path)
    if str(path).startswith("hub:"):
        folder = Path(str(path).partition("@")[2])
    found = re.fullmatch(r"(?:.*_)?([a-z]{2})", folder.name)
    if not found:
        raise UserError(f"test_set.language is null, and {folder} does not end in a language such as zh: name it")
    return found[1]


def convert(tasks: list[Task], output: str | Path, language: str, voice_language: str) -> tuple[int, int]:
    """Writes texts.jsonl {"text", "language", "voice"} and recordings.jsonl {"name", "text", "language", "wav"}, the
    latter's of what is said in them; the numbers of rows. A recording that several texts ask for is one voice, called
    as the first of them.

    Raises:
        BadRows: names that several files have for different recordings.
    """
    voices: dict[tuple[Path, str], str] = {}
    names = [voices.setdefault((task.wav, task.prompt_text), task.name) for task in tasks]
    if twice := [name for name, count in Counter(voices.values()).items() if count > 1]:
        found = (f"{name}: {', '.join(str(wav) for (wav, _), one in voices.items() if one == name)}" for name in twice)
        raise BadRows([f"of other recordings in another file, too: {one}" for one in found], then="nothing was written")
    folder = Path(output)
    texts = [
        {"text": task.text, "language": language, "voice": name} | ({"emotion": task.emotion} if task.emotion else {})
        for task, name in zip(tasks, names, strict=True)
    ]
    brought: dict[str, dict[str, Any]] = {name: {} for name in names}
    for task, name in zip(tasks, names, strict=True):  # by the first task that brings it
        own = {"speech_tokens": list(task.tokens)} if task.tokens else {}
        own |= {k: relative(v, folder) for k, v in (("embedding", task.embedding), ("mel", task.mel)) if v}
        brought[name] = own | brought[name]
    recordings = [
        {"name": name, "text": said, "language": voice_language, "wav": relative(wav, folder)} | brought[name]
        for (wav, said), name in voices.items()
    ]
    with whole_files([folder / "texts.jsonl", folder / "recordings.jsonl"]) as temporaries:
        for temporary, rows in zip(temporaries, (texts, recordings), strict=True):
            write_jsonl(temporary, rows)
    return len(tasks), len(recordings)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Branch `test_set` of the configuration."""
    own = cfg.test_set
    if own.input is None:
        raise UserError(
            "test_set.input is null: a list of Seed-TTS, a folder of CV3-Eval, a .jsonl of GLM-TTS, hub:NAME@SPLIT"
        )
    outputs = {f"test_set.output/{name}": Path(own.output) / name for name in ("texts.jsonl", "recordings.jsonl")}
    inputs = inputs_of(own.input)
    check_outputs({f"test_set.input[{place}]": path for place, path in enumerate(inputs)}, outputs)
    tasks = read_test_set(inputs, own.shown_faults, own.hub)
    if own.language is None and len(told := {language_of(path) for path in inputs}) > 1:
        raise UserError(f"test_set.language is null, and test_set.input is in {', '.join(sorted(told))}: one at a time")
    language = own.language or language_of(inputs[0])
    texts, voices = convert(tasks, own.output, language, own.voice_language or language)
    print(f"{own.input}: {texts} texts in {language}, {voices} voices -> {own.output}/texts.jsonl, recordings.jsonl")


if __name__ == "__main__":
    main()
