"""The prompt of the Inworld TTS trainer (arXiv 2507.21138; its tts/core/prompting.py): no chat roles, two lines."""

from collections.abc import Sequence

from data_prep.prompt_template import Messages
from speech.tokens import format_speech_tokens
from speech.voices import Voice

TEXT = "<|text_prompt_start|>{}<|text_prompt_end|>"
DESCRIPTION = "<|voice_description_start|>{}<|voice_description_end|>"


def line(text: str, voice: Voice | None = None, speech_prefix: Sequence[int] = ()) -> Messages:
    """The request as a user's message, and a voice's speech tokens as an assistant's turn that stays open; the chat
    template (models.yaml) puts a line break and <|speech_start|> between them.

    A voice is a recording, whose words stand before the text with a space between, or a description of it in words, or
    both.

    >>> line("Hello.", Voice("anna", "", description="An old man."))[0]["content"]
    'Given the following voice description <|voice_description_start|>An old man.<|voice_description_end|> convert the \
text to speech:<|text_prompt_start|>Hello.<|text_prompt_end|>'
    """
    recorded = voice is not None and len(voice.speech_tokens) > 0
    request = TEXT.format(f"{voice.text} {text}" if recorded else text)
    if voice is not None and voice.description:
        before = f"Given the following voice description {DESCRIPTION.format(voice.description)} convert the text to"
        request = f"{before} speech:{request}"
    else:
        request = f"Convert the text to speech:{request}"
    tokens = [*(voice.speech_tokens if voice else ()), *speech_prefix]
    messages = [{"role": "user", "content": request}]
    return [*messages, {"role": "assistant", "content": format_speech_tokens(tokens)}] if tokens else messages
