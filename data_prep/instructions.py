"""Instructions that stand in a text, as a family's official package writes them: INSTRUCTION<|endofprompt|>text."""

from collections.abc import Mapping
from typing import Any

from data_prep.jsonl import check_words
from speech.jsonl import BadField
from speech.templates import instruction_end, plain_instruction
from speech.voices import Voice


def taken_apart(row: Mapping[str, Any], template: str) -> Mapping[str, Any]:
    """The row with its instruction in the field of that name, and without the token that ends one; what the prompts of
    `template` begin with anyway is no instruction. Raises BadField: two instructions.

    >>> taken_apart({"text": "慢一点<|endofprompt|>你好"}, "models.cosyvoice.prompt.zero_shot")
    {'text': '你好', 'instruction': '慢一点'}
    """
    end, given, text = instruction_end(template), row.get("instruction"), row.get("text")
    if end is None:
        return row
    made = dict(row)
    if isinstance(given, str):
        made["instruction"] = given = _instruction(given.strip().removesuffix(end), template)
    if isinstance(text, str) and end in text:
        before, _, made["text"] = text.partition(end)
        if not before.strip():
            raise BadField("text", f"begins with {end}, which ends an instruction")
        if said := _instruction(before, template):
            if given not in (None, said):
                raise BadField("instruction", f"is {given!r}, and the text has another one before {end}: {said!r}")
            made["instruction"] = said
    return made


def words_of_voice(voice: Voice, template: str) -> dict[str, str]:
    """{"text", "description"} of a voice, as far as it has them, as prompts may hold them, without what those of
    `template` begin with anyway. Raises BadField: words that are none, or an instruction before them."""
    end, words = instruction_end(template), {"text": voice.text, "description": voice.description}
    if end is not None and end in voice.text:
        before, _, words["text"] = voice.text.partition(end)
        if _instruction(before, template) is not None:
            raise BadField("text", f"has an instruction before {end}: here stands what the recording says")
    return {key: check_words(said or "", key) for key, said in words.items() if getattr(voice, key)}


def _instruction(text: str, template: str) -> str | None:
    return None if text.strip() == plain_instruction(template) else text.strip()
