"""The tokenizer that models.tiny_mandarin.tokenizer builds."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2Config, Qwen2Tokenizer

from models.tiny_mandarin.tokenizer import build_tokenizer

TEXTS = ["今天下雨", "明天下雪"]  # six different characters


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(TEXTS, 5, path)
    return path


@pytest.fixture(scope="module")
def tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(directory)


def test_every_character_of_the_texts_is_one_token(tokenizer):
    assert len(tokenizer.encode("今天下雨")) == 4
    assert len(tokenizer.encode("雪下明天今雨雨")) == 7


def test_a_new_character_is_its_bytes_and_comes_back(tokenizer):
    assert len(tokenizer.encode("🙂")) == 4
    for text in ["今天 🙂 hello\n\tüé，。", "assistant user users"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_line_end_and_role_names_are_one_token_each(tokenizer):
    assert [len(tokenizer.encode(text)) for text in ("\n", "user", "assistant")] == [1, 1, 1]


def test_speech_tokens_are_one_block_at_the_end(tokenizer):
    ids = tokenizer.encode("<|s_0|><|s_1|><|s_2|><|s_3|><|s_4|>")
    assert ids == list(range(len(tokenizer) - 5, len(tokenizer)))


def test_decoding_keeps_speech_tokens_and_drops_special_ones(tokenizer):
    ids = tokenizer.encode("<|SPEECH_GENERATION_START|><|s_3|><|s_0|><|im_end|><|endoftext|>")
    assert len(ids) == 5
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<|s_3|><|s_0|>"


def test_end_and_padding_are_what_a_rollout_expects(tokenizer):
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert tokenizer.eos_token_id != tokenizer.pad_token_id


def test_chat_template_is_literally_this(tokenizer):
    turns = [{"role": "user", "content": "下雪"}]
    prompt = "<|im_start|>user\n下雪<|im_end|>\n<|im_start|>assistant\n<|SPEECH_GENERATION_START|>"
    assert tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) == prompt
    turns.append({"role": "assistant", "content": "<|s_1|><|s_2|>"})
    assert tokenizer.apply_chat_template(turns, tokenize=False) == prompt + "<|s_1|><|s_2|><|im_end|>"


def test_a_library_that_reads_it_as_qwen2_gets_the_same_ids(directory, tokenizer):
    qwen2 = Qwen2Tokenizer.from_pretrained(directory)
    for text in ["今天下雨", "user\n雪🙂 hello <|im_end|>\n<|s_4|>"]:
        assert qwen2.encode(text) == tokenizer.encode(text)


def test_a_qwen2_configuration_beside_it_changes_nothing(tmp_path, tokenizer):
    tokenizer.save_pretrained(tmp_path)
    Qwen2Config(vocab_size=len(tokenizer)).save_pretrained(tmp_path)
    beside = AutoTokenizer.from_pretrained(tmp_path)
    assert beside.encode("今天🙂<|s_1|>") == tokenizer.encode("今天🙂<|s_1|>")
    assert beside.chat_template == tokenizer.chat_template


def test_verl_builds_its_rollout_prompts_with_it(tokenizer):
    from verl.utils.tokenizer.continuous_token_wiring import create_continuous_token_builder

    builder = create_continuous_token_builder(tokenizer, hf_model_type="qwen2")
    assert "Qwen" in type(builder).__name__


def test_vllm_loads_it(directory, tokenizer):
    from vllm.tokenizers.registry import get_tokenizer

    assert get_tokenizer(str(directory)).encode("下雨<|s_4|>") == tokenizer.encode("下雨<|s_4|>")


def test_building_again_replaces_the_earlier_one_and_leaves_nothing_beside(tmp_path):
    build_tokenizer(TEXTS, 5, tmp_path / "t")
    build_tokenizer(TEXTS, 7, tmp_path / "t")
    assert AutoTokenizer.from_pretrained(tmp_path / "t").encode("<|s_6|>") != []
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_no_text_or_no_speech_token_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 characters"):
        build_tokenizer([], 5, tmp_path / "t")
    with pytest.raises(ValueError, match="0 tokens"):
        build_tokenizer(TEXTS, 0, tmp_path / "t")
    assert list(tmp_path.iterdir()) == []
