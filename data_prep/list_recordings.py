"""A folder of recordings with their words -> the two JSONL files that the other stages read.

    python -m data_prep.list_recordings --config-path <recipes/NAME> --config-name data folder.input=my/recordings

The words of name.wav (or .flac, .ogg, .mp3, in sub-folders, too) stand in name.txt or name.lab next to it, or on a line
`name|words` of a metadata.csv in the folder, as LJSpeech has it (a third field, the words as they are read, counts
before the second). Into `folder.output` go

    recordings.jsonl  {"name", "text", "wav"}: voices, for encode_voices and stage data
    samples.jsonl     {"transcript", "language", "wav_path", "duration", "sample_rate"}: recipe.recordings of vectorize

with paths relative to these files.
"""

import glob
from collections.abc import Iterator
from pathlib import Path

import hydra
import soundfile
from omegaconf import DictConfig

from speech.files import whole_files, write_jsonl
from speech.jsonl import BadRows, told_plainly
from speech.paths import check_outputs, relative

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
OTHER_AUDIO = (".m4a", ".aac", ".opus", ".wma", ".aif", ".aiff", ".amr", ".mp4", ".webm", ".ape")
WORDS = (".txt", ".lab")
LIST = "metadata.csv"


def recordings(folder: Path) -> list[tuple[str, Path, str]]:
    """(name, file, words) of each recording, sorted by name: its path in the folder without the ending.

    Raises:
        FileNotFoundError: there is no such folder. ValueError: it holds no recording.
        BadRows: recordings without words, words without a recording, all of them.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} (folder.input) is missing, or is no folder: recordings are expected in it")
    files, beside = (_by_name(folder, endings) for endings in (AUDIO, WORDS))
    if not files:
        raise ValueError(f"{folder} (folder.input) holds no recording ({', '.join(AUDIO)})")
    faults: list[str] = []
    listed = dict(_listed(_text(folder / LIST, faults))) if (folder / LIST).is_file() else {}
    words = listed | {name: _text(path, faults) for name, path in beside.items() if name in files}
    said = {name: " ".join(words.get(name, "").split()) for name in files}
    nothing = f"no words (a .txt or .lab next to it, or a line of {LIST})"
    faults += [f"{files[name]}: {nothing}" for name in files if not said[name]]
    faults += [f"{folder / LIST}: {name} has no recording" for name in listed.keys() - files.keys()]
    alone = {beside[name] for name in beside.keys() - files.keys()}  # a README, or the words of what is no AUDIO
    others = (path for text in alone for path in text.parent.glob(f"{glob.escape(text.stem)}.*"))
    kinds = ", ".join(AUDIO)
    faults += [f"{path}: has words and is none of {kinds}" for path in others if path.suffix.lower() in OTHER_AUDIO]
    if faults:
        raise BadRows(sorted(faults), then="nothing was written")
    return [(name, files[name], said[name]) for name in sorted(files)]


def _by_name(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """{path in the folder without the ending, however that is written: file}"""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in endings)
    return {str(path.relative_to(folder).with_suffix("")): path for path in found}


def _text(path: Path, faults: list[str]) -> str:
    """What a file says; of one that is not UTF-8 a word, and its fault."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})")
        return "?"


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.strip():
            name, *fields = line.split("|")
            yield name.strip(), next((field for field in reversed(fields) if field.strip()), "")


def rows(found: list[tuple[str, Path, str]], output: Path, language: str) -> tuple[list[dict], list[dict]]:
    """Of recordings.jsonl and of samples.jsonl.

    Raises:
        BadRows: files that are no audio, or empty, all of them.
    """
    voices, samples, faults = [], [], []
    for name, file, text in found:
        try:
            info = soundfile.info(file)
        except (OSError, soundfile.SoundFileError) as error:
            faults.append(f"{file}: cannot be read: {error}")
            continue
        if not info.frames:
            faults.append(f"{file}: holds no sample")
        path = relative(file, output)
        voices.append({"name": name, "text": text, "wav": path})
        sound = {"duration": round(info.duration, 3), "sample_rate": info.samplerate}
        samples.append({"transcript": text, "language": language, "wav_path": path, **sound})
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
        made = rows(recordings(Path(cfg.folder.input)), output, cfg.folder.language)
        with whole_files(paths) as temporaries:
            for temporary, one in zip(temporaries, made, strict=True):
                write_jsonl(temporary, one)
    seconds = sum(row["duration"] for row in made[1])
    print(f"{len(made[0])} recordings, {seconds / 60:.1f} min -> {paths[0]}, {paths[1]}", flush=True)


if __name__ == "__main__":
    main()
