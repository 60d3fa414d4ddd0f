"""A released CosyVoice directory with random weights, written by the real classes: what the stage `models` would fetch.

    .venv-reward/bin/python tests/cosyvoice_release.py DIRECTORY      # with SenseVoiceSmall, for tests/recipes

llm.pt comes from the official `cosyvoice` package, flow.pt and hift.pt from the classes of flashcosyvoice.
campplus.onnx and the speech tokenizer are ONNX graphs with the published inputs and outputs, and little inside.
"""

import json
import math
import sys
import types
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from string import Template

import numpy as np
import soundfile
import torch

CODEBOOK = 81
TEXTS = "今天天气很好明晚上我们去吃饭希望你比现在更扁担长板凳宽"
TEXT_ROWS = 400  # of the text embedding, some of them without a token, as in the release
LLM = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}


@dataclass(frozen=True)
class Size:
    """Of the decoder; the encoder is 512 wide in every size."""

    codebook: int
    blocks: int
    units: int
    heads: int
    channels: int
    transformers: int
    middle: int
    vocoder: int


SMALL = Size(CODEBOOK, blocks=1, units=64, heads=2, channels=64, transformers=1, middle=1, vocoder=64)
FULL = Size(6561, blocks=6, units=2048, heads=8, channels=256, transformers=4, middle=12, vocoder=512)  # as released


def qwen2lm_class() -> tuple[type, type]:
    """(Qwen2Encoder, Qwen2LM) of the official package. It imports torchaudio to read wave files, as nobody does here;
    PyPI has torchaudio for CUDA builds of torch only."""
    import transformers  # noqa: F401  looks for torchaudio, and must not find what follows

    empty = types.ModuleType("torchaudio")
    empty.__spec__ = ModuleSpec("torchaudio", None)
    stands_in = sys.modules.setdefault("torchaudio", empty) is empty
    try:
        from cosyvoice.llm.llm import Qwen2Encoder, Qwen2LM
    finally:
        if stands_in:
            del sys.modules["torchaudio"]
    return Qwen2Encoder, Qwen2LM


def write_text_model(folder: Path, vocabulary_rows: int = TEXT_ROWS, filler: int = 0) -> None:
    """CosyVoice-BlankEN: Qwen2's configuration, tokenizer and (random) weights, with rows that no token uses. `filler`:
    as many words, and no weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from data_prep.tokenizer import _vocabulary

    folder.mkdir(parents=True)
    vocabulary, merges = _vocabulary(sorted(set(TEXTS)))
    vocabulary |= {f"filler{i}": i for i in range(len(vocabulary), filler)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    added = {"<|endoftext|>": len(vocabulary), "<|im_start|>": len(vocabulary) + 1, "<|im_end|>": len(vocabulary) + 2}
    special = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": {str(index): {"content": name, **special} for name, index in added.items()},
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 32768,
        "unk_token": None,
        "bos_token": None,
        "add_prefix_space": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = Qwen2Config(
        vocab_size=vocabulary_rows,
        num_attention_heads=2,  # heads of 32: vLLM's CPU attention takes no smaller
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rope_theta=1000000.0,
        bos_token_id=None,
        eos_token_id=added["<|endoftext|>"],
        **LLM,
    )
    if not filler:
        Qwen2ForCausalLM(config).save_pretrained(folder)


def write_llm(folder: Path) -> None:
    """llm.pt of CosyVoice2, with biases that matter."""
    encoder, model = qwen2lm_class()
    size = LLM["hidden_size"]
    llm = model(size, size, CODEBOOK, encoder(str(folder / "CosyVoice-BlankEN")), sampling=None)
    with torch.no_grad():
        llm.llm_decoder.bias.normal_()
        for weight in llm.llm.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    torch.save(llm.state_dict(), folder / "llm.pt")


def write_llm_by_shapes(folder: Path, family: str) -> None:
    """llm.pt by the shapes of the family's class (cosyvoice/llm/llm.py): CosyVoice3LM is in no package, Qwen2LM not in
    the trainer's environment."""
    from transformers import Qwen2ForCausalLM

    model = Qwen2ForCausalLM.from_pretrained(folder / "CosyVoice-BlankEN")
    scale = {1: 1, 2: 6}  # so that answers depend on the text
    state = {f"llm.model.{name}": value * scale[value.ndim] for name, value in model.state_dict().items()}
    size = LLM["hidden_size"]
    rows = CODEBOOK + (3 if family == "cosyvoice2" else 200)
    state |= {"speech_embedding.weight": torch.randn(rows, size), "llm_decoder.weight": torch.randn(rows, size) / 8}
    if family == "cosyvoice2":
        state |= {"llm_embedding.weight": torch.randn(2, size), "llm_decoder.bias": torch.randn(rows)}
    torch.save(state, folder / "llm.pt")


def write_decoder(folder: Path, size: Size) -> None:
    """cosyvoice2.yaml, flow.pt, hift.pt."""
    from reward_tts.cosyvoice_release import _flashcosyvoice

    flow, upsample_encoder, estimator, hifigan = _flashcosyvoice()
    model = flow.CausalMaskedDiffWithXvec(
        vocab_size=size.codebook,
        encoder=upsample_encoder.UpsampleConformerEncoder(
            attention_heads=size.heads, linear_units=size.units, num_blocks=size.blocks
        ),
        decoder=flow.CausalConditionalCFM(
            estimator=estimator.CausalConditionalDecoder(
                channels=[size.channels],
                n_blocks=size.transformers,
                num_mid_blocks=size.middle,
                num_heads=size.heads,
            )
        ),
    )
    torch.save(model.state_dict(), folder / "flow.pt")
    vocoder = hifigan.HiFTGenerator(
        base_channels=size.vocoder, f0_predictor=hifigan.ConvRNNF0Predictor(cond_channels=size.vocoder)
    )
    torch.save({f"generator.{name}": value for name, value in vocoder.state_dict().items()}, folder / "hift.pt")
    values = {name: str(value) for name, value in vars(size).items()}
    (folder / "cosyvoice2.yaml").write_text(Template(YAML).substitute(values))


# The release's keys (examples/libritts/cosyvoice2/conf/cosyvoice2.yaml), as far as a decoder has them.
YAML = """
__set_seed1: !apply:random.seed [1986]
sample_rate: 24000
spk_embed_dim: 192
token_frame_rate: 25
token_mel_ratio: 2
chunk_size: 25
flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    input_size: 512
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    vocab_size: $codebook
    input_frame_rate: !ref <token_frame_rate>
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    encoder: !new:cosyvoice.transformer.upsample_encoder.UpsampleConformerEncoder
        output_size: 512
        attention_heads: $heads
        linear_units: $units
        num_blocks: $blocks
        dropout_rate: 0.1
        input_size: 512
        static_chunk_size: !ref <chunk_size>
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        estimator: !new:cosyvoice.flow.decoder.CausalConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [$channels]
            attention_head_dim: 64
            n_blocks: $transformers
            num_mid_blocks: $middle
            num_heads: $heads
            act_fn: 'gelu'
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
hift: !new:cosyvoice.hifigan.generator.HiFTGenerator
    in_channels: 80
    base_channels: $vocoder
    nb_harmonics: 8
    sampling_rate: !ref <sample_rate>
    nsf_alpha: 0.1
    nsf_sigma: 0.003
    nsf_voiced_threshold: 10
    upsample_rates: [8, 5, 3]
    upsample_kernel_sizes: [16, 11, 7]
    istft_params: {n_fft: 16, hop_len: 4}
    resblock_kernel_sizes: [3, 7, 11]
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    source_resblock_kernel_sizes: [7, 7, 11]
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    lrelu_slope: 0.1
    audio_limit: 0.99
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
        num_class: 1
        in_channels: 80
        cond_channels: $vocoder
feat_extractor: !name:matcha.utils.audio.mel_spectrogram
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    fmax: 8000
    center: False
"""


def _save_onnx(path: Path, inputs: list, outputs: list, nodes: list, constants: dict[str, np.ndarray]) -> None:
    import onnx
    from onnx import helper, numpy_helper

    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_speaker_encoder(folder: Path) -> None:
    """campplus.onnx: filter bank [1, frames, 80] -> embedding [1, 192]; here the mean frame through one layer."""
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    weight = np.random.default_rng(0).normal(size=(80, 192)).astype(np.float32)
    square = helper.make_node("Mul", ["input", "input"], ["power"])  # the plain mean is 0
    mean = helper.make_node("ReduceMean", ["power"], ["mean"], axes=[1], keepdims=0)
    layer = helper.make_node("MatMul", ["mean", "weight"], ["output"])
    shapes = [value("input", TensorProto.FLOAT, [1, "frames", 80])], [value("output", TensorProto.FLOAT, [1, 192])]
    _save_onnx(folder / "campplus.onnx", *shapes, [square, mean, layer], {"weight": weight})


def write_speech_tokenizer(folder: Path, codebook: int) -> None:
    """speech_tokenizer_v2.onnx: Whisper's log-mel [1, 128, frames] and its length -> a token for every fourth frame."""
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    weight = np.random.default_rng(1).normal(size=(codebook, 128, 4)).astype(np.float32)
    layer = helper.make_node("Conv", ["feats", "weight"], ["scores"], strides=[4])
    best = helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0)
    kept = helper.make_node("Cast", ["best"], ["all"], to=TensorProto.INT32)
    zero = helper.make_node("Sub", ["feats_length", "feats_length"], ["zero"])  # so that the length is an input in use
    out = helper.make_node("Add", ["all", "zero"], ["indices"])
    inputs = [value("feats", TensorProto.FLOAT, [1, 128, "frames"]), value("feats_length", TensorProto.INT32, [1])]
    outputs = [value("indices", TensorProto.INT32, [1, "tokens"])]
    _save_onnx(folder / "speech_tokenizer_v2.onnx", inputs, outputs, [layer, best, kept, zero, out], {"weight": weight})


def write_voices(folder: Path) -> Path:
    """Two recordings and voices.jsonl: a voice with its speech tokens, and one for the speech tokenizer."""
    rows = [{"name": "deep", "text": "明天", "speech_tokens": list(range(25)), "wav": "deep.wav"}]
    rows += [{"name": "high", "text": "今天", "wav": "high.wav"}]
    for row, hertz, rate in ((rows[0], 110, 16_000), (rows[1], 220, 24_000)):
        time = np.arange(rate) / rate
        wave = sum(np.sin(2 * math.pi * hertz * k * time) / k for k in range(1, 9)) * 0.1
        soundfile.write(folder / row["wav"], wave.astype(np.float32), rate)
    path = folder / "voices.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_release(folder: Path, size: Size = SMALL) -> None:
    """CosyVoice2, all of it in `folder`, which must not be there; the voices in it too."""
    torch.manual_seed(0)
    write_text_model(folder / "CosyVoice-BlankEN")
    write_llm(folder)
    write_decoder(folder, size)
    write_speaker_encoder(folder)
    write_speech_tokenizer(folder, size.codebook)
    write_voices(folder)


def write_sensevoice(folder: Path) -> None:
    """SenseVoiceSmall's released file names; FunASR's classes, hardly trained."""
    from recipes.tiny_mandarin.reward_asr import train_reward_asr

    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list(TEXTS), 6)) for _ in range(16)]
    waves = [rng.normal(size=16_000).astype(np.float32) * 0.05 for _ in texts]
    train_reward_asr(texts, waves, str(folder), 4, 8, 1e-3, 64, 2, seed=0)
    name = "chn_jpn_yue_eng_ko_spectok.bpe.model"
    (folder / "bpe.model").rename(folder / name)
    files = {"init_param": "model.pt", "config": "config.yaml", "tokenizer_conf": {"bpemodel": name}}
    files["frontend_conf"] = {"cmvn_file": "am.mvn"}
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": files}))


if __name__ == "__main__":
    write_release(Path(sys.argv[1]) / "CosyVoice2-0.5B")
    write_sensevoice(Path(sys.argv[1]) / "SenseVoiceSmall")
