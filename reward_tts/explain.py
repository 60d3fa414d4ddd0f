"""Stage `explain`: what may be said for a text and for what was heard of it, how they were aligned, and the error.

python -m reward_tts.explain --config-path <recipes/NAME> --config-name explain text="..." heard="..."
"""

import hydra
from omegaconf import DictConfig

from reward_tts.reading_error import Settings, error_of, prompt_of
from reward_tts.reward.errors import compare, style
from reward_tts.reward.published import FORMS
from speech.faults import told_plainly
from speech.readings import Lattice

_SHOWN = 8  # readings of a span


def explain(recipe: Settings, text: str, heard: str, language: str) -> str:
    """Prompt, readings, alignment and error of a pair, for people.

    Raises:
        ValueError: as reading_error.error_of.
    """
    unit, tones = recipe.unit, recipe.tones
    error = error_of(recipe, text, heard, language)
    comparison = compare(text, heard, language, style(language, unit, tones))
    counts = comparison.counts
    lines = [f"recipe {recipe.name}, language {language}, unit {unit}" + (" with tones" if tones else "")]
    lines += [f"prompt says: {prompt_of(recipe, text, language)}"]
    lines += ["readings of the text:", *_readings(comparison.asked), "readings of what was heard:"]
    lines += [*_readings(comparison.heard), "alignment (asked for, heard):"]
    for node, heard_node, right in comparison.steps:
        asked = comparison.asked.units[node][0] if node is not None else "-"
        found = comparison.heard.units[heard_node][0] if heard_node is not None else "-"
        lines.append(f"  {'  ' if right else '! '}{asked}  {found}")
    if unit in FORMS:
        return "\n".join([*lines, f"error {error:.4f}, as {unit} counts; read: {comparison.rate:.4f}"])
    return "\n".join([*lines, f"error {error:.4f}: {counts.wrong} edits, {counts.units} units"])


def _readings(lattice: Lattice) -> list[str]:
    lines = []
    for part in lattice.parts:
        ways = [" ".join(unit[-1] for unit in way) or "(nothing)" for way in part.ways]
        more = f" ... {len(ways)} in all" if len(ways) > _SHOWN else ""
        lines.append(
            f"  {part.kind:9} {lattice.text[part.start : part.end].strip()}: {' | '.join(ways[:_SHOWN])}{more}"
        )
    return lines


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Prints it. Raises SystemExit: a text without anything to say."""
    if cfg.text is None or cfg.heard is None:
        raise SystemExit('explain needs both: text="..." heard="..."')
    try:
        print(explain(Settings.of(cfg.recipe), str(cfg.text), str(cfg.heard), cfg.language))
    except ValueError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
