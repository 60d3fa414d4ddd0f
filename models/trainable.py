"""Which parameters of a model are trained."""

import re
from collections.abc import Sequence

import torch


def freeze_all_but(module: torch.nn.Module, patterns: Sequence[str]) -> list[str]:
    """Leaves `requires_grad` to the parameters whose whole name matches one of the regular expressions.

    Returns:
        Their names.

    Raises:
        ValueError: a pattern matches nothing.
    """
    names = [name for name, _ in module.named_parameters()]
    for pattern in patterns:
        if not any(re.fullmatch(pattern, name) for name in names):
            raise ValueError(f"trainable: {pattern!r} matches no parameter; there are {names}")
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(any(re.fullmatch(pattern, name) for pattern in patterns))
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]
