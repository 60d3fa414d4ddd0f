"""A checkpoint of a published conversion, or an SFT of Qwen2.5: adopted as it is, with the tokenizer that it needs."""

import pytest
from transformers import AutoTokenizer

from data_prep.prompt_template import encode_answer, encode_prompt, zero_shot
from models.cosyvoice import to_huggingface
from speech.tokens import parse_speech_tokens
from speech.voices import Voice
from tests.helpers.cosyvoice_published import PUBLISHED, settings, write_published
from tests.helpers.cosyvoice_release import write_text_model


def test_an_adopted_checkpoint_ends_as_its_model_does(tmp_path):
    """The published conversion's tokenizer ends with <|endoftext|>, which its model never writes."""
    write_published(tmp_path / "model", 5, PUBLISHED["cosyvoice2"])
    before = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert before.eos_token == "<|endoftext|>"
    (tmp_path / "out").mkdir()
    to_huggingface.adopt(tmp_path / "model", tmp_path / "out", settings("cosyvoice2"), 5)
    words = AutoTokenizer.from_pretrained(tmp_path / "out")
    answer = encode_answer(words, [3, 4])
    assert words.convert_ids_to_tokens(answer) == ["<|s_3|>", "<|s_4|>", "<|eos1|>"]
    assert (len(words), words.pad_token) == (len(before), "<|endoftext|>")
    prompt = words.convert_ids_to_tokens(encode_prompt(words, zero_shot("今天", Voice("a", "明天。", (3,)))))
    joined = words.convert_ids_to_tokens(words.encode("明天。今天"))  # 。今 is one token
    assert prompt == ["<|sos|>", *joined, "<|task_id|>", "<|s_3|>"] and len(joined) == 4
    for end in ("<|eos1|>", "<|eos3|>"):
        rollout = [*answer[:2], words.convert_tokens_to_ids(end)]
        assert parse_speech_tokens(words.decode(rollout, skip_special_tokens=True)) == ([3, 4], "")


def test_a_chat_template_comes_with_a_checkpoint_that_has_its_tokens(tmp_path):
    """The SFT models of Qwen2.5-0.5B-Instruct: the checkpoint stays, the tokenizer gets the published template."""
    write_text_model(tmp_path / "model")
    words = AutoTokenizer.from_pretrained(tmp_path / "model")
    chat = settings("cosyvoice2", template="chat")
    (tmp_path / "refused").mkdir()
    with pytest.raises(ValueError, match="the tokenizer lacks"):
        to_huggingface.adopt(tmp_path / "model", tmp_path / "refused", chat, 4)
    words.add_tokens(["<|SPEECH_GENERATION_START|>"], special_tokens=True)
    words.add_tokens([f"<|s_{n}|>" for n in range(4)])
    words.save_pretrained(tmp_path / "model")
    (tmp_path / "out").mkdir()
    to_huggingface.adopt(tmp_path / "model", tmp_path / "out", chat, 4)
    adopted = AutoTokenizer.from_pretrained(tmp_path / "out")
    open_turn = "<|im_start|>assistant\n<|SPEECH_GENERATION_START|>"
    question = "<|im_start|>user\nConvert the text to speech: 明天今天<|im_end|>\n"
    messages = zero_shot("今天", Voice("a", "明天", (3,)))
    assert adopted.eos_token == "<|endoftext|>"  # one of its model's ends, so it stays
    assert adopted.decode(encode_prompt(adopted, messages)) == question + open_turn + "<|s_3|>"
    assert adopted.decode(encode_prompt(adopted, messages[:2])) == question + open_turn
    assert (tmp_path / "out" / "model.safetensors").samefile(tmp_path / "model" / "model.safetensors")
