"""CTC on a CPU's log-probabilities: how likely a row's labels are, and where what was said speaks against them.

CTC: Graves et al., 2006. Symbols are numbers, the blank among them is 0.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn import functional as F

BLANK = 0


def frames_of(units: Sequence[str] | Sequence[int]) -> int:
    """How many frames CTC needs for them: one for each, and a blank between equal neighbours.

    >>> frames_of(["ma1", "ma1", "ni3"])
    4
    """
    return len(units) + sum(one == other for one, other in pairwise(units))


def ctc_loss(logits: torch.Tensor, lengths: torch.Tensor, labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """-log p of each row's labels, nats [rows]; infinite where the frames do not suffice.

    Args:
        logits: log-probabilities [rows, frames, symbols].
        lengths: frames of each row.
        labels: of each row, without blanks.
    """
    flat = torch.tensor([index for label in labels for index in label])
    counts = torch.tensor([len(label) for label in labels])
    return F.ctc_loss(logits.transpose(0, 1), flat, lengths, counts, blank=BLANK, reduction="none")


def doubts(logits: torch.Tensor, lengths: torch.Tensor, labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """How far each frame speaks against the labels, in [0, 1] [rows, frames]: 1 - sum over symbols of the probability
    that a path of the labels is at this symbol here, times the probability of the symbol. 0 where the frame is certain
    of what the labels have there, near 1 where it is certain of another symbol; 1 in all of a row whose frames do not
    suffice. What is beyond a row's length says nothing.

    The first probability is that of forward and backward: the gradient of the loss by what softmax is taken of is the
    symbol's own probability minus it.

    Args:
        logits, lengths, labels: as of `ctc_loss`.
    """
    with torch.enable_grad():
        free = logits.detach().clone().requires_grad_()
        losses = ctc_loss(free.log_softmax(-1), lengths, labels)
        possible = losses.isfinite()
        (gradient,) = torch.autograd.grad(torch.where(possible, losses, 0.0).sum(), free)
    own = logits.detach().exp()
    doubt = 1.0 - ((own - gradient) * own).sum(-1)
    return torch.where(possible[:, None], doubt, 1.0).clamp(0.0, 1.0)
