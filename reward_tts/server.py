"""The reward server: speech tokens and the text asked for -> transcript, measures, reward (Triton model token2wav_asr).

    python -m reward_tts.server --config-path <absolute recipes/NAME> --config-name server

It listens on recipe.server.host only and prints READY with its ports. SIGTERM and SIGINT end it after what was begun.
"""

import logging
import math
import os
import time

# Threads that wait for work must soon sleep: the trainer has the same cores. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from reward_tts.formulas import judge
from reward_tts.leftovers import remove_leftovers
from reward_tts.measures import Measures, Row, Status
from reward_tts.pipeline import SpeechPipeline
from reward_tts.pytriton_adapter import Answer, Query, check_ports, serve
from reward_tts.text_norm import normalise

log = logging.getLogger(__name__)


class Judge:
    """One instance: the pipeline's measures, and the reward that the published client reads.

    Args:
        pipeline: speaks and hears.
        language: of rows that name none.
        reward: tones and shaping of recipe.reward.
    """

    def __init__(self, pipeline: SpeechPipeline, language: str, reward: dict):
        self.pipeline, self.language, self.reward = pipeline, language, reward

    def answer(self, queries: list[Query]) -> list[Answer]:
        """One answer per row, in order: NaN for the reward and a status where there is none."""
        begin = time.monotonic()
        rows = [Row(q.tokens, q.voice, q.language or self.language) for q in queries]
        problems = [self._problem(query, row.language) for query, row in zip(queries, rows, strict=True)]
        measured = iter(self.pipeline.measure([row for row, bad in zip(rows, problems, strict=True) if not bad]))
        answers = [
            self._refuse(p) if p else self._judge(q, next(measured)) for q, p in zip(queries, problems, strict=True)
        ]
        seconds, tokens = time.monotonic() - begin, sum(len(row.tokens) for row in rows)
        log.info("batch of %d rows, %d tokens, %.2f s", len(rows), tokens, seconds)
        return answers

    def _problem(self, query: Query, language: str) -> str:
        if query.problem:
            return query.problem
        return "" if normalise(query.text, language) else f"GT_TEXT {query.text!r} has nothing to be spoken"

    def _refuse(self, problem: str) -> Answer:
        return _answer(math.nan, Measures(self.pipeline.recipe, int(Status.BAD_ROW), problem))

    def _judge(self, query: Query, measures: Measures) -> Answer:
        if measures.status != Status.OK:
            return _answer(math.nan, measures)
        language = query.language or self.language
        return _answer(judge(query.text, measures.transcript, language=language, **self.reward)[0], measures)


def _answer(reward: float, measures: Measures) -> Answer:
    return Answer(reward, measures.transcript, measures.to_json(), measures.status)


def make_judge(cfg: DictConfig) -> Judge:
    """Models loaded and the pipeline made, as server.yaml says."""
    pipeline = SpeechPipeline(instantiate(cfg.token2wav), instantiate(cfg.asr), cfg.recipe.name, cfg.server.max_tokens)
    reward = OmegaConf.to_container(cfg.recipe.reward, resolve=True)
    return Judge(pipeline, cfg.recipe.language, {key: reward[key] for key in ("tones", "shaping")})


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Loads the models and serves."""
    where = cfg.recipe.server
    ports = {key: where[key] for key in ("http_port", "grpc_port", "metrics_port")}
    remove_leftovers()
    check_ports(where.host, ports)
    torch.set_num_threads(cfg.server.torch_threads)
    begin = time.monotonic()
    judges = [make_judge(cfg) for _ in range(cfg.server.instances)]
    print(f"models loaded in {time.monotonic() - begin:.1f} s, starting Triton", flush=True)
    serve(
        [judge.answer for judge in judges],
        model=cfg.server.model,
        recipe=cfg.recipe.name,
        host=where.host,
        ports=ports,
        max_batch_size=cfg.server.max_batch_size,
        queue_delay_ms=cfg.server.queue_delay_ms,
        drain_s=cfg.server.drain_s,
    )
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
