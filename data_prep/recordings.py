"""Recordings with transcripts, as the Inworld TTS trainer's JSONL lists them, which are used, and what they hold."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from data_prep.options import LATIN_LETTERS, unwanted_letters
from speech.jsonl import BadField, Fault, made_of, read_rows
from speech.waves import AudioLimits, read_mono, resample


@dataclass(frozen=True)
class Recording:
    """One line: what is said in which file.

    Attributes:
        line: in the JSONL, from 1.
        transcript, language, wav_path: `wav_path` is absolute, or relative to the JSONL.
        duration: seconds, as listed.
        sample_rate: Hz, as listed.
        row: the whole line, for train_samples.jsonl.
    """

    line: int
    transcript: str
    language: str
    wav_path: str
    duration: float
    sample_rate: int
    row: dict[str, Any]


def read_recordings(path: str, begin: int = 0, end: int | None = None) -> Iterator[Recording | Fault]:
    """The recordings of a JSONL file in order; a line that is none becomes a Fault. Arguments, errors: read_rows."""

    def made(number: int, row: dict[str, Any]) -> Recording:
        return Recording(
            number,
            _field(row, "transcript", str),
            _field(row, "language", str),
            str(Path(path).parent / _field(row, "wav_path", str)),
            float(_field(row, "duration", int | float)),
            int(_field(row, "sample_rate", int)),
            row,
        )

    return made_of(read_rows(path, begin, end), path, made)


def _field(row: dict[str, Any], name: str, kind: Any) -> Any:
    value = row.get(name)
    if (
        not isinstance(value, kind)
        or isinstance(value, bool)
        or (isinstance(value, int | float) and not 0 < value < 1e9)
    ):
        raise BadField(name, f"is missing or no usable value: {json.dumps(value)[:60]}")
    return value


def read_sound(one: Recording, own: DictConfig, sample_rate: int) -> np.ndarray | str:
    """The wave float32 [samples] at `sample_rate` Hz, or the filter that leaves it out for what the file really has.
    `own`: branch `vectorize`.

    Raises:
        ValueError: it cannot be read, lasts another time than its row says (it is cut off, or another recording: the
            words are not its own), or is silent.
    """
    key = "vectorize.filters.max_duration_s"  # which has looked at the listed duration
    longest = inf if own.filters.max_duration_s is None else own.filters.max_duration_s
    limits = AudioLimits(longest + own.duration_off.seconds, key=key)
    wave, rate = read_mono(one.wav_path, limits)
    seconds, allowed = len(wave) / rate, max(own.duration_off.seconds, own.duration_off.share * one.duration)
    if abs(seconds - one.duration) > allowed:
        raise ValueError(f"{one.wav_path} lasts {round(seconds, 2):g} s, listed are {one.duration:g}")
    if not wave.any():
        raise ValueError(f"{one.wav_path} holds only silence")
    return "sample rate" if rate < (own.filters.min_sample_rate or 0) else resample(wave, rate, sample_rate)


def filters(cfg: DictConfig) -> list[Callable[[Recording], str | None]]:
    """The reasons for which a recording is left out, in the order in which they are asked for.

    `cfg`: languages, min_duration_s, max_duration_s, min_sample_rate, min_dnsmos_score (of the field dnsmos_mos_ovr),
    each null for whatever it is; latin_letters (see `options.unwanted_letters`).

    Raises:
        ValueError: no such latin_letters.
    """
    if cfg.latin_letters not in LATIN_LETTERS:
        raise ValueError(f"filters.latin_letters={cfg.latin_letters}: known are {', '.join(LATIN_LETTERS)}")
    languages = None if cfg.languages is None else set(cfg.languages)
    shortest, longest = cfg.min_duration_s, cfg.max_duration_s

    def nothing_said(one: Recording) -> str | None:
        return None if any(character.isalnum() for character in one.transcript) else "nothing said"

    def language(one: Recording) -> str | None:
        return f"language {one.language}" if languages is not None and one.language not in languages else None

    def duration(one: Recording) -> str | None:
        if shortest is None and longest is None:
            return None
        return None if (shortest or 0) <= one.duration <= (inf if longest is None else longest) else "duration"

    def sample_rate(one: Recording) -> str | None:
        return "sample rate" if one.sample_rate < (cfg.min_sample_rate or 0) else None

    def latin(one: Recording) -> str | None:
        return "latin letters" if unwanted_letters(one.transcript, cfg.latin_letters) else None

    def quality(one: Recording) -> str | None:
        if cfg.get("min_dnsmos_score") is None:
            return None
        score = one.row.get("dnsmos_mos_ovr")
        if not isinstance(score, int | float) or isinstance(score, bool):
            return "no dnsmos_mos_ovr"
        return "DNSMOS" if score < cfg.min_dnsmos_score else None

    return [nothing_said, language, duration, sample_rate, quality, latin]
