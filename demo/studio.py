"""What the page's buttons do: a text becomes speech and is judged as the recipe's reward and evaluation would judge it.

Models are loaded once and stay. One request at a time: the parts are not made for several threads.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

from data_prep.prompts import PromptMaker, Request
from infer.choose import Chooser
from infer.synthesise import TransformersBackend
from infer.texts import Sentence
from reward_tts.measures import Measures
from reward_tts.reward.errors import style
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from reward_tts.server.__main__ import needed
from reward_tts.server.pipeline import SpeechPipeline
from speech.interfaces import Row, Token2Wav
from speech.jsonl import BadField
from speech.tokens import parse_speech_tokens
from speech.waves import resample

Marks = list[tuple[str, bool]]  # stretches of the text asked for, and whether each was heard right


class StudioError(ValueError):
    """What the person at the page can put right; the message is for them."""


class Remembering:
    """A token2wav that keeps the waves of its last call, for who wants to hear what was measured."""

    def __init__(self, token2wav: Token2Wav):
        self._token2wav, self.waves = token2wav, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._token2wav, name)

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        self.waves = self._token2wav.decode(rows)
        return self.waves


@dataclass(frozen=True)
class Speech:
    """One utterance, judged.

    Attributes:
        text, language, voice: as asked.
        tokens: speech tokens; finished: the model ended by itself.
        wave: float32 [samples] at `rate` Hz.
        measures: of the reward's pipeline.
        heard: {title of the ASR: transcript}.
        marks: the text, wrong stretches marked, by the reward's ASR.
        error: rate, by the reward's ASR.
        terms: of the reward, before weights; score: the reward.
        blame: of each token, 0 or 1; empty where the ASR gives no times.
    """

    text: str
    language: str
    voice: str | None
    tokens: list[int]
    finished: bool
    wave: np.ndarray
    rate: int
    measures: Measures
    heard: dict[str, str]
    marks: Marks
    error: float
    terms: dict[str, float]
    score: float
    blame: list[float] = field(default_factory=list)


def marks(heard: Heard, unit: str, tones: bool) -> Marks:
    """The text in stretches that were heard right or wrong: by the least edit path over all readings."""
    comparison = heard.compared.comparison(style(heard.language, unit, tones))
    text, wrong = heard.compared.reference, [False] * len(heard.compared.reference)
    for step in comparison.steps:
        if step.asked is not None and not step.right:
            start, end = comparison.asked.place(step.asked)
            wrong[start:end] = [True] * (end - start)
    found: Marks = []
    for char, bad in zip(text, wrong, strict=True):
        if found and found[-1][1] == (not bad):
            found[-1] = (found[-1][0] + char, not bad)
        else:
            found.append((char, not bad))
    return found


class Studio:
    """Args: the composed configuration of stage demo (recipes/common/demo.yaml)."""

    def __init__(self, cfg: DictConfig):
        self.cfg, self._lock, self._models = cfg, threading.Lock(), {}
        self.prompts = PromptMaker(cfg.recipe)
        self.reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
        self.decodings = dict(cfg.decodings)

    @property
    def systems(self) -> dict[str, str]:
        """{name: checkpoint} of those that are there, merged checkpoints of single steps too."""
        found = {name: path for name, path in self.cfg.systems.items() if Path(path, "config.json").is_file()}
        steps = sorted(Path(self.cfg.demo.steps_dir).glob("step_*/config.json"))
        return found | {path.parent.name.replace("_", " "): str(path.parent) for path in steps}

    @cached_property
    def pipeline(self) -> SpeechPipeline:
        """The reward server's own, in this process."""
        server = self.cfg.reward_server
        scorers = {name: hydra.utils.instantiate(server.scorers[name]) for name in needed(server.scorers, self.reward)}
        token2wav = Remembering(hydra.utils.instantiate(server.token2wav))
        asr = hydra.utils.instantiate(server.asr)
        return SpeechPipeline(token2wav, asr, self.cfg.recipe.name, server.server.max_tokens, scorers)

    @cached_property
    def evaluation_asr(self) -> Any:
        return hydra.utils.instantiate(self.cfg.ear)

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(self.cfg)

    def read_voices(self, path: str) -> None:
        """From now on the voices of this JSONL; the token2wav is made again, since it reads them when it is made."""
        with self._lock:
            OmegaConf.update(self.cfg, "recipe.voices", path)
            self.prompts = PromptMaker(self.cfg.recipe)
            self.__dict__.pop("pipeline", None)

    def warm(self) -> None:
        """Loads everything and speaks once, so that nobody waits for it."""
        if self.systems:
            self.speak(self.cfg.text, list(self.systems)[-1], next(iter(self.decodings)), self.cfg.voice)

    def _model(self, system: str) -> TransformersBackend:
        if system not in self.systems:
            raise StudioError(
                f"there is no model {system!r}; there are {', '.join(self.systems) or 'none: train first'}"
            )
        if system not in self._models:
            while len(self._models) >= self.cfg.demo.models_in_memory:
                self._models.pop(next(iter(self._models))).close()
            self._models[system] = TransformersBackend(self.systems[system], self.cfg)
        return self._models[system]

    def speak(
        self,
        text: str,
        system: str,
        decoding: str = "sampled",
        voice: str | None = None,
        language: str | None = None,
        seed: int = 0,
        best_of: int = 1,
    ) -> Speech:
        """Speaks and judges one text.

        Raises:
            StudioError: a text, voice, model or decoding that cannot be used, or a model that said nothing.
        """
        row = {"text": text, "language": language or self.cfg.recipe.language}
        try:
            request = self.prompts.request(row | ({"voice": voice} if voice else {}))
            messages = self.prompts.messages(request, training=False)
            ids = self.prompts.ids(messages, self.prompts.tokenizer)
        except (BadField, ValueError) as error:
            raise StudioError(str(error)) from error
        if decoding not in self.decodings or not 1 <= best_of <= self.cfg.demo.most_samples:
            raise StudioError(f"decodings are {', '.join(self.decodings)}, best of 1 to {self.cfg.demo.most_samples}")
        how = OmegaConf.merge(self.decodings[decoding], {"samples": best_of})
        if best_of > 1 and not how.temperature:
            raise StudioError("several samples of greedy decoding are all the same: choose another decoding")
        with self._lock:
            backend = self._model(system)
            (answers,) = backend.generate([ids], how, seed)
            samples = [(self._tokens(backend, answer[0]), answer[1]) for answer in answers]
            best = 0
            if best_of > 1:
                sentence = Sentence(request, messages, "the page")
                (best,) = self._chooser.best([sentence], [[tokens for tokens, _ in samples]])
            return self.judge(request, *samples[best])

    @staticmethod
    def _tokens(backend: TransformersBackend, ids: Sequence[int]) -> list[int]:
        return parse_speech_tokens(backend.tokenizer.decode(ids, skip_special_tokens=True))[0]

    def judge(self, request: Request, tokens: list[int], finished: bool) -> Speech:
        """Speech tokens -> wave -> what both ASRs hear -> terms and reward. Raises StudioError."""
        row = Row(np.asarray(tokens, np.int32), request.voice, request.language, request.text)
        (measures,) = self.pipeline.measure([row])
        if measures.message:
            raise StudioError(f"the model's answer cannot be spoken: {measures.message}")
        (wave,) = self.pipeline.token2wav.waves
        rate = self.pipeline.token2wav.sample_rate
        at_asr = resample(wave, rate, self.evaluation_asr.sample_rate)
        (other,) = self.evaluation_asr.transcribe([at_asr], [request.language])
        judged = Heard.of(request.text, request.language, tokens, measures)
        verdict, blame = self.reward.judge(judged), []
        if self.reward.lead_tokens is not None and measures.char_times:
            blame = self.reward.blame(judged, len(tokens))
        titles = (f"reward: {self.cfg.reward_server.asr._target_.rpartition('.')[2]}", "evaluation: ")
        heard = {titles[0]: measures.transcript, titles[1] + self.cfg.ear._target_.rpartition(".")[2]: other.text}
        return Speech(
            text=request.text,
            language=request.language,
            voice=request.voice,
            tokens=tokens,
            finished=finished,
            wave=wave,
            rate=rate,
            measures=measures,
            heard=heard,
            marks=marks(judged, self.reward.unit, self.reward.tones),
            error=verdict.error_rate,
            terms=verdict.terms,
            score=verdict.score,
            blame=blame,
        )

    def wave_of(self, tokens: Sequence[int], voice: str | None, language: str, text: str) -> tuple[np.ndarray, int]:
        """The wave of tokens that were spoken earlier, float32 [samples], and its rate in Hz."""
        with self._lock:
            row = Row(np.asarray(tokens, np.int32), voice, language, text)
            return self.pipeline.token2wav.decode([row])[0], self.pipeline.token2wav.sample_rate


def summary(speech: Speech, formula: str) -> Mapping[str, str]:
    """What stands beside the player, {title: words}."""
    terms = ", ".join(f"{name} {value:.3f}" for name, value in speech.terms.items())
    return {
        **speech.heard,
        "error": f"{speech.error:.3f}",
        "terms": terms,
        "reward": f"{speech.score:.3f}" + (f" = {formula}" if formula else ""),
        "length": f"{len(speech.wave) / speech.rate:.2f} s, {len(speech.tokens)} speech tokens, "
        + ("ended by itself" if speech.finished else "cut at the limit"),
    }
