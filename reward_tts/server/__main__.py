"""The reward server: speech tokens and the text asked for -> transcript, measures, reward (Triton model token2wav_asr).

    python -m reward_tts.server --config-path <absolute recipes/NAME> --config-name server

It listens on recipe.server.host only (this machine alone, unless the recipe says otherwise) and prints READY with its
ports. SIGTERM and SIGINT end it after what was begun. How it is built: docs/reward_server.md.
"""

import gc
import json
import logging
import math
import os
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from speech.faults import told_plainly

# Threads that wait for work must soon sleep: the trainer has the same cores. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import hydra
import numpy as np
import torch
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from reward_tts.addresses import address
from reward_tts.loaded import loaded
from reward_tts.measures import CONTRACT, LOOPBACK, Measures, Status
from reward_tts.reward.reward import Reward, audited_by
from reward_tts.reward.terms import Heard
from reward_tts.server.distil import Distillation
from reward_tts.server.leftovers import check_room, remove_leftovers
from reward_tts.server.metrics import PipelineMetrics
from reward_tts.server.pipeline import SpeechPipeline
from reward_tts.server.pytriton_adapter import Answer, Query, RunningTriton, longest_socket
from reward_tts.server.shortcut import Gate, Shortcut
from reward_tts.server.supervisor import Deaths, check_ports, serve
from reward_tts.token_ear import TokenEar
from speech.interfaces import Row
from speech.readings import something_said

log = logging.getLogger(__name__)
_USUAL_NAME = "serve"  # recipe.server.name in recipe_base.yaml


class Judge:
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

    def answer(self, queries: list[Query]) -> list[Answer]:
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

    def _refuse(self, problem: str) -> Answer:
        return Answer(math.nan, Measures(self.pipeline.recipe, int(Status.BAD_ROW), problem))

    def _judge(self, query: Query, measures: Measures) -> Answer:
        if measures.status == Status.BAD_SPEECH:
            return Answer(self.reward.unspeakable().score, measures)
        if measures.status != Status.OK:
            return Answer(math.nan, measures)
        tokens, language = query.tokens.tolist(), query.language or self.language
        try:
            return Answer(self.reward.judge(Heard.of(query.text, language, tokens, measures)).score, measures)
        except Exception as error:  # our client judges itself; the published one gets this as an error
            log.warning("a row cannot be judged", exc_info=True)
            return Answer(math.nan, replace(measures, message=f"{query.text!r} cannot be judged: {error}"))


def shared_secret(variable: str | None) -> str | None:
    """Value of the environment variable that recipe.server.secret_env names; None if it names none.

    Raises:
        SystemExit: it is not set.
    """
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise SystemExit(f"recipe.server.secret_env names {variable}, which is not set")
    return os.environ[variable]


def needed(scorers: DictConfig, reward: Reward) -> list[str]:
    """Names of the scorers of server.yaml that provide a measure which the reward needs, as their classes say. One
    whose class does not say (its measure is an argument) counts as well."""
    provided = {name: getattr(get_class(scorer._target_), "provides", None) for name, scorer in scorers.items()}
    return [name for name, measures in provided.items() if measures is None or reward.needs.keys() & measures]


def make_judges(cfg: DictConfig) -> list[Judge]:
    """One for each instance on each device; they share the audit of the token ear, where the reward has one, and all
    that it learns."""
    gate = make_gate(cfg)
    if gate and gate.own.distil:
        ear = TokenEar.load(cfg.recipe.token_ear_dir, cfg.server.devices[0], gate.own.dtype)
        gate.distillation = Distillation(ear, gate.own.distil, learned_path(cfg.recipe), cfg.recipe.seed).start()
    return [make_judge(cfg, device, gate) for device in cfg.server.devices for _ in range(cfg.server.instances)]


def learned_path(recipe: DictConfig) -> Path:
    """File in which this server keeps what its ear learns: recipe.token_ear_learned, with the server's name where that
    is not the usual one. Servers of one work folder learn each for itself, and would replace each other's."""
    path, name = Path(recipe.token_ear_learned), recipe.server.name
    return path if name == _USUAL_NAME else path.with_stem(f"{path.stem}-{name}")


def make_gate(cfg: DictConfig) -> Gate | None:
    """The audit of the token ear, where the reward has one; the ear learns nothing."""
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    return Gate(reward) if reward.token_ear else None


def make_judge(cfg: DictConfig, device: str, gate: Gate | None = None) -> Judge:
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
    return Judge(pipeline, cfg.recipe.language, reward, cfg.server.max_text_chars, shortcut)


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


def _front(
    cfg: DictConfig, ports: dict[str, int], secret: str | None, offers: list[str], files: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """Settings of reward_tts/server/front/__main__.py."""
    digest = audited_by(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    audited = {"audited": digest} if digest else {}  # Triton's JSON leaves out a value that is empty
    tells = {"recipe": cfg.recipe.name, "contract": str(CONTRACT), "measures": ",".join(offers)} | audited
    hashes = {key: list(found.values()) for key, found in files.items()}  # everybody may ask: no names of files
    return {
        "model": cfg.server.model,
        "tells": tells | {"loaded": json.dumps(hashes)},
        "secret": secret,
        "host": cfg.recipe.server.host,
        "ports": ports,
        "max_batch_size": cfg.server.max_batch_size,
        "drain_s": cfg.server.drain_s,
        "front": OmegaConf.to_container(cfg.server.front, resolve=True),
    }


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Loads the models and serves."""
    where = cfg.recipe.server
    ports = {key: where[key] for key in ("http_port", "grpc_port", "metrics_port")}
    secret, deaths = shared_secret(where.secret_env), Deaths(**cfg.server.restarts)
    check_room(longest_socket(cfg.server.model, cfg.server.instances * len(cfg.server.devices)))
    remove_leftovers()
    check_ports(where.host, ports)
    torch.set_num_threads(cfg.server.torch_threads)
    begin = time.monotonic()
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    files = loaded(cfg, scorers=needed(cfg.scorers, reward))  # before they are read: a change meanwhile is seen
    judges = make_judges(cfg)
    who = "this machine alone" if where.host in LOOPBACK else "whoever reaches it"
    who += " and knows the secret" if where.secret_env else ""
    print(f"listening on {where.host}: {who} may use it", flush=True)
    places = " ".join(f"{key.removesuffix('_port')} {address(where.host, port)}" for key, port in ports.items())
    gc.collect()
    gc.freeze()  # PyTriton collects garbage at each end of a Triton: not through all of torch
    print(f"models loaded in {time.monotonic() - begin:.1f} s, starting Triton", flush=True)
    serve(
        lambda folder: RunningTriton(
            folder,
            [judge.answer for judge in judges],
            judges[0].speak,
            model=cfg.server.model,
            max_batch_size=cfg.server.max_batch_size,
            queue_delay_ms=cfg.server.queue_delay_ms,
            drain_s=cfg.server.drain_s,
        ),
        settings=_front(cfg, ports, secret, judges[0].measures.offers, files),
        ready=f"{cfg.server.model} of {cfg.recipe.name}: {places}",
        deaths=deaths,
        metrics=PipelineMetrics([judge.pipeline.counts for judge in judges], cfg.server.max_batch_size, deaths.counts),
        lost=lambda: next((judge.pipeline.lost for judge in judges if judge.pipeline.lost), ""),
    )
    for number, judge in enumerate(judges):
        print(f"instance {number}: {judge.pipeline.counts}", flush=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
