"""A small random Qwen2 that has the default recipe's tokenizer, texts for it, and what stage eval is told of both."""

import json
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import ROOT

CONFIG = ROOT / "recipes" / "tiny_mandarin"
# One twice in a row: its samples must differ all the same, also sample 1 of the first and sample 0 of the second.
TEXTS = ["今天下雨", "你好", "你好", "我今年二十岁了", "明天"]
MAX_TOKENS = 24
CODES = 2048  # most of the vocabulary, so that a random model writes some answers of nothing else
ENDS = range(CODES - CODES // 20, CODES)  # speech tokens that end an answer, too, by generation_config alone


def write_speaker(folder: Path) -> None:
    """The checkpoint model/ and texts.jsonl."""
    build_tokenizer(TEXTS, CODES, folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)  # so that answers depend on the text
    model.generation_config.eos_token_id = [
        tokenizer.eos_token_id,
        *tokenizer.convert_tokens_to_ids([f"<|s_{code}|>" for code in ENDS]),
    ]
    model.save_pretrained(folder / "model")
    rows = [json.dumps({"text": text, "language": "zh"}, ensure_ascii=False) for text in TEXTS]
    (folder / "texts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def overrides(work: Path, backend: str) -> list[str]:
    """Of stage eval: the speaker in `work`, in seven decodings, a to g; the tokens go to the backend's folder there."""
    one = "top_p: 1.0, top_k: -1, samples: "
    decodings = f"{{a: {{temperature: 1.0, {one}2}}, b: {{temperature: 1.0, {one}2}}, c: {{temperature: 0.0, {one}1}}, "
    decodings += f"d: {{temperature: 1.0, {one}2, min_tokens: 3, repetition_aware: {{top_p: 0.8, top_k: 25}}}}, "
    ratios = "min_token_text_ratio: 2, max_token_text_ratio: 3"
    decodings += f"e: {{temperature: 0.0, {one}1, {ratios}}}, f: {{temperature: 1.0, {one}2, {ratios}, "
    decodings += "repetition_aware: {mask_repeated: true}}, "
    decodings += f"g: {{temperature: 0.0, {one}1, repetition_penalty: 1.1, frequency_penalty: 0.3}}}}"
    return [
        "~systems",
        f"+systems={{M: {work}/model}}",
        "~decodings",
        f"+decodings={decodings}",
        f"texts={work}/texts.jsonl",
        f"tokens_dir={work}/{backend}",
        f"backend={backend}",
        f"max_tokens={MAX_TOKENS}",
    ]


def configuration(work: Path, backend: str, *more: str) -> DictConfig:
    """eval.yaml with these overrides, and more."""
    with initialize_config_dir(str(CONFIG), version_base=None):
        return compose("eval", [*overrides(work, backend), *more])
