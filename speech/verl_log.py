"""What verl says of each step in its console log: `step:3 - critic/score/mean:0.51 - ...`."""

import re
from typing import TypeVar

Curve = list[tuple[int, float]]  # (step, value)
Value = TypeVar("Value")
_STEP = re.compile(r"\bstep:(\d+) - ")
_NUMBER = r"(?:np\.\w+\()?(-?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf))"
_METRIC = re.compile(rf" - (\S+):{_NUMBER}\)?(?= - |\s*$)")


def metrics_of(line: str) -> tuple[int, dict[str, float]] | None:
    """(step, {metric: value}) of a line of verl's console log; None of any other line."""
    step = _STEP.search(line)
    return (int(step[1]), {key: float(number) for key, number in _METRIC.findall(line)}) if step else None


def go_on(found: dict[int, Value], step: int) -> None:
    """Before what is told of `step`: takes what later ones told out of {step: ...}, which was filled in this way and so
    ascends. They are of a life of the training that is gone. The step itself stays: resumed, verl first validates the
    one that it loads, and tells that alone."""
    while next(reversed(found), step) > step:
        found.popitem()
