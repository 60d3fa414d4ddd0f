"""Scorers of voices: with the weights that packages carry, or the loading code on small models of their classes."""

import numpy as np
import pytest
import soundfile
import torch
from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector

from reward_tts.scorers.funasr_speaker import _ARCHITECTURES, FunASRSpeaker
from reward_tts.scorers.speaker import Resemblyzer
from reward_tts.scorers.xvector import XVector
from speech.interfaces import Row
from tests.helpers.small_models import SMALL_ENCODER

RATE = 16_000


def row(voice: str | None = None) -> Row:
    return Row(np.array([1], np.int32), voice, "zh", "")


def test_a_voice_is_more_like_itself_than_like_noise(tmp_path, speech, noise):
    reference = tmp_path / "voice.wav"
    soundfile.write(reference, speech[0], RATE)
    scorer = Resemblyzer({"anna": str(reference)}, default="anna")
    same, other, wrong = (m["speaker_similarity"] for m in scorer.measure([*speech[:2], noise], [row()] * 3))
    assert same == pytest.approx(1.0, abs=1e-2)  # 16 bit in the file
    assert other > 0.7 > wrong
    alone = scorer.measure([speech[1]], [row(voice="anna")])
    assert alone[0]["speaker_similarity"] == pytest.approx(other, abs=1e-5)


def test_a_missing_reference_and_an_unknown_voice_are_refused(tmp_path, speech):
    with pytest.raises(FileNotFoundError, match="is missing: the recording of a voice"):
        Resemblyzer({"anna": str(tmp_path / "none.wav")}, default="anna")
    with pytest.raises(ValueError, match=r"'berta' is none of \['anna'\]"):
        Resemblyzer({"anna": "a.wav"}, default="berta")
    reference = tmp_path / "voice.wav"
    soundfile.write(reference, speech[0], RATE)
    with pytest.raises(ValueError, match=r"no reference for the voice \['berta'\]"):
        Resemblyzer({"anna": str(reference)}, default="anna").measure(speech[:1], [row(voice="berta")])


def test_an_x_vector_model_measures_the_same_way(tmp_path, speech):
    """A WavLM of the real class with random weights, in the layout of microsoft/wavlm-base-plus-sv."""
    torch.manual_seed(0)
    config = WavLMConfig(
        **SMALL_ENCODER,
        tdnn_dim=(16, 16),
        tdnn_kernel=(5, 1),
        tdnn_dilation=(1, 1),
        xvector_output_dim=8,
    )
    WavLMForXVector(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(tmp_path)
    voices = {name: str(tmp_path / f"{name}.wav") for name in ("anna", "berta")}
    for wave, path in zip(speech, voices.values(), strict=False):
        soundfile.write(path, wave, RATE, subtype="FLOAT")
    scorer = XVector(str(tmp_path), voices, default="anna")
    own, other = scorer.measure([speech[0], speech[0]], [row(), row(voice="berta")])
    assert own["speaker_similarity"] == pytest.approx(1.0, abs=1e-5)
    assert -1.0 <= other["speaker_similarity"] < 1.0 - 1e-6
    assert (
        -1.0 <= scorer.measure([speech[0][:800]], [row()])[0]["speaker_similarity"] <= 1.0
    )  # 0.05 s, too short for it
    with pytest.raises(ValueError, match=r"no reference for the voice \['None'\]"):
        XVector(str(tmp_path), voices, default=None).measure([speech[0]], [row()])
    with pytest.raises(FileNotFoundError, match=r"lacks \['config\.json'.*wavlm-base-plus-sv"):
        XVector(str(tmp_path / "none"), voices, default="anna")


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("CAMPPlus", {"growth_rate": 4, "init_channels": 16, "embedding_size": 24}),
        ("ERes2NetV2", {"m_channels": 8, "num_blocks": [1, 1, 1, 1], "embedding_size": 24}),
    ],
)
def test_funasrs_speaker_models_measure_the_same_way(tmp_path, speech, architecture, options):
    torch.manual_seed(0)
    network = _ARCHITECTURES[architecture](**options).eval()
    torch.save(getattr(network, "model", network).state_dict(), tmp_path / "weights.bin")
    voices = {name: str(tmp_path / f"{name}.wav") for name in ("anna", "berta")}
    for wave, path in zip(speech, voices.values(), strict=False):
        soundfile.write(path, wave, RATE, subtype="FLOAT")
    scorer = FunASRSpeaker(str(tmp_path), architecture, "weights.bin", voices, default="anna", options=options)
    own, other, alone = scorer.measure([speech[0], speech[1], speech[0]], [row(), row(), row(voice="berta")])
    assert own["speaker_similarity"] == pytest.approx(1.0, abs=1e-5)
    assert -1.0 <= other["speaker_similarity"] < 1.0 - 1e-5
    assert other["speaker_similarity"] == pytest.approx(alone["speaker_similarity"], abs=1e-5)
    for samples in (320, 640, 1280, 5120):  # one token of 50 a second; one, two and eight of 25
        assert -1.0 <= scorer.measure([speech[0][:samples]], [row()])[0]["speaker_similarity"] <= 1.0  # and so no NaN
    with torch.inference_mode():  # the network whose weights were saved, as FunASR runs it
        (published,), _ = network.inference([torch.from_numpy(speech[1])], key=["a"], device="cpu")
    expected = torch.nn.functional.normalize(published["spk_embedding"], dim=-1)
    assert scorer.embed([speech[1]]) == pytest.approx(expected.numpy(), abs=1e-5)
    with pytest.raises(RuntimeError, match="state_dict"):
        FunASRSpeaker(str(tmp_path), architecture, "weights.bin", voices, default="anna")  # another size


def test_a_speaker_model_without_its_weights_says_what_to_download(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks \['campplus_cn_common\.bin'\]: download iic/speech_campplus"):
        FunASRSpeaker(str(tmp_path), "CAMPPlus", "campplus_cn_common.bin", {}, default="anna")
    with pytest.raises(ValueError, match=r"is one of \['CAMPPlus', 'ERes2NetV2'\], got 'ECAPA'"):
        FunASRSpeaker(str(tmp_path), "ECAPA", "weights.bin", {}, default="anna")
