"""Speech tokens -> what an independent ear hears and what the voice does, one dictionary per utterance."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from typing import Any

import hydra
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from data_prep.options import has_latin_letters
from infer.cache import Cache, identity
from infer.decode import decode, row_of
from infer.records import Utterance
from reward_tts.measures import Status
from reward_tts.reward import formulas
from reward_tts.reward.errors import Compared, style
from reward_tts.reward.published import error_counts, mixed, seed_tts_eval
from reward_tts.reward.reward import Reward
from reward_tts.scorers.prosody import prosody
from reward_tts.server.pipeline import SpeechPipeline
from speech.faults import UserError
from speech.files import fingerprint
from speech.interfaces import NoMemory, Row
from speech.readings import something_said
from speech.readings.tags import without_unspoken
from speech.readings.units import CLUSTERED, SYLLABIC


def refuse_same_family(reward: DictConfig, ear: DictConfig) -> None:
    """The evaluator must not be of the reward's family: a model trained to please an ASR pleases its relatives too.

    Args:
        reward, ear: `asr` of the reward server's configuration, `ear` of the evaluation's; neither is loaded.

    Raises:
        ValueError: their classes name the same `family`.
    """
    family = hydra.utils.get_class(reward._target_).family
    if family == hydra.utils.get_class(ear._target_).family:
        raise UserError(
            f"the evaluation's ASR ({ear._target_}) is of the reward's own family ({family}, {reward._target_} in "
            "server.yaml): its verdict on a model trained with that reward says nothing. Name an ASR of another family "
            "in eval.yaml, under `ear`."
        )


def paid_for(cfg: DictConfig) -> list[str]:
    """The measures of the evaluation's scorers that come from the model (class and files) by which the recipe's reward
    pays for them: their rise tells what was learned, not whether it was worth learning.

    Args: see Listener; `recipe.reward` and `reward_server`, too.
    """

    def model(scorer: DictConfig) -> list[Any]:
        return [scorer.get(key) for key in ("_target_", "model_dir", "checkpoint")]

    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    paid = {measure for term in reward.terms.values() for measure in term.needs}
    known = [model(scorer) for scorer in cfg.reward_server.scorers.values() if scorer]
    same = [hydra.utils.get_class(s._target_) for s in cfg.scorers.values() if model(s) in known]
    return sorted(paid.intersection(measure for scorer in same for measure in getattr(scorer, "provides", ())))


def heard_by(cfg: DictConfig) -> str:
    """Hash of everything that what is heard depends on (infer.cache.identity); of an ear that comes with packages
    (WhisperEar), their versions.

    Args: see Listener.
    """
    packages = {name: version(name) for name in cfg.ear.get("source", []) if not isinstance(cfg.ear.source, str)}
    return fingerprint(identity(__name__, cfg, ["token2wav", "ear", "scorers", "prosody"]), packages)


class NotHeardError(ValueError):
    """An utterance that could not be spoken or heard; `why` is without what it says."""

    def __init__(self, utterance: Utterance, why: str):
        super().__init__(f"utterance {utterance.index} ({utterance.text}) could not be heard: {why}")
        self.why = why


class Listener:
    """Decodes, transcribes and measures utterances; what it did before comes from the cache.

    Args: of the stage's configuration: `token2wav`, `ear`, `scorers` (made only when needed), `prosody`, `cache`,
        `hear_at_once`, `recipe`.
    """

    def __init__(self, cfg: DictConfig):
        self._cfg = cfg
        self._cache = Cache(cfg.cache.path, heard_by(cfg))
        self._crossfade_s = (cfg.recipe.get("parts") or {}).get("crossfade_s", 0.0)

    @cached_property
    def token2wav(self) -> Any:
        return hydra.utils.instantiate(self._cfg.token2wav)

    @cached_property
    def ear(self) -> Any:
        return hydra.utils.instantiate(self._cfg.ear)

    @cached_property
    def scorers(self) -> dict[str, Any]:
        """What measures a wave beside the ear: the voice's prosody, and the scorers."""
        own = _Prosody(self.ear.sample_rate, OmegaConf.to_container(self._cfg.prosody, resolve=True))
        return {"prosody": own} | {name: hydra.utils.instantiate(one) for name, one in self._cfg.scorers.items()}

    def speak(self, utterances: list[Utterance]) -> list[np.ndarray]:
        """Waves as stage infer writes them, of a long text part by part. Raises as infer.decode.decode."""
        return decode(self.token2wav, utterances, self._crossfade_s)

    def hear(self, utterances: list[Utterance]) -> list[dict[str, Any]]:
        """{"transcript", "duration_s", ...} (see reward_tts.scorers.prosody), and what scorers measure where they can,
        per utterance, in order.

        Raises:
            NotHeardError: of the first that cannot be, whatever the cause.
            NoMemory: for one of them; it may be there later. Passing: as `token2wav` says.
        """
        keys = [[u.tokens, u.voice, u.language, u.text] for u in utterances]  # the text: see infer.decode
        joins = [[u.parts, self._crossfade_s] if u.parts else [] for u in utterances]
        keys = [[*key, *join] for key, join in zip(keys, joins, strict=True)]
        unheard = [i for i, key in enumerate(keys) if self._cache.get(key) is None]
        every = self._cfg.cache.store_every
        chunks = [unheard[start : start + every] for start in range(0, len(unheard), every)]
        with tqdm(total=len(keys), initial=len(keys) - len(unheard), desc="heard", unit="utterance") as bar:
            for chosen, heard in self._all(utterances, chunks):
                self._cache.store(zip([keys[i] for i in chosen], heard, strict=True))
                bar.update(len(chosen))
        return [self._cache.get(key) for key in keys]

    def _all(self, utterances: list[Utterance], chunks: list[list[int]]) -> Iterator[tuple[list[int], list[dict]]]:
        """Each chunk of indices with what was heard of it, `hear_at_once` chunks at the same time: while one core
        speaks, another one listens."""
        if not chunks:
            return
        _ = self.token2wav, self.scorers  # made before there are threads
        count = self._cfg.get("hear_at_once", 1)
        threads = max(1, torch.get_num_threads() // count)  # of what runs in one of these threads
        pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(threads,))
        try:
            heard = pool.map(lambda some: self._listen([utterances[i] for i in some]), chunks)
            yield from zip(chunks, heard, strict=True)
        finally:
            pool.shutdown(cancel_futures=True)

    def _listen(self, utterances: list[Utterance]) -> list[dict[str, Any]]:
        rows = [row_of(utterance) for utterance in utterances]
        parts = {name: _WhereItCan(scorer) for name, scorer in self.scorers.items()}
        longest = max(len(row.tokens) for row in rows)
        spoken = _AsWritten(self, rows, utterances)
        pipeline = SpeechPipeline(spoken, self.ear, self._cfg.recipe.name, longest, parts)
        heard = []
        for utterance, row, one in zip(utterances, rows, pipeline.measure(rows), strict=True):
            scores = [part.found[id(row)] for part in parts.values() if id(row) in part.found]
            if not utterance.tokens:  # who says nothing is heard as nothing
                scores = [self.scorers["prosody"].of(np.zeros(0, np.float32))]
            elif one.status == Status.OUT_OF_MEMORY:
                raise NoMemory(f"utterance {utterance.index}: {one.message}")
            elif one.message:
                raise NotHeardError(utterance, one.message)
            heard.append({"transcript": one.transcript} | {key: x for part in scores for key, x in part.items()})
        return heard


class _AsWritten:
    """A token2wav for the pipeline that makes of the rows of these utterances what `listener.speak` makes."""

    def __init__(self, listener: Listener, rows: list[Row], utterances: list[Utterance]):
        self._listener = listener
        self._of = {id(row): utterance for row, utterance in zip(rows, utterances, strict=True)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener.token2wav, name)

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        return self._listener.speak([self._of[id(row)] for row in rows])


class _Prosody:
    """`reward_tts.scorers.prosody.prosody` as the evaluation has it, null where a voice has no pitch."""

    def __init__(self, sample_rate: int, options: dict[str, float]):
        self.sample_rate, self._options = sample_rate, options

    def of(self, wave: np.ndarray) -> dict[str, Any]:
        return prosody(wave, self.sample_rate, **self._options)

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        return [self.of(wave) for wave in waves]


class _WhereItCan:
    """A scorer for the pipeline that keeps what it measured itself: unlike the reward's rows, not every one here has
    all measures (where there is no voice to compare with), and some are null.

    Attributes:
        found: {id of the row: its measures}.
    """

    provides = ()

    def __init__(self, scorer: Any):
        self._scorer, self.sample_rate, self.found = scorer, scorer.sample_rate, dict[int, dict[str, Any]]()
        self._any_voice = getattr(scorer, "default", "any") is not None  # see SpeakerSimilarity

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        chosen = [i for i, row in enumerate(rows) if self._any_voice or row.voice]
        scores = self._scorer.measure([waves[i] for i in chosen], [rows[i] for i in chosen]) if chosen else []
        self.found |= zip([id(rows[i]) for i in chosen], scores, strict=True)
        return [{}] * len(rows)


def errors(text: str, transcript: str, language: str) -> dict[str, Any]:
    """Errors of one transcript, in both ways.

    As read (reward_tts/reward/errors.py): a text has a set of acceptable readings, a homophone is right. `error_rate`
    is (S + D + I) / N, not capped, over syllables (or letters with their marks) for languages that are written without
    spaces between words, over words for others; `unit` says which (CER or WER); `substitutions`, `deletions`,
    `insertions`, `units` are the counts. `pinyin_error` over toneless syllables (Mandarin only, else None) and `cer`
    over characters or letters are capped at 1, so that an ear's invention on noise costs no more than silence;
    `syllable_edits`, `character_edits` are not.

    `published_error_rate` is as seed-tts-eval's script counts (`published_edits` by `published_units`), whose mean over
    utterances is what papers report: a homophone is wrong there, and so is a digit that is heard as a word. Control
    tags and emoji, which no such text has, are left out here, too. `mixed_edits`, `mixed_apart` (without homophones)
    and `mixed_units` are those of published.mixed, in zh, yue, ja and ko; `code_switched`: such a text has Latin
    letters.

    Raises:
        ValueError: nothing of the text can be spoken.
    """
    if not something_said(text, language):
        raise ValueError(f"the text {text!r} has no syllable to compare with")
    compared = Compared(text, transcript, language)
    by_character = language in SYLLABIC
    counts = compared.comparison(style(language, "text")).counts
    letters = compared.comparison(style(language, "characters")).counts
    written = without_unspoken(text)
    published = seed_tts_eval(written, transcript, language)
    edits, length = sum(error_counts(*published).values()), max(1, len(published[0]))
    found = {
        "error_rate": counts.wrong / counts.units,
        "published_error_rate": edits / length,
        "published_edits": edits,
        "published_units": length,
        "unit": "CER" if by_character else "WER",
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "units": counts.units,
        "cer": min(1.0, letters.wrong / letters.units),
        "character_edits": letters.wrong,
        "characters": letters.units,
    }
    if by_character and language not in CLUSTERED:
        wrong, apart, asked = mixed(written, transcript, language)
        found |= {"mixed_edits": wrong, "mixed_apart": apart, "mixed_units": max(1, asked)}
        found["code_switched"] = has_latin_letters(written)
    if language != "zh":
        return found | {"pinyin_error": None, "syllable_edits": None, "syllables": None}
    toneless = compared.comparison(style(language, "pinyin", tones=False)).counts
    pinyin = {"pinyin_error": min(1.0, toneless.wrong / toneless.units), "syllable_edits": toneless.wrong}
    return found | pinyin | {"syllables": toneless.units}


def expressed(utterance: Utterance, heard: Mapping[str, Any]) -> dict[str, Any]:
    """How it was said, where a scorer measured that, as the reward's terms `emotion` and `laughter` take it: p of the
    emotion that was asked for, if the classifier knows it, whether it is the likeliest (`emotion_heard`), and
    1 - p(neutral); whether laughter was heard of a text that laughs, or of another.
    """
    found: dict[str, Any] = {}
    if likely := heard.get("emotion"):
        found |= {"emotion_probabilities": likely, "emotion_heard": max(likely, key=likely.get)}
        found["not_neutral"] = formulas.emotion(likely, None)
        if utterance.emotion in likely:
            found["emotion_probability"] = formulas.emotion(likely, utterance.emotion)
            found["emotion_right"] = float(found["emotion_heard"] == utterance.emotion)
    if (seconds := heard.get("laughter_s")) is not None:
        found["laughs" if formulas.laughs(utterance.text) else "laughs_unasked"] = float(seconds > 0)
    return found
