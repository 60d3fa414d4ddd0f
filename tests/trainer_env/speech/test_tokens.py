"""Speech tokens as text and back."""

import pytest

from speech.tokens import format_speech_tokens, parse_speech_tokens


def test_speech_tokens_survive_text_and_back():
    assert format_speech_tokens([0, 511, 7]) == "<|s_0|><|s_511|><|s_7|>"
    assert parse_speech_tokens("<|s_0|><|s_511|><|s_7|>") == ([0, 511, 7], "")


def test_stray_text_between_speech_tokens_is_kept_apart():
    assert parse_speech_tokens(" <|s_3|>你<|s_|>好<|s_04|>") == ([3, 4], "你<|s_|>好")
    assert parse_speech_tokens("<|s_3|>你<|s_4|>") == ([3, 4], "你")
    assert parse_speech_tokens("<|s_3|><|s_|><|s_4|>") == ([3, 4], "<|s_|>")
    assert parse_speech_tokens("<|s_3|><|s_+4|>") == ([3], "<|s_+4|>")
    assert parse_speech_tokens("") == ([], "")
    endless = f"<|s_{'9' * 5000}|>"
    assert parse_speech_tokens(f"<|s_3|>{endless}") == ([3], endless)


def test_a_negative_speech_token_is_refused():
    with pytest.raises(ValueError, match="-1"):
        format_speech_tokens([3, -1])
