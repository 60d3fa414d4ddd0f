"""Scorers of quality, likelihood, emotion and laughter: with the weights that packages carry, or the loading code on
small models of their classes."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForAudioFrameClassification

from reward_tts.scorers.emotion import Emotion2Vec
from reward_tts.scorers.laughter import LaughterSegments, stretches_seconds
from reward_tts.scorers.likelihood import WhisperLikelihood
from reward_tts.scorers.mos import DistillMOS, DNSMOSScorer
from speech.interfaces import Row
from tests.helpers.small_emotion2vec import write_emotion2vec
from tests.helpers.small_models import SMALL_ENCODER, whisper

RATE = 16_000


def row(text: str = "", language: str = "zh") -> Row:
    return Row(np.array([1], np.int32), None, language, text)


def test_dnsmos_prefers_speech_to_noise(speech, noise):
    clean, noisy = (m["mos"] for m in DNSMOSScorer().measure([speech[1], noise[:18_400]], [row()] * 2))
    assert 1.0 <= noisy < 2.0 < clean <= 5.0
    steady = (0.1 * np.random.default_rng(0).normal(size=18_400)).astype(np.float32)
    (whole,) = DNSMOSScorer(level_db=None).measure([steady], [row()])
    assert whole["mos"] == pytest.approx(1.0995279514)  # of speechmos 0.0.1.1 with both its models
    with pytest.raises(ValueError, match="measure_name is one of"):
        DNSMOSScorer("quality")


def test_distillmos_prefers_speech_to_noise_and_a_batch_is_each_wave_alone(speech, noise):
    scorer = DistillMOS(name="distill_mos")
    noisy = (speech[1] + 0.3 * noise[: len(speech[1])]).astype(np.float32)
    long = np.tile(speech[1], 6)[: 8 * RATE]  # longer than its window
    waves = [speech[1], long, noisy, noise]
    clean, longer, worse, worst = (m["distill_mos"] for m in scorer.measure(waves, [row()] * 4))
    assert 1.0 <= worst < worse < clean <= 5.0 and longer > worse
    alone = [scorer.measure([wave], [row()])[0]["distill_mos"] for wave in (0.1 * speech[1], long)]
    assert [clean, longer] == pytest.approx(alone, abs=1e-3)
    assert "torchaudio" not in sys.modules


@pytest.fixture(scope="module")
def small_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper(tmp_path_factory.mktemp("whisper"))


def test_the_likelihood_is_that_of_each_token_given_those_before(small_whisper, speech):
    scorer = WhisperLikelihood(str(small_whisper))
    rows = [row("hi", language="en"), row("今天", language="zh")]
    together = [m["nll"] for m in scorer.measure(speech[:2], rows)]
    alone = [scorer.measure([wave], [one])[0]["nll"] for wave, one in zip(speech, rows, strict=False)]
    assert together == pytest.approx(alone, abs=1e-4)
    # The first by hand: token after token, without a batch.
    tokenizer = scorer.processor.tokenizer
    start = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"])
    ids = [*start, *tokenizer("hi", add_special_tokens=False).input_ids, tokenizer.eos_token_id]
    features = scorer.processor(speech[0], sampling_rate=RATE, return_tensors="pt").input_features
    losses = []
    with torch.inference_mode():
        for size in range(len(start), len(ids)):
            logits = scorer.model(input_features=features, decoder_input_ids=torch.tensor([ids[:size]])).logits[0, -1]
            losses.append(-torch.log_softmax(logits, -1)[ids[size]].item())
    assert len(losses) == 3 and together[0] == pytest.approx(np.mean(losses), abs=1e-4)


def test_a_text_longer_than_whisper_reads_is_told_before_the_model_sees_it(small_whisper, speech, monkeypatch):
    """On a GPU an index beyond its table of positions would end the process, and the rows of all others with it."""
    scorer = WhisperLikelihood(str(small_whisper))
    monkeypatch.setattr(scorer.model.config, "max_target_positions", 20)
    monkeypatch.setattr(scorer.model, "forward", None)
    with pytest.raises(ValueError, match=r"'今天今天.*\.\.\. has \d+ of Whisper's tokens, it reads 20 at most"):
        scorer.measure(speech[:2], [row("hi", language="en"), row("今天" * 20, language="zh")])


@pytest.fixture(scope="module")
def small_emotion2vec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as iic/emotion2vec_plus_base has it, of FunASR's own class with random weights."""
    folder = tmp_path_factory.mktemp("emotion2vec")
    write_emotion2vec(folder)
    return folder


def test_emotions_are_probabilities_by_name(small_emotion2vec, speech):
    scorer = Emotion2Vec(str(small_emotion2vec))
    together = [m["emotion"] for m in scorer.measure(speech, [row()] * 3)]
    for wave, found in zip(speech, together, strict=True):
        assert set(found) == {"angry", "happy", "neutral", "unk"}
        assert sum(found.values()) == pytest.approx(1.0, abs=1e-5)
        (alone,) = scorer.measure([wave], [row()])
        assert alone["emotion"] == pytest.approx(found, abs=1e-5)
    (short,) = scorer.measure([speech[0][:320]], [row()])  # one token of 50 a second
    assert sum(short["emotion"].values()) == pytest.approx(1.0, abs=1e-5)
    assert together[0] != together[1]


@pytest.fixture(scope="module")
def small_laughter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame classifier of the real class with random weights."""
    folder = tmp_path_factory.mktemp("laughter")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **SMALL_ENCODER,
        id2label={0: "speech", 1: "laughter"},
        label2id={"speech": 0, "laughter": 1},
    )
    model = Wav2Vec2ForAudioFrameClassification(config)
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    return folder


def test_laughter_is_counted_in_seconds_of_the_wave(small_laughter, speech):
    always = LaughterSegments(str(small_laughter), "laughter", threshold=0.0, min_seconds=0.1)
    never = LaughterSegments(str(small_laughter), "laughter", threshold=1.1, min_seconds=0.1)
    assert [m["laughter_s"] for m in always.measure(speech, [row()] * 3)] == pytest.approx(
        [len(wave) / RATE for wave in speech]
    )
    assert [m["laughter_s"] for m in never.measure(speech, [row()] * 3)] == [0.0] * 3
    always.min_seconds = 0.0
    assert always.measure([speech[0][:320]], [row()]) == [{"laughter_s": 0.02}]
    with pytest.raises(ValueError, match=r"labels \['laughter', 'speech'\], not 'joy'"):
        LaughterSegments(str(small_laughter), "joy", threshold=0.5, min_seconds=0.1)


def test_bare_weights_and_another_heads_configuration_are_the_same_classifier(tmp_path, speech):
    """As LaughterSegmentation is published: one class, names behind `audio_model.`, weight norm by its older names; the
    configuration is that of the CTC model it was finetuned from."""
    torch.manual_seed(0)
    model = Wav2Vec2ForAudioFrameClassification(Wav2Vec2Config(**SMALL_ENCODER, num_labels=1))
    model.save_pretrained(tmp_path / "whole")
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    bare = {}
    for name, value in load_file(tmp_path / "whole/model.safetensors").items():
        renamed = next((name.replace(new, before) for new, before in old.items() if new in name), name)
        bare[f"audio_model.{renamed}"] = value
    (tmp_path / "bare").mkdir()
    save_file(bare, tmp_path / "bare/model.safetensors")
    Wav2Vec2Config(**SMALL_ENCODER, architectures=["Wav2Vec2ForCTC"]).save_pretrained(tmp_path / "bare")
    for name in ("whole", "bare"):
        Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(tmp_path / name)
    whole, bare = (
        LaughterSegments(str(tmp_path / name), "laughter", 0.5, 0.0, labels=["laughter"], peak=1.0)
        for name in ("whole", "bare")
    )
    ours, theirs = whole.model.state_dict(), bare.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert whole.measure(speech, [row()] * 3) == bare.measure(speech, [row()] * 3)
    (tmp_path / "bare/model.safetensors").unlink()
    save_file({"audio_model.lm_head.weight": torch.zeros(2, 16)}, tmp_path / "bare/model.safetensors")
    with pytest.raises(ValueError, match=r"is no Wav2Vec2ForAudioFrameClassification of \['laughter'\]: \['classifier"):
        LaughterSegments(str(tmp_path / "bare"), "laughter", 0.5, 0.0, labels=["laughter"])


def test_with_a_peak_laughter_does_not_depend_on_loudness(small_laughter, speech):
    """Which frames laugh half way between the least and the largest probability, in a loud and in a soft wave."""
    scorer = LaughterSegments(str(small_laughter), "laughter", 0.5, 0.0, peak=1.0)
    with torch.inference_mode():
        values = torch.from_numpy(speech[0] / np.abs(speech[0]).max())[None]
        likely = scorer.model(input_values=values).logits[0].softmax(-1)[:, 1]
    scorer.threshold = float(likely.min() + likely.max()) / 2
    share = (likely >= scorer.threshold).double().mean().item()
    loud, soft, silent = (
        scorer.measure([wave], [row()])[0]["laughter_s"] for wave in (speech[0], speech[0] / 8, speech[0] * 0)
    )
    assert 0 < share < 1 and loud == soft == pytest.approx(share * len(speech[0]) / RATE)
    assert np.isfinite(silent)


def test_only_long_stretches_of_laughter_count():
    frames = np.array([1, 1, 0, 1, 1, 1, 0, 1], bool)
    assert stretches_seconds(frames, 0.1, 0.2) == pytest.approx(0.5)
    assert stretches_seconds(frames, 0.1, 0.3) == pytest.approx(0.3)
    assert stretches_seconds(np.zeros(5, bool), 0.1, 0.0) == 0.0


def test_a_scorer_without_its_weights_says_what_to_download_and_where_to(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.yaml'.*iic/emotion2vec_plus_base"):
        Emotion2Vec(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.json'.*frame classifier for laughter"):
        LaughterSegments(str(tmp_path), "laughter", threshold=0.5, min_seconds=0.1)
