"""X-codec2 with the package's own classes: loading, decoding of a batch, encoding."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.xcodec2 import package as xcodec2
from models.xcodec2.encoder import XCodec2Encoder
from models.xcodec2.token2wav import XCodec2Token2Wav
from speech.interfaces import Row
from tests.helpers.xcodec2_dir import codec_modules, write_codec, write_semantic


@pytest.fixture(scope="module")
def codec_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_codec(tmp_path_factory.mktemp("xcodec2") / "model")


@pytest.fixture(scope="module")
def token2wav(codec_dir: Path) -> XCodec2Token2Wav:
    return XCodec2Token2Wav(str(codec_dir))


def row(tokens: list[int], voice: str | None = None) -> Row:
    return Row(np.asarray(tokens, np.int32), voice=voice, language="en")


def as_published(codes: list[int]) -> np.ndarray:
    """What XCodec2Model.decode_code computes, by the package's own forward functions."""
    modules = codec_modules()
    with torch.no_grad():
        embedded = modules["generator"].quantizer.get_output_from_indices(torch.tensor(codes)[None, :, None])
        return modules["generator"](modules["fc_post_a"](embedded), vq=False)[0][0, 0].numpy()


def some_codes(length: int) -> list[int]:
    return np.random.default_rng(length).integers(0, 65536, length).tolist()


def test_a_batch_of_several_lengths_is_what_the_package_decodes_one_by_one(token2wav):
    codes = [some_codes(n) for n in (1, 7, 40, 41)]
    waves = token2wav.decode([row(one) for one in codes])
    for one, wave in zip(codes, waves, strict=True):
        assert len(wave) == 320 * len(one) and wave.dtype == np.float32
        assert np.abs(wave).max() > 1e-3
        np.testing.assert_allclose(wave, as_published(one), atol=2e-5 * np.abs(wave).max(), rtol=0)


def test_a_row_does_not_hear_its_neighbours_in_bfloat16_either(codec_dir):
    token2wav = XCodec2Token2Wav(str(codec_dir), dtype="bfloat16")
    alone = token2wav.decode([row(some_codes(9))])[0]
    beside = token2wav.decode([row(some_codes(9)), row(some_codes(33))])[0]
    assert np.abs(alone - beside).max() < 0.05 * np.abs(alone).max()


def test_a_checkpoint_of_lightning_is_the_same_model(tmp_path, token2wav):
    other = XCodec2Token2Wav(str(write_codec(tmp_path / "ckpt", kind="ckpt")))
    np.testing.assert_array_equal(other.decode([row([5, 6])])[0], token2wav.decode([row([5, 6])])[0])


def test_a_voice_stands_before_the_row_and_is_cut_off(codec_dir, tmp_path, token2wav):
    (tmp_path / "voices.jsonl").write_text('{"name": "anna", "text": "Hi.", "speech_tokens": [7, 70, 700]}\n')
    voiced = XCodec2Token2Wav(str(codec_dir), voices=str(tmp_path / "voices.jsonl"))
    together = voiced.decode([row([1, 2, 3, 4], voice="anna"), row([1, 2, 3, 4])])
    whole = as_published([7, 70, 700, 1, 2, 3, 4])
    np.testing.assert_allclose(together[0], whole[3 * 320 :], atol=2e-5 * np.abs(whole).max(), rtol=0)
    assert np.abs(together[0] - together[1]).max() > 1e-4
    with pytest.raises(ValueError, match="no voice 'bert'"):
        voiced.decode([row([1], voice="bert")])


def test_tokens_outside_the_codebook_and_a_foreign_directory_are_refused(token2wav, tmp_path):
    with pytest.raises(ValueError, match="0 to 65535"):
        token2wav.decode([row([65536])])
    with pytest.raises(FileNotFoundError, match="HKUSTAudio/xcodec2"):
        XCodec2Token2Wav(str(tmp_path))


def test_importing_the_package_leaves_no_stand_in_behind():
    import sys

    xcodec2.package()
    assert not {"torchaudio", "torchtune", "torchtune.modules"} & set(sys.modules)


def test_another_version_of_the_package_is_refused(monkeypatch):
    monkeypatch.setattr(xcodec2, "_VERSION", "0.1.4")
    with pytest.raises(RuntimeError, match=r"written for xcodec2 0\.1\.4, found 0\.1\.5.* or check in xcodec2 0\.1\.5"):
        xcodec2.package.__wrapped__()


@pytest.fixture(scope="module")
def semantic_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_semantic(tmp_path_factory.mktemp("w2v-bert") / "model", layers=3)


def tone(samples: int, hertz: float) -> np.ndarray:
    noise = np.random.default_rng(samples).normal(scale=0.05, size=samples)
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / 16000) + noise).astype(np.float32)


def test_codes_of_several_waves_are_those_of_the_package_one_by_one(codec_dir, semantic_dir):
    """Against the steps of XCodec2Model.encode_code with the package's modules and the whole semantic model."""
    from transformers import AutoFeatureExtractor, Wav2Vec2BertModel

    extractor = AutoFeatureExtractor.from_pretrained(semantic_dir)
    semantic_model = Wav2Vec2BertModel.from_pretrained(semantic_dir, output_hidden_states=True).eval()
    modules = codec_modules()

    def published(wave: np.ndarray) -> np.ndarray:
        wav = torch.from_numpy(wave)[None]
        wav = torch.nn.functional.pad(wav, (0, 320 - wav.shape[1] % 320))
        padded = torch.nn.functional.pad(wav[0], (160, 160))
        features = extractor(padded, sampling_rate=16000, return_tensors="pt").input_features
        semantic = modules["SemanticEncoder_module"](semantic_model(features).hidden_states[2].transpose(1, 2))
        acoustic = modules["CodecEnc"](wav.unsqueeze(1)).transpose(1, 2)
        both = modules["fc_prior"](torch.cat([semantic, acoustic], dim=1).transpose(1, 2)).transpose(1, 2)
        return modules["generator"](both, vq=True)[1][0, 0].numpy()

    waves = [tone(6400, 200), tone(3300, 300), tone(6500, 150), tone(3400, 250)]
    with torch.no_grad():
        expected = [published(wave) for wave in waves]
    encoder = XCodec2Encoder(str(codec_dir), str(semantic_dir), semantic_layer=2)
    found = encoder.encode(waves)
    assert [len(codes) for codes in found] == [21, 11, 21, 11]  # 50 a second and the one that is always padded
    for codes, wanted in zip(found, expected, strict=True):
        assert codes.dtype == np.int32
        np.testing.assert_array_equal(codes, wanted)
    assert len(set(np.concatenate(found).tolist())) > 20


def test_semantic_weights_of_the_codecs_checkpoint_go_before_the_directorys(tmp_path, semantic_dir):
    own = {f"semantic_model.{k}": torch.zeros_like(v) for k, v in load_file(semantic_dir / "model.safetensors").items()}
    folder = write_codec(tmp_path / "model")
    save_file(load_file(folder / "model.safetensors") | own, folder / "model.safetensors")
    encoder = XCodec2Encoder(str(folder), str(semantic_dir), semantic_layer=2)
    assert not any(parameter.any() for parameter in encoder.semantic.parameters())


def renamed(folder: Path, **changes: str) -> tuple[Path, int]:
    """A codec of the released layout with other ends of names, and how many are renamed."""
    write_codec(folder)
    weights, count = load_file(folder / "model.safetensors"), 0
    for name in list(weights):
        for old, new in changes.items():
            if name.startswith("CodecEnc.") and name.endswith(f".{old}"):
                weights[name.removesuffix(old) + new] = weights.pop(name)
                count += 1
    save_file(weights, folder / "model.safetensors")
    return folder, count


OLDER = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


@pytest.mark.parametrize("changes", [OLDER, {"act.beta": "act.bias"}], ids=["of torch", "of the package"])
def test_an_encoder_whose_weights_have_other_names_is_the_same(changes, tmp_path, codec_dir, semantic_dir):
    """Weight norm's older names; the package's own of SnakeBeta's beta, which the release calls so."""
    folder, count = renamed(tmp_path / "model", **changes)
    assert count >= 36
    waves = [tone(6400, 200)]
    expected = XCodec2Encoder(str(codec_dir), str(semantic_dir), semantic_layer=2).encode(waves)
    found = XCodec2Encoder(str(folder), str(semantic_dir), semantic_layer=2).encode(waves)
    np.testing.assert_array_equal(found[0], expected[0])


def test_weights_with_unknown_names_are_named(tmp_path, semantic_dir):
    folder, _ = renamed(tmp_path / "model", **{"act.beta": "act.gamma"})
    with pytest.raises(ValueError, match=r"(?s)does not fit X-codec2's.*Missing.*act\.bias.*Unexpected.*act\.gamma"):
        XCodec2Encoder(str(folder), str(semantic_dir), semantic_layer=2)


def test_missing_semantic_files_and_a_layer_that_is_not_there_are_named(codec_dir, semantic_dir, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"w2v-bert-2\.0"):
        XCodec2Encoder(str(codec_dir), str(tmp_path))
    with pytest.raises(ValueError, match="has 3 layers, semantic_layer=16"):
        XCodec2Encoder(str(codec_dir), str(semantic_dir))
    with pytest.raises(ValueError, match="no samples"):
        XCodec2Encoder(str(codec_dir), str(semantic_dir), semantic_layer=2).encode([np.zeros(0, np.float32)])
