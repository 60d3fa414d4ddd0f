"""GLM-TTS's token2wav: a release's directory, batches, and what is refused."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from omegaconf import OmegaConf

from data_prep.encode_voices import encoded
from models.flow.voice_features import LogMel
from models.glm_tts.flow import Flow, FlowConfig
from models.glm_tts.token2wav import MEL, GlmToken2Wav, hift, load_flow
from speech.files import write_jsonl
from speech.interfaces import Row
from speech.waves import read_wave
from tests.helpers.glm_sound import write_sound

RELEASED = {"vocab_size": 100_000, "input_frame_rate": 25, "mel_framerate": 50, "spkr_emb_adaLN": True}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With a vocoder 64 wide, which needs a tenth of the released one's time."""
    folder = tmp_path_factory.mktemp("release")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.glm_tts.token2wav.hift", partial(hift, 64))
        write_sound(folder, 64)
        yield folder


@pytest.fixture(scope="module")
def token2wav(release: Path) -> GlmToken2Wav:
    return GlmToken2Wav(str(release), str(release / "voices.jsonl"), steps=2)


def row(*tokens: int, voice: str | None = "anna") -> Row:
    return Row(np.array(tokens, np.int32), voice=voice, language="zh")


def test_a_batch_is_what_its_rows_are_alone(token2wav: GlmToken2Wav):
    """40 ms a token: 24 000 / 25 = 960 samples, or two frames. 57 tokens (50 are the voice's) are a frame less, because
    the published arithmetic is int(57 / 25 * 50) in floating point, 113."""
    rows = [row(*range(7)), row(*range(100, 112)), row(*range(32_748, 32_768))]
    together = token2wav.decode(rows)
    assert [len(wave) for wave in together] == [7 * 960 - 480, 12 * 960, 20 * 960]
    for one, wave in zip(rows, together, strict=True):
        np.testing.assert_allclose(token2wav.decode([one])[0], wave, atol=1e-4)
        assert np.abs(wave).max() > 1e-3 and wave.dtype == np.float32


def test_what_is_said_decides_what_is_heard(token2wav: GlmToken2Wav):
    first, other = token2wav.decode([row(1, 2, 3, 4), row(9, 8, 7, 6)])
    again = token2wav.decode([row(1, 2, 3, 4)])[0]
    np.testing.assert_allclose(again, first, atol=1e-4)
    assert np.abs(first - other).max() > 1e-3


def test_instances_in_other_threads_do_not_change_the_chance(token2wav: GlmToken2Wav):
    alone = token2wav.decode([row(1, 2, 3, 4)])[0]
    with ThreadPoolExecutor(4) as threads:
        waves = [wave for (wave,) in threads.map(token2wav.decode, [[row(1, 2, 3, 4)]] * 8)]
    for wave in waves:
        np.testing.assert_allclose(wave, alone, atol=1e-4)


def test_a_mel_comes_out_behind_its_voice():
    """Two tokens of voice and three of speech are 10 frames; the first 4 are the voice's. Without guidance by tokens or
    voice the walk of an estimator that always says 1 is from noise to noise + 1: (1.7 - 0.7) * the whole time."""
    few = RELEASED | {"vocab_size": 6}
    flow = Flow(FlowConfig(**few, remove_spkr_concat_condition=True, width=64, depth=0, heads=1))
    for name, parameter in flow.named_parameters():
        torch.nn.init.constant_(parameter, 1.0 if name == "estimator.proj_out.bias" else 0.0)
    noise = torch.arange(10.0)[:, None].expand(10, 80)
    (mel,) = flow([torch.tensor([1, 2, 3, 4, 5])], [torch.zeros(4, 80)], torch.ones(1, 192), [noise], steps=3)
    torch.testing.assert_close(mel, torch.arange(5.0, 11.0)[:, None].expand(6, 80))


def test_parameters_have_the_released_names_and_shapes():
    """Of flow.pt at full size: names as in flow/dit.py of zai-org/GLM-TTS, 768 wide, 18 deep, 12 heads of 64."""
    with torch.device("meta"):
        flow = Flow(FlowConfig(**RELEASED, remove_spkr_concat_condition=True))
    shapes = {name: tuple(value.shape) for name, value in flow.state_dict().items()}
    assert shapes["estimator.text_emb_layer.text_embed.weight"] == (100_001, 512)
    assert shapes["estimator.text_emb_layer.text_blocks.3.grn.gamma"] == (1, 1, 1024)
    assert shapes["estimator.emb_concator.proj.weight"] == (768, 80 + 80 + 512)
    assert shapes["estimator.emb_concator.conv_pos_embed.conv1d.2.weight"] == (768, 48, 31)
    assert shapes["estimator.transformer_blocks.17.attn_norm.linear.weight"] == (6 * 768, 768 + 192)
    assert shapes["estimator.transformer_blocks.17.attn.to_out.0.weight"] == (768, 768)
    assert shapes["estimator.transformer_blocks.0.ff.ff.0.0.weight"] == (1536, 768)
    assert shapes["estimator.transformer_blocks.0.ff.ff.2.weight"] == (768, 1536)
    assert shapes["estimator.norm_out.linear.weight"] == (2 * 768, 768 + 192)
    assert shapes["estimator.rotary_embed.inv_freq"] == (32,)
    assert len(shapes) == 4 + 1 + 4 * 10 + 6 + 1 + 18 * 14 + 4  # time, tokens, inputs, positions, blocks, output


def test_the_vocoder_has_the_released_names_and_shapes():
    """Of hift.pt at full size, as CosyVoice2's: 512 wide, halved by each of three upsamplings; 18 is real and imaginary
    part, or magnitude and phase, of 16 / 2 + 1 bins. A convolution with weight norm has three tensors, a block of
    three dilations 6 of them and 6 alphas, 24."""
    with torch.device("meta"):
        vocoder = hift()
    shapes = {name: tuple(value.shape) for name, value in vocoder.state_dict().items()}
    weight = "parametrizations.weight.original1"
    assert shapes[f"conv_pre.{weight}"] == (512, 80, 7)
    assert [shapes[f"ups.{n}.{weight}"] for n in range(3)] == [(512, 256, 16), (256, 128, 11), (128, 64, 7)]
    assert [shapes[f"source_downs.{n}.weight"] for n in range(3)] == [(256, 18, 30), (128, 18, 6), (64, 18, 1)]
    assert [shapes[f"resblocks.{n}.convs1.2.{weight}"][1:] for n in (0, 4, 8)] == [(256, 3), (128, 7), (64, 11)]
    assert [shapes[f"source_resblocks.{n}.convs2.0.{weight}"][2] for n in range(3)] == [7, 7, 11]
    assert shapes[f"f0_predictor.condnet.0.{weight}"] == (512, 80, 3)
    assert shapes[f"f0_predictor.condnet.8.{weight}"] == (512, 512, 3)
    assert shapes["f0_predictor.classifier.weight"] == (1, 512) and shapes["m_source.l_linear.weight"] == (1, 9)
    assert shapes[f"conv_post.{weight}"] == (18, 64, 7)
    assert len(shapes) == 3 + 3 * 3 + 3 * 2 + (3 + 9) * 24 + 3 + 2 + 5 * 3 + 2


def test_a_mel_of_a_tone_stands_at_its_frequency():
    """1000 Hz is 15 mel by Slaney's scale (3 mel for 200 Hz below it); 80 triangles up to 8000 Hz (mel 45.245) have
    their centres 0.5586 apart: 15 / 0.5586 is 26.85, between the bands 25 and 26 counted from 0."""
    mel = LogMel(**MEL)(np.sin(2 * np.pi * 1000 * np.arange(24_000) / 24_000).astype(np.float32))
    assert mel.shape == (50, 80)
    assert int(mel[25].argmax()) in (25, 26)


@pytest.mark.parametrize(
    ("voice", "told"),
    [(None, r"a given voice, got None; there are \['anna'\]"), ("otto", "no voice 'otto'; there are anna")],
)
def test_a_row_without_a_known_voice_is_refused(token2wav: GlmToken2Wav, voice: str | None, told: str):
    with pytest.raises(ValueError, match=told):
        token2wav.decode([row(1, voice=voice)])


@pytest.mark.parametrize("name", ["flow/flow.pt", "flow/config.yaml", "hift/hift.pt", "frontend/campplus.onnx"])
def test_a_missing_file_is_named(release: Path, tmp_path: Path, name: str):
    for file in release.rglob("*.*"):
        if file.relative_to(release) != Path(name) and file.is_file():
            (tmp_path / file.relative_to(release)).parent.mkdir(exist_ok=True)
            (tmp_path / file.relative_to(release)).symlink_to(file)
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        GlmToken2Wav(str(tmp_path), str(tmp_path / "voices.jsonl"))


def test_weights_of_another_model_are_refused(release: Path, tmp_path: Path):
    for name in ("flow", "hift", "frontend"):
        (tmp_path / name).symlink_to(release / name)
    (tmp_path / "hift").unlink()
    (tmp_path / "hift").mkdir()
    torch.save({"conv_pre.weight": torch.zeros(3)}, tmp_path / "hift" / "hift.pt")
    with pytest.raises(ValueError, match=r"hift\.pt does not fit HiFTGenerator"):
        GlmToken2Wav(str(tmp_path), str(release / "voices.jsonl"))


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("  input_frame_rate: 25\n", "", r"config\.yaml: no flow of GLM-TTS: .* 'input_frame_rate'"),
        ("  mel_framerate: 50\n", "", r"config\.yaml: no flow of GLM-TTS: .* 'mel_framerate'"),
        ("  depth: 2\n", "  deep: 2\n", r"config\.yaml: no flow of GLM-TTS: .* 'deep'"),
        ("flow:", "stream:", r"config\.yaml: expected flow"),
    ],
)
def test_a_configuration_of_another_flow_is_refused(release: Path, tmp_path: Path, written, instead, message):
    config = (release / "flow" / "config.yaml").read_text()
    assert written in config
    (tmp_path / "config.yaml").write_text(config.replace(written, instead))
    with pytest.raises(ValueError, match=message):
        load_flow(tmp_path)


def test_a_configuration_may_refer_to_itself_and_say_how_the_flow_was_trained(release: Path, tmp_path: Path):
    config = (release / "flow" / "config.yaml").read_text().replace("vocab_size: 32768", "vocab_size: !ref <codes>")
    (tmp_path / "config.yaml").write_text("codes: 32768\n" + config + "  loss_type: l2\n  use_mdt: False\n")
    (tmp_path / "flow.pt").symlink_to(release / "flow" / "flow.pt")
    assert load_flow(tmp_path).config.vocab_size == 32_768


def test_a_voice_in_stereo_is_the_mean_of_its_channels(release: Path, token2wav: GlmToken2Wav, tmp_path: Path):
    wave, rate = soundfile.read(release / "anna.wav")
    soundfile.write(tmp_path / "anna.wav", np.stack([2 * wave, 0 * wave], axis=1), rate)
    (tmp_path / "voices.jsonl").write_bytes((release / "voices.jsonl").read_bytes())
    stereo = GlmToken2Wav(str(release), str(tmp_path / "voices.jsonl"), steps=2)
    np.testing.assert_allclose(stereo.decode([row(1, 2, 3)])[0], token2wav.decode([row(1, 2, 3)])[0], atol=1e-3)


def test_features_that_a_voice_brings_are_taken_as_they_are(release: Path, token2wav: GlmToken2Wav, tmp_path: Path):
    """Those of its recording change nothing; another speaker's embedding is heard. They go through encode_voices."""
    (given,) = (json.loads(line) for line in (release / "voices.jsonl").read_text(encoding="utf-8").splitlines())
    told = token2wav.prompts([row(1)])[0]
    np.save(tmp_path / "mel.npy", told.mel.numpy())
    rows = [
        {**given, "name": name, "wav": str(release / given["wav"]), "embedding": f"{name}.pt", "mel": "mel.npy"}
        for name in ("same", "other")
    ]
    torch.save(told.embedding[None], tmp_path / "same.pt")
    torch.save(-told.embedding, tmp_path / "other.pt")
    write_jsonl(str(tmp_path / "in.jsonl"), rows)
    (tmp_path / "out").mkdir()
    own = {"input": f"{tmp_path}/in.jsonl", "output": f"{tmp_path}/out/voices.jsonl"}
    write_jsonl(own["output"], encoded(OmegaConf.create(own)))
    bringing = GlmToken2Wav(str(release), own["output"], steps=2)
    same, other = bringing.decode([row(1, 2, 3, voice="same"), row(1, 2, 3, voice="other")])
    np.testing.assert_allclose(same, token2wav.decode([row(1, 2, 3)])[0], atol=1e-4)
    assert np.abs(same - other).max() > 1e-3


def test_a_voice_without_recording_is_refused(release: Path, tmp_path: Path):
    (tmp_path / "voices.jsonl").write_text('{"name": "otto", "text": "好", "speech_tokens": [1]}\n')
    with pytest.raises(ValueError, match=r"voices need speech_tokens and wav for GLM-TTS, \['otto'\]"):
        GlmToken2Wav(str(release), str(tmp_path / "voices.jsonl"))


def test_a_recording_comes_at_the_rate_that_is_asked_for(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000), 48_000)
    wave = read_wave(str(tmp_path / "a.wav"), 16_000)
    assert len(wave) == 16_000
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(wave[1000:-1000], expected[1000:-1000], atol=1e-3)
