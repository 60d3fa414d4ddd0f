"""The evaluation's ear: whisper in CTranslate2, a family of ASR that no reward of this project uses.

What makes it quick on a CPU, and how it was checked (60 sentences of the teacher, and the same ones damaged: blurred,
noisy mels with 0.15 s cut out; toneless pinyin error; two cores that others were using too):

| window | clean | damaged | seconds per utterance |
|---|---|---|---|
| 30 s, one by one, as faster-whisper does | .016 | .376 | 0.99 |
| 30 s, batches of 8 | .016 | .376 | 1.16 |
| 15 s | .020 | .396 | 0.37 |
| **10 s** | .020 | .404 | 0.20 |
| 6 s | .031 | .414 | 0.11 |

The encoder takes less than 30 s of mel (its position embedding is simply cut), and the difference to 30 s at 10 s is
within noise (+.004 +- .010 and +.028 +- .035, paired); at 6 s it is not. float32 weights gave no better transcripts.
An utterance goes into the shortest window that holds it, so its transcript does not depend on its neighbours.
"""

import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
import zhconv
from faster_whisper.feature_extractor import FeatureExtractor

from reward_tts.asr.cut import CutTranscripts
from speech.interfaces import Transcript
from speech.loading import whole

_FRAMES_PER_SECOND = 100


class WhisperEar:
    """Greedy, deterministic whisper without timestamps, without fallback temperatures.

    Args:
        source: directory of a CTranslate2 whisper model (model.bin, config.json, tokenizer.json, vocabulary), such as
            Systran/faster-whisper-large-v3 of Hugging Face, or the list of installed packages whose `data` folders
            hold the parts (`model.bin.part1`, ...) of one.
        windows: {"seconds", "max_new_tokens"} each, shortest first; `seconds` of audio are shown to the encoder.
        margin_seconds: silence that a window must still have behind the utterance.
        suppress: regular expression over a vocabulary token's bytes; tokens that match are never written, in the
            languages of `characters_in`. With `[0-9A-Za-z]` Mandarin numbers come out as characters. None: nothing but
            whisper's own list.
        simplified: traditional characters are turned into simplified ones, in the languages of `characters_in`.
        compute_type, replicas, threads, batch_size: see ctranslate2.models.Whisper; replicas run side by side.
        characters_in: languages that `suppress` and `simplified` are meant for, by default Mandarin and
            Cantonese; transcripts of other rows are as they are.
        device: cpu, cuda, or cuda:N.

    Raises:
        FileNotFoundError, ModuleNotFoundError: the model or a package with a part of it is not there.
    """

    sample_rate = 16_000
    family = "whisper"

    def __init__(
        self,
        source: str | Sequence[str],
        windows: Sequence[dict[str, Any]],
        margin_seconds: float,
        suppress: str | None,
        simplified: bool,
        compute_type: str,
        replicas: int,
        threads: int,
        batch_size: int,
        characters_in: Sequence[str] = ("zh", "yue"),
        device: str = "cpu",
    ):
        files = _files_of_directory(source) if isinstance(source, str) else _files_of_packages(source)
        kind, _, index = device.partition(":")
        how = {"device": kind, "device_index": int(index or 0), "compute_type": compute_type}
        how |= {"inter_threads": replicas, "intra_threads": threads}
        if isinstance(source, str):  # gigabytes, which need not be read twice
            self._model = ctranslate2.models.Whisper(source, **how)
        else:
            self._model = ctranslate2.models.Whisper("whisper", files=files, **how)
        self._tokenizer = tokenizers.Tokenizer.from_str(files["tokenizer.json"].decode())
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._windows = [dict(window) for window in windows]
        self._margin = margin_seconds
        self._simplified, self._characters_in = simplified, frozenset(characters_in)
        self._batch_size, self.cut = batch_size, CutTranscripts()
        self._suppress = [-1, *_matching_tokens(self._tokenizer, suppress)] if suppress else [-1]  # -1: whisper's own

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        """Waves float32 [samples] at 16 kHz -> transcripts in the same order, without times.

        Audio beyond the longest window is not heard.

        Raises:
            ValueError: a language that this whisper does not know.
        """
        pending = []
        for window, language, rows in self._batches(waves, languages):
            mels = np.stack([self._mel(waves[row], window["seconds"]) for row in rows])
            prompt = self._prompt(language)
            results = self._model.generate(
                ctranslate2.StorageView.from_array(mels),
                [prompt] * len(rows),
                asynchronous=True,  # blocks when the replicas' queue is full
                beam_size=1,
                max_length=len(prompt) + window["max_new_tokens"],
                suppress_tokens=self._suppress if language in self._characters_in else [-1],
            )
            pending += zip(rows, results, [window["max_new_tokens"]] * len(rows), strict=True)
        texts = {row: self._text(result.result().sequences_ids[0], most) for row, result, most in pending}
        if self._simplified:
            chinese = [row for row in texts if languages[row] in self._characters_in]
            texts |= {row: zhconv.convert(texts[row], "zh-cn") for row in chinese}
        return [Transcript(text=texts[row], char_times=[]) for row in range(len(waves))]

    def _text(self, ids: list[int], most: int) -> str:
        if len(ids) >= most:
            self.cut.add(most)
        return self._tokenizer.decode(ids).strip()

    def _batches(
        self, waves: Sequence[np.ndarray], languages: Sequence[str]
    ) -> Iterator[tuple[dict[str, Any], str, list[int]]]:
        """(window, language, rows): rows that share a window and a language, sorted by length."""
        groups: dict[tuple[int, str], list[int]] = {}
        for row in sorted(range(len(waves)), key=lambda r: len(waves[r])):
            needed = len(waves[row]) / self.sample_rate + self._margin
            index = next((i for i, w in enumerate(self._windows) if needed <= w["seconds"]), len(self._windows) - 1)
            groups.setdefault((index, languages[row]), []).append(row)
        for (index, language), rows in groups.items():
            for start in range(0, len(rows), self._batch_size):
                yield self._windows[index], language, rows[start : start + self._batch_size]

    def _mel(self, wave: np.ndarray, seconds: int) -> np.ndarray:
        """Log-mel float32 [mel bins, frames] of the wave, silence added or the end cut off to fill `seconds`."""
        samples = seconds * self.sample_rate
        padded = np.pad(wave[:samples], (0, max(0, samples - len(wave))))
        return self._features(padded, padding=0)[:, : seconds * _FRAMES_PER_SECOND]

    def _prompt(self, language: str) -> list[int]:
        names = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        ids = [self._tokenizer.token_to_id(name) for name in names]
        if None in ids:
            raise ValueError(f"whisper has no token {names[ids.index(None)]} (language '{language}')")
        return ids


def _files_of_directory(source: str) -> dict[str, bytes]:
    files = ("model.bin", "config.json", "tokenizer.json")
    advice = (
        "download Systran/faster-whisper-large-v3 (Hugging Face) into it, or convert one by ct2-transformers-converter"
    )
    return {"tokenizer.json": (whole(source, files, advice) / "tokenizer.json").read_bytes()}


def _files_of_packages(packages: Sequence[str]) -> dict[str, bytes]:
    """The model's files by name; `name.part1`, `name.part2`, ... of all packages joined to `name`."""
    found = {f.name: f.read_bytes() for package in packages for f in (resources.files(package) / "data").iterdir()}
    files: dict[str, bytes] = {}
    for name in sorted(found):
        whole = re.sub(r"\.part\d+$", "", name)
        files[whole] = files.get(whole, b"") + found[name]
    return files


def _matching_tokens(tokenizer: tokenizers.Tokenizer, pattern: str) -> list[int]:
    """Ids of the ordinary (not special) vocabulary tokens whose bytes match the regular expression."""
    special = {token["content"] for token in json.loads(tokenizer.to_str())["added_tokens"]}
    expression = re.compile(pattern.encode())
    byte_of = _byte_level_alphabet()
    return [
        index
        for token, index in tokenizer.get_vocab().items()
        if token not in special and expression.search(bytes(byte_of[character] for character in token))
    ]


def _byte_level_alphabet() -> dict[str, int]:
    """Character -> byte of GPT-2's byte-level BPE: printable bytes stand for themselves, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}
