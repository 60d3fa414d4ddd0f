"""models/extend.py on tokenizers that have speech tokens already."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from models.extend import extend_tokenizer
from models.tiny_mandarin.tokenizer import build_tokenizer

SETTINGS = OmegaConf.create(
    {"tokens": ["<|go|>"], "pad_token": "<|endoftext|>", "end_token": "<|im_end|>", "chat_template": "{{ messages }}"}
)


def tokenizer(folder: Path, *added: str) -> PreTrainedTokenizerBase:
    """With <|s_0|>, and what is added."""
    build_tokenizer(["今天"], 1, folder)
    made = AutoTokenizer.from_pretrained(folder)
    made.add_tokens([AddedToken(name, normalized=False) for name in added])
    return made


def test_speech_tokens_that_are_not_in_order_stay_where_they_are(tmp_path):
    """At 7864d8e: other tokens lie between them."""
    made = tokenizer(tmp_path, "<|s_3|>", "<|x|>", "<|s_1|>", "<|s_2|>")
    before = made.convert_tokens_to_ids([f"<|s_{n}|>" for n in range(4)])
    assert extend_tokenizer(made, SETTINGS, 4) == ["<|go|>"]
    after = made.convert_tokens_to_ids([f"<|s_{n}|>" for n in range(4)])
    assert after == before and after[3] < after[1]
    assert made.decode(after) == "<|s_0|><|s_1|><|s_2|><|s_3|>"


def test_missing_speech_tokens_are_added_behind_the_others(tmp_path):
    made = tokenizer(tmp_path, "<|s_2|>")
    size = len(made)
    assert extend_tokenizer(made, SETTINGS, 4) == ["<|go|>", "<|s_1|>", "<|s_3|>"]
    assert made.convert_tokens_to_ids(["<|go|>", "<|s_1|>", "<|s_3|>"]) == [size, size + 1, size + 2]


def test_a_speech_token_that_is_a_plain_word_of_the_vocabulary_is_refused(tmp_path, monkeypatch):
    made = tokenizer(tmp_path, "<|s_1|>")
    monkeypatch.setattr(made, "get_added_vocab", lambda: {"<|s_0|>": 1})
    with pytest.raises(ValueError, match=r"<\|s_1\|> is no added token with an id of its own"):
        extend_tokenizer(made, SETTINGS, 2)
