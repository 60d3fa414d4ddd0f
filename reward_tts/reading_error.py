"""The error that a recipe's reward sees for a text and what was heard of it, prompt included."""

import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from reward_tts.reward.errors import Compared, style
from speech.readings import may_be_said
from speech.templates import prompt_template
from speech.texts import NORMALISATIONS

_RECIPES = Path(__file__).resolve().parent.parent / "recipes"


class Settings(NamedTuple):
    """What a recipe says of prompts and errors, read once: OmegaConf takes longer for it than a comparison does."""

    name: str
    languages: tuple[str, ...] | None
    unit: str
    tones: bool
    text_normalisation: str
    prompt_template: str

    @classmethod
    def of(cls, recipe: DictConfig) -> "Settings":
        """Of a configuration's branch `recipe`."""
        languages = None if recipe.languages is None else tuple(recipe.languages)
        unit, tones = recipe.reward.error.unit, bool(recipe.reward.error.get("tones", False))
        return cls(recipe.name, languages, unit, tones, recipe.text_normalisation, recipe.prompt_template)


def reading_error(recipe: str, text: str, heard: str, language: str) -> float:
    """The error of what was heard, in the unit of the recipe's own reward, >= 0, not capped.

    Args:
        recipe: its folder's name; what recipes/<recipe>/recipe.yaml says is used.
        text: of a row, as its author wrote it.
        heard: as the recipe's ASR wrote it.
        language: of both.

    Raises:
        ValueError: no such recipe; a language that the recipe does not offer; nothing of the text can be spoken; the
            prompt would say something that is no reading of the text.

    >>> reading_error("cosyvoice2", "他有2个苹果。", "他有两个苹果", "zh")
    0.0
    """
    return error_of(_settings(recipe), text, heard, language)


@cache
def _settings(recipe: str) -> Settings:
    """As recipe.yaml has them."""
    folder = _RECIPES / recipe
    if not (folder / "recipe.yaml").is_file():
        raise ValueError(f"there is no recipe {recipe!r} in {_RECIPES.name}/")
    with initialize_config_dir(config_dir=str(folder), version_base=None):
        return Settings.of(compose("recipe", [f"hydra.searchpath=[file://{_RECIPES / 'common'}]"]).recipe)


def error_of(recipe: Settings, text: str, heard: str, language: str) -> float:
    """As `reading_error`, by these settings."""
    if recipe.languages is not None and language not in recipe.languages:
        offered = ", ".join(recipe.languages)
        raise ValueError(f"{recipe.name} does not offer {language!r}: recipe.languages are {offered}")
    unit, tones = recipe.unit, recipe.tones
    said = prompt_of(recipe, text, language)
    if said != text and not _compared(text, said, language).comparison(style(language, unit, tones)).right:
        raise ValueError(f"the prompt of {recipe.name} says {said!r}, which is no reading of {text!r}")
    return _compared(text, heard, language).error(unit, tones)


@lru_cache(maxsize=16)
def _compared(text: str, heard: str, language: str) -> Compared:
    """Once for all recipes: most of them ask for the same of a pair, and their prompts say the same of a text."""
    return Compared(text, heard, language)


def prompt_of(recipe: Settings, text: str, language: str) -> str:
    """What the prompt says: the text as stage data writes it there, without a voice and without phonemes.

    Raises:
        ValueError: nothing of the text can be spoken.
    """
    written = _written(recipe.text_normalisation, text, language)
    template = prompt_template(recipe.prompt_template)
    turns = [message["content"] for message in template(written, language=language) if message["role"] == "user"]
    if any(written in turn for turn in turns):
        return written
    # GLM-TTS's template writes it once more; where letter case and marks alone differ it says the same.
    return written if _letters_and_signs(written) == _letters_and_signs(turns[-1]) else turns[-1]


@lru_cache(maxsize=16)
def _written(normalisation: str, text: str, language: str) -> str:
    """Once for all recipes, too."""
    if not may_be_said(text, language):
        raise ValueError(f"{text!r} has nothing to be spoken")
    return NORMALISATIONS[normalisation](text, language)


def _letters_and_signs(text: str) -> str:
    return "".join(
        c for c in text.casefold() if c.isalnum() or unicodedata.category(c) in ("Sc", "Sm") or c in "%‰&@#*°"
    )
