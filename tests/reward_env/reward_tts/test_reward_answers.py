"""The reward server's answers with the real small models: formula, limits, rows that fail alone, scorers."""

import math

import numpy as np
import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

from models.tiny_mandarin.token2wav import MelToken2Wav
from reward_tts.measures import Status
from reward_tts.reward.errors import error as error_of
from reward_tts.reward.formula import formula
from reward_tts.reward.formulas import shape_exp
from reward_tts.reward.reward import Reward
from reward_tts.server.instance import Instance, needed
from reward_tts.server.pipeline import SpeechPipeline
from reward_tts.server.wire import Query
from speech.interfaces import Row
from stages.config import compose_stage, recipes


def query(row: Row, text: str, **changes) -> Query:
    empty = {"language": None, "voice": None, "problem": "", "checksum": "0123456789abcdef"}
    return Query(**{"tokens": row.tokens, "text": text, **empty, **changes})


def reward(term: str = "pinyin", logged: tuple[str, ...] = (), **parameters) -> Reward:
    return Reward(
        {
            "terms": {term: {"weight": 1.0, **parameters}},
            "aggregation": {"name": "weighted_sum"},
            "error": {"unit": "pinyin"},
            "token_credit": None,
            "logged": list(logged),
        }
    )


def test_the_server_answers_with_the_recipes_formula_and_nan_where_there_is_none(pipeline, texts_and_rows):
    instance = Instance(pipeline, "zh", reward(tones=False, shaping="exp(12, 1.5)"), 2000)
    text, row = texts_and_rows[0]
    good, unreadable, silent = instance.answer(
        [query(row, text), query(row, text, problem="unreadable"), query(row, "？")]
    )
    assert good.reward == pytest.approx(shape_exp(error_of(text, good.measures.transcript, "zh", "pinyin"), 12.0, 1.5))
    assert good.measures.status == Status.OK
    for refused in (unreadable, silent):
        assert math.isnan(refused.reward) and refused.measures.status == Status.BAD_ROW


def test_a_text_that_is_too_long_is_refused_before_it_is_read(pipeline, texts_and_rows):
    instance = Instance(pipeline, "zh", reward(), max_text_chars=10)
    _, row = texts_and_rows[0]
    fits, long = instance.answer([query(row, "今" * 10), query(row, "今" * 11)])
    assert fits.measures.status == Status.OK
    assert long.measures.message == "GT_TEXT has 11 characters, server.max_text_chars is 10"
    with pytest.raises(ValueError, match="TEXT has 11 characters"):
        instance.speak(row.tokens, None, "今" * 11)


class Raising(Reward):
    """Fails on texts that begin with 糟, as a fault in a formula might."""

    def judge(self, heard):
        if heard.text.startswith("糟"):
            raise ZeroDivisionError("a fault in a formula")
        return super().judge(heard)


def test_a_row_that_cannot_be_judged_fails_alone(pipeline, texts_and_rows):
    text, row = texts_and_rows[0]
    raising = reward()
    raising.__class__ = Raising
    instance = Instance(pipeline, "zh", raising, 2000)
    bad, good = instance.answer([query(row, "糟了"), query(row, text)])
    assert math.isnan(bad.reward) and "'糟了' cannot be judged: a fault in a formula" in bad.measures.message
    assert good.measures.status == Status.OK and not math.isnan(good.reward)


def test_bad_speech_has_the_lowest_reward_and_every_status_is_counted(pipeline, texts_and_rows):
    """0.0 is the lowest of the pinyin term, -1.0 that of over_length: what compute_score gives for the same."""
    instance = Instance(pipeline, "zh", reward(), 2000)
    text, row = texts_and_rows[0]
    bad = [Row(np.array(tokens, np.int32), None, "zh") for tokens in ([], [1024], [5] * 201)]
    answers = instance.answer([*(query(r, text) for r in bad), query(row, text), query(row, "？")])
    assert [a.measures.status for a in answers] == [Status.BAD_SPEECH] * 3 + [Status.OK, Status.BAD_ROW]
    assert [a.reward for a in answers[:3]] == [0.0] * 3
    assert pipeline.counts.statuses == {"BAD_SPEECH": 3, "OK": 1, "BAD_ROW": 1}
    punished = Instance(pipeline, "zh", reward("over_length", max_tokens=100, buffer_tokens=10), 2000)
    assert punished.answer([query(bad[0], text)])[0].reward == -1.0


class Counting:
    """A scorer that measures the length of the wave and of the text, and fails as it is told."""

    provides, sample_rate = ("samples", "letters"), 16_000

    def __init__(self):
        self.batches = []

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict]:
        self.batches.append(len(waves))
        if any(row.voice == "raises" for row in rows):
            raise RuntimeError("a fault in the scorer")
        wrong = {"nan": {"letters": math.nan}, "other": {"words": 1}}
        measured = [{"samples": len(wave), "letters": len(row.text)} for wave, row in zip(waves, rows, strict=True)]
        return [one | wrong.get(row.voice, {}) for one, row in zip(measured, rows, strict=True)]


class AnyVoice:
    """The real token2wav for rows of any voice."""

    def __init__(self, real: MelToken2Wav):
        self.real, self.decoded = real, 0
        self.sample_rate, self.token_rate, self.codebook_size = real.sample_rate, real.token_rate, real.codebook_size

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        self.decoded += len(rows)
        return self.real.decode([Row(row.tokens, None, row.language) for row in rows])


def test_a_wave_is_decoded_once_and_scored_by_each_scorer_at_its_own_rate(token2wav, asr, rows):
    speaker, first, second = AnyVoice(token2wav), Counting(), Counting()
    second.provides = ("more",)
    second.measure = lambda waves, rows: [{"more": 1.0} for _ in waves]
    pipeline = SpeechPipeline(speaker, asr, "tiny_mandarin", 200, {"first": first, "second": second})
    measures = pipeline.measure([Row(row.tokens, None, "zh", "今天") for row in rows])
    assert pipeline.offers == ["confidence", "letters", "more", "samples"]
    assert [m.scores for m in measures] == [
        {"samples": round(m.duration_s * 16_000), "letters": 2, "more": 1.0} for m in measures
    ]
    assert (speaker.decoded, first.batches) == (len(rows), [len(rows)])
    assert set(pipeline.counts.seconds) == {"token2wav", "asr", "first", "second"}
    assert pipeline.counts.batch_sizes == {len(rows): 1}
    assert pipeline.counts.padded_tokens == len(rows) * max(len(row.tokens) for row in rows)


@pytest.mark.parametrize(
    ("rewards", "loaded"),
    [("published", ["prosody", "xvector"]), ("four", ["prosody", "xvector", "emotion", "laughter"])],
)
def test_of_server_yamls_scorers_those_that_the_reward_needs_are_loaded(rewards, loaded):
    cfg = compose_stage("glm_tts", "server", (f"recipe/reward={rewards}",))
    assert needed(cfg.scorers, Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))) == loaded


@pytest.mark.parametrize("recipe", recipes())
def test_a_term_of_likelihood_is_there_in_every_recipe(recipe):
    """Llasa's and Inworld's ASR is Whisper, which at 96de3ad4 could not be asked."""
    own = ("++recipe.reward.token_ear=null", "+recipe.reward.terms.likelihood={weight: 0.5}")
    cfg = compose_stage(recipe, "server", own)
    reward = OmegaConf.to_container(cfg.recipe.reward, resolve=True)
    assert "ctc_likelihood" in needed(cfg.scorers, Reward(reward))
    assert "0.5 x exp(-NLL of the ASR / 3)" in formula(reward)
    assert hasattr(get_class(cfg.asr._target_), "nll"), "which that scorer asks"


def test_what_a_scorer_cannot_measure_fails_its_row_alone(token2wav, asr, rows):
    pipeline = SpeechPipeline(AnyVoice(token2wav), asr, "tiny_mandarin", 200, {"counting": Counting()})
    voices = ["raises", "nan", "other", None]
    measures = pipeline.measure([Row(rows[0].tokens, voice, "zh") for voice in voices])
    assert [m.status for m in measures] == [Status.FAILED] * 3 + [Status.OK]
    assert "a fault in the scorer" in measures[0].message
    assert "no finite ['letters']" in measures[1].message
    assert "no finite ['words']" in measures[2].message


def test_a_row_that_cannot_be_judged_has_no_reward_and_its_neighbours_have_theirs(token2wav, asr, texts_and_rows):
    """Our client, which sends CONTRACT, gets the measures; the published one an error with the reason."""
    similar = Counting()
    similar.provides = ("speaker_similarity",)
    similar.measure = lambda waves, rows: [{"speaker_similarity": 2.0 if row.voice else 0.5} for row in rows]
    pipeline = SpeechPipeline(AnyVoice(token2wav), asr, "tiny_mandarin", 200, {"similar": similar})
    text, row = texts_and_rows[0]
    instance = Instance(pipeline, "zh", reward("similarity"), 2000)
    bad, good = instance.answer([query(row, text, voice="a"), query(row, text)])
    assert (good.reward, good.measures.status) == (0.75, Status.OK)
    assert math.isnan(bad.reward) and "cannot be judged: cosine is from -1 to 1, got 2.0" in bad.measures.message
    assert bad.measures.status == Status.OK and bad.measures.scores == {"speaker_similarity": 2.0}


class ByText(AnyVoice):
    """Says twice what has a text."""

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        waves = super().decode(rows)
        return [np.concatenate([wave] * (2 if row.text else 1)) for wave, row in zip(waves, rows, strict=True)]


def test_what_is_spoken_to_be_listened_to_is_what_was_scored(token2wav, asr, texts_and_rows):
    text, row = texts_and_rows[0]
    instance = Instance(SpeechPipeline(ByText(token2wav), asr, "tiny_mandarin", 200), "zh", reward(), 2000)
    seconds = instance.answer([query(row, text)])[0].measures.duration_s
    wave, rate = instance.speak(row.tokens, None, text)
    assert len(wave) / rate == seconds == 2 * len(instance.speak(row.tokens, None)[0]) / rate


def test_tokens_that_nothing_can_speak_are_bad_speech(pipeline):
    bad = [np.array(tokens, np.int32) for tokens in ([], [1024], [5] * 201)]
    measures = pipeline.measure([Row(tokens, None, "zh") for tokens in bad])
    assert [m.status for m in measures] == [Status.BAD_SPEECH] * 3
    assert not any(m.is_speech for m in measures)


def test_two_scorers_of_one_measure_and_a_reward_without_its_scorer_are_refused(token2wav, asr, pipeline):
    with pytest.raises(ValueError, match=r"provide \['samples', 'letters'\]"):
        SpeechPipeline(token2wav, asr, "r", 200, {"a": Counting(), "b": Counting()})
    with pytest.raises(ValueError, match=r"recipe\.reward needs {'speaker_similarity': 'terms\.similarity'}"):
        Instance(pipeline, "zh", reward("similarity"), 2000)
    with pytest.raises(ValueError, match=r"needs {'mos': 'logged'}"):
        Instance(pipeline, "zh", reward(logged=("mos",)), 2000)
