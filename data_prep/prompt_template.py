"""From a text to what the model reads. Data preparation, SFT, rollout and inference all go through here.

A recipe names its template function in recipe.yaml (`recipe.prompt_template`); the rest is the chat template that the
tokenizer carries.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from speech.tokens import format_speech_tokens
from speech.voices import Voice

Messages = list[dict[str, str]]
Said = tuple[str, Sequence[int]]  # a part of a long text, as it was read, and its speech tokens


def chat(text: str, voice: Voice | None = None, speech_prefix: Sequence[int] = ()) -> Messages:
    """One user message with the text: the template of a model with a single voice.

    Raises:
        ValueError: a voice or a speech prefix was given, which this template has no place for.
    """
    if len(speech_prefix) or voice is not None:
        raise ValueError(
            f"the template 'chat' has one voice and no speech prefix, got voice={voice and voice.name!r} and "
            f"{len(speech_prefix)} tokens; set recipe.prompt_template to one that takes them"
        )
    return [{"role": "user", "content": text}]


def zero_shot(text: str, voice: Voice | None = None, speech_prefix: Sequence[int] = ()) -> Messages:
    """The voice's own words, then the text, a user's turn each; and, where there are any, the voice's speech tokens and
    those that begin the text, as an assistant's turn that the model goes on with.

    The tokenizer's chat template says where that stands in a family's prompt, and whether words and text are one string
    or encoded apart; it must leave an assistant's turn at the end open.

    >>> zero_shot("你好", Voice("a", "早上。", (7, 8)), speech_prefix=[9])
    [{'role': 'user', 'content': '早上。'}, {'role': 'user', 'content': '你好'}, \
{'role': 'assistant', 'content': '<|s_7|><|s_8|><|s_9|>'}]
    """
    tokens = [*(voice.speech_tokens if voice else ()), *speech_prefix]
    messages = [{"role": "user", "content": said} for said in ([voice.text] if voice else []) + [text]]
    return [*messages, {"role": "assistant", "content": format_speech_tokens(tokens)}] if tokens else messages


def opened_once(messages: Messages, tokenizer: PreTrainedTokenizerBase) -> Messages:
    """The messages without the token that starts speech where an assistant's turn brings it and the chat template
    writes it as well, as rows of ch-tts-llasa-rl-grpo have it: the model would read it twice."""
    *before, last = messages
    if last["role"] != "assistant" or not last["content"].startswith("<|"):
        return messages
    bare = [*before, {**last, "content": ""}]
    opened = tokenizer.apply_chat_template(bare, add_generation_prompt=True, tokenize=False)
    start = opened[opened.rfind("<|") :]
    return [*before, {**last, "content": last["content"].removeprefix(start)}] if start else messages


def encode_prompt(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> list[int]:
    """Token ids up to and including the token that starts speech: verl's rollout hands exactly these to vLLM."""
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)


def encode_answer(tokenizer: PreTrainedTokenizerBase, speech_tokens: Sequence[int], finished: bool = True) -> list[int]:
    """Token ids of the assistant's turn after encode_prompt(): the speech tokens and, unless it was cut off (not
    `finished`), the end token.

    Raises:
        ValueError: a speech token that the tokenizer does not have.
    """
    names = [format_speech_tokens([n]) for n in speech_tokens]
    ids = tokenizer.convert_tokens_to_ids(names)
    unknown = (None, tokenizer.unk_token_id)
    missing = [name for name, index in zip(names, ids, strict=True) if index in unknown]
    if missing:
        raise ValueError(f"the tokenizer {tokenizer.name_or_path} has no speech token {missing[0]}")
    return [*ids, tokenizer.eos_token_id] if finished else ids
