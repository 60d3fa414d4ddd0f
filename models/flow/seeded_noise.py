"""Chance in a vocoder: the same for every utterance, so that rollouts of one text differ by what they say alone."""

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class SeededNoise(TorchFunctionMode):
    """Inside, torch.rand and torch.randn_like draw from a generator of this block's own, whatever other threads do."""

    def __init__(self, seed: int):
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.rand:
            return torch.rand(*args, generator=self._generator).to(kwargs.get("device"))
        if function is torch.randn_like:
            return torch.randn(args[0].shape, generator=self._generator).to(args[0])
        return function(*args, **kwargs)
