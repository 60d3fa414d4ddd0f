"""Muon beside AdamW: whose parameters are whose, what a step does, and that a schedule and a checkpoint reach both."""

import pytest
import torch
from torch import nn

from sft.muon import MuonAndAdamW


class Small(nn.Module):
    """Embedding, tied head, a matrix and a norm."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.matrix, self.norm = nn.Embedding(7, 4), nn.Linear(4, 6), nn.LayerNorm(6)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.matrix(self.embedding(ids))).pow(3).sum() * 1e-6
        return 5 * self.matrix.weight[:4].trace() + hidden + self.head.weight[0].sum()


def optimizer_of(model: Small) -> MuonAndAdamW:
    adamw = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    return MuonAndAdamW(model, adamw, {"lr": 0.5, "weight_decay": 0.0})


def step(model: Small, optimizer: MuonAndAdamW) -> None:
    model(torch.tensor([1, 2, 3])).backward()
    optimizer.step()
    optimizer.zero_grad()


def test_the_matrix_moves_by_an_orthogonal_one_and_the_rest_by_adamw():
    model = Small()
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    optimizer = optimizer_of(model)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.01]
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 4]  # weights; embedding, bias, norm
    step(model, optimizer)
    moved = {name: (one.detach() - before[name]) for name, one in model.named_parameters()}
    # The gradient is 5 times the first four rows of an identity, of which Muon makes singular values of about 1 (0.7 to
    # 1.2); of a 6 x 4 matrix the rate counts sqrt(6 / 4) times.
    diagonal, rate = moved["matrix.weight"].diagonal(), 0.5 * 1.5**0.5
    assert -1.2 * rate < diagonal.min() and diagonal.max() < -0.7 * rate
    assert torch.allclose(moved["matrix.weight"], torch.eye(6, 4) * diagonal, atol=0.01)
    # Adam's first step is the rate, whatever the gradient's size.
    assert moved["embedding.weight"][0].abs().tolist() == pytest.approx([0.01] * 4, rel=1e-3)
    assert all(one.grad is None for one in model.parameters())


def test_a_schedule_reaches_both():
    optimizer = optimizer_of(Small())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step == 0 else 0.25)
    optimizer.step()
    schedule.step()
    assert [part.param_groups[0]["lr"] for part in optimizer.parts] == [0.125, 0.0025]


def test_a_checkpoint_goes_on_as_if_there_had_been_none(tmp_path):
    model, other = Small(), Small()
    optimizer = optimizer_of(model)
    step(model, optimizer)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    other.load_state_dict(model.state_dict())
    resumed = optimizer_of(other)
    resumed.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    assert resumed.param_groups[0] is resumed.parts[0].param_groups[0]
    for one, its_optimizer in ((model, optimizer), (other, resumed)):
        step(one, its_optimizer)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
