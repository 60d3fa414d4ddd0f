"""CosyVoice2's decoder: a release of the published layout, small, by the real classes."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.cosyvoice.prompt_features import PromptReader
from models.cosyvoice.release import fixed_noise, load_flow, read_config
from models.cosyvoice.token2wav import CosyVoiceToken2Wav
from models.flow.seeded_noise import SeededNoise
from speech.interfaces import Row
from speech.voices import Voice, read_voices
from tests.helpers.cosyvoice_decoder import CODEBOOK
from tests.helpers.cosyvoice_release import write_sound


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    torch.manual_seed(0)
    write_sound(folder, "cosyvoice2")
    return folder


@pytest.fixture(scope="module")
def token2wav(release) -> CosyVoiceToken2Wav:
    return CosyVoiceToken2Wav(str(release), str(release / "voices.jsonl"))


def row(count: int, voice: str | None, text: str = "今天") -> Row:
    tokens = np.random.default_rng(count).integers(0, CODEBOOK, count).astype(np.int32)
    return Row(tokens, voice, "zh", text)


def test_a_batch_sounds_like_its_rows_one_by_one(token2wav):
    rows = [row(3, "deep"), row(8, "high"), row(21, "deep"), row(8, "deep")]
    together = token2wav.decode(rows)
    for one, wave in zip(rows, together, strict=True):
        alone = token2wav.decode([one])[0]
        assert wave.shape == (len(one.tokens) * 24_000 // 25,)
        np.testing.assert_allclose(wave, alone, rtol=0, atol=1e-5)
        assert np.abs(alone).max() > 1e-3
    assert token2wav.sample_rate == 24_000 and token2wav.token_rate == 25.0 and token2wav.codebook_size == CODEBOOK


def test_without_zeros_behind_the_end_a_batch_would_sound_otherwise(release):
    """What flashcosyvoice does by itself: the encoder looks three tokens ahead, into the padding."""
    flow = load_flow(release, read_config(release), steps=10)
    tokens, lengths = torch.randint(0, CODEBOOK, (2, 20)), torch.tensor([12, 20])
    rest = (torch.zeros(2, 4, 80), torch.tensor([4, 4]), torch.ones(2, 192), False, True)
    batch = flow(tokens, lengths, *rest)[0][0, :, :24]
    alone = flow(tokens[:1, :12], lengths[:1], *[r[:1] if torch.is_tensor(r) else r for r in rest])[0][0]
    torch.testing.assert_close(batch, alone, rtol=0, atol=1e-5)
    flow.encoder.pre_lookahead_layer._forward_pre_hooks.clear()
    assert (flow(tokens, lengths, *rest)[0][0, :, :24] - alone).abs().max() > 1e-3


def test_the_voice_is_the_rows_own_or_follows_from_its_text(token2wav):
    deep, high = (token2wav.decode([row(10, voice)])[0] for voice in ("deep", "high"))
    assert np.abs(deep - high).max() > 1e-3
    spoken = {text: token2wav.decode([row(10, None, text)])[0] for text in ("一", "二", "三", "四", "五", "六")}
    heard = {text: "deep" if np.array_equal(wave, deep) else "high" for text, wave in spoken.items()}
    assert set(heard.values()) == {"deep", "high"}
    for text, name in heard.items():
        np.testing.assert_array_equal(spoken[text], {"deep": deep, "high": high}[name])
        np.testing.assert_array_equal(token2wav.decode([row(10, None, text)])[0], spoken[text])


def test_a_voice_that_is_in_no_prompt_sounds_as_it_does_by_default(release, token2wav):
    told = {"name": "high", "wav": "high.wav", "prompted": False}
    (release / "alone.jsonl").write_text(json.dumps(told) + "\n")
    alone = CosyVoiceToken2Wav(str(release), str(release / "alone.jsonl"), default_voice="high")
    heard = [*alone.decode([row(10, "high")]), *alone.decode([row(10, None)]), *token2wav.decode([row(10, "high")])]
    np.testing.assert_array_equal(heard[0], heard[1])
    np.testing.assert_array_equal(heard[0], heard[2])


def test_features_of_a_voice_are_computed_once_for_all_pipelines_of_a_process(release, tmp_path, monkeypatch):
    """Those that were used last are kept, as many as are asked for; of a failure nothing is."""
    shutil.copytree(release, tmp_path / "own")  # another release: nothing of it is known yet
    both = [CosyVoiceToken2Wav(str(tmp_path / "own"), str(release / "voices.jsonl"), "high") for _ in range(2)]
    read, asked = PromptReader.read, []
    monkeypatch.setattr(PromptReader, "read", lambda self, voice: asked.append(voice.name) or read(self, voice))
    rows = [row(4, None), row(5, "deep"), row(6, "high")]
    with ThreadPoolExecutor(2) as pipelines:
        first, second = pipelines.map(lambda one: one.prompts(rows), both)
    assert sorted(asked) == ["deep", "high"]
    assert [a is b for a, b in zip(first, second, strict=True)] == [True] * 3 and first[0] is first[2]
    both[0]._voices_kept = 1
    both[0].prompts([row(7, "deep")])
    assert asked[2:] == []
    both[1].prompts([row(7, "high")])
    assert asked[2:] == ["high"]

    def broken(self, voice):
        raise ValueError("no wave")

    monkeypatch.setattr(PromptReader, "read", broken)
    lost = replace(both[0].voices["deep"], name="lost")
    both[0].voices["lost"] = lost
    with pytest.raises(ValueError, match="no wave"):
        both[0].decode([row(4, "lost")])
    monkeypatch.setattr(PromptReader, "read", read)
    assert both[0].decode([row(4, "lost")])[0].shape == (4 * 960,)


def test_a_prompt_is_tokens_mel_and_embedding_of_the_same_second(release):
    """1 s: 25 tokens, 50 frames of mel. A voice that names its tokens keeps them, the other gets the tokenizer's."""
    reader = PromptReader(release, "speech_tokenizer_v2.onnx", read_config(release)["feat_extractor"], 2)
    voices = read_voices(str(release / "voices.jsonl"))
    deep, high = reader.read(voices["deep"]), reader.read(voices["high"])
    assert deep.tokens.tolist() == list(range(25))
    assert high.tokens.shape == (25,) and high.tokens.min() >= 0 and high.tokens.max() < CODEBOOK
    for prompt in (deep, high):
        assert prompt.mel.shape == (50, 80) and prompt.embedding.shape == (192,)
    assert (deep.embedding - high.embedding).abs().max() > 1e-2


def test_the_mel_of_a_prompt_is_that_of_the_real_package(release):
    from stepaudio2.flashcosyvoice.utils.audio import mel_spectrogram

    wave, _ = soundfile.read(release / "high.wav", dtype="float32")
    reader = PromptReader(release, "speech_tokenizer_v2.onnx", read_config(release)["feat_extractor"], 2)
    theirs = mel_spectrogram(torch.from_numpy(wave)[None])[0].T
    torch.testing.assert_close(reader.log_mel(wave), theirs, rtol=0, atol=1e-5)


def test_the_flow_starts_from_the_official_packages_noise():
    torch.manual_seed(0)
    assert torch.equal(fixed_noise(80), torch.randn([1, 80, 50 * 300]))


def test_the_vocoders_noise_is_a_blocks_own():
    with SeededNoise(1):
        first = torch.randn_like(torch.zeros(4)), torch.rand(2, 3)
    torch.rand(7)
    with SeededNoise(1):
        again = torch.randn_like(torch.zeros(4)), torch.rand(2, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[1].min() >= 0 and first[1].max() <= 1


def test_an_unknown_voice_is_named_with_those_there_are(token2wav):
    with pytest.raises(ValueError, match="there is no voice 'nobody'; there are deep, high"):
        token2wav.decode([row(4, "deep"), row(4, "nobody")])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"name": "a", "text": "b"}, "recordings that are not there"),
        ({"name": "a", "text": "b", "wav": "gone.wav"}, r"recordings that are not there: \[.*gone.wav"),
    ],
)
def test_a_voice_without_a_recording_is_refused_at_the_start(release, tmp_path, line, message):
    (tmp_path / "voices.jsonl").write_text(json.dumps(line))
    with pytest.raises(FileNotFoundError, match=message):
        CosyVoiceToken2Wav(str(release), str(tmp_path / "voices.jsonl"))


def test_what_is_missing_is_named_with_the_stage_that_brings_it(release, tmp_path):
    voices = str(release / "voices.jsonl")
    with pytest.raises(ValueError, match=r"\(recipe\.voices\) holds no voice"):
        CosyVoiceToken2Wav(str(release), None)
    with pytest.raises(FileNotFoundError, match=r"cosyvoice2\.yaml or cosyvoice3\.yaml is missing: the stage `models`"):
        CosyVoiceToken2Wav(str(tmp_path), voices)
    (tmp_path / "cosyvoice2.yaml").write_text((release / "cosyvoice2.yaml").read_text())
    with pytest.raises(FileNotFoundError, match=r"flow\.pt is missing"):
        CosyVoiceToken2Wav(str(tmp_path), voices)
    with pytest.raises(ValueError, match=r"token2wav\.dtype is one of"):
        CosyVoiceToken2Wav(str(release), voices, dtype="int8")


def test_a_recording_that_is_missing_or_longer_than_the_tokenizer_takes_is_refused(release, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros(31 * 8000, np.float32), 8000)
    reader = PromptReader(release, "speech_tokenizer_v2.onnx", read_config(release)["feat_extractor"], 2)
    with pytest.raises(ValueError, match=r"lasts 31\.0 s, at most 30"):
        reader.read(Voice("a", "b", (1,), str(tmp_path / "long.wav")))
    with pytest.raises(FileNotFoundError, match=r"voice 'a': its recording .*gone\.wav is missing"):
        reader.read(Voice("a", "b", (1,), str(tmp_path / "gone.wav")))


def test_the_flow_takes_as_many_steps_as_it_is_told(release):
    few, passes = CosyVoiceToken2Wav(str(release), str(release / "voices.jsonl"), steps=3), []
    few.flow.decoder.estimator.register_forward_hook(lambda *_: passes.append(1))
    few.decode([row(5, "deep")])
    assert len(passes) == 3


def test_half_precision_of_the_flow_speaks_nearly_the_same(release, token2wav):
    half = CosyVoiceToken2Wav(str(release), str(release / "voices.jsonl"), dtype="bfloat16")
    mel, reference = (t._mels([torch.arange(10)], t.prompts([row(10, "deep")]))[0] for t in (half, token2wav))
    assert mel.dtype == torch.float32
    assert (mel - reference).abs().mean() < 0.1 * reference.abs().mean()
