"""What the page's buttons do: a text becomes speech and is judged as the recipe's reward and evaluation would judge it.

Models are loaded once and stay. One request at a time for the language models and the ASRs, which are not made for
several threads, and one for the token2wav: what is spoken already is heard while a long text is generated.
"""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

from data_prep.heard import transcribe
from data_prep.prompts import PromptMaker
from demo.checkpoints import CheckpointError, Checkpoints
from demo.hearing import Hearing, hearing
from demo.remembering import Remembering
from infer.backends import TransformersBackend
from infer.choose import Chooser
from infer.decode import decode, row_of, rows_of
from infer.parts import Speaker
from infer.records import Utterance
from infer.speak import chosen, records
from infer.texts import Sentence
from reward_tts.measures import Measures
from reward_tts.reward.errors import Compared
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from reward_tts.server.instance import bound_memory, make_instance
from reward_tts.server.pipeline import SpeechPipeline
from speech.waves import AudioLimits, resample


class StudioError(ValueError):
    """What the person at the page can put right; the message is for them."""


@dataclass(frozen=True)
class Said:
    """Speech that nobody has judged yet.

    Attributes:
        utterance: text and speech tokens.
        wave: float32 [samples] at `rate` Hz.
        seconds: {part: how long it took}.
    """

    utterance: Utterance
    wave: np.ndarray
    rate: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Speech:
    """One utterance, judged.

    Attributes:
        said: the speech.
        measures: of the reward's pipeline.
        hearings: of the reward's ASR and, unless it does not know the language, of the evaluation's.
        unheard: why that one did not hear it, or nothing.
        terms: of the reward, before weights; score: the reward.
        blame: of each token, 0 or 1; empty where the ASR gives no times.
        seconds: {part: how long it took}.
    """

    said: Said
    measures: Measures
    hearings: tuple[Hearing, ...]
    unheard: str
    terms: dict[str, float]
    score: float
    blame: list[float]
    seconds: dict[str, float]


class Studio:
    """Args:
    cfg: the composed configuration of stage demo (recipes/common/demo.yaml).
    config_dir: the recipe's folder.
    """

    def __init__(self, cfg: DictConfig, config_dir: str):
        OmegaConf.update(cfg, "recipe.reward.token_ear", None, force_add=True)  # here every sentence is heard
        self.cfg, self._lock, self._models = cfg, threading.Lock(), dict[str, TransformersBackend]()
        self._loading, self._pipeline = threading.Lock(), None
        self.checkpoints = Checkpoints(cfg, config_dir)
        self.prompts = PromptMaker(cfg.recipe)
        self.reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))

    @cached_property
    def _decodings(self) -> DictConfig:
        return OmegaConf.create(OmegaConf.to_container(self.cfg.decodings, resolve=True))

    @property
    def decodings(self) -> dict[str, DictConfig]:
        """{name: how}; those that choose the best of several samples only where there is a token ear."""
        return {name: how for name, how in self._decodings.items() if self.chooses or not how.get("choose")}

    @property
    def chooses(self) -> bool:
        """Whether there is a token ear, which the best of several samples is chosen by."""
        return Path(self.cfg.recipe.token_ear_dir).is_dir()

    @property
    def pipeline(self) -> SpeechPipeline:
        """The reward server's own, in this process; of a page that judges nothing the token2wav alone."""
        with self._loading:
            self._pipeline = self._pipeline or self._made()
            return self._pipeline

    def _made(self) -> SpeechPipeline:
        settings = OmegaConf.to_container(self.cfg.reward_server, resolve=True)
        settings["recipe"] = OmegaConf.to_container(self.cfg.recipe, resolve=True)
        server = OmegaConf.create(settings)
        if {"speak", "compare"} & set(self.cfg.demo.tabs):
            pipeline = make_instance(server, server.server.device).pipeline
        else:
            bound_memory(server.server.device, server.server.gpu_memory_gib)
            token2wav = hydra.utils.instantiate(server.token2wav)
            pipeline = SpeechPipeline(token2wav, None, server.recipe.name, server.server.max_tokens)
        pipeline.token2wav = Remembering(pipeline.token2wav, self.cfg.demo.kept_sound_s)
        return pipeline

    @cached_property
    def evaluation_asr(self) -> Any:
        return hydra.utils.instantiate(self.cfg.ear)

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(self.cfg)

    def read_voices(self, path: str) -> None:
        """From now on the voices of this JSONL; the token2wav is made again, since it reads them when it is made."""
        with self._lock, self._loading:
            OmegaConf.update(self.cfg, "recipe.voices", path)
            self.prompts = PromptMaker(self.cfg.recipe)
            self._pipeline = None

    def hear(self, recording: str, language: str, limits: AudioLimits) -> str:
        """What the reward's ASR hears in a file. Raises ValueError: see `transcribe`."""
        with self._lock:
            return transcribe(self.pipeline.asr, recording, language, limits)

    def warm(self) -> None:
        """Loads what the tabs need and speaks once, so that nobody waits for it. What this voice cannot say is said
        later."""
        tabs = set(self.cfg.demo.tabs)
        if tabs & {"compare", "blind"}:
            _ = self.pipeline
        if "compare" in tabs:
            _ = self.evaluation_asr
        if "speak" not in tabs:
            return
        names = [name for name in self.checkpoints.names() if name in self.cfg.systems]
        for name in names[-self.cfg.demo.models_in_memory :]:
            with suppress(StudioError):
                self.judge(self.say(self.cfg.text, name, next(iter(self.decodings)), self.cfg.voice))

    def _checkpoint(self, system: str) -> str:
        try:
            return self.checkpoints.path(system)
        except CheckpointError as error:
            raise StudioError(str(error)) from error

    def _model(self, path: str) -> TransformersBackend:
        stamp = f"{path} {Path(path, 'config.json').stat().st_mtime_ns}"  # another one after training or merging again
        if stamp not in self._models:
            while len(self._models) >= self.cfg.demo.models_in_memory:
                self._models.pop(next(iter(self._models))).close()
            self._models[stamp] = TransformersBackend(path, self.cfg)
        return self._models[stamp]

    def say(
        self,
        text: str,
        system: str,
        decoding: str,
        voice: str | None = None,
        seed: int = 0,
        best_of: int = 1,
        instruction: str | None = None,
        language: str | None = None,
    ) -> Said:
        """Speaks one text, a long one in parts, as stage infer does; `language`: None is the recipe's.

        Raises:
            StudioError: a text, language, voice, model or decoding that cannot be used, or a model that said nothing.
        """
        with self._lock:
            sentence, how = self.sentence(text, language, voice, instruction), self._how(decoding, best_of)
        if not 0 <= seed < 1 << 32:
            raise StudioError(f"a seed is a whole number from 0 to {(1 << 32) - 1}, got {seed}")
        loading = time.monotonic()
        path = self._checkpoint(system)  # merged there, which may take minutes: others go on
        with self._lock:
            backend = self._model(path)
            began = time.monotonic()
            generate, parts = partial(backend.generate, seed=seed), self.cfg.recipe.parts
            try:
                answers = Speaker(self.prompts, backend.tokenizer, generate, parts).speak([sentence], how)
            except ValueError as error:  # too long a prompt, or a decoding that this backend does not have
                raise StudioError(str(error)) from error
            if len(answers[0]) > 1:
                answers, _ = chosen([sentence], answers, backend.tokenizer, self._chooser)
            (row,) = records([sentence], answers, backend.tokenizer, [""])
            seconds = {"loading": began - loading, "model": time.monotonic() - began}
        asked = sentence.request
        said = (asked.text, row["tokens"], row["finished"], asked.language, asked.voice)
        return self._said(Utterance(0, 0, *said, parts=tuple(row.get("parts", ()))), seconds)

    def sentence(
        self, text: str, language: str | None = None, voice: str | None = None, instruction: str | None = None
    ) -> Sentence:
        """What is asked for, with its prompt. Raises StudioError."""
        row = {"text": text, "language": language, "voice": voice, "instruction": instruction}
        try:
            request = self.prompts.request(row)
            return Sentence(request, self.prompts.messages(request, training=False), "the page")
        except ValueError as error:  # BadField, too
            raise StudioError(str(error)) from error

    def _how(self, decoding: str, best_of: int) -> DictConfig:
        if decoding not in self.decodings:
            raise StudioError(f"there is no decoding {decoding!r}; there are {', '.join(self.decodings)}")
        if not 1 <= best_of <= self.cfg.demo.most_samples:
            raise StudioError(f"best of 1 to {self.cfg.demo.most_samples}, got {best_of}")
        how = self.decodings[decoding]
        best_of = max(best_of, how.samples if how.get("choose") else 1)
        if best_of > 1 and not self.chooses:
            how_to = f"bash run.sh --recipe {self.cfg.recipe.name} token_ear trains one"
            raise StudioError(f"the best of several samples is chosen by a token ear: {how_to}")
        if best_of > 1 and not how.temperature:
            raise StudioError("several samples of greedy decoding are all the same: choose another decoding")
        return OmegaConf.merge(how, {"samples": best_of})

    def said(self, utterance: Utterance) -> Said:
        """The same of tokens that were spoken earlier; waits for no language model. Raises StudioError."""
        return self._said(utterance, {})

    def _said(self, utterance: Utterance, seconds: dict[str, float]) -> Said:
        began, pipeline = time.monotonic(), self.pipeline
        token2wav = pipeline.token2wav
        for row in [row for row in rows_of(utterance) if len(row.tokens)] or [row_of(utterance)]:
            if problem := pipeline.problem(row.tokens):
                raise StudioError(f"what the model said cannot be spoken: {problem}")
        try:
            (wave,) = decode(token2wav, [utterance], (self.cfg.recipe.parts or {}).get("crossfade_s", 0.0))
        except ValueError as error:  # a voice that is none of recipe.voices
            raise StudioError(f"what the model said cannot be spoken: {error}") from error
        return Said(utterance, wave, token2wav.sample_rate, seconds | {"wave": time.monotonic() - began})

    def judge(self, said: Said) -> Speech:
        """What both ASRs hear of it, terms and reward; the reward's alone where the evaluation's does not know the
        language. Raises StudioError."""
        with self._lock:
            return self._judge(said)

    def _judge(self, said: Said) -> Speech:
        began, asked, tokens = time.monotonic(), said.utterance, said.utterance.tokens
        pipeline = self.pipeline
        pipeline.token2wav.keep(row_of(asked), said.wave)
        (measures,) = pipeline.measure([row_of(asked)])
        if measures.message:
            raise StudioError(f"what the model said cannot be measured: {measures.message}")
        wave, rate, listened = said.wave, said.rate, time.monotonic()
        at_asr, others, unheard = resample(wave, rate, self.evaluation_asr.sample_rate), [], ""
        try:
            others = self.evaluation_asr.transcribe([at_asr], [asked.language])
        except ValueError as error:  # a language that it does not know
            unheard = f"the evaluation's ASR: {error}"
        ended = time.monotonic()
        heard = Heard.of(asked.text, asked.language, tokens, measures)
        verdict, blame = self.reward.judge(heard), []
        if self.reward.lead_tokens is not None and measures.char_times:
            blame = self.reward.blame(heard, len(tokens))
        names = [_name(self.cfg.reward_server.asr), _name(self.cfg.ear)]
        reward, own = self.reward, "pinyin" if asked.language == "zh" else "text"  # as stage eval counts
        hearings = (
            hearing("reward", names[0], heard.compared, reward.unit, reward.tones),
            *(hearing("evaluation", names[1], Compared(asked.text, one.text, asked.language), own) for one in others),
        )
        spent = {"reward's ASR and scorers": listened - began, "evaluation's ASR": ended - listened}
        terms = dict(verdict.terms)
        return Speech(said, measures, hearings, unheard, terms, verdict.score, list(blame), said.seconds | spent)


def _name(settings: DictConfig) -> str:
    return settings._target_.rpartition(".")[2]
