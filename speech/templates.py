"""The function that a recipe names as `recipe.prompt_template`."""

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

import hydra


@cache
def prompt_template(name: str) -> Callable[..., list[dict[str, Any]]]:
    """template(text, voice=None, speech_prefix=(), language=None, instruction=None, prompted=True) -> messages: the
    function of that dotted name, which is told the language if it has such a parameter: 東京 is Japanese or traditional
    Chinese by that alone. With an instruction, or a voice that is not to be prompted with, it raises ValueError if it
    has no such parameter. Where `has_turns`, also earlier=()."""
    function = hydra.utils.get_method(name)
    known = signature(function).parameters

    def template(
        *args: Any, language: str | None = None, instruction: str | None = None, prompted: bool = True, **options: Any
    ) -> Any:
        if "language" in known:
            options["language"] = language
        if instruction is not None:
            if "instruction" not in known:
                raise ValueError(f"the template {name} has no place for an instruction ({instruction!r})")
            options["instruction"] = instruction
        if not prompted:
            if "prompted" not in known:
                raise ValueError(f"the template {name} has every voice in the prompt (prompted: false)")
            options["prompted"] = False
        return function(*args, **options)

    return template


def has_turns(name: str) -> bool:
    """Whether the function of that dotted name has a parameter `earlier`, the parts of a long text that were said
    before, and so gives every text a user's turn of its own: the last one is the text as the model reads it."""
    return "earlier" in signature(hydra.utils.get_method(name)).parameters


def takes_instructions(name: str) -> bool:
    """Whether the function of that dotted name has a place for an instruction."""
    return "instruction" in signature(hydra.utils.get_method(name)).parameters


def takes_unprompted(name: str) -> bool:
    """Whether the function of that dotted name can leave a voice out, which the token2wav alone then speaks with."""
    return "prompted" in signature(hydra.utils.get_method(name)).parameters


@cache
def instruction_end(name: str) -> str | None:
    """The token behind an instruction, by the attribute of this name of the function of that dotted name: rows may then
    have an instruction before their text, as INSTRUCTION<|endofprompt|>text. None: it has no such attribute."""
    return getattr(hydra.utils.get_method(name), "instruction_end", None)


@cache
def plain_instruction(name: str) -> str | None:
    """What stands there in every prompt without an instruction, so that it is none; likewise an attribute."""
    return getattr(hydra.utils.get_method(name), "plain_instruction", None)
