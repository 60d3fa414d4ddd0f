"""What an ASR hears of recordings: words for those that have none, and whether the words that they have are said.

The ASR is the recipe's own, `asr` of server.yaml. What was heard once is kept, as what was encoded is: neither an
interruption nor other words have a recording heard again.
"""

import json
import os
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from data_prep.held_out import place_of
from data_prep.instructions import taken_apart
from data_prep.recordings import filters, read_recordings
from speech.files import append_jsonl, growing_lines, identities, paths_in
from speech.interfaces import ASR
from speech.jsonl import BadField, BadRows, Fault
from speech.readings import Comparison, asked_lattice, lattice
from speech.readings.units import SOUNDS, SYLLABIC, TONELESS
from speech.waves import AudioLimits, read_wave


def known_part(part: DictConfig) -> list[Any]:
    """What tells an encoder or an ASR from another, wherever it computes: its settings, and what they name, by size and
    time."""
    settings = OmegaConf.to_container(part, resolve=True)
    settings.pop("device", None)
    return [settings, identities(paths_in(settings), Path("/"), content_below=0)]


def made_of(wav: str, *known: Any) -> str:
    """What depends on a recording, known by size and time, and on what `known_part` says."""
    found = Path(wav).stat()
    return json.dumps([os.path.realpath(wav), found.st_size, found.st_mtime_ns, *known], sort_keys=True)


def transcribe(asr: ASR, wav: str, language: str, limits: AudioLimits) -> str:
    """What is heard in one recording.

    Raises:
        ValueError: it cannot be read, is beyond the limits, or the ASR does not know the language.
    """
    (heard,) = asr.transcribe([read_wave(wav, asr.sample_rate, limits)], [language])
    return " ".join(heard.text.split())


def difference(said: str, heard: str, language: str) -> float:
    """Error rate of what was heard, not capped: a homophone is right, and in Mandarin so is another tone, which short
    recordings leave open.

    >>> difference("今天下雨", "金田夏雨", "zh"), difference("Good evening.", "good morning", "en")
    (0.0, 0.5)
    """
    style = TONELESS if language == "zh" else SOUNDS
    asked = asked_lattice(said, language, style)
    return Comparison(asked, lattice(heard, language, style), words=language not in SYLLABIC).rate


class Ear:
    """An ASR for recordings, made when the first one needs it.

    Args:
        settings: of the ASR, for Hydra.
        limits: of recordings.
        kept: JSONL in which what was heard is kept; None: nowhere.
    """

    def __init__(self, settings: DictConfig, limits: AudioLimits, kept: str | Path | None = None):
        self._settings, self._limits, self._kept = settings, limits, kept and Path(kept)
        self._asr, self._known = None, known_part(settings)
        self._heard = {row["made_of"]: row["heard"] for row in growing_lines(self._kept)[0]} if self._kept else {}

    def hear(self, wav: str | Path, language: str) -> str:
        """What is said in a recording; empty if nothing is. Raises ValueError: see `transcribe`."""
        key = made_of(str(wav), *self._known, language)
        if key not in self._heard:
            self._asr = self._asr or hydra.utils.instantiate(self._settings)
            self._heard[key] = transcribe(self._asr, str(wav), language, self._limits)
            if self._kept:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                append_jsonl(self._kept, [{"made_of": key, "heard": self._heard[key]}])
        return self._heard[key]

    def problem(self, wav: str | Path, said: str, language: str, most: float) -> str | None:
        """What is wrong with the words of a recording: that others are heard, by an error rate above `most`, or why
        nothing can be heard; else None."""
        try:
            heard = self.hear(wav, language)
        except (ValueError, OSError) as error:
            return f"cannot be heard: {error}"
        rate = difference(said, heard, language)
        return f"error {rate:.2f}: {said!r} is said to be in {wav}, heard is {heard!r}" if rate > most else None


def check_samples(own: DictConfig, template: str) -> None:
    """Hears a share of the recordings that are to be vectorised, drawn by their lines: by the other end of the
    draw that holds some out.

    Args:
        own: branch `vectorize`; without check.error nothing is heard.
        template: the recipe's prompt_template; an instruction before the words, as its rows may have one, is not said.

    Raises:
        BadRows: recordings in which other words are heard than their rows say, or whose rows say none.
    """
    if own.check.error is None:
        return
    longest = inf if own.filters.max_duration_s is None else own.filters.max_duration_s
    ear = Ear(own.asr, AudioLimits(longest + own.duration_off.seconds), f"{own.output}/heard.jsonl")
    faults, heard, checks = [], 0, filters(own.filters)

    def drawn() -> Iterator[tuple[Any, str]]:
        for one in read_recordings(own.input):
            if not isinstance(one, Fault) and not any(check(one) for check in checks):
                row = json.dumps(one.row, ensure_ascii=False)
                if place_of(row) >= (1 - own.check.share) * 2**32:
                    yield one, row

    for one, row in drawn():
        heard += 1
        try:
            said = taken_apart({"text": one.transcript}, template)["text"]
            problem = ear.problem(one.wav_path, said, one.language, own.check.error)
        except BadField as bad:
            problem = bad.reason
        if problem:
            faults.append(Fault(own.input, one.line, "transcript", problem, row))
    print(f"[vectorize] {heard} recordings heard, {len(faults)} with other words (vectorize.check)", flush=True)
    if faults:
        raise BadRows(faults, then="nothing was encoded; vectorize.check.error=null takes the words as they are")
