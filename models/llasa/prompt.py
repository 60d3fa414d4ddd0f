"""Llasa's prompt (arXiv 2502.04128, and the inference code of its model card)."""

import re
from collections.abc import Sequence

from data_prep.prompt_template import Messages
from speech.tokens import format_speech_tokens
from speech.voices import Voice

INSTRUCTION = "Convert the text to speech:"
TEXT_START, TEXT_END = "<|TEXT_UNDERSTANDING_START|>", "<|TEXT_UNDERSTANDING_END|>"
_WITHOUT_SPACES = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")  # kana, Han, their marks


def understanding(text: str, voice: Voice | None = None, speech_prefix: Sequence[int] = ()) -> Messages:
    """The user asks for the text; the assistant's turn begins with <|SPEECH_GENERATION_START|>, which the chat template
    (models.yaml) writes. A voice's words stand before the text, its speech tokens in the assistant's turn, which stays
    open. Between the two is a space, or nothing beside Chinese or Japanese, as in the model card's example.

    >>> understanding("Hello.", Voice("anna", "Hi.", (7, 8)))[0]["content"]
    'Convert the text to speech:<|TEXT_UNDERSTANDING_START|>Hi. Hello.<|TEXT_UNDERSTANDING_END|>'
    >>> understanding("你好", Voice("anna", "好。", (7, 8)))[0]["content"]
    'Convert the text to speech:<|TEXT_UNDERSTANDING_START|>好。你好<|TEXT_UNDERSTANDING_END|>'

    Raises:
        ValueError: a voice that is described instead of recorded.
    """
    if voice is not None and not voice.speech_tokens:
        raise ValueError(f"Llasa speaks with a voice's speech tokens, and the voice {voice.name!r} has none")
    words = joined(voice.text, text) if voice else text
    messages = [{"role": "user", "content": f"{INSTRUCTION}{TEXT_START}{words}{TEXT_END}"}]
    tokens = [*(voice.speech_tokens if voice else ()), *speech_prefix]
    return [*messages, {"role": "assistant", "content": format_speech_tokens(tokens)}] if tokens else messages


def joined(words: str, text: str) -> str:
    """A voice's words and the text that follows them."""
    beside_chinese = _WITHOUT_SPACES.match(words[-1:]) or _WITHOUT_SPACES.match(text)
    return f"{words}{text}" if beside_chinese else f"{words} {text}"
