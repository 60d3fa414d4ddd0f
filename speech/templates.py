"""The function that a recipe names as `recipe.prompt_template`."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import hydra


def prompt_template(name: str) -> Callable[..., list[dict[str, Any]]]:
    """template(text, voice=None, speech_prefix=(), language=None) -> messages: the function of that dotted name, which
    is told the language if it has such a parameter: 東京 is Japanese or traditional Chinese by that alone."""
    function = hydra.utils.get_method(name)
    if "language" in signature(function).parameters:
        return function
    return lambda *args, language=None, **options: function(*args, **options)
