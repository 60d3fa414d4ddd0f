"""The error that a recipe's reward sees for a text and what was heard of it.

    python -m reward_tts.reading_error RECIPE LANGUAGE TEXT HEARD      # as bash run.sh explain

prints what may be said for both, how they were aligned, and the error.
"""

import sys
from functools import cache
from pathlib import Path

import hydra
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from reward_tts.reward.errors import Compared, compare, style
from speech.readings import Lattice, asked_lattice, may_be_said, rightly
from speech.texts import NORMALISATIONS

_RECIPES = Path(__file__).resolve().parent.parent / "recipes"


@cache
def settings(recipe: str) -> DictConfig:
    """recipe.* as recipes/<recipe>/recipe.yaml has it.

    Raises:
        ValueError: no such recipe.
    """
    folder = _RECIPES / recipe
    if not (folder / "recipe.yaml").is_file():
        raise ValueError(f"there is no recipe {recipe!r} in {_RECIPES}")
    with initialize_config_dir(config_dir=str(folder), version_base=None):
        return compose("recipe", [f"hydra.searchpath=[file://{_RECIPES / 'common'}]"]).recipe


def prompt_text(recipe: str, text: str, language: str) -> str:
    """What a prompt of this recipe says: the text as it is written there, without a voice and without phonemes.

    Raises:
        ValueError: nothing of the text can be spoken.
    """
    if not may_be_said(text, language):
        raise ValueError(f"{text!r} has nothing to be spoken")
    config = settings(recipe)
    written = NORMALISATIONS[config.text_normalisation](text, language)
    user = [m["content"] for m in _template(config.prompt_template)(written) if m["role"] == "user"]
    return written if any(written in content for content in user) else user[-1]


@cache
def _template(name: str):
    return hydra.utils.get_method(name)


def reading_error(recipe: str, text: str, heard: str, language: str) -> float:
    """The error of what was heard, in the unit of the recipe's own reward, >= 0, not capped.

    Args:
        recipe: its folder's name.
        text: of a row, as its author wrote it.
        heard: as the recipe's ASR wrote it.
        language: of both.

    Raises:
        ValueError: no such recipe; nothing of the text can be spoken; the prompt would say something that is no reading
            of the text.
    """
    said = prompt_text(recipe, text, language)
    error = settings(recipe).reward.error
    how = style(language, error.unit, bool(error.get("tones", False)))
    if said != text and not rightly(asked_lattice(text, language, how), asked_lattice(said, language, how)):
        difference = compare(text, said, language, how)
        if not difference.right:
            raise ValueError(f"the prompt of {recipe} says {said!r}, which is no reading of {text!r}")
    return Compared(text, heard, language).error(error.unit, bool(error.get("tones", False)))


def explain(recipe: str, text: str, heard: str, language: str) -> str:
    """Prompt, readings, alignment and error of a pair, for people."""
    config = settings(recipe)
    unit, tones = config.reward.error.unit, bool(config.reward.error.get("tones", False))
    comparison = compare(text, heard, language, style(language, unit, tones))
    lines = [f"recipe {recipe}, language {language}, unit {unit}" + (" with tones" if tones else "")]
    lines += [f"prompt says    {prompt_text(recipe, text, language)}"]
    lines += _readings("text", asked_lattice(text, language, style(language, unit, tones)))
    lines += _readings("heard", compare(text, heard, language, style(language, unit, tones)).heard)
    lines.append("alignment (asked -> heard)")
    for step in comparison.steps:
        asked = comparison.asked.units[step.asked][0] if step.asked is not None else "(nothing)"
        found = comparison.heard.units[step.heard][0] if step.heard is not None else "(nothing)"
        lines.append(f"  {'  ' if step.right else '! '}{asked} -> {found}")
    wrong, units = sum(not s.right for s in comparison.steps), sum(s.asked is not None for s in comparison.steps)
    error = reading_error(recipe, text, heard, language)
    return "\n".join([*lines, f"error {error:.4f}: {wrong} of {units} units"])


def _readings(name: str, lattice: Lattice) -> list[str]:
    lines = []
    for part in lattice.parts:
        ways = [" ".join(unit[0] for unit in way) or "(nothing)" for way in part.ways]
        shown = " | ".join(ways[:8]) + (f" | ... {len(ways)} readings" if len(ways) > 8 else "")
        lines.append(f"  {part.kind:10} {lattice.text[part.start : part.end].strip()}: {shown}")
    return [f"readings of the {name}", *lines]


def main() -> None:
    """Of the command line."""
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    recipe, language, text, heard = sys.argv[1:]
    try:
        print(explain(recipe, text, heard, language))
    except ValueError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
