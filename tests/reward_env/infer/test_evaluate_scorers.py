"""Similarity and quality beside the error, by the real scorers: a small WavLM, and DNSMOS with its own weights."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from infer.evaluate import listen
from infer.hear import Listener, paid_for
from infer.records import Utterance
from infer.report import markdown
from infer.statistics import Bootstrap
from infer.summary import compare, summarise
from speech.interfaces import Row
from stages.config import compose_stage
from tests.helpers.small_ears import write_wavlm
from tests.helpers.small_models import paraformer

BOOTSTRAP = Bootstrap(100, seed=0, level=0.95)
LENGTH = 23  # tokens: DNSMOS repeats 1.15 s to the 9.2 s that it hears once; 1 s to 16 s, heard seven times


class Hum:
    """Speech tokens -> 50 ms each of harmonics of 100 Hz and more."""

    sample_rate, token_rate, codebook_size = 16_000, 20.0, 100

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        return [self.wave(row.tokens) for row in rows]

    def wave(self, tokens: np.ndarray) -> np.ndarray:
        times = np.arange(800 * len(tokens)) / 16_000
        return sum(0.1 * np.sin(2 * np.pi * (100 + tokens[0]) * k * times) for k in range(1, 9)).astype(np.float32)


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    """Its one voice has a recording of what token 5 sounds like."""
    paraformer(tmp_path / "paraformer", "BiCifParaformer")
    write_wavlm(tmp_path / "wavlm")
    soundfile.write(tmp_path / "low.wav", Hum().wave(np.full(LENGTH, 5)), 16_000, subtype="FLOAT")
    (tmp_path / "voices.jsonl").write_text('{"name": "low", "text": "今天", "wav": "low.wav"}\n')
    own = [f"cache.path={tmp_path}/heard.sqlite", f"recipe.voices={tmp_path}/voices.jsonl"]
    own += ["+scorers.feeling._target_=tests.helpers.evaluation.Feeling"]
    own += ["+scorers.mos._target_=reward_tts.scorers.mos.DNSMOSScorer", "scorers.similarity.device=cpu"]
    own += [f"scorers.similarity.model_dir={tmp_path}/wavlm", "cache.store_every=32"]
    cfg = compose_stage("cosyvoice2", "eval", tuple(own))
    cfg.ear = {"_target_": "reward_tts.asr.paraformer.ParaformerASR", "model_dir": f"{tmp_path}/paraformer"}
    heard = Listener(cfg)
    heard.token2wav = Hum()
    return heard


def spoken(*rows: tuple[list[int], str | None]) -> list[Utterance]:
    return [
        Utterance(i, 0, "今天", tokens, True, "zh", voice, emotion="happy") for i, (tokens, voice) in enumerate(rows)
    ]


def test_each_wave_is_scored_where_it_can_be_and_the_report_shows_it(listener):
    rows = listen(listener, spoken(([5] * LENGTH, "low"), ([80] * LENGTH, "low"), ([5] * LENGTH, None), ([], "low")))
    assert rows[0]["speaker_similarity"] == pytest.approx(1.0, abs=1e-5)  # its voice's own recording
    assert rows[1]["speaker_similarity"] < 1 - 1e-4
    assert ["speaker_similarity" in row for row in rows] == [True, True, False, False]  # no voice, no wave
    assert [1 <= row.get("mos", 0) <= 5 for row in rows] == [True, True, True, False]
    assert [row.get("emotion_probability") for row in rows] == [0.5, 0.25, 0.5, None]
    assert [row.get("emotion_heard") for row in rows] == ["happy", "sad", "happy", None]
    assert {row["emotion"] for row in rows} == {"happy"}
    summary = summarise(rows, BOOTSTRAP, outlier_at=0.5)
    mean = (rows[0]["speaker_similarity"] + rows[1]["speaker_similarity"]) / 2
    assert summary["speaker_similarity"]["value"] == pytest.approx(mean)
    worse = [{**row, "speaker_similarity": row["speaker_similarity"] / 2} for row in rows[:2]]
    systems = [{"system": "SFT", "decoding": "x", **summary}]
    results = {"systems": systems, "headline": summary["headline"], "ear": "m.Ear", "seed": 0, "baseline": "SFT"}
    results |= {"candidate": "GRPO", "comparisons": {"x": compare(rows[:2], worse, BOOTSTRAP)}}
    table = markdown(results, 0.5, OmegaConf.create({"level": 0.95, "resamples": 9}))
    assert f"| {mean:.3f} | {summary['mos']['value']:.2f} |" in table
    assert "| similarity: relative | MOS: relative |" in table and "-50.0% (-)" in table


def test_without_scorers_the_report_has_no_column_for_them(listener):
    listener._cfg.scorers = {}
    rows = listen(listener, spoken(([5] * LENGTH, "low")))
    summary = summarise(rows, BOOTSTRAP, outlier_at=0.5)
    assert summary["speaker_similarity"] is None and summary["mos"] is None
    results = {"systems": [{"system": "a", "decoding": "x", **summary}], "comparisons": {}, "ear": "m.Ear", "seed": 0}
    table = markdown(
        {**results, "headline": summary["headline"]}, 0.5, OmegaConf.create({"level": 0.95, "resamples": 9})
    )
    assert "similarity" not in table and "MOS" not in table


def test_the_report_says_which_measures_the_reward_pays_for_by_the_same_model():
    def found(recipe: str, *more: str) -> list[str]:
        return paid_for(compose_stage(recipe, "eval", more))

    four = ("recipe/reward=four", "scorers=emotion_laughter")
    assert found("glm_tts", *four) == ["emotion", "laughter_s", "speaker_similarity"]
    assert found("glm_tts", *four, "scorers.emotion.model_dir=another") == ["laughter_s", "speaker_similarity"]
    assert found("glm_tts", "scorers=emotion") == ["speaker_similarity"]  # the reward does not pay for emotion
    assert found("cosyvoice2", "scorers=emotion_laughter") == [] == found("tiny_mandarin")
