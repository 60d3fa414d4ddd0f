"""The way round the wave: rows that the token ear is sure of are judged by what it reads in their tokens.

It stands before a pipeline and measures as the pipeline does. A random share of the rows that it is sure of, all that
it is unsure of, and every row while its bounds are beyond the limit, go through the pipeline as without it. Each
measure says in `scores["token_ear"]` which way its row came, and what the bounds are: reward_tts/server/audit.py.

What the reward needs of a wave beside its words (silence) is assumed of a row that is read, as `assumed` of
recipe.reward.token_ear says. The ear is as sure of a text with a second of silence in it, so a row with more than
`most_tokens` tokens for each unit that it reads is heard; and the audit compares with the wave's own measures.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reward_tts.measures import Measures, Status
from reward_tts.reward.reward import DOUBT, Reward
from reward_tts.reward.terms import Heard
from reward_tts.scorers.likelihood import aligned_doubts, bounded
from reward_tts.server.audit import Audit
from reward_tts.server.distil import Distillation
from reward_tts.server.pipeline import SpeechPipeline
from reward_tts.token_ear import Read, TokenEar, first_reading
from speech.interfaces import Row

log = logging.getLogger(__name__)
MEASURE = "token_ear"
NLL = "token_nll"  # of the scorer token_likelihood, which needs no wave, nor does token_alignment for DOUBT
EAR, UNSURE, AUDITED, CLOSED = "read", "unsure", "audited", "closed"  # by the ear alone; why by wave


class Gate:
    """What the instances of a server know together: the audit, whether the ear may judge, and what it learned since.

    Args:
        reward: of the recipe, with token_ear.
        distillation: from the rows that are heard; None: the ear stays as it is.

    Attributes:
        own: recipe.reward.token_ear.
    """

    def __init__(self, reward: Reward, distillation: Distillation | None = None):
        self.own, self.distillation = reward.token_ear, distillation
        self.audit = Audit(reward.span, self.own.window, self.own.level)
        self.limit = self.own.limit
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether the bound on the group differences is within the limit; without evidence it is not."""
        with self._lock:
            return self.audit.bounds.group <= self.limit

    def add(self, difference: float) -> None:
        with self._lock:
            self.audit.add(difference)

    def told(self) -> dict[str, float]:
        """For the measures."""
        with self._lock:
            bounds = self.audit.bounds
        told = {"bias_low": bounds.bias_low, "bias_high": bounds.bias_high, "group": bounds.group}
        learned = {"updates": 0.0, "loss": 0.0} if self.own.distil else {}
        return told | (self.distillation.told() if self.distillation else learned)


class Shortcut:
    """Measures as `pipeline` does, with fewer waves.

    Args:
        pipeline: for the rows that are heard.
        ear: trained on the recipe's texts, with a spelling of each of its units.
        reward: of the recipe, with token_ear.
        gate: shared by the server's instances.
        seed: the random share is drawn by it and by the row alone, so that a row always goes the same way.

    Raises:
        ValueError: the ear cannot write what it reads.
    """

    def __init__(self, pipeline: SpeechPipeline, ear: TokenEar, reward: Reward, gate: Gate, seed: int):
        ear.write(ear.units)
        self.pipeline, self.ear, self.reward, self.gate, self.seed = pipeline, ear, reward, gate, seed
        self._said = False

    @property
    def offers(self) -> list[str]:
        return sorted([*self.pipeline.offers, MEASURE])

    def measure(self, rows: Sequence[Row]) -> list[Measures]:
        """One measure per row, in the order given."""
        if self.gate.distillation:
            self.ear = self.gate.distillation.newest(self.ear)  # for all of this batch
        speakable = [i for i, row in enumerate(rows) if not self.pipeline.problem(row.tokens)]
        with self.pipeline.timed(MEASURE):
            reads, ways, own = self._read(rows, speakable)
        heard = [i for i in range(len(rows)) if ways.get(i) != EAR]
        measures = dict(zip(heard, self.pipeline.measure([rows[i] for i in heard]), strict=True))
        for i, read in reads.items():
            if ways[i] == EAR:
                measures[i] = self._by_ear(rows[i], read, own[i])
            elif measures[i].status == Status.OK:
                self._learn(rows[i], read, own.get(i, {}), measures[i], ways[i])
        bounds = self.gate.told()
        return [self._told(measures[i], ways.get(i), bounds) for i in range(len(rows))]

    def _read(
        self, rows: Sequence[Row], speakable: list[int]
    ) -> tuple[dict[int, Read], dict[int, str], dict[int, dict[str, Any]]]:
        """What the ear reads, which way each row goes, and the ear's measures; where it fails, such as for want of
        memory, all rows are heard, as without it."""
        try:
            reads = dict(zip(speakable, self.ear.transcribe([rows[i].tokens.tolist() for i in speakable]), strict=True))
            is_open = self.gate.is_open
            ways = {i: self._way(rows[i], read, is_open) for i, read in reads.items()}
            return reads, ways, self._own({i: rows[i] for i, way in ways.items() if way != UNSURE})
        except Exception:
            log.warning("the token ear failed on a batch of %d, all of it is heard", len(rows), exc_info=True)
        return {}, dict.fromkeys(speakable, UNSURE), {}

    def _way(self, row: Row, read: Read, is_open: bool) -> str:
        try:
            return self._judged_way(row, read, is_open)
        except Exception:  # of this text alone: the others of the batch are fine
            log.warning("the token ear cannot be asked about a text, it is heard", exc_info=True)
            return UNSURE

    def _judged_way(self, row: Row, read: Read, is_open: bool) -> str:
        own = self.reward.token_ear
        if read.confidence < own.unsure or not self.ear.knows(first_reading(row.text, row.language), row.language):
            return UNSURE
        if own.most_tokens is not None and len(row.tokens) > own.most_tokens * len(read.units):
            return UNSURE
        if not is_open:
            return CLOSED
        asked = b"%d %s " % (self.seed, row.text.encode()) + row.tokens.tobytes()
        drawn = int.from_bytes(hashlib.blake2b(asked, digest_size=8).digest(), "big") / 2**64
        return AUDITED if drawn < own.audit else EAR

    def _own(self, rows: dict[int, Row]) -> dict[int, dict[str, Any]]:
        """Measures of rows that the ear is sure of, as the scorers of their names have them: those that the reward
        needs."""
        found: dict[int, dict[str, Any]] = {i: {} for i in rows}
        if NLL in self.reward.needs:
            wanted = [first_reading(row.text, row.language) for row in rows.values()]
            losses = self.ear.nll([row.tokens.tolist() for row in rows.values()], wanted)
            for i, loss in zip(rows, losses, strict=True):
                found[i][NLL] = bounded(loss)
        if DOUBT in self.reward.needs:
            for i, doubts in zip(rows, aligned_doubts(self.ear, list(rows.values())), strict=True):
                found[i][DOUBT] = doubts
        return found

    def _by_ear(self, row: Row, read: Read, own: dict[str, Any]) -> Measures:
        rate, (transcript, places) = float(self.pipeline.token2wav.token_rate), self.ear.write(read.units, read.places)
        return Measures(
            self.pipeline.recipe,
            int(Status.OK),
            transcript=transcript,
            char_times=[(place + 0.5) / rate for place in places],
            confidence=read.confidence,
            duration_s=len(row.tokens) / rate,
            num_tokens=len(row.tokens),
            token_rate=rate,
            scores={**self.reward.token_ear.assumed, **own},
        )

    def _learn(self, row: Row, read: Read, own: dict[str, Any], by_wave: Measures, way: str) -> None:
        """Of a row that was heard: what it tells of the ear, if the ear is sure of it, and what it teaches the ear. A
        row that cannot be judged, by a term of one's own perhaps, has its measures all the same."""
        try:
            self._learn_of(row, read, own, by_wave, way)
        except Exception:
            if not self._said:
                log.warning("a row tells nothing of the token ear; it is not said again", exc_info=True)
            self._said = True

    def _learn_of(self, row: Row, read: Read, own: dict[str, Any], by_wave: Measures, way: str) -> None:
        distillation = self.gate.distillation
        if way != UNSURE and not (distillation and distillation.was_taught(row)):
            tokens, both = row.tokens.tolist(), (self._by_ear(row, read, own), by_wave)
            scores = [self.reward.judge(Heard.of(row.text, row.language, tokens, one)).score for one in both]
            self.gate.add(scores[0] - scores[1])
        if distillation:
            distillation.add(row, by_wave.transcript)

    def _told(self, measures: Measures, way: str | None, bounds: dict[str, float]) -> Measures:
        if measures.status != Status.OK:
            return measures
        ways = {name: float(way == name) for name in (EAR, UNSURE, AUDITED, CLOSED)}
        return replace(measures, scores={**measures.scores, MEASURE: {**ways, **bounds}})
