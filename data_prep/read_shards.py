"""Merged shards -> the JSONL that data_prep.prepare reads, for SFT and for reinforcement learning.

    python -m data_prep.read_shards --config-path <recipes/NAME> --config-name data

SFT, to train with and to validate with: each recording says its own transcript, {"text", "language", "speech_tokens",
"voice"}; `voice` names a description of the voice if the sample has one and the recipe reads them
(read_shards.annotations). RL: recording i is the voice (words, codes, wave) that speaks the transcript of recording
i + 1, as in the Inworld TTS trainer; voices go to one JSONL (speech/voices.py), with mono waves at one rate beside
it. Where the next recording is of another language, there is no such pair.

What read_shards.filters leave out is in neither, and the next recording is then the next that is kept: filters of an
encoded corpus, which vectorize's own belong to.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from hashlib import blake2b
from math import nan
from pathlib import Path
from string import Formatter
from typing import Any, TextIO

import hydra
import numpy as np
import soundfile
from omegaconf import DictConfig
from tqdm import tqdm

from data_prep.jsonl import check_words
from data_prep.recordings import Recording, filters
from data_prep.shards import SPLITS, Codes
from data_prep.written import check_writable, written
from speech.faults import told_plainly
from speech.files import whole_file, whole_files
from speech.jsonl import BadField
from speech.paths import check_outputs, input_file, relative
from speech.voices import LANGUAGE, Voice, read_voices
from speech.waves import read_wave

MADE = re.compile(rf"({'|'.join(SPLITS)})_\d+|described_[0-9a-f]{{16}}")  # names of the voices that are made here
ACCOUNT = "read_shards.json"  # in recipe.data_dir: what was written last

_LANGUAGE = re.compile(LANGUAGE)
_OUTPUTS = ("sft_texts", "sft_val_texts", "train_texts", "test_texts", "voices")  # of the recipe
_OWN = "Texts of your own go to stage data by prepare.splits.NAME.input (train, test, sft, sft_val), voices elsewhere"


class Kept:
    """A split's recordings that the filters keep: (place among all, sample, codes int32 [n]), in order.

    Args:
        cfg: branch `read_shards`: codes, and filters as in data_prep/recordings.py, or null.

    Attributes:
        left_out: how many, by reason.

    Raises:
        FileNotFoundError, ValueError: see shards.Codes and recordings.filters.
    """

    def __init__(self, cfg: DictConfig, split: str):
        self._codes, self.left_out = Codes(cfg.codes, split), Counter[str]()
        checks = filters(cfg.filters) if cfg.filters else []
        self._kept = np.ones(len(self._codes), bool)
        for place, (sample, _) in enumerate(self._codes if checks else ()):
            # What a line does not tell is within no bound that is asked for.
            told = float(sample.get("duration") or nan), int(sample.get("sample_rate") or 0)
            one = Recording(place + 1, sample["transcript"], sample["language"], sample["wav_path"], *told, sample)
            if reason := next(filter(None, (check(one) for check in checks)), None):
                self._kept[place] = False
                self.left_out[reason] += 1

    def __len__(self) -> int:
        return int(self._kept.sum())

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any], np.ndarray]]:
        for place, (sample, codes) in enumerate(self._codes):
            if self._kept[place]:
                yield place, sample, codes


def pairs(
    samples: Iterable[tuple[int, dict[str, Any], np.ndarray]],
) -> Iterator[tuple[int, tuple[int, dict[str, Any], np.ndarray], dict[str, Any]]]:
    """(how many came before, one of the samples with its place and codes, the sample behind it) for neighbours of the
    same language."""
    before = None
    for number, one in enumerate(samples):
        if before is not None and before[1][1]["language"] == one[1]["language"]:
            yield (*before, one[1])
        before = number, one


def description(sample: dict[str, Any], annotations: list[str]) -> str:
    """The sample's `voice_description`, or its annotations as "emotion: happy accent: British speaker: [ID]", where ID
    is its speaker_id, as the Inworld TTS trainer writes them; empty without any."""
    if text := str(sample.get("voice_description") or "").strip():
        return text
    told = sample | {"speaker": f"[{sample['speaker_id']}]" if _tells(sample, "speaker_id") else None}
    return " ".join(f"{name}: {told[name]}" for name in annotations if _tells(told, name))


def _tells(sample: dict[str, Any], name: str) -> bool:
    """Whether the field has something in it, which 0 is, as a speaker's number may be."""
    return sample.get(name) not in (None, "")


def instruction(sample: dict[str, Any], form: str | None) -> dict[str, str]:
    """{"instruction": ...} of the sample's own fields, as "你是说话人{speaker_id}"; {} where it lacks one of them.

    >>> instruction({"speaker_id": "7"}, "You are speaker {speaker_id}."), instruction({}, "You are {speaker_id}.")
    ({'instruction': 'You are speaker 7.'}, {})
    """
    if form is None or not all(_tells(sample, name) for _, name, _, _ in Formatter().parse(form) if name):
        return {}
    return {"instruction": form.format_map(sample)}


def write_sft(cfg: DictConfig, split: str, output: TextIO, voices: TextIO, known: set[str]) -> Counter[str]:
    """Rows of a split, and a voice for each description that is not among the `known`, which it joins. Counts: rows,
    descriptions, bad words (descriptions that no prompt can hold), and the reasons of the filters."""
    codes, before = Kept(cfg, split), len(known)
    counts = Counter(codes.left_out)
    for _, sample, tokens in tqdm(codes, total=len(codes), desc=f"sft {split}", mininterval=5):
        row = {"text": sample["transcript"], "language": sample["language"], "speech_tokens": tokens.tolist()}
        row |= instruction(sample, cfg.instruction)
        said = description(sample, cfg.annotations) if cfg.annotations is not None else ""
        if said and (said := _words(said, counts)):
            row["voice"] = "described_" + blake2b(said.encode(), digest_size=8).hexdigest()
            if row["voice"] not in known:
                known.add(row["voice"])
                _write(voices, {"name": row["voice"], "description": said})
        _write(output, row)
        counts["rows"] += 1
    return counts + Counter(descriptions=len(known) - before)


def is_chosen(place: int, count: int, limit: int) -> bool:
    """Whether this one of `count` is among `limit` that are evenly chosen: of 7 the places 0, 2, 4, 6 for 4."""
    return place * limit % count < limit


def write_rl(
    cfg: DictConfig,
    split: str,
    limit: int,
    output: TextIO,
    voices: TextIO,
    voices_file: str,
    language: str | None = None,
) -> Counter[str]:
    """At most `limit` rows of a split, evenly chosen, and their voices, whose waves are named from where `voices_file`
    will be, and which name their language unless it is `language`, recipe.language. Counts: rows, and of voices
    too_long, bad words, bad language; and the reasons of the filters."""
    codes = Kept(cfg, split)
    counts = Counter(codes.left_out)
    before = cache(lambda: read_voices(voices_file) if Path(voices_file).is_file() else {})
    for number, one, following in tqdm(pairs(codes), total=len(codes), desc=split, mininterval=5):
        if not is_chosen(number, len(codes), limit):
            continue
        place, sample, tokens = one
        if len(tokens) > cfg.max_voice_tokens:
            counts["too_long"] += 1
            continue
        if not _LANGUAGE.fullmatch(sample["language"]):  # stage data refuses it of a text, too
            counts["bad language"] += 1
            continue
        if not (words := _words(sample["transcript"], counts)):
            continue
        voice = {"name": f"{split}_{place}", "text": words, "speech_tokens": tokens.tolist()}
        voice |= {"language": sample["language"]} if sample["language"] != language else {}
        source = Path(cfg.recordings).parent / sample["wav_path"]
        wav = None if source.exists() else _wave_before(voice, before(), cfg.voice_rate)
        wav = wav or _wave(source, Path(cfg.voice_waves) / voice["name"], cfg.voice_rate)
        _write(voices, voice | {"wav": relative(wav, Path(voices_file).parent)})
        row = {"text": following["transcript"], "language": following["language"], "voice": voice["name"]}
        _write(output, row | instruction(sample, cfg.instruction))
        counts["rows"] += 1
    return counts


def _wave_before(voice: dict[str, Any], before: dict[str, Voice], rate: int) -> Path | None:
    """The wave of the very same voice that was made at `rate` Hz when its recording was still there."""
    old = before.get(voice["name"])
    if old is None or (old.text, list(old.speech_tokens)) != (voice["text"], voice["speech_tokens"]):
        return None
    there = old.wav and Path(old.wav).is_file() and soundfile.info(old.wav).samplerate == rate
    return Path(old.wav) if there else None


def _wave(source: Path, stem: Path, rate: int) -> Path:
    """The recording as it is now, mono at `rate` Hz, in a file `stem`_HASH.wav. Raises as input_file and read_wave."""
    found = input_file(source, "a recording (read_shards.recordings)").stat()
    made_of = f"{source.resolve()} {found.st_size} {found.st_mtime_ns} {rate}"  # changed: another file
    wav = stem.with_name(f"{stem.name}_{blake2b(made_of.encode(), digest_size=8).hexdigest()}.wav")
    if not wav.exists():
        wave = read_wave(str(source), rate)
        with whole_file(wav) as temporary:
            soundfile.write(temporary, wave, rate, format="WAV", subtype="PCM_16")
    return wav


def _drop_others(folder: Path, voices_file: str) -> None:
    """Take away waves of these voices that were made of recordings as they were before, and that no voice names now."""
    voices = read_voices(voices_file)
    named = {Path(voice.wav).name for voice in voices.values() if voice.wav}
    for wav in folder.glob("*_*_*.wav"):
        if wav.name not in named and wav.name.rpartition("_")[0] in voices:
            wav.unlink()


def _words(text: str, counts: Counter[str]) -> str:
    """A voice's words as a prompt may hold them; none, which is counted, for others."""
    try:
        return check_words(text)
    except BadField:
        counts["bad words"] += 1
        return ""


def _write(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_all(cfg: DictConfig, files: Sequence[Path]) -> dict[str, Counter[str]]:
    """The rows of both splits and all voices, into `files` in the order of _OUTPUTS."""
    own, recipe, described = cfg.read_shards, cfg.recipe, set[str]()
    with ExitStack() as stack:
        sft, sft_val, train, test, voices = (stack.enter_context(open(path, "w", encoding="utf-8")) for path in files)
        return {
            "sft": write_sft(own, "train", sft, voices, described),
            "sft_val": write_sft(own, "val", sft_val, voices, described),
            "train": write_rl(own, "train", own.train_rows, train, voices, recipe.voices, recipe.language),
            "val": write_rl(own, "val", own.val_rows, test, voices, recipe.voices, recipe.language),
        }


def read_shards(cfg: DictConfig) -> dict[str, Counter[str]]:
    """Writes SFT rows and RL rows of both splits and all voices, which appear together, over what it wrote before.

    Raises:
        FileNotFoundError, ValueError: shards that are not merged or do not fit together, a recording that cannot be
            read, an output that is there and was not written by this.
    """
    own, recipe = cfg.read_shards, cfg.recipe
    outputs, folder = {f"recipe.{key}": recipe[key] for key in _OUTPUTS}, Path(recipe.data_dir)
    check_writable(outputs, _OWN)
    check_outputs({"read_shards.recordings": own.recordings}, outputs)
    with whole_files([*outputs.values(), folder / ACCOUNT]) as (*files, account):
        counts = _write_all(cfg, files)
        account.write_text(json.dumps(written(outputs, files, folder / ACCOUNT, _OWN)) + "\n")
    _drop_others(Path(own.voice_waves), recipe.voices)  # now that no file of voices names them
    print(f"[read_shards] { ({name: dict(count) for name, count in counts.items()}) }", flush=True)
    return counts


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    read_shards(cfg)


if __name__ == "__main__":
    main()
