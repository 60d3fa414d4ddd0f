"""Rollouts as two ASRs hear them, plain and hacked, for `benchmarks/guard.py`: one JSONL.

    .venv-reward/bin/python -m benchmarks.guard_record WORK_DIR OUT [NAME=TOKENS.jsonl:FROM:TO ...]

Of WORK_DIR/eval/tokens (a finished run of tiny_mandarin) the sampled utterances of SFT and GRPO, and GRPO's again as a
policy would say them that had learned to please a reward with a fault:

flat, loud, slow: the pitch's distance from its mean a quarter as large, 6 dB more, 1.5 times as long (WORLD).
tones: the pitch turned upside down about its mean, so that the spread stays and the tones are others.
NAME: utterances of texts in which FROM was written as TO, judged against the text with FROM: a policy that says one
syllable wrongly. Who makes them: infer.synthesise with texts=..., see benchmarks/results.md.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import hydra
import numpy as np
import pyworld

from infer.decode import decode
from infer.hear import errors
from infer.records import Utterance, read_utterances
from reward_tts.reward.terms import units
from reward_tts.scorers.prosody import loudness_db, prosody
from speech.files import read_jsonl, write_jsonl
from speech.interfaces import ASR
from speech.waves import resample
from stages.config import compose_stage

_RATE = 16_000
_HACKED = 80  # rows of each hack
Change = Callable[[np.ndarray], np.ndarray]


def _world(wave: np.ndarray, pitch: float = 1.0, slower: float = 1.0) -> np.ndarray:
    """The wave with the log pitch's distance from its mean times `pitch`, `slower` times as long."""
    x = wave.astype(np.float64)
    f0, spectrum, noise = pyworld.wav2world(x, _RATE)
    voiced = f0 > 0
    if voiced.any():
        mean = np.log(f0[voiced]).mean()
        f0[voiced] = np.exp(mean + pitch * (np.log(f0[voiced]) - mean))
    return pyworld.synthesize(f0, spectrum, noise, _RATE, frame_period=5.0 * slower).astype(np.float32)


HACKS: dict[str, Change] = {
    "plain": lambda wave: wave,
    "tones": partial(_world, pitch=-1.0),
    "flat": partial(_world, pitch=0.25),
    "loud": lambda wave: np.clip(2.0 * wave, -1.0, 1.0),
    "slow": partial(_world, slower=1.5),
}


class Recorder:
    """Hears with both ASRs; what the evaluation heard already is taken from it."""

    def __init__(self, work: str):
        self.cfg = compose_stage("tiny_mandarin", "eval", (f"recipe.work_dir={work}",))
        parts = (self.cfg.token2wav, self.cfg.reward_server.asr, self.cfg.ear)
        self.token2wav, self.ours, self.other = map(hydra.utils.instantiate, parts)
        rows = read_jsonl(Path(work, "eval/utterances.jsonl"))
        self.known = {(row["system"], row["index"]): row for row in rows if row["decoding"] == "sampled"}

    def rows(self, utterances: list[Utterance], kind: str, texts: list[str]) -> Iterator[dict]:
        """A line for each utterance; `kind`: system.hack."""
        system, hack = kind.split(".")
        for start in range(0, len(utterances), 16):
            chosen, wanted = utterances[start : start + 16], texts[start : start + 16]
            spoken = decode(self.token2wav, chosen)
            waves = [HACKS[hack](resample(wave, self.token2wav.sample_rate, _RATE)) for wave in spoken]
            ours = self._transcribe(self.ours, waves)
            if hack in ("plain", "loud") and (system, chosen[0].index) in self.known:
                others = [self.known[system, u.index]["transcript"] for u in chosen]
            else:
                others = self._transcribe(self.other, waves)
            for u, text, wave, *said in zip(chosen, wanted, waves, ours, others, strict=True):
                yield {"kind": kind, "index": u.index, "text": text} | _measured(text, wave, *said)

    @staticmethod
    def _transcribe(asr: ASR, waves: list[np.ndarray]) -> list[str]:
        order = sorted(range(len(waves)), key=lambda i: len(waves[i]))
        heard = asr.transcribe([waves[i] for i in order], ["zh"] * len(waves))
        by_index = {i: one.text for i, one in zip(order, heard, strict=True)}
        return [by_index[i] for i in range(len(waves))]


def _measured(text: str, wave: np.ndarray, ours: str, other: str) -> dict:
    row = {"transcripts": {"reward": ours, "other": other}}
    for name, transcript in row["transcripts"].items():
        found = errors(text, transcript, "zh")
        row[name] = min(1.0, found["error_rate"])
        row[f"{name}_toneless"], row[f"{name}_cer"] = found["pinyin_error"], found["cer"]
    sound = prosody(wave, _RATE, 71.0, 500.0, 40.0, 0.025)
    row |= {name: sound[name] or 0.0 for name in ("log_f0_std", "silence_ratio")}
    rate = units(text, "zh") * _RATE / len(wave)
    return row | {"amplitude": 10 ** (loudness_db(wave) / 20), "speaking_rate": rate}


def main() -> None:
    work, out, *swapped = sys.argv[1:]
    recorder, rows = Recorder(work), []
    todo = [(f"{system}.plain", f"{work}/eval/tokens/{system}.sampled.jsonl", {}, None) for system in ("SFT", "GRPO")]
    todo += [(f"{name}.plain", path, {to: wanted}, _HACKED) for name, path, wanted, to in map(_swap, swapped)]
    hacks = [hack for hack in HACKS if hack != "plain"]
    todo += [(f"GRPO.{hack}", f"{work}/eval/tokens/GRPO.sampled.jsonl", {}, _HACKED) for hack in hacks]
    for kind, path, spelled, most in todo:
        utterances = read_utterances(path, "zh")[:most]
        rows += recorder.rows(utterances, kind, _wanted(work, utterances, spelled))
        print(kind, len(rows), flush=True)
        write_jsonl(out, rows)


def _swap(given: str) -> tuple[str, str, str, str]:
    name, _, rest = given.partition("=")
    path, wanted, to = rest.split(":")
    return name, path, wanted, to


def _wanted(work: str, utterances: list[Utterance], spelled: dict[str, str]) -> list[str]:
    """The texts to judge by: of swapped ones the test text that becomes them."""
    if not spelled:
        return [u.text for u in utterances]
    (to, wanted), *_ = spelled.items()
    texts = [row["text"] for row in read_jsonl(Path(work, "data/test.jsonl"))]
    known = {t.replace(wanted, to): t for t in texts if wanted in t}
    return [known[u.text] for u in utterances]


if __name__ == "__main__":
    main()
