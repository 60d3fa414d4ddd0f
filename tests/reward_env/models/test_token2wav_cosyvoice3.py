"""CosyVoice3's decoder: the official classes' numbers, batches, released names, and what is refused.

Numbers "by the official classes" were computed once by hand with cosyvoice/flow and cosyvoice/hifigan of
FunAudioLLM/CosyVoice, commit ace7c47 (x-transformers 2.11.24, torch 2.13.0 on a CPU), one utterance at a time, for the
weights of cosyvoice_decoder.weights_by_formula and the inputs below. vllm-omni 0.28.0 gave the same mels, bit by bit.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.cosyvoice.flow3 import Flow, load_flow
from models.cosyvoice.release import read_config
from models.cosyvoice.token2wav3 import CosyVoice3Token2Wav
from models.cosyvoice.vocoder3 import Vocoder
from models.flow.seeded_noise import SeededNoise
from speech.interfaces import Row
from stages.config import compose_stage
from tests.helpers.cosyvoice_decoder import CODEBOOK, FULL, weights_by_formula, write_config
from tests.helpers.cosyvoice_release import write_sound


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    torch.manual_seed(0)
    write_sound(folder, "cosyvoice3")
    return folder


@pytest.fixture(scope="module")
def token2wav(release: Path) -> CosyVoice3Token2Wav:
    return make(release)


def make(release: Path, **options: object) -> CosyVoice3Token2Wav:
    options = {"speech_tokenizer": "speech_tokenizer_v3.onnx"} | options
    return CosyVoice3Token2Wav(str(release), str(release / "voices.jsonl"), **options)


def row(count: int, voice: str | None = "deep", text: str = "今天") -> Row:
    tokens = np.random.default_rng(count).integers(0, CODEBOOK, count).astype(np.int32)
    return Row(tokens, voice, "zh", text)


def sine(*shape: int, start: int) -> torch.Tensor:
    """sin(1.3 n), n = start, start + 1, ..."""
    numbers = torch.arange(start, start + torch.Size(shape).numel(), dtype=torch.float64)
    return torch.sin(numbers * 1.3).float().reshape(shape)


def test_mels_of_a_batch_are_those_by_the_official_classes(release: Path):
    flow = Flow(read_config(release)["flow"], steps=10).eval()
    weights_by_formula(flow)
    tokens = torch.zeros(2, 16, dtype=torch.int64)
    tokens[0] = torch.tensor([3, 80, 7, 7, 12, 5, 44, 2, 61, 9, 0, 33, 18, 70, 25, 1])  # 5 of the voice
    tokens[1, :11] = torch.tensor([60, 2, 31, 8, 8, 40, 11, 79, 6, 52, 20])  # 3 of the voice
    prompts = torch.full((2, 10, 80), 9.0)
    prompts[0], prompts[1, :6] = sine(10, 80, start=0) - 3, sine(6, 80, start=100) - 3
    speakers = torch.stack([sine(192, start=7), sine(192, start=8)])
    mels, ends = flow(tokens, torch.tensor([16, 11]), prompts, torch.tensor([10, 6]), speakers)
    assert ends.tolist() == [32, 22] and mels.shape == (2, 80, 32)
    first, second = mels[0, :, 10:32], mels[1, :, 6:22]
    near = {"rtol": 0, "atol": 1e-5}
    expected = torch.tensor([0.86942953, 0.04518088, 0.44811067, 1.17757201])
    torch.testing.assert_close(first[0, :4], expected, **near)
    torch.testing.assert_close(first[79, -3:], torch.tensor([0.18613064, 0.31648117, -1.14564049]), **near)
    expected = torch.tensor([0.67101026, 0.22230980, -2.61966991, -1.01843452])
    torch.testing.assert_close(second[40, :4], expected, **near)
    assert [m.mean().item() for m in (first, second)] == pytest.approx([-0.00839866, -0.00917156], abs=1e-5)
    assert [m.square().mean().sqrt().item() for m in (first, second)] == pytest.approx(
        [1.04062283, 1.09389985], abs=1e-5
    )


def test_the_wave_of_a_mel_is_that_by_the_official_class(release: Path):
    """Some of 22 frames are voiced (more than 10 Hz). The official class was given the noise of SeededNoise(0)."""
    vocoder = Vocoder(**read_config(release)["hift"]).eval()
    weights_by_formula(vocoder)
    mel = sine(1, 80, 22, start=5) * 2 - 4
    pitch = vocoder.f0_predictor(mel)[0]
    assert [round(hertz) for hertz in pitch[:6].tolist()] == [375, 87, 46, 60, 12, 13]
    with SeededNoise(0):
        wave, _ = vocoder(speech_feat=mel)
    assert wave.shape == (1, 22 * 480)
    expected = torch.tensor([0.00212261, -0.00055980, 0.00123939, 0.00042521, -0.00111498])
    torch.testing.assert_close(wave[0, [100, 2000, 5000, 8000, 10400]], expected, rtol=0, atol=1e-6)
    assert wave.square().mean().sqrt().item() == pytest.approx(0.01928662, abs=1e-6)


def test_a_batch_sounds_like_its_rows_one_by_one(token2wav: CosyVoice3Token2Wav):
    rows = [row(3), row(8, "high"), row(21), row(8)]
    together = token2wav.decode(rows)
    for one, wave in zip(rows, together, strict=True):
        alone = token2wav.decode([one])[0]
        assert wave.shape == (len(one.tokens) * 24_000 // 25,) and wave.dtype == np.float32
        np.testing.assert_allclose(wave, alone, rtol=0, atol=1e-5)
        assert np.abs(alone).max() > 1e-3
    assert token2wav.sample_rate == 24_000 and token2wav.token_rate == 25.0 and token2wav.codebook_size == CODEBOOK


def test_tokens_and_voice_decide_what_is_heard(token2wav: CosyVoice3Token2Wav):
    first, other = token2wav._mels([torch.arange(10), torch.arange(10, 20)], token2wav.prompts([row(1)] * 2))
    (high,) = token2wav._mels([torch.arange(10)], token2wav.prompts([row(1, "high")]))
    assert (first - other).abs().max() > 1e-2 and (first - high).abs().max() > 1e-2


def test_the_flow_takes_as_many_steps_as_it_is_told(release: Path):
    few, passes = CosyVoice3Token2Wav(str(release), str(release / "voices.jsonl"), steps=3), []
    few.flow.decoder["estimator"].register_forward_hook(lambda *_: passes.append(1))
    few.decode([row(5, "deep")])
    assert len(passes) == 3


def test_half_precision_of_the_flow_speaks_nearly_the_same(release: Path, token2wav: CosyVoice3Token2Wav):
    half = make(release, dtype="bfloat16")
    mel, reference = (t._mels([torch.arange(10)], t.prompts([row(10)]))[0] for t in (half, token2wav))
    assert mel.dtype == torch.float32
    assert (mel - reference).abs().mean() < 0.05 * reference.abs().mean()


def test_parameters_have_the_released_names_and_shapes(tmp_path: Path):
    """Of flow.pt and hift.pt at full size: the official classes have the same names and shapes there, 330 and 328."""
    write_config(tmp_path, FULL["cosyvoice3"])
    config = read_config(tmp_path)
    with torch.device("meta"):
        parts = Flow(config["flow"], steps=10), Vocoder(**config["hift"])
    flow, vocoder = ({name: tuple(value.shape) for name, value in part.state_dict().items()} for part in parts)
    assert flow["input_embedding.weight"] == (6561, 80) and flow["spk_embed_affine_layer.weight"] == (80, 192)
    assert flow["pre_lookahead_layer.conv1.weight"] == (1024, 80, 4)
    assert flow["pre_lookahead_layer.conv2.weight"] == (80, 1024, 3)
    inner = {name.removeprefix("decoder.estimator."): shape for name, shape in flow.items() if "estimator" in name}
    assert inner["time_embed.time_mlp.0.weight"] == (1024, 256)
    assert inner["input_embed.proj.weight"] == (1024, 4 * 80)
    assert inner["input_embed.conv_pos_embed.conv2.0.weight"] == (1024, 1024 // 16, 31)
    assert inner["rotary_embed.inv_freq"] == (32,)
    assert inner["transformer_blocks.21.attn_norm.linear.weight"] == (6 * 1024, 1024)
    assert inner["transformer_blocks.21.attn.to_out.0.weight"] == (1024, 16 * 64)
    assert inner["transformer_blocks.0.ff.ff.0.0.weight"] == (2048, 1024)
    assert inner["transformer_blocks.0.ff.ff.2.weight"] == (1024, 2048)
    assert inner["norm_out.linear.weight"] == (2048, 1024) and inner["proj_out.weight"] == (80, 1024)
    weight = "parametrizations.weight.original1"
    assert vocoder[f"conv_pre.{weight}"] == (512, 80, 5)
    assert [vocoder[f"ups.{n}.{weight}"] for n in range(3)] == [(256, 512, 16), (128, 256, 11), (64, 128, 7)]
    assert [vocoder[f"source_downs.{n}.weight"] for n in range(3)] == [(256, 18, 30), (128, 18, 6), (64, 18, 1)]
    assert vocoder[f"f0_predictor.condnet.0.{weight}"] == (512, 80, 4)
    assert vocoder[f"f0_predictor.condnet.8.{weight}"] == (512, 512, 3)
    assert vocoder["m_source.l_linear.weight"] == (1, 9) and vocoder[f"conv_post.{weight}"] == (18, 64, 7)
    assert (len(flow), len(vocoder)) == (330, 328)


@pytest.mark.parametrize("name", ["cosyvoice3.yaml", "flow.pt", "hift.pt", "campplus.onnx"])
def test_a_missing_file_is_named(release: Path, tmp_path: Path, name: str):
    for file in release.iterdir():
        if file.name != name:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing: the stage `models`"):
        make(tmp_path)


@pytest.mark.parametrize("name", ["flow.pt", "hift.pt"])
@pytest.mark.parametrize("change", ["less", "more", "other"])
def test_weights_of_another_model_are_refused(release: Path, tmp_path: Path, name: str, change: str):
    for file in release.iterdir():
        if file.name != name:
            (tmp_path / file.name).symlink_to(file)
    state = torch.load(release / name, weights_only=True)
    first = next(iter(state))
    state = {"less": {k: v for k, v in state.items() if k != first}, "more": state | {"mel": torch.ones(1)}}.get(
        change, state | {first: torch.ones(3)}
    )
    torch.save(state, tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} does not fit .*cosyvoice3\.yaml"):
        make(tmp_path)


def test_a_release_of_cosyvoice2_is_refused(tmp_path: Path):
    write_sound(tmp_path, "cosyvoice2")
    with pytest.raises(ValueError, match=r"cosyvoice2\.yaml: no flow of CosyVoice3: KeyError\('pre_lookahead_layer'\)"):
        make(tmp_path)


@pytest.mark.parametrize(
    ("known", "other", "message"),
    [
        ("'euler'", "'heun'", "'solver': 'heun'"),
        ("'cosine'", "'linear'", "'t_scheduler'"),
        ("dim_head: 64", "dim_head: 32", "32"),
    ],
)
def test_a_flow_of_another_structure_is_refused(release: Path, tmp_path: Path, known: str, other: str, message: str):
    text = (release / "cosyvoice3.yaml").read_text()
    (tmp_path / "cosyvoice3.yaml").write_text(text.replace(known, other))
    with pytest.raises(ValueError, match=message):
        load_flow(tmp_path, read_config(tmp_path), steps=10)


def test_more_frames_than_there_is_noise_for_are_refused(token2wav: CosyVoice3Token2Wav):
    with pytest.raises(ValueError, match="15050 mel frames, the flow takes 15000 with the voice prompt"):
        token2wav.decode([row(7500)])


def test_of_a_run_of_silent_tokens_five_are_spoken_as_in_the_official_package(release: Path, token2wav):
    recipe = compose_stage("cosyvoice3", "server").token2wav
    official = make(release, silent_tokens=recipe.silent_tokens, max_silent_tokens=recipe.max_silent_tokens)
    long = np.array([7, *[28, 29, 1, 2, 55, 28, 28, 2], 9, 11, 1, 2], dtype=np.int32)
    kept = np.array([7, *[28, 29, 1, 2, 55], 9, 11, 1, 2], dtype=np.int32)
    spoken = official.decode([Row(tokens, "deep", "zh", "今天") for tokens in (long, long[1:9])])
    expected = token2wav.decode([Row(tokens, "deep", "zh", "今天") for tokens in (kept, kept[1:6])])
    assert all(np.array_equal(one, other) for one, other in zip(spoken, expected, strict=True))
    assert len(spoken[1]) == 5 * 960  # 25 tokens a second at 24 kHz
