"""One instance of the reward server, and how instances are made: rows -> measures and the reward of each. Not of the
server alone: stage `score` and the page measure and judge with it, too. Here nothing knows PyTriton.
"""

import logging
import math
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from reward_tts.measures import Measures, Status
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from reward_tts.server.distil import Distillation
from reward_tts.server.pipeline import SpeechPipeline
from reward_tts.server.shortcut import Gate, Shortcut
from reward_tts.server.wire import Query, Reply
from reward_tts.token_ear import TokenEar
from speech.interfaces import Row
from speech.readings import something_said

log = logging.getLogger(__name__)
_USUAL_NAME = "serve"  # recipe.server.name in recipe_base.yaml


class Instance:
    """One instance: the pipeline's measures, and the reward that the published client reads.

    Args:
        pipeline: speaks and hears.
        language: of rows that name none.
        reward: of the recipe.
        max_text_chars: of GT_TEXT; a longer one is refused before anything reads it.
        shortcut: before the pipeline, for which most rows are read and not spoken; or None.

    Raises:
        ValueError: the recipe's reward needs a measure that no scorer provides.
    """

    def __init__(
        self,
        pipeline: SpeechPipeline,
        language: str,
        reward: Reward,
        max_text_chars: int,
        shortcut: Shortcut | None = None,
    ):
        self.measures = shortcut or pipeline
        if lacking := {m: key for m, key in reward.needs.items() if m not in self.measures.offers}:
            raise ValueError(
                f"recipe.reward needs {lacking}, server.yaml's scorers provide {self.measures.offers}: add the scorer"
            )
        self.pipeline, self.language, self.reward = pipeline, language, reward
        self.max_text_chars = max_text_chars
        self._one_at_a_time = threading.Lock()

    def answer(self, queries: list[Query]) -> list[Reply]:
        """One answer per row, in order. Bad speech has the lowest reward, as in compute_score; a row that failed or is
        at fault has NaN and a status."""
        begin = time.monotonic()
        rows = [Row(q.tokens, q.voice, q.language or self.language, q.text) for q in queries]
        problems = [self._problem(query, row.language) for query, row in zip(queries, rows, strict=True)]
        with self._one_at_a_time:
            measured = iter(self.measures.measure([row for row, bad in zip(rows, problems, strict=True) if not bad]))
        answers = [
            self._refuse(p) if p else self._judge(q, next(measured)) for q, p in zip(queries, problems, strict=True)
        ]
        seconds, tokens = time.monotonic() - begin, sum(len(row.tokens) for row in rows)
        answers = [
            replace(a, measures=replace(a.measures, checksum=query.checksum, service_s=seconds))
            for a, query in zip(answers, queries, strict=True)
        ]
        self.pipeline.counts.statuses.update(Status(answer.measures.status).name for answer in answers)
        # Not at level info: a server of weeks would fill its log with it, and the metrics count the same.
        log.debug("batch of %d rows, %d tokens, %.2f s", len(rows), tokens, seconds)
        return answers

    def speak(self, tokens: np.ndarray, voice: str | None, text: str = "") -> tuple[np.ndarray, int]:
        """Wave float32 [samples] of one row, and its sampling rate in Hz. With its text it is the wave that was scored:
        of a row that names no voice some token2wav choose one by it.

        Raises:
            ValueError: the tokens cannot be spoken.
            DeviceLost: nothing can be here any more.
        """
        if problem := self._too_long(text, "TEXT") or self.pipeline.problem(tokens):
            raise ValueError(problem)
        with self._one_at_a_time:
            try:
                wave = self.pipeline.token2wav.decode([Row(tokens, voice, self.language, text)])[0]
            except Exception as error:
                self.pipeline.check_device(error)
                raise
        return wave, self.pipeline.token2wav.sample_rate

    def _problem(self, query: Query, language: str) -> str:
        if problem := query.problem or self._too_long(query.text, "GT_TEXT"):
            return problem
        try:
            said = something_said(query.text, language)
        except Exception as error:  # of this text alone: the others of the batch are fine
            log.warning("a text cannot be read", exc_info=True)
            return f"GT_TEXT {query.text!r} cannot be read: {type(error).__name__}: {error}"
        return "" if said else f"GT_TEXT {query.text!r} has nothing to be spoken"

    def _too_long(self, text: str, name: str) -> str:
        if len(text) <= self.max_text_chars:
            return ""
        return f"{name} has {len(text)} characters, server.max_text_chars is {self.max_text_chars}"

    def _refuse(self, problem: str) -> Reply:
        return Reply(math.nan, Measures(self.pipeline.recipe, int(Status.BAD_ROW), problem))

    def _judge(self, query: Query, measures: Measures) -> Reply:
        if measures.status == Status.BAD_SPEECH:
            return Reply(self.reward.unspeakable().score, measures)
        if measures.status != Status.OK:
            return Reply(math.nan, measures)
        tokens, language = query.tokens.tolist(), query.language or self.language
        try:
            return Reply(self.reward.judge(Heard.of(query.text, language, tokens, measures)).score, measures)
        except Exception as error:  # our client judges itself; the published one gets this as an error
            log.warning("a row cannot be judged", exc_info=True)
            return Reply(math.nan, replace(measures, message=f"{query.text!r} cannot be judged: {error}"))


def needed(scorers: DictConfig, reward: Reward) -> list[str]:
    """Names of the scorers of server.yaml that provide a measure which the reward needs, as their classes say. One
    whose class does not say (its measure is an argument) counts as well."""
    provided = {name: getattr(get_class(scorer._target_), "provides", None) for name, scorer in scorers.items()}
    return [name for name, measures in provided.items() if measures is None or reward.needs.keys() & measures]


def make_instances(cfg: DictConfig) -> list[Instance]:
    """One for each instance on each device; they share the audit of the token ear, where the reward has one, and all
    that it learns."""
    gate = make_gate(cfg)
    if gate and gate.own.distil:
        ear = TokenEar.load(cfg.recipe.token_ear_dir, cfg.server.devices[0], gate.own.dtype)
        gate.distillation = Distillation(ear, gate.own.distil, learned_path(cfg.recipe), cfg.recipe.seed).start()
    return [make_instance(cfg, device, gate) for device in cfg.server.devices for _ in range(cfg.server.instances)]


def learned_path(recipe: DictConfig) -> Path:
    """File in which this server keeps what its ear learns: recipe.token_ear_learned, with the server's name where that
    is not the usual one. Servers of one work folder learn each for itself, and would replace each other's."""
    path, name = Path(recipe.token_ear_learned), recipe.server.name
    return path if name == _USUAL_NAME else path.with_stem(f"{path.stem}-{name}")


def make_gate(cfg: DictConfig) -> Gate | None:
    """The audit of the token ear, where the reward has one; the ear learns nothing."""
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    return Gate(reward) if reward.token_ear else None


def make_instance(cfg: DictConfig, device: str, gate: Gate | None = None) -> Instance:
    """Models loaded on the device and the pipeline made, as server.yaml says."""
    cfg = cfg.copy()
    cfg.server.device = device
    bound_memory(device, cfg.server.gpu_memory_gib)
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    asr = instantiate(cfg.asr)
    scorers = {name: instantiate(cfg.scorers[name]) for name in needed(cfg.scorers, reward)}
    # _partial_: true in server.yaml: made with this pipeline's ASR
    scorers = {name: made(asr=asr) if isinstance(made, partial) else made for name, made in scorers.items()}
    pipeline = SpeechPipeline(instantiate(cfg.token2wav), asr, cfg.recipe.name, cfg.server.max_tokens, scorers, device)
    shortcut = None
    if gate:
        ear = TokenEar.load(cfg.recipe.token_ear_dir, device, reward.token_ear.dtype)
        shortcut = Shortcut(pipeline, ear, reward, gate, cfg.recipe.seed)
    return Instance(pipeline, cfg.recipe.language, reward, cfg.server.max_text_chars, shortcut)


def bound_memory(device: str, gib: float | None) -> None:
    """What torch may take of a GPU in this process, models with it; without a number, or on a CPU, no bound.

    Raises:
        ValueError: the GPU has less.
    """
    if gib is None or torch.device(device).type != "cuda":
        return
    there = torch.cuda.get_device_properties(device).total_memory / 2**30
    if not 0 < gib <= there:
        raise ValueError(f"server.gpu_memory_gib={gib}: {device} has {there:.1f} GiB")
    torch.cuda.set_per_process_memory_fraction(gib / there, device)
