"""A folder of GLM-TTS's released layout with a small Llama and a small tokenizer of the same construction."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.convert_slow_tokenizer import TikTokenConverter, bytes_to_unicode

from models.glm_tts.dictionary import read_phonemes

PHONEMES = "recipes/glm_tts/phonemes.yaml"
FIRST = ["<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|begin_of_audio|>"]


def write_release(folder: Path, texts: Sequence[str], codebook_size: int, **llama: object) -> None:
    """`llm/` (config.json, model.safetensors) and `vq32k-phoneme-tokenizer/` (tokenizer.model,
    tokenizer_config.json). Ids: 256 bytes, pieces of the texts, special tokens, phonemes, `<|audio_N|>`; the model has
    more embeddings than that, as the released one has. `llama` are settings of LlamaConfig."""
    tokenizer = folder / "vq32k-phoneme-tokenizer"
    tokenizer.mkdir(parents=True)
    ranks = _ranks(texts)
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(ranks)]
    (tokenizer / "tokenizer.model").write_text("".join(lines))
    names = [*FIRST, *(f"<|{name}|>" for name in sorted(read_phonemes(PHONEMES)))]
    names += [f"<|audio_{n}|>" for n in range(codebook_size)]
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added = {str(len(ranks) + i): {"content": name} | flags for i, name in enumerate(names)}
    settings = {"added_tokens_decoder": added, "tokenizer_class": "ChatGLM4Tokenizer"}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(ranks) + len(names) + 40, eos_token_id=2, **llama)
    LlamaForCausalLM(config).save_pretrained(folder / "llm")


def _ranks(texts: Sequence[str]) -> list[bytes]:
    """Bytes, then what byte-pair encoding learns from the texts, in its order."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_pattern(), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    symbols = bytes_to_unicode()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=list(symbols.values()), show_progress=False)
    learner.train_from_iterator(texts, trainer)
    back = {symbol: byte for byte, symbol in symbols.items()}
    learned = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    pieces = [bytes(back[symbol] for symbol in piece) for piece, _ in learned if len(piece) > 1]
    return [*(bytes([byte]) for byte in range(256)), *pieces]


def _pattern():
    from tokenizers import Regex

    return Regex(TikTokenConverter().pattern)
