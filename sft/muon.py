"""Muon for the matrices of a model's layers, AdamW for all else, as one optimizer.

Muon (Jordan, 2024, https://kellerjordan.github.io/posts/muon/; torch.optim.Muon) takes the orthogonal matrix next to
the momentum as its update. A small model that learns from nothing comes as far with two thirds of the steps.
"""

from typing import Any

import torch
from torch import nn
from torch.optim import Muon, Optimizer


class MuonAndAdamW(Optimizer):
    """For transformers' Trainer: a step of each, their groups in one list, their states in one.

    Args:
        model: its matrices are taken over, but for embeddings and head, which are no maps between hidden states.
        adamw: an optimizer of all that is to be trained; it keeps the rest.
        muon: keyword arguments of torch.optim.Muon.
    """

    def __init__(self, model: nn.Module, adamw: Optimizer, muon: dict[str, Any]):
        ends = [end.weight for end in (model.get_input_embeddings(), model.get_output_embeddings()) if end is not None]
        kept = {id(one) for one in ends}
        every = [one for group in adamw.param_groups for one in group["params"]]
        own = [one for one in every if one.ndim == 2 and id(one) not in kept]
        taken = {id(one) for one in own}
        for group in adamw.param_groups:
            group["params"] = [one for one in group["params"] if id(one) not in taken]
        self.parts = [Muon(own, **muon), adamw]
        super().__init__([{"params": every}], {})
        self._share()

    def _share(self) -> None:
        """The groups are those of the parts: a schedule that changes a rate here changes it there."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step of each."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Of both, in order."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()
