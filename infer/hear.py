"""Speech tokens -> what an independent ear hears and what the voice does, one dictionary per utterance."""

from functools import cached_property
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from infer.cache import Cache, fingerprint
from infer.decode import decode, row_of
from infer.records import Utterance
from reward_tts.reward.errors import Compared, style
from reward_tts.scorers.prosody import prosody
from speech.interfaces import Scorer
from speech.readings import something_said
from speech.readings.units import SPACELESS
from speech.voices import read_voices
from speech.waves import resample

ROOT = Path(__file__).resolve().parents[1]


def refuse_same_family(reward: DictConfig, ear: DictConfig) -> None:
    """The evaluator must not be of the reward's family: a model trained to please an ASR pleases its relatives too.

    Args:
        reward, ear: `asr` of the reward server's configuration, `ear` of the evaluation's; neither is loaded.

    Raises:
        ValueError: their classes name the same `family`.
    """
    family = hydra.utils.get_class(reward._target_).family
    if family == hydra.utils.get_class(ear._target_).family:
        raise ValueError(
            f"the evaluation's ASR ({ear._target_}) is of the reward's own family ({family}, {reward._target_} in "
            "server.yaml): its verdict on a model trained with that reward says nothing. Name an ASR of another family "
            "in eval.yaml, under `ear`."
        )


def code_of(recipe: str) -> list[Path]:
    """Folders of the code that makes waves and listens to them."""
    return [ROOT / "infer", ROOT / "reward_tts", ROOT / "recipes" / recipe]


class Listener:
    """Decodes, transcribes and measures utterances; what it did before comes from the cache.

    Args: of the stage's configuration: `token2wav`, `ear`, `scorers` (made only when needed), `prosody`, `cache`.
    """

    def __init__(self, cfg: DictConfig):
        self._cfg = cfg
        parts = ("token2wav", "ear", "scorers", "prosody")
        options = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in parts}
        voices = read_voices(cfg.token2wav.get("voices")).values()
        waves = [voice.wav for voice in voices if voice.wav]
        self._cache = Cache(cfg.cache.path, fingerprint(options, code_of(cfg.recipe.name), waves))

    @cached_property
    def token2wav(self) -> Any:
        return hydra.utils.instantiate(self._cfg.token2wav)

    @cached_property
    def ear(self) -> Any:
        return hydra.utils.instantiate(self._cfg.ear)

    @cached_property
    def scorers(self) -> list[Scorer]:
        return [hydra.utils.instantiate(scorer) for scorer in self._cfg.scorers.values()]

    def hear(self, utterances: list[Utterance]) -> list[dict[str, Any]]:
        """{"transcript", "duration_s", ...} (see reward_tts.scorers.prosody), and what scorers measure where they can,
        per utterance, in order."""
        keys = [[u.tokens, u.voice, u.language, u.text] for u in utterances]  # the text: see infer.decode
        unheard = [i for i, key in enumerate(keys) if self._cache.get(key) is None]
        with tqdm(total=len(keys), initial=len(keys) - len(unheard), desc="heard", unit="utterance") as bar:
            for start in range(0, len(unheard), self._cfg.cache.store_every):
                chosen = unheard[start : start + self._cfg.cache.store_every]
                heard = self._listen([utterances[i] for i in chosen])
                self._cache.store(zip([keys[i] for i in chosen], heard, strict=True))
                bar.update(len(chosen))
        return [self._cache.get(key) for key in keys]

    def _listen(self, utterances: list[Utterance]) -> list[dict[str, Any]]:
        rate, decoded = self.ear.sample_rate, decode(self.token2wav, utterances)
        waves = [resample(wave, self.token2wav.sample_rate, rate) for wave in decoded]
        spoken = [i for i, wave in enumerate(waves) if len(wave)]
        heard = self.ear.transcribe([waves[i] for i in spoken], [utterances[i].language for i in spoken])
        texts = {i: transcript.text for i, transcript in zip(spoken, heard, strict=True)}
        scores = self._score(decoded, utterances)
        return [
            {"transcript": texts.get(i, ""), **prosody(wave, rate, **self._cfg.prosody), **scores[i]}
            for i, wave in enumerate(waves)
        ]

    def _score(self, waves: list[np.ndarray], utterances: list[Utterance]) -> list[dict[str, Any]]:
        """Of those that can be measured: there is a wave, and a voice to compare with where a scorer compares."""
        found: list[dict[str, Any]] = [{} for _ in waves]
        for scorer in self.scorers:
            any_voice = getattr(scorer, "default", "any") is not None  # see SpeakerSimilarity
            chosen = [i for i, wave in enumerate(waves) if len(wave) and (any_voice or utterances[i].voice)]
            heard = [resample(waves[i], self.token2wav.sample_rate, scorer.sample_rate) for i in chosen]
            scores = scorer.measure(heard, [row_of(utterances[i]) for i in chosen]) if chosen else []
            for i, score in zip(chosen, scores, strict=True):
                found[i] |= score
        return found


def errors(text: str, transcript: str, language: str) -> dict[str, Any]:
    """Errors of one transcript, in both ways.

    As read (reward_tts/reward/errors.py): a text has a set of acceptable readings, a homophone is no error. `error_rate`
    is (S + D + I) / N over syllables for languages that are written without spaces, over words for others, not capped;
    `unit` says which (CER or WER); `substitutions`, `deletions`, `insertions` and `units` are the counts. `pinyin_error`
    over toneless syllables (Mandarin only, else None) and `cer` over characters or letters are capped at 1, so that an
    ear's invention on noise costs no more than silence; `syllable_edits`, `character_edits` are not.

    `published_error_rate`: as seed-tts-eval's script counts, whose mean over utterances is what papers report; on texts
    with digits or Latin letters it counts right readings as errors, so ours is lower.

    Raises:
        ValueError: nothing of the text can be spoken.
    """
    if not something_said(text, language):
        raise ValueError(f"the text {text!r} has no syllable to compare with")
    compared = Compared(text, transcript, language)
    by_character = language in SPACELESS
    counts = compared.comparison(style(language, "text")).counts
    letters = compared.comparison(style(language, "characters")).counts
    found = {
        "error_rate": counts.wrong / counts.units,
        "published_error_rate": compared.error("published_text"),
        "unit": "CER" if by_character else "WER",
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "units": counts.units,
        "cer": min(1.0, letters.wrong / letters.units),
        "character_edits": letters.wrong,
        "characters": letters.units,
    }
    if language != "zh":
        return found | {"pinyin_error": None, "syllable_edits": None, "syllables": None}
    toneless = compared.comparison(style(language, "pinyin", tones=False)).counts
    pinyin = {"pinyin_error": min(1.0, toneless.wrong / toneless.units), "syllable_edits": toneless.wrong}
    return found | pinyin | {"syllables": toneless.units}
