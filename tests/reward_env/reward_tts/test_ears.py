"""ASRs behind speech.interfaces.ASR, on small models of the real classes: what they write, when, and how surely."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, Wav2Vec2ForCTC

from reward_tts.asr import whisper_directory
from reward_tts.asr.funasr_directory import NO_HUB, AutoModel
from reward_tts.asr.mms import MMSASR
from reward_tts.asr.paraformer import ParaformerASR
from reward_tts.asr.whisper import WhisperASR
from reward_tts.scorers.likelihood import CTCLikelihood, WhisperLikelihood
from speech.interfaces import Row, Transcript
from tests.helpers.small_ears import write_mms
from tests.helpers.small_models import paraformer, whisper

RATE = 16_000


def same(a: Transcript, b: Transcript) -> bool:
    times = len(a.char_times) == len(b.char_times) and np.allclose(a.char_times, b.char_times, atol=1e-3)
    return a.text == b.text and times and a.confidence == pytest.approx(b.confidence, abs=1e-5)


@pytest.fixture(scope="module", params=["Paraformer", "BiCifParaformer", "SeacoParaformer"])
def small_paraformer(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paraformer(tmp_path_factory.mktemp("paraformer"), request.param)


def test_a_batch_of_paraformers_transcripts_is_what_each_wave_gives_alone(small_paraformer, speech):
    asr = ParaformerASR(str(small_paraformer))
    together = asr.transcribe(speech, ["zh"] * 3)
    for heard, wave in zip(together, speech, strict=True):
        assert same(heard, asr.transcribe([wave], ["zh"])[0])
        assert heard.text and len(heard.char_times) == len(heard.text)
        assert heard.char_times == sorted(heard.char_times) and heard.char_times[-1] < len(wave) / RATE + 0.06
    assert len({heard.text for heard in together}) == 3


def test_paraformer_writes_what_funasr_writes_and_when(small_paraformer, speech):
    asr = ParaformerASR(str(small_paraformer))
    published = AutoModel(model=str(small_paraformer), device="cpu", **NO_HUB)
    for wave, heard in zip(speech, asr.transcribe(speech, ["zh"] * 3), strict=True):
        (expected,) = published.generate(input=wave, fs=RATE)
        assert heard.text == expected["text"].replace(" ", "")
        if "timestamp" in expected:
            middles = [max(0, (start + stop) / 2000) for start, stop in expected["timestamp"]]
            # FunASR cuts begin and end to whole milliseconds before the middle is taken.
            # The last symbol is ours alone: FunASR gives it silence that comes after it.
            assert all(min(abs(t - m) for m in middles) < 1.1e-3 for t in heard.char_times[:-1])
            assert max(heard.char_times[:-1], default=0) <= heard.char_times[-1] < len(wave) / RATE


def test_paraformers_confidence_is_the_mean_probability_of_its_symbols(small_paraformer, speech):
    asr = ParaformerASR(str(small_paraformer))
    (heard,) = asr.transcribe(speech[:1], ["zh"])
    features, _ = asr.frontend(torch.from_numpy(speech[0])[None], torch.tensor([len(speech[0])]))
    with torch.inference_mode():
        encoded, lengths = asr.model.encode(features, torch.tensor([features.shape[1]]))
        acoustic, count, *_ = asr.model.calc_predictor(encoded, lengths)
        scores, _ = asr.model.cal_decoder_with_predictor(encoded, lengths, acoustic, count.round().long())
    likely, symbols = scores[0].exp().max(-1)
    written = [
        p for p, s in zip(likely.tolist(), symbols.tolist(), strict=True) if 2 < s < len(asr.tokenizer.token_list) - 1
    ]
    assert heard.confidence == pytest.approx(np.mean(written), abs=1e-5)


def test_paraformer_joins_the_pieces_of_a_word_and_parts_words(small_paraformer):
    asr = ParaformerASR(str(small_paraformer))
    ids = [asr.tokenizer.token_list.index(piece) for piece in ("今", "he@@", "llo", "ok", "<unk>", "天")]
    written = asr._write(torch.zeros(1, 20, 32), ids, [0.5] * 5 + [1.0])
    assert written.text == "今hello ok天" and written.confidence == pytest.approx(0.6)
    assert len(written.char_times) == len(written.text)


def test_a_language_unknown_to_paraformer_and_a_missing_directory_are_refused(small_paraformer, speech, tmp_path):
    with pytest.raises(ValueError, match=r"does not know the language \['en'\]: it has \['zh'\]"):
        ParaformerASR(str(small_paraformer)).transcribe(speech[:1], ["en"])
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.yaml'.*speech_seaco_paraformer_large"):
        ParaformerASR(str(tmp_path))


@pytest.fixture(scope="module")
def small_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper(tmp_path_factory.mktemp("whisper"))


LANGUAGES = ["zh", "en", "zh"]


@pytest.mark.parametrize("timestamps", [False, True])
def test_a_batch_of_whispers_transcripts_is_what_each_wave_gives_alone(small_whisper, speech, timestamps):
    asr = WhisperASR(str(small_whisper), max_new_tokens=12, timestamps=timestamps)
    together = asr.transcribe(speech, LANGUAGES)
    for heard, wave, language in zip(together, speech, LANGUAGES, strict=True):
        assert same(heard, asr.transcribe([wave], [language])[0])
        assert len(heard.char_times) == (len(heard.text) if timestamps else 0)
        assert all(0 <= time <= len(wave) / RATE for time in heard.char_times)
        assert heard.char_times == sorted(heard.char_times)
    assert len({heard.text for heard in together}) == 3


def test_whispers_language_is_that_of_the_row(small_whisper, speech):
    asr = WhisperASR(str(small_whisper), max_new_tokens=12)
    in_two = asr.transcribe([speech[0], speech[0]], ["zh", "en"])
    assert in_two[0].text != in_two[1].text
    with pytest.raises(ValueError, match=r"does not know the language \['ko'\]: it has \['en', 'zh'\]"):
        asr.transcribe(speech[:1], ["ko"])


def test_whisper_writes_the_likeliest_tokens_with_their_mean_probability(small_whisper, speech, monkeypatch):
    asr = WhisperASR(str(small_whisper), max_new_tokens=7)
    tokenizer, model = asr.whisper.processor.tokenizer, asr.whisper.model
    generate, kept = model.generate, []
    monkeypatch.setattr(model, "generate", lambda **options: kept.append(generate(**options)) or kept[-1])
    (heard,) = asr.transcribe(speech[:1], ["zh"])
    assert type(kept[0]) is torch.Tensor  # no scores of each step, nor the cache
    ids = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|zh|>", "<|transcribe|>", "<|notimestamps|>"])
    features, _ = asr.whisper.features(speech[:1])
    likely = []
    with torch.inference_mode():
        for step in range(7):
            logits = model(input_features=features, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
            logits[model.generation_config.suppress_tokens] = -torch.inf
            if step == 0:
                logits[tokenizer.eos_token_id] = -torch.inf
            best = logits.softmax(-1).max(-1)
            if best.indices == tokenizer.eos_token_id:
                break
            ids.append(best.indices.item())
            likely.append(best.values.item())
    assert heard.text == tokenizer.decode(ids[4:]).strip()
    assert heard.confidence == pytest.approx(np.mean(likely), abs=1e-4)


def test_whispers_transcripts_that_reach_the_limit_are_counted_and_said(small_whisper, caplog):
    asr = WhisperASR(str(small_whisper), max_new_tokens=3)
    tokenizer = asr.whisper.processor.tokenizer
    ids = tokenizer("abc", add_special_tokens=False).input_ids
    assert asr._write([*ids[:2], tokenizer.eos_token_id], [0.5] * 3, None).text == "ab" and asr.cut.count == 0
    assert [asr._write(ids, [0.5] * 3, None).text for _ in range(3)] == ["abc"] * 3 and asr.cut.count == 3
    assert [record.getMessage()[:47] for record in caplog.records] == [
        "1 transcripts so far were cut at max_new_tokens"
    ]
    assert WhisperASR(str(small_whisper)).max_new_tokens == 440  # of 448, with four of the prompt


def test_times_of_tokens_become_times_of_characters(small_whisper):
    asr = WhisperASR(str(small_whisper), timestamps=True)
    tokenizer = asr.whisper.processor.tokenizer
    ids = tokenizer(" a今b", add_special_tokens=False).input_ids  # bytes: a space, a, three of 今, b
    assert len(ids) == 6
    written = asr._write([*ids, tokenizer.eos_token_id], [0.5] * 6 + [0.1], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert written == Transcript("a今b", [0.2, 0.8, 1.0], 0.5)
    assert asr._write([tokenizer.eos_token_id], [0.9], [0.0]) == Transcript("", [], 0.0)


def test_asr_and_likelihood_of_one_directory_share_a_model_and_encode_a_wave_once(small_whisper, speech, monkeypatch):
    asr = WhisperASR(str(small_whisper), max_new_tokens=12, batch_size=2)
    likelihood = WhisperLikelihood(f"{small_whisper}/../{small_whisper.name}", batch_size=2)
    assert asr.whisper is likelihood.whisper
    waves = [wave.copy() for wave in speech]
    encoded = []
    hook = asr.whisper.model.get_encoder().register_forward_hook(lambda _, inputs, __: encoded.append(len(inputs[0])))
    heard = asr.transcribe(waves, LANGUAGES)
    rows = [Row(np.array([1], np.int32), None, language, "今天") for language in LANGUAGES]
    scored = [m["nll"] for m in likelihood.measure(waves, rows)]
    own = CTCLikelihood(asr).measure(waves, rows)  # in the place of SenseVoice's CTC
    assert [m["ctc_nll"] for m in own] == pytest.approx(scored, abs=1e-5) and encoded == [2, 1]
    again = [wave.copy() for wave in speech]
    assert [m["nll"] for m in likelihood.measure(again, rows)] == pytest.approx(scored, abs=1e-5)
    assert all(map(same, asr.transcribe(again, LANGUAGES), heard)) and encoded == [2, 1, 2, 1]
    monkeypatch.setattr(whisper_directory, "_ENCODED", 1)
    assert asr.transcribe([waves[0].copy()], ["zh"])[0].text and len(asr.whisper._encoded) == 1
    hook.remove()
    half = WhisperASR(str(small_whisper), dtype="bfloat16", max_new_tokens=12)
    assert half.whisper is not asr.whisper and half.whisper.model.dtype == torch.bfloat16
    assert half.transcribe(speech[:1], ["zh"])[0].text


def test_whisper_without_its_files_languages_or_alignment_heads_is_refused(small_whisper, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.json'.*openai/whisper-large-v3"):
        WhisperASR(str(tmp_path))
    shutil.copytree(small_whisper, tmp_path / "bare")
    written = tmp_path / "bare" / "generation_config.json"
    settings = json.loads(written.read_text())
    written.write_text(json.dumps({k: v for k, v in settings.items() if k != "alignment_heads"}))
    with pytest.raises(ValueError, match="has no alignment_heads"):
        WhisperASR(str(tmp_path / "bare"), timestamps=True)
    shutil.copytree(small_whisper, tmp_path / "english")
    written = tmp_path / "english" / "generation_config.json"
    written.write_text(json.dumps({k: v for k, v in settings.items() if k != "lang_to_id"}))
    with pytest.raises(ValueError, match="has no lang_to_id"):
        WhisperASR(str(tmp_path / "english"))


def test_a_confidence_is_a_probability():
    with pytest.raises(ValueError, match=r"in \[0, 1\], got 1\.5"):
        Transcript("你", [], 1.5)


@pytest.fixture(scope="module")
def small_mms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    alphabets = {"eng": "abcdefgh", "pol": "ąćęłńóś", "rus": "абвгд"}
    return write_mms(tmp_path_factory.mktemp("mms") / "model", alphabets)


def test_mms_writes_each_row_in_its_languages_letters_and_a_batch_as_each_wave(small_mms, speech):
    asr = MMSASR(str(small_mms), {"en": "eng", "pl": "pol", "ru": "rus"})
    rows = [(wave, language) for language in ("pl", "en", "ru") for wave in speech]
    together = asr.transcribe(*(list(column) for column in zip(*rows, strict=True)))
    for heard, (wave, language) in zip(together, rows, strict=True):
        assert heard == asr.transcribe([wave], [language])[0]
        assert set(heard.text) <= set({"pl": "ąćęłńóś", "en": "abcdefgh", "ru": "абвгд"}[language] + " ")
    assert isinstance(asr.transcribe([speech[0][:320]], ["en"])[0].text, str)  # one token of 50 a second
    assert len({heard.text for heard in together}) > 3  # not one for each language: the small model listens


def test_mms_writes_what_transformers_pipeline_writes(small_mms, speech):
    model = Wav2Vec2ForCTC.from_pretrained(small_mms, target_lang="rus", ignore_mismatched_sizes=True)
    processor = AutoProcessor.from_pretrained(small_mms, target_lang="rus")
    heard = MMSASR(str(small_mms), {"ru": "rus"}).transcribe(speech, ["ru"] * 3)
    for wave, found in zip(speech, heard, strict=True):
        inputs = processor(wave, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            ids = model(**inputs).logits.argmax(-1)[0]
        assert found.text == processor.decode(ids, skip_special_tokens=True).strip()


def test_mms_says_which_file_or_language_is_missing(small_mms, speech, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks \['adapter\.deu\.safetensors'\]"):
        MMSASR(str(small_mms), {"de": "deu"})
    shutil.copytree(small_mms, tmp_path / "mms")
    shutil.copy(small_mms / "adapter.eng.safetensors", tmp_path / "mms" / "adapter.fra.safetensors")
    with pytest.raises(ValueError, match=r"vocab\.json has no \['fra'\]; it has \['eng', 'pol', 'rus'\]"):
        MMSASR(str(tmp_path / "mms"), {"fr": "fra"})
    with pytest.raises(ValueError, match=r"was not given the language \['ja'\]"):
        MMSASR(str(small_mms), {"en": "eng"}).transcribe(speech[:1], ["ja"])
