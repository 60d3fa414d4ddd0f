"""A folder of recordings with their words -> the two JSONL files that the other stages read.

    python -m data_prep.list_recordings --config-path <recipes/NAME> --config-name data folder.input=my/recordings

The words of name.wav (or .flac, .ogg, .mp3, in sub-folders and linked ones, too) stand in name.txt or name.lab next to
it, or on a line `name|words` of a metadata.csv in the folder, as LJSpeech has it (a third field, the words as they are
read, counts before the second; the name may have its ending, and lack its folder), or in name.normalized.txt, else
name.original.txt, as LibriTTS has them, or on a line `name words` of a *.trans.txt next to it, as LibriSpeech has it.
Different words for one recording (other signs and capitals are none), or two recordings of one name, are refused.
`folder.input` may also be a table of Common Voice (validated.tsv): the recordings that it names, in the folder clips
beside it or where it lies itself, with their sentences and languages; or a data folder of CosyVoice's (`wav.scp`,
`text`, perhaps `utt2spk` and `instruct`: fields `speaker_id` and `instruction` of samples.jsonl); or a data set that a
hub has by name, hub:NAME@SPLIT (data_prep/hub_rows.py), with the columns `folder.hub.columns`. Into `folder.output` go

    recordings.jsonl  {"name", "text", "language", "wav"}: voices, for encode_voices and stage data
    samples.jsonl     {"transcript", "language", "wav_path", "duration", "sample_rate"}: recipe.recordings of vectorize

with paths relative to these files. With folder.transcribe=true the recipe's ASR says the words of recordings that have
none; such rows have "transcribed": true, and folder.output/heard.jsonl keeps what was heard.
"""

import glob
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import hydra
import soundfile
from omegaconf import DictConfig
from tqdm import tqdm

from data_prep.heard import Ear
from data_prep.jsonl import spoken_part
from data_prep.recording_tables import SCP, UTTERANCES, Recording, of_hub, of_scp, of_table, text_of
from speech.faults import told_plainly
from speech.files import whole_files, write_jsonl
from speech.jsonl import BadRows
from speech.paths import check_outputs, relative
from speech.waves import AudioLimits

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
OTHER_AUDIO = (".m4a", ".aac", ".opus", ".wma", ".aif", ".aiff", ".amr", ".mp4", ".webm", ".ape")
WORDS = (".txt", ".lab")
VERSIONS = ("normalized", "original")  # of the words, name.normalized.txt: LibriTTS's; the first that is there counts
CHAPTER = ".trans.txt"  # LibriSpeech's
LIST = "metadata.csv"
SPEAKER_TEXTS, SPEAKER_SHARE = 3, 0.05  # a third field behind so many texts, on more of the lines: no words as read


def recordings(folder: Path, wordless: bool = False) -> list[Recording]:
    """Each recording of a folder, or of a table (.tsv), sorted by name: its path in the folder without the ending.
    `wordless`: words may be missing, and are then empty.

    Raises:
        FileNotFoundError: there is no such folder. ValueError: it holds no recording, or the table no such headings.
        BadRows: recordings without words or with two, words without a recording, lines that are none, all of them.
    """
    if folder.suffix.lower() == ".tsv" and folder.is_file():
        return of_table(folder, wordless)
    if (folder / SCP).is_file() and ((folder / UTTERANCES).is_file() or (wordless and not _sounds(folder))):
        return of_scp(folder, wordless)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} (folder.input) is missing, or is no folder: recordings are expected in it")
    faults: list[str] = []
    paths = list(_walk(folder, faults))
    files, beside = (_by_name(folder, paths, endings) for endings in (AUDIO, WORDS))
    beside = _with_versions(beside, files)
    if not (files or faults):
        raise ValueError(f"{folder} (folder.input) holds no recording ({', '.join(AUDIO)})")
    faults += [f"{two}: has the name of {one.name}" for one, *more in files.values() for two in more]
    words = {name: [(str(path), text_of(path, faults)) for path in beside[name]] for name in files if name in beside}
    for name, place, text in _listed(folder / LIST, files, faults) if (folder / LIST).is_file() else ():
        words.setdefault(name, []).append((place, text))
    for path in (path for path in paths if path.name.lower().endswith(CHAPTER)):
        for name, place, text in _of_chapter(folder, path, files, faults):
            words.setdefault(name, []).append((place, text))
    said = {name: _one(words.get(name, []), faults) for name in files}
    nothing = f"no words (a .txt or .lab next to it, or a line of {LIST}; of Common Voice folder.input=NAME.tsv)"
    faults += [f"{files[name][0]}: {nothing}" for name in files if not (said[name] or wordless)]
    alone = (path for name in beside.keys() - files.keys() for path in beside[name])  # a README, or words of no AUDIO
    others = {path for text in alone for path in text.parent.glob(f"{glob.escape(text.stem)}.*")}
    kinds = ", ".join(AUDIO)
    faults += [f"{path}: has words and is none of {kinds}" for path in others if path.suffix.lower() in OTHER_AUDIO]
    if faults:
        raise BadRows(sorted(faults), then="nothing was written")
    return [Recording(name, files[name][0], said[name]) for name in sorted(files)]


def _with_versions(beside: Mapping[str, list[Path]], files: Collection[str]) -> dict[str, list[Path]]:
    """{name: files of words} with those of which the name says the version, too."""
    found = dict(beside)
    for version in VERSIONS:
        for name in beside:
            bare = name.removesuffix(f".{version}")
            if name not in files and bare in files:
                found.setdefault(bare, found.pop(name))
    return found


def _of_chapter(folder: Path, path: Path, files: Collection[str], faults: list[str]) -> Iterator[tuple[str, str, str]]:
    """(name of a recording, file and line, words) of each line of a file beside the recordings of a chapter."""
    for number, line in enumerate(text_of(path, faults).split("\n"), 1):
        name, _, text = line.strip().partition(" ")
        own = str((path.parent / name).relative_to(folder))
        if own in files:
            yield own, f"{path}:{number}", text
        elif name:
            faults.append(f"{path}:{number}: {name} has no recording")


def _walk(folder: Path, faults: list[str]) -> Iterator[Path]:
    """Every file below the folder, behind links to folders, too; a folder that several ways lead to, or a loop, is
    entered once, by the way without links if there is one."""
    seen = set()

    def unread(error: OSError) -> None:
        faults.append(f"{error.filename}: cannot be read: {error.strerror}")

    ways = [folder]
    for way in ways:  # links come behind, when all that is there without them is known
        for here, folders, files in os.walk(way, onerror=unread):
            found = os.stat(here)
            if (found.st_dev, found.st_ino) in seen:
                folders.clear()
                continue
            seen.add((found.st_dev, found.st_ino))
            folders.sort()
            ways += (path for name in folders if (path := Path(here, name)).is_symlink())
            yield from (Path(here, name) for name in sorted(files))


def _sounds(folder: Path) -> bool:
    """Whether recordings lie in a folder: words may then lie beside them."""
    return any(path.suffix.lower() in AUDIO for path in _walk(folder, []))


def _by_name(folder: Path, paths: list[Path], endings: tuple[str, ...]) -> dict[str, list[Path]]:
    """{path in the folder without the ending, however that is written: files}"""
    found: dict[str, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in endings:
            found.setdefault(str(path.relative_to(folder).with_suffix("")), []).append(path)
    return found


def _one(sources: list[tuple[str, str]], faults: list[str]) -> str:
    """The words of (where they stand, words), with single spaces; different ones are a fault, which other signs and
    capitals are not. Those of a .lab or a chapter count last: they are in capitals and without signs."""
    sources = sorted(
        sources, key=lambda source: source[0].lower().endswith(".lab") or f"{CHAPTER}:" in source[0].lower()
    )
    given = {place: " ".join(text.split()) for place, text in sources}
    (first, words), *others = [one for one in given.items() if one[1]] or [("", "")]
    same = spoken_part(words) if others else ""
    faults += [f"{place}: has other words than {first}" for place, text in others if spoken_part(text) != same]
    return words


def _listed(path: Path, files: Collection[str], faults: list[str]) -> Iterator[tuple[str, str, str]]:
    """(name of a recording, file and line, words) of each line of a list."""
    in_folders: dict[str, list[str]] = {}  # {name without folders: recordings}
    for name in files:
        in_folders.setdefault(Path(name).name, []).append(name)
    seen: dict[str, int] = {}
    read: dict[str, list[tuple[int, str]]] = {}  # {third field: lines and their second fields}
    for number, line in enumerate(text_of(path, faults).split("\n"), 1):  # not at U+2028, which texts may hold
        name, *fields = (field.strip() for field in line.split("|"))
        place = f"{path}:{number}"
        if not line.strip():
            continue
        if len(fields) not in (1, 2):
            faults.append(f"{place}: has {len(fields) + 1} fields, expected name|words or name|words|words as read")
            continue
        bare = str(Path(name).with_suffix("")) if Path(name).suffix.lower() in AUDIO else name
        found = next(([one] for one in (name, bare) if one in files), in_folders.get(bare, []))
        if len(found) != 1:
            faults.append(f"{place}: {name} {'may be ' + ' or '.join(found) if found else 'has no recording'}")
        elif found[0] in seen:
            faults.append(f"{place}: {name} is there twice, first in line {seen[found[0]]}")
        else:
            seen[found[0]] = number
            yield found[0], place, next(filter(None, reversed(fields)), "")
        if len(fields) == 2 and fields[1]:
            read.setdefault(fields[1], []).append((number, fields[0]))
    for third, (first, second, *_) in _speakers(read):
        faults.append(f"{path}:{first}: {third} is the third field of line {second}, too, with other words: a speaker?")


def _speakers(read: dict[str, list[tuple[int, str]]]) -> Iterator[tuple[str, list[int]]]:
    """Third fields, and their lines, that are no reading of the second ones: on many lines of the list stand such as
    are behind several texts. Two texts may be read alike (`1st|first` and `First|first`)."""
    many = {third: rows for third, rows in read.items() if len(rows) >= SPEAKER_TEXTS}
    many = {third: rows for third, rows in many.items() if len({spoken_part(s) for _, s in rows}) >= SPEAKER_TEXTS}
    if sum(map(len, many.values())) > SPEAKER_SHARE * sum(map(len, read.values())):
        for third, rows in many.items():
            yield third, [number for number, _ in rows]


def transcribed(found: list[Recording], language: str, ear: Ear) -> dict[str, str]:
    """{name: what the ASR hears} of the recordings without words. Raises BadRows: those that cannot be heard, or in
    which nothing is. `language`: where a recording has none of its own."""
    heard, faults = {}, []
    bare = [one for one in found if not one.words]
    for name, file, _, own, _ in tqdm(bare, desc="transcribed", unit="recording", mininterval=5):
        try:
            heard[name] = ear.hear(file, own or language)
        except ValueError as error:
            faults.append(f"{file}: cannot be heard: {error}")
            continue
        if not heard[name]:
            faults.append(f"{file}: has no words, and nothing is heard in it")
    if faults:
        raise BadRows(faults, then="nothing was written; what was heard is kept")
    return heard


def rows(
    found: list[Recording], output: Path, language: str, heard: Mapping[str, str] | None = None
) -> tuple[list[dict], list[dict]]:
    """Of recordings.jsonl and of samples.jsonl; `language`: where a recording has none of its own.

    Raises:
        BadRows: files that are no audio, or empty, all of them.
    """
    voices, samples, faults = [], [], []
    for name, file, text, own, more in found:
        try:
            info = soundfile.info(file)
        except (OSError, soundfile.SoundFileError) as error:
            faults.append(f"{file}: cannot be read: {error}")
            continue
        sound = {"duration": round(info.duration, 3), "sample_rate": info.samplerate}
        if not sound["duration"]:
            faults.append(f"{file}: holds {info.frames} samples, less than a millisecond")
        path = relative(file, output)
        said_in, by_asr = own or language, {"transcribed": True} if heard and name in heard else {}
        text = heard[name] if by_asr else text
        voices.append({"name": name, "text": text, "language": said_in, "wav": path, **by_asr})
        samples.append({"transcript": text, "language": said_in, "wav_path": path, **sound, **by_asr, **more})
    if faults:
        raise BadRows(faults, then="nothing was written")
    return voices, samples


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    with told_plainly():
        if cfg.folder.input is None:
            raise FileNotFoundError("folder.input is not named: the folder of your recordings")
        output = Path(cfg.folder.output)
        paths = [output / "recordings.jsonl", output / "samples.jsonl"]
        check_outputs({"folder.input": cfg.folder.input}, {f"folder.output/{p.name}": str(p) for p in paths})
        given, wordless, heard = str(cfg.folder.input), cfg.folder.transcribe, {}
        of_a_hub = given.startswith("hub:")
        found = of_hub(given, cfg.folder.hub, wordless) if of_a_hub else recordings(Path(given), wordless)
        if wordless:
            limits = AudioLimits(cfg.folder.max_seconds, key="folder.max_seconds")
            heard = transcribed(found, cfg.folder.language, Ear(cfg.folder.asr, limits, output / "heard.jsonl"))
        made = rows(found, output, cfg.folder.language, heard)
        with whole_files(paths) as temporaries:
            for temporary, one in zip(temporaries, made, strict=True):
                write_jsonl(temporary, one)
    minutes, languages = sum(row["duration"] for row in made[1]) / 60, sorted({row["language"] for row in made[1]})
    told = f"{len(made[0])} recordings, {minutes:.1f} min, in {', '.join(languages)} (folder.language, or a table's)"
    told += f", {len(heard)} transcribed" if heard else ""
    print(f"{told} -> {paths[0]}, {paths[1]}", flush=True)


if __name__ == "__main__":
    main()
