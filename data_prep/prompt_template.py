"""From a text to what the model reads. Data preparation, SFT, rollout and inference all go through here.

A recipe names its template function in recipe.yaml (`recipe.prompt_template`); the rest is the chat template that the
tokenizer carries.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from reward_tts.speech_tokens import format_speech_tokens

Messages = list[dict[str, str]]


def chat(text: str, speech_prefix: Sequence[int] = (), voice: str | None = None) -> Messages:
    """One user message with the text: the template of a model with a single voice.

    Raises:
        ValueError: a voice or a speech prefix was given, which this template has no place for.
    """
    if len(speech_prefix) or voice is not None:
        raise ValueError(
            f"the template 'chat' has one voice and no speech prefix, got voice={voice!r} and {len(speech_prefix)} "
            "tokens; set recipe.prompt_template to one that takes them"
        )
    return [{"role": "user", "content": text}]


def encode_prompt(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> list[int]:
    """Token ids up to and including the token that starts speech: verl's rollout hands exactly these to vLLM."""
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)


def encode_answer(tokenizer: PreTrainedTokenizerBase, speech_tokens: Sequence[int]) -> list[int]:
    """Token ids of the assistant's turn after encode_prompt(): the speech tokens and the end token.

    Raises:
        ValueError: a speech token that the tokenizer does not have.
    """
    names = [format_speech_tokens([n]) for n in speech_tokens]
    ids = tokenizer.convert_tokens_to_ids(names)
    missing = [name for name, index in zip(names, ids, strict=True) if index in (None, tokenizer.unk_token_id)]
    if missing:
        raise ValueError(f"the tokenizer {tokenizer.name_or_path} has no speech token {missing[0]}")
    return [*ids, tokenizer.eos_token_id]
