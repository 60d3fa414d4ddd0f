"""A released CosyVoice directory with random weights, written by the real classes: what the stage `models` would fetch.

    .venv-reward/bin/python -m tests.helpers.cosyvoice_release cosyvoice2 DIRECTORY [full]   # with SenseVoiceSmall

llm.pt of CosyVoice2 comes from the official `cosyvoice` package, flow.pt and hift.pt from cosyvoice_decoder.py.
campplus.onnx and the speech tokenizer are ONNX graphs with the published inputs and outputs, and little inside.
"""

import json
import math
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import soundfile
import torch

from speech.stand_ins import modules
from tests.helpers.cosyvoice_decoder import CODEBOOK, FULL, SMALL, Size, write_decoder

SEAM = "。今"  # one token, as Qwen2 has many: where a voice's words end and a text begins
TEXTS = "今天天气很好明晚上我们去吃饭希望你比现在更扁担长板凳宽"
TEXT_ROWS = 400  # of the text embedding, some of them without a token, as in the release
RELEASE_ROWS = {"cosyvoice2": TEXT_ROWS, "cosyvoice3": 700}  # of CosyVoice3 with the phonemes of its front end
NAMES = {"cosyvoice2": "CosyVoice2-0.5B", "cosyvoice3": "Fun-CosyVoice3-0.5B"}
TOKENIZERS = {"cosyvoice2": "speech_tokenizer_v2.onnx", "cosyvoice3": "speech_tokenizer_v3.onnx"}
LLM = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "max_position_embeddings": 512}
LLM |= {"num_attention_heads": 2, "num_key_value_heads": 1}  # heads of 32: vLLM's CPU attention takes no smaller
FULL_LLM = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "max_position_embeddings": 32768}
FULL_LLM |= {"num_attention_heads": 14, "num_key_value_heads": 2}
FULL_ROWS = 151_936


def qwen2lm_class() -> tuple[type, type]:
    """(Qwen2Encoder, Qwen2LM) of the official package. It imports torchaudio to read wave files, as nobody does here;
    PyPI has torchaudio for CUDA builds of torch only."""
    import transformers  # noqa: F401  looks for torchaudio, and must not find what follows

    empty = types.ModuleType("torchaudio")
    empty.__spec__ = ModuleSpec("torchaudio", None)
    with modules({} if "torchaudio" in sys.modules else {"torchaudio": empty}):
        from cosyvoice.llm.llm import Qwen2Encoder, Qwen2LM
    return Qwen2Encoder, Qwen2LM


def write_text_model(
    folder: Path, vocabulary_rows: int = TEXT_ROWS, filler: int = 0, llm: dict[str, int] = LLM
) -> None:
    """CosyVoice-BlankEN: Qwen2's configuration, tokenizer and (random) weights, with rows that no token uses. `filler`:
    as many words, and no weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from models.tiny_mandarin.tokenizer import _vocabulary

    folder.mkdir(parents=True)
    vocabulary, merges = _vocabulary([SEAM, *sorted(set(TEXTS))])
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
        tie_word_embeddings=True,
        rope_theta=1000000.0,
        bos_token_id=None,
        eos_token_id=added["<|endoftext|>"],
        **llm,
    )
    if not filler:
        Qwen2ForCausalLM(config).save_pretrained(folder)


def write_llm(folder: Path, size: int = LLM["hidden_size"], codebook: int = CODEBOOK) -> None:
    """llm.pt of CosyVoice2, with biases that matter."""
    encoder, model = qwen2lm_class()
    llm = model(size, size, codebook, encoder(str(folder / "CosyVoice-BlankEN")), sampling=None)
    with torch.no_grad():
        llm.llm_decoder.bias.normal_()
        for weight in llm.llm.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    torch.save(llm.state_dict(), folder / "llm.pt")


def official_logits(
    folder: Path, state: dict[str, torch.Tensor], family: str, text: list[int], speech: list[int]
) -> torch.Tensor:
    """Logits [tokens, head] of start, text, task and prompt speech, put together as the official `inference` does, by
    its classes (CosyVoice3LM is in no package: its head and tables by hand, as in cosyvoice/llm/llm.py). `folder` has
    CosyVoice-BlankEN, `state` is that of llm.pt."""
    encoder_class, lm_class = qwen2lm_class()
    encoder = encoder_class(str(folder / "CosyVoice-BlankEN"))
    table = state["speech_embedding.weight"]
    if family == "cosyvoice2":
        model = lm_class(LLM["hidden_size"], LLM["hidden_size"], CODEBOOK, encoder, sampling=None).eval()
        model.load_state_dict(state)
        encoder, head = model.llm, model.llm_decoder
        start, task = model.llm_embedding.weight
    else:
        encoder.load_state_dict({k.removeprefix("llm."): v for k, v in state.items() if k.startswith("llm.")})
        encoder.eval()
        start, task = table[CODEBOOK], table[CODEBOOK + 2]

        def head(hidden: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.linear(hidden, state["llm_decoder.weight"])

    embedded = encoder.model.model.embed_tokens(torch.tensor(text))
    inputs = torch.cat([start[None], embedded, task[None], table[speech]])[None]
    seen = torch.tril(torch.ones(1, inputs.shape[1], inputs.shape[1])).bool()
    return head(encoder.forward_one_step(inputs, masks=seen)[0])[0].detach()


def write_llm_by_shapes(folder: Path, family: str, contrast: float = 1.0) -> None:
    """llm.pt by the shapes of the family's class (cosyvoice/llm/llm.py): CosyVoice3LM is in no package, Qwen2LM not in
    the trainer's environment. `contrast`: of the codebook's logits; more of it, and fewer answers end at once."""
    from transformers import Qwen2ForCausalLM

    model = Qwen2ForCausalLM.from_pretrained(folder / "CosyVoice-BlankEN")
    scale = {1: 1, 2: 6}  # so that answers depend on the text
    state = {f"llm.model.{name}": value * scale[value.ndim] for name, value in model.state_dict().items()}
    size = LLM["hidden_size"]
    rows = CODEBOOK + (3 if family == "cosyvoice2" else 200)
    state |= {"speech_embedding.weight": torch.randn(rows, size), "llm_decoder.weight": torch.randn(rows, size) / 8}
    state["llm_decoder.weight"][:CODEBOOK] *= contrast
    if family == "cosyvoice2":
        state |= {"llm_embedding.weight": torch.randn(2, size), "llm_decoder.bias": torch.randn(rows)}
    torch.save(state, folder / "llm.pt")


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


def write_speech_tokenizer(folder: Path, codebook: int, name: str = "speech_tokenizer_v2.onnx") -> None:
    """Whisper's log-mel [1, 128, frames] and its length -> a token for every fourth frame."""
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
    _save_onnx(folder / name, inputs, outputs, [layer, best, kept, zero, out], {"weight": weight})


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


def write_sound(folder: Path, family: str, size: Size | None = None) -> Path:
    """What token2wav takes of a release, and voices; the path of the latter."""
    size = size or SMALL[family]
    write_decoder(folder, size)
    write_speaker_encoder(folder)
    write_speech_tokenizer(folder, size.codebook, TOKENIZERS[family])
    return write_voices(folder)


def write_release(folder: Path, family: str) -> None:
    """All of it in `folder`, which must not be there; the voices in it too."""
    torch.manual_seed(0)
    write_text_model(folder / "CosyVoice-BlankEN", vocabulary_rows=RELEASE_ROWS[family])
    write_llm(folder) if family == "cosyvoice2" else write_llm_by_shapes(folder, family, contrast=3.0)
    write_sound(folder, family)


def write_full_release(folder: Path) -> None:
    """CosyVoice2 at its released size (`write_release` has its small layers)."""
    torch.manual_seed(0)
    write_text_model(folder / "CosyVoice-BlankEN", FULL_ROWS, llm=FULL_LLM)
    write_llm(folder, FULL_LLM["hidden_size"], FULL["cosyvoice2"].codebook)
    write_sound(folder, "cosyvoice2", FULL["cosyvoice2"])


def write_sensevoice(folder: Path, width: int = 64, blocks: int = 2) -> None:
    """SenseVoiceSmall's released file names; FunASR's classes, hardly trained."""
    from models.tiny_mandarin.reward_asr import train_reward_asr

    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list(TEXTS), 6)) for _ in range(16)]
    waves = [rng.normal(size=16_000).astype(np.float32) * 0.05 for _ in texts]
    train_reward_asr(texts, waves, str(folder), 4, 8, 1e-3, width, blocks, seed=0)
    name = "chn_jpn_yue_eng_ko_spectok.bpe.model"
    (folder / "bpe.model").rename(folder / name)
    files = {"init_param": "model.pt", "config": "config.yaml", "tokenizer_conf": {"bpemodel": name}}
    files["frontend_conf"] = {"cmvn_file": "am.mvn"}
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": files}))


if __name__ == "__main__":
    if sys.argv[3:] == ["full"]:
        write_full_release(Path(sys.argv[2]) / NAMES["cosyvoice2"])
        write_sensevoice(Path(sys.argv[2]) / "SenseVoiceSmall", width=512, blocks=50)
    else:
        write_release(Path(sys.argv[2]) / NAMES[sys.argv[1]], sys.argv[1])
        write_sensevoice(Path(sys.argv[2]) / "SenseVoiceSmall")
