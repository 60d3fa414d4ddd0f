"""Rows that the token ear reads skip the wave: a real small ear, decoder and ASR."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.tiny_mandarin.token2wav import MelToken2Wav
from models.tiny_mandarin.vocoder import TorchVocoder
from reward_tts.asr.sensevoice import SenseVoiceASR
from reward_tts.compute_score import _token_ear
from reward_tts.measures import Measures, Status
from reward_tts.reward.config import RewardConfigError
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from reward_tts.scorers.likelihood import TokenAlignment, TokenLikelihood, aligned_doubts
from reward_tts.scorers.prosody import Prosody
from reward_tts.server.instance import Instance
from reward_tts.server.pipeline import SpeechPipeline
from reward_tts.server.shortcut import Gate, Shortcut
from reward_tts.server.wire import Query
from reward_tts.token_ear import TokenEar, first_reading
from sft.token_ear import train
from speech.interfaces import Row
from stages.config import compose_stage

WAYS = ("read", "unsure", "audited", "closed")


def reward(terms: dict | None = None, **token_ear) -> Reward:
    own = {"audit": 0.3, "unsure": 0.0, "limit": 10.0} | token_ear
    return Reward(
        {
            "terms": terms or {"pinyin": {"weight": 1.0, "tones": False}},
            "aggregation": {"name": "weighted_sum"},
            "error": {"unit": "pinyin"},
            "token_credit": {"lead_tokens": 0},
            "logged": [],
            "token_ear": own,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its `ear` is what `ear` was saved to."""
    return tmp_path_factory.mktemp("ear")


@pytest.fixture(scope="module")
def ear(built_recipe: Path, folder: Path) -> TokenEar:
    paths = [
        f"recipe.inputs_dir={built_recipe}",
        f"recipe.work_dir={built_recipe}",
        f"recipe.token_ear_dir={folder}/ear",
    ]
    small = ["token_ear.steps=150", "token_ear.network.width=64", f"token_ear.checkpoints={folder}/checkpoints"]
    return train(compose_stage("tiny_mandarin", "token_ear", (*paths, *small)))


@pytest.fixture(scope="module")
def pipeline(built_recipe: Path) -> SpeechPipeline:
    token2wav = MelToken2Wav(str(built_recipe / "token2wav"), TorchVocoder(), 24_000, 80)
    return SpeechPipeline(token2wav, SenseVoiceASR(str(built_recipe / "reward_asr")), "tiny_mandarin", max_tokens=200)


@pytest.fixture(scope="module")
def rows(built_recipe: Path) -> list[Row]:
    lines = (built_recipe / "data/test_teacher.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    spoken = [json.loads(line) for line in lines]
    return [Row(np.array(one["speech_tokens"], np.int32), None, "zh", one["text"]) for one in spoken]


def ways_of(measures: list[Measures]) -> list[str]:
    told = [m.scores["token_ear"] for m in measures]
    return [next(way for way in WAYS if one[way]) for one in told]


def test_rows_are_read_but_for_a_share_that_is_heard_as_today(ear, pipeline, rows):
    shortcut = Shortcut(pipeline, ear, reward(), Gate(reward()), seed=0)
    measures, by_wave = shortcut.measure(rows), pipeline.measure(rows)
    ways = ways_of(measures)
    assert set(ways) == {"read", "audited"}
    for row, one, heard, way in zip(rows, measures, by_wave, ways, strict=True):
        expected = ear.write(ear.transcribe([row.tokens.tolist()])[0].units)[0] if way == "read" else heard.transcript
        assert one.transcript == expected and len(one.char_times) == len(one.transcript)
        assert one.duration_s == pytest.approx(heard.duration_s)
        assert Measures.from_json(one.to_json()).scores == one.scores and not one.not_finite()
    assert shortcut.gate.audit.bounds.audits == ways.count("audited")
    assert ways_of(shortcut.measure(rows[::-1])) == ways[::-1]  # by the row alone
    assert ways_of(Shortcut(pipeline, ear, reward(), Gate(reward()), seed=1).measure(rows)) != ways


def test_the_audits_differences_are_those_of_the_two_rewards(ear, pipeline, rows):
    judge, gate, added = reward(audit=0.999), Gate(reward(audit=0.999)), []
    gate.audit.add = added.append
    Shortcut(pipeline, ear, judge, gate, seed=0).measure(rows)
    expected = []
    for row, by_wave in zip(rows, pipeline.measure(rows), strict=True):
        transcript = ear.write(ear.transcribe([row.tokens.tolist()])[0].units)[0]
        errors = [judge.judge(Heard.of(row.text, "zh", [1], m)).score for m in (
            Measures("r", Status.OK, transcript=transcript, duration_s=1.0, token_rate=25.0), by_wave
        )]  # fmt: skip
        expected.append(errors[0] - errors[1])
    assert added == pytest.approx(expected)


def test_without_evidence_all_rows_go_through_the_wave_until_the_bound_holds(ear, pipeline, rows):
    own = reward(limit=0.5, audit=0.01)
    gate = Gate(own)
    shortcut = Shortcut(pipeline, ear, own, gate, seed=0)
    first = shortcut.measure(rows)
    assert set(ways_of(first)) == {"closed"}
    assert [m.transcript for m in first] == [m.transcript for m in pipeline.measure(rows)]
    assert first[0].scores["token_ear"]["group"] > 0.5
    for _ in range(300):
        gate.add(0.0)
    assert "read" in ways_of(shortcut.measure(rows))
    for _ in range(300):
        gate.add(0.9)
    assert set(ways_of(shortcut.measure(rows))) == {"closed"}


def test_unsure_rows_and_texts_with_unknown_units_are_heard(ear, pipeline, rows):
    own = reward(unsure=1.0)
    assert set(ways_of(Shortcut(pipeline, ear, own, Gate(own), 0).measure(rows))) == {"unsure"}
    odd, other = Row(rows[0].tokens, None, "zh", "龘"), Row(rows[0].tokens, None, "yue", "身")
    assert not ear.knows(first_reading("龘", "zh")) and ear.knows(first_reading("身", "yue"))  # san1, 三 in Mandarin
    assert ways_of(Shortcut(pipeline, ear, reward(), Gate(reward()), 0).measure([odd, other])) == ["unsure"] * 2


PAUSED = {"pinyin": {"weight": 1.0}, "silence": {"weight": 0.2, "allowed": 0.5}}


def test_silence_is_assumed_of_rows_that_are_read_and_heard_in_rows_that_are_slow(ear, pipeline, rows):
    """A row with as much silence as speech behind it has twice as many tokens for each unit that is read."""
    reads = ear.transcribe([row.tokens.tolist() for row in rows])
    paces = [len(row.tokens) / len(read.units) for row, read in zip(rows, reads, strict=True)]
    own = reward(PAUSED, audit=0.001, most_tokens=sorted(paces)[len(rows) // 2], assumed={"silence_ratio": 0.0})
    options = {"f0_floor": 71.0, "f0_ceil": 500.0, "f0_period_ms": 10.0, "silence_db": 40.0, "frame_seconds": 0.025}
    parts = (pipeline.token2wav, pipeline.asr, "tiny_mandarin", 400, {"prosody": Prosody(**options)})
    shortcut = Shortcut(SpeechPipeline(*parts), ear, own, Gate(own), seed=0)
    quiet = min(range(1024), key=lambda token: float(pipeline.token2wav.decoder.codebook[token].mean()))
    slow = [Row(np.r_[row.tokens, np.full(len(row.tokens), quiet, np.int32)], None, "zh", row.text) for row in rows]
    heard = shortcut.measure(slow)
    assert set(ways_of(heard)) == {"unsure"} and all(one.scores["silence_ratio"] > 0.4 for one in heard)
    measures = shortcut.measure(rows)
    assert ways_of(measures) == ["read" if pace <= own.token_ear.most_tokens else "unsure" for pace in paces]
    way = ways_of(measures).index("read")
    row, one = rows[way], measures[way]
    assert one.scores["silence_ratio"] == 0.0
    assert own.judge(Heard.of(row.text, "zh", row.tokens.tolist(), one)).terms["silence"] == 1.0


def test_the_audit_sees_that_the_assumed_silence_is_wrong(ear, pipeline, rows):
    """A wave that is said to be silent throughout is worth 0 by that term, and 1 as it is assumed: 0.2 of 1.2."""
    own = reward(PAUSED, audit=0.999, most_tokens=1000.0, assumed={"silence_ratio": 0.0})
    gate, added = Gate(own), []
    gate.audit.add = added.append

    class Silent:
        offers = ("silence_ratio",)
        token2wav, recipe, problem = pipeline.token2wav, pipeline.recipe, staticmethod(pipeline.problem)
        timed = staticmethod(pipeline.timed)

        def measure(self, asked):
            reads = ear.transcribe([row.tokens.tolist() for row in asked])
            texts = [ear.write(read.units)[0] for read in reads]
            return [Measures("r", Status.OK, transcript=t, scores={"silence_ratio": 1.0}) for t in texts]

    Shortcut(Silent(), ear, own, gate, seed=0).measure(rows)
    assert added == pytest.approx([0.2 / 1.2] * len(rows))


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"assumed": {"silence_ratio": 0.0}}, "token_ear.assumed: and most_tokens"),
        ({"assumed": {"silence": 0.0}, "most_tokens": 8.0}, "terms.silence: needs .'silence_ratio'. of a wave"),
        ({"most_tokens": 8.0}, "terms.silence: needs .'silence_ratio'. of a wave, .*token_ear=null hears"),
    ],
)
def test_what_is_assumed_of_rows_without_a_wave_is_checked(own, reason):
    with pytest.raises(RewardConfigError, match=reason):
        reward(PAUSED, **own)


def test_what_cannot_be_spoken_is_bad_speech_as_ever(ear, pipeline, rows):
    none, outside = Row(np.zeros(0, np.int32), None, "zh", "今天"), Row(np.array([9999], np.int32), None, "zh", "今天")
    found = Shortcut(pipeline, ear, reward(), Gate(reward()), 0).measure([none, rows[0], outside])
    assert [m.status for m in found] == [Status.BAD_SPEECH, Status.OK, Status.BAD_SPEECH]
    assert found[0].message == "no speech token" and found[0].scores == {}


def test_the_server_judges_rows_that_it_only_read(ear, pipeline, rows):
    own = reward()
    instance = Instance(pipeline, "zh", own, 2000, Shortcut(pipeline, ear, own, Gate(own), 0))
    answers = instance.answer([Query(row.tokens, row.text, None, None, "", "0" * 16) for row in rows])
    for row, one in zip(rows, answers, strict=True):
        assert one.reward == own.judge(Heard.of(row.text, "zh", row.tokens.tolist(), one.measures)).score
        assert own.blame(Heard.of(row.text, "zh", row.tokens.tolist(), one.measures), len(row.tokens))
    with pytest.raises(ValueError, match=r"needs \{'token_ear': 'token_ear'\}"):
        Instance(pipeline, "zh", own, 2000)


def test_the_trainer_logs_the_way_and_refuses_a_server_of_another_mind():
    told = {**dict.fromkeys(WAYS, 0.0), "read": 1.0, "bias_low": -0.1, "bias_high": 0.1, "group": 0.2}
    by_ear = Measures("r", Status.OK, duration_s=1.0, scores={"token_ear": told})
    assert _token_ear(reward(), by_ear)["token_ear_read"] == 1.0
    assert _token_ear(reward(), by_ear)["token_ear_group"] == 0.2
    assert set(_token_ear(reward(), None)) == set(_token_ear(reward(), by_ear))
    learning = reward(distil={"every": 256, "steps": 8, "rate": 3e-4})
    taught = Measures("r", Status.OK, duration_s=1.0, scores={"token_ear": told | {"updates": 16.0, "loss": 0.25}})
    logged = _token_ear(learning, taught)
    assert (logged["token_ear_updates"], logged["token_ear_loss"]) == (16.0, 0.25)
    assert set(_token_ear(learning, None)) == set(logged) > set(_token_ear(reward(), by_ear))
    without = Reward({"terms": {"pinyin": {"weight": 1.0}}, "aggregation": {"name": "weighted_sum"},
                      "error": {"unit": "pinyin"}, "token_credit": None, "logged": []})  # fmt: skip
    assert _token_ear(without, Measures("r", Status.OK)) == {}
    for judge, measures in ((without, by_ear), (reward(), Measures("r", Status.OK))):
        with pytest.raises(ValueError, match="of the reward server and of the training differ"):
            _token_ear(judge, measures)


@pytest.mark.parametrize(
    ("term", "own", "reason"),
    [
        ("silence", {}, "terms.silence: needs .'silence_ratio'. of a wave, .*token_ear=null hears"),
        ("likelihood", {}, "terms.likelihood: needs .'ctc_nll'. of a wave"),
        (
            "token_likelihood",
            {"distil": {"every": 8, "steps": 1, "rate": 1e-4}},
            "terms.token_likelihood: and .*distil",
        ),
    ],
)
def test_terms_that_need_a_wave_and_the_token_ear_are_refused_together(term, own, reason):
    with pytest.raises(RewardConfigError, match=reason):
        reward(terms={term: {"weight": 1.0}}, **own)


def test_the_ears_own_likelihood_is_the_same_with_and_without_a_wave(ear, folder, pipeline, rows):
    own = reward({"pinyin": {"weight": 1.0}, "token_likelihood": {"weight": 0.5}}, audit=0.3)
    parts = (pipeline.token2wav, pipeline.asr, "tiny_mandarin", 400)
    heard = SpeechPipeline(*parts, {"token_likelihood": TokenLikelihood(str(folder / "ear"), pipeline.asr)})
    measures = Shortcut(heard, ear, own, Gate(own), seed=0).measure(rows)
    assert set(ways_of(measures)) == {"read", "audited"}
    wanted = [first_reading(row.text, "zh") for row in rows]
    expected = ear.nll([row.tokens.tolist() for row in rows], wanted)
    assert [one.scores["token_nll"] for one in measures] == pytest.approx(expected, rel=1e-4)
    assert "token_nll" not in Shortcut(pipeline, ear, reward(), Gate(reward()), 0).measure(rows)[0].scores


def test_blame_by_alignment_is_the_same_with_and_without_a_wave(ear, folder, pipeline, rows):
    own = reward(audit=0.3)
    own.by_alignment = True
    parts = (pipeline.token2wav, pipeline.asr, "tiny_mandarin", 400)
    heard = SpeechPipeline(*parts, {"token_alignment": TokenAlignment(str(folder / "ear"), pipeline.asr)})
    measures = Shortcut(heard, ear, own, Gate(own), seed=0).measure(rows)
    assert set(ways_of(measures)) == {"read", "audited"}
    expected = aligned_doubts(ear, rows)
    for row, one, doubts in zip(rows, measures, expected, strict=True):
        assert one.scores["token_doubt"] == pytest.approx(doubts, abs=0.011) and len(doubts) == len(row.tokens)
        heard_of = Heard.of(row.text, "zh", row.tokens.tolist(), one)
        assert own.blame(heard_of, len(row.tokens)) == one.scores["token_doubt"]
    others = [replace(row, text=other.text) for row, other in zip(rows, [*rows[1:], rows[0]], strict=True)]
    of_own, of_others = (np.concatenate(found).mean() for found in (expected, aligned_doubts(ear, others)))
    assert of_others > of_own  # the tokens say another text, and the small ear hardly hears which
    assert aligned_doubts(ear, [Row(rows[0].tokens, None, "zh", "龘")]) == [[]]  # never heard: by the edits


def test_a_row_that_a_term_cannot_judge_takes_no_other_with_it(ear, pipeline, rows):
    own, some = reward(audit=0.999), rows[:3]

    def picky(heard: Heard) -> float:
        if heard.text == some[1].text:
            raise KeyError("no such word")
        return 1.0

    own.values["pinyin"] = picky
    shortcut = Shortcut(pipeline, ear, own, Gate(own), seed=0)
    instance = Instance(pipeline, "zh", own, 2000, shortcut)
    answers = instance.answer([Query(row.tokens, row.text, None, None, "", "0" * 16) for row in some])
    assert [answer.measures.status for answer in answers] == [Status.OK] * 3
    assert [answer.reward for answer in answers[::2]] == [1.0, 1.0] and np.isnan(answers[1].reward)
    assert "cannot be judged: 'no such word'" in answers[1].measures.message
    assert shortcut.gate.audit.bounds.audits == 2


def test_what_the_ear_fails_on_is_heard(ear, pipeline, rows, monkeypatch):
    shortcut = Shortcut(pipeline, ear, reward(audit=0.001), Gate(reward()), seed=0)
    knows = TokenEar.knows
    odd = first_reading(rows[1].text, "zh")

    def broken(self, units, language=None):
        if units == odd:
            raise ValueError("a fault in a table")
        return knows(self, units, language)

    monkeypatch.setattr(TokenEar, "knows", broken)
    assert ways_of(shortcut.measure(rows[:3])) == ["read", "unsure", "read"]

    def full(self, tokens):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TokenEar, "transcribe", full)
    measures = shortcut.measure(rows[:3])
    assert ways_of(measures) == ["unsure"] * 3
    assert [one.transcript for one in measures] == [one.transcript for one in pipeline.measure(rows[:3])]
