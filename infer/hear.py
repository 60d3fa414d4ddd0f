"""Speech tokens -> what an independent ear hears and what the voice does, one dictionary per utterance."""

from functools import cached_property
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from infer.cache import Cache
from infer.decode import decode, row_of
from infer.records import Utterance
from reward_tts.reward.errors import error_counts
from reward_tts.scorers.prosody import prosody
from speech.files import fingerprint, identities, paths_in
from speech.imports import ROOT, dotted_names, imported_files
from speech.interfaces import Scorer
from speech.text_norm import CHARACTER_LANGUAGES, normalise, syllables
from speech.voices import read_voices
from speech.waves import resample


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


def heard_by(cfg: DictConfig) -> str:
    """Hash of everything that what is heard depends on: settings, models, voices and their recordings, and the code.

    Args: see Listener.
    """
    parts = ("token2wav", "ear", "scorers", "prosody")
    options = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in parts}
    voices = read_voices(cfg.token2wav.get("voices")).values()
    read = [*paths_in(options), *(Path(voice.wav) for voice in voices if voice.wav)]
    known = [identities(p, ROOT, cfg.cache.hash_content_below_mib << 20) for p in (code_of(options), read)]
    return fingerprint(options, *known)


def code_of(options: dict[str, Any]) -> list[Path]:
    """The project's files that make waves and listen to them: of this module, and of the classes that options name."""
    return imported_files([__name__, *dotted_names(options)])


class Listener:
    """Decodes, transcribes and measures utterances; what it did before comes from the cache.

    Args: of the stage's configuration: `token2wav`, `ear`, `scorers` (made only when needed), `prosody`, `cache`.
    """

    def __init__(self, cfg: DictConfig):
        self._cfg = cfg
        self._cache = Cache(cfg.cache.path, heard_by(cfg))

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
    """Errors of one transcript, both texts normalised: simplified characters, no punctuation, numbers as read.

    As seed-tts-eval counts: `error_rate` is (S + D + I) / N over characters for languages that are written without
    spaces, over words for others, not capped, and its mean over utterances is what papers report; `unit` says which
    (CER or WER), `substitutions`, `deletions`, `insertions` and `units` are the counts, by jiwer.

    Beside it `pinyin_error` over toneless syllables (Mandarin only, else None) and `cer` over characters, both capped
    at 1, so that an ear's invention on noise costs no more than silence; `syllable_edits`, `character_edits` are not.

    Raises:
        ValueError: nothing of the text can be spoken.
    """
    wanted, got = normalise(text, language), normalise(transcript, language)
    if not wanted:
        raise ValueError(f"the text {text!r} has no syllable to compare with")
    by_character = language in CHARACTER_LANGUAGES
    letters, letters_got = ["".join(one.split()) for one in (wanted, got)]
    counts = error_counts(wanted, got) if by_character else error_counts(wanted.split(), got.split())
    units = len(wanted) if by_character else len(wanted.split())
    character_edits = sum(error_counts(letters, letters_got).values())
    found = {
        "error_rate": sum(counts.values()) / units,
        "unit": "CER" if by_character else "WER",
        **counts,
        "units": units,
        "cer": min(1.0, character_edits / len(letters)),
        "character_edits": character_edits,
        "characters": len(letters),
    }
    if language != "zh":
        return found | {"pinyin_error": None, "syllable_edits": None, "syllables": None}
    syllable_edits = sum(error_counts(syllables(wanted, tones=False), syllables(got, tones=False)).values())
    pinyin = {"pinyin_error": min(1.0, syllable_edits / len(wanted)), "syllable_edits": syllable_edits}
    return found | pinyin | {"syllables": len(wanted)}
