"""Which files a command makes anew. What lies there from before is not judged where a stage that comes first writes it:
whoever has mended a text would be refused for the old one. It is judged as soon as it is written."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from stages.config import ROOT
from stages.table import Need, Stage

Counts = Callable[[Sequence[str]], bool]  # whether a fault of these files does; of none: of settings


def needs(stage: Stage, stages: Iterable[Stage]) -> list[Need]:
    """What a stage needs and, where it asks the reward server, what that one needs, if it is one of these stages: a
    training by another ear is another run (stages/marks.py)."""
    served = [one for one in stages if one.name == "serve"] if stage.spec.get("server") else []
    return [need for one in (stage, *served) for need in one.needs()]


def to_run(stages: Sequence[Stage], is_due: Callable[[Stage], bool]) -> list[Stage]:
    """Those that are to run, and those that may have to: they need what one of these makes.

    Args:
        stages: of one command, in order.
        is_due: whether a stage would run as things are now.
    """
    found: list[Stage] = []
    for stage in stages:
        names = {one.name for one in found}
        if any(need.made_by in names for need in needs(stage, stages)) or is_due(stage):
            found.append(stage)
    return found


def counts_for(
    stage: Stage, is_due: Callable[[Stage], bool], running: Callable[[], Sequence[Stage]], files: Sequence[str]
) -> bool:
    """Whether a fault of these files, or of settings where there are none, hinders a stage: it is to run, and no stage
    that comes first makes them anew.

    Args:
        running: the stages that are to run, in order.
    """
    return is_due(stage) and not (files and _is_made(stage, files, running()))


def _is_made(stage: Stage, paths: Iterable[str], running: Sequence[Stage]) -> bool:
    before = list(takewhile(lambda one: one.name != stage.name, running))
    names = {one.name for one in before}
    made = [path for one in before for path in one.spec.makes]
    made += [need.path for need in needs(stage, running) if need.made_by in names]
    return any((ROOT / path).is_relative_to(ROOT / one) for path in paths for one in made)
