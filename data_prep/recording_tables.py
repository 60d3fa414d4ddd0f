"""Recordings that a table lists: one of Common Voice, CosyVoice's wav.scp, or a data set that a hub has by name."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from omegaconf import DictConfig

from data_prep.hub_rows import local
from data_prep.kaldi import file_of, table
from speech.jsonl import BadRows, Fault, read_rows

HEADINGS = ("path", "sentence")  # of a table of Common Voice, and locale
SCP, UTTERANCES = "wav.scp", "text"  # of CosyVoice's data folders, as Kaldi has them
TOLD = {"speaker_id": "utt2spk", "instruction": "instruct"}  # fields, and their files there, which may be missing
LOCALES = {"zh-HK": "yue"}  # whose language is not what stands before their hyphen


class Recording(NamedTuple):
    """One of them; `language`, and what else is told of it (`more`): where that stands with its words."""

    name: str
    file: Path
    words: str
    language: str | None = None
    more: Mapping[str, str] = MappingProxyType({})


def of_table(path: Path, wordless: bool = False) -> list[Recording]:
    """Those that a table of Common Voice names, sorted by name. `wordless`: words may be missing, and are then empty.

    Raises:
        ValueError: it names no recording, or has no such headings. BadRows: lines without words or recording, or that
            are there twice, all of them.
    """
    faults: list[str] = []
    found: dict[str, Recording] = {}
    reader = csv.DictReader(text_of(path, faults).split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not faults and not set(HEADINGS) <= set(reader.fieldnames or ()):
        raise ValueError(
            f"{path} (folder.input) has no headings {' and '.join(HEADINGS)}, as Common Voice's tables have"
        )
    for row in reader if not faults else ():
        name, words, locale = (" ".join((row.get(key) or "").split()) for key in (*HEADINGS, "locale"))
        place, bare = f"{path}:{reader.line_num}", str(Path(name).with_suffix("")) if name else ""
        file = next((one for folder in ("clips", ".") if name and (one := path.parent / folder / name).is_file()), None)
        if file is None or not (words or wordless):
            faults.append(f"{place}: {name or HEADINGS[0]} has no {'recording' if words or wordless else 'words'}")
        elif bare in found:
            faults.append(f"{place}: {name} is there twice")
        else:
            found[bare] = Recording(bare, file, words, LOCALES.get(locale, locale.partition("-")[0].lower()) or None)
    if faults:
        raise BadRows(faults, then="nothing was written")
    if not found:
        raise ValueError(f"{path} (folder.input) names no recording")
    return [found[name] for name in sorted(found)]


def of_scp(folder: Path, wordless: bool = False) -> list[Recording]:
    """Those of a folder that CosyVoice's local/prepare_data.py made, sorted by name. `wordless`: words may be missing,
    or the file of all of them, and are then empty.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it names no recording. BadRows: lines without a recording
            or without words, or that are there twice, all of them.
    """
    faults: list[Fault] = []
    expected = "an utterance's name and what is told of it on each line, as in CosyVoice's data folders (folder.input),"
    scp, text = table(folder / SCP, faults, expected), folder / UTTERANCES
    words = table(text, faults, expected, wordless) if text.is_file() or not wordless else {}
    told = {key: table(path, faults, expected, True) for key, name in TOLD.items() if (path := folder / name).is_file()}
    found = []
    for name, (line, wav) in sorted(scp.items()):
        file, (_, text) = file_of(wav, folder), words.get(name, (0, ""))
        if file is None:
            faults.append(Fault(str(folder / SCP), line, name, f"{wav} is no file", wav))
        elif not (text or wordless):
            faults.append(Fault(str(folder / SCP), line, name, f"is not in {UTTERANCES}", wav))
        else:
            more = {key: rows[name][1] for key, rows in told.items() if rows.get(name, (0, ""))[1]}
            found.append(Recording(name, file, " ".join(text.split()), None, more))
    lost = ((line, name, text) for name, (line, text) in words.items() if name not in scp)
    faults += [Fault(str(folder / UTTERANCES), line, name, f"is not in {SCP}", text) for line, name, text in lost]
    if faults:
        raise BadRows(faults, then="nothing was written")
    if not found:
        raise ValueError(f"{folder / SCP} (folder.input) names no recording")
    return found


def of_hub(source: str, hub: DictConfig, wordless: bool = False) -> list[Recording]:
    """Those of a hub's data set; `hub`: branch folder.hub. Without a column for it a name is the row's number.
    `wordless`: words may be missing, in a column that is there or null.

    Raises:
        ValueError: it cannot be had. BadRows: rows without words, two of one name, all of them.
    """
    path, columns = Path(local(source, hub.folder, hub.columns.wav)), hub.columns
    found: dict[str, Recording] = {}
    faults: list[str] = []
    for number, _, row in read_rows(path):
        name, words = ("" if row.get(key) is None else str(row[key]) for key in (columns.name, columns.text))
        name, words = name if columns.name else f"{number:06d}", " ".join(words.split())
        if not name or not (words or (wordless and columns.text in (None, *row))):
            faults.append(f"{path}:{number}: no {columns.text if name else columns.name}; columns are {', '.join(row)}")
        elif name in found:
            faults.append(f"{path}:{number}: {columns.name} {name} is there twice")
        else:
            found[name] = Recording(name, path.parent / row[columns.wav], words)
    if faults:
        raise BadRows(faults)
    return list(found.values())


def text_of(path: Path, faults: list[str]) -> str:
    """What a file says; of one that cannot be read, or is not UTF-8, a word, and its fault."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})")
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
    return "?"
