"""Repetition-aware sampling (VALL-E 2, arXiv 2406.05370, section 3; CosyVoice and GLM-TTS decode by it): a token is
drawn from the nucleus; one that stands in the last `win_size` tokens too often is drawn again, from all tokens.

One function draws. It reaches both back ends as a logits processor that leaves the drawn token alone, so that the back
end's own sampling has no choice: what comes out is the same for the same seed in vLLM and in transformers. Chance
follows from the seed and the place of the token, and from nothing that a back end did before: vLLM asks for a token of
a prompt that it has read in part, throws it away and asks again, and begins anew with a request that it had set aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor as TransformersProcessor

KEY = "repetition_aware"  # of vLLM's SamplingParams.extra_args


@dataclass(frozen=True)
class RepetitionAware:
    """Attributes:
    top_p, top_k: of the nucleus: the likeliest tokens until their sum reaches top_p, at most top_k of them.
    win_size: tokens that are looked back at.
    tau_r: a token that fills at least this share of the window is drawn again.
    mask_repeated: the second draw cannot give that token (CosyVoice since February 2026), or may (VALL-E 2, GLM-TTS).
    temperature: of both draws.
    """

    top_p: float = 0.8
    top_k: int = 25
    win_size: int = 10
    tau_r: float = 0.1
    mask_repeated: bool = False
    temperature: float = 1.0

    def draw(self, logits: torch.Tensor, recent: Sequence[int], chance: np.random.Generator) -> int:
        """One token.

        Args:
            logits: float [vocabulary]; minus infinity where a token is not allowed.
            recent: the tokens so far.
        """
        probabilities = (logits.float() / self.temperature).softmax(-1)
        likely, tokens = probabilities.topk(min(self.top_k, len(probabilities)))
        before = likely.cumsum(-1) - likely
        token = int(tokens[_draw(likely * (before < self.top_p), chance)])
        if list(recent[-self.win_size :]).count(token) >= self.win_size * self.tau_r:
            if self.mask_repeated:
                probabilities[token] = 0.0
            token = int(_draw(probabilities, chance))
        return token


def _draw(weights: torch.Tensor, chance: np.random.Generator) -> torch.Tensor:
    """An index, by weights that need not sum to 1. The number comes from the CPU, wherever the weights are: a seed
    gives the same tokens on every device, and no vocabulary is copied."""
    rising = weights.double().cumsum(-1)
    place = chance.random() * rising[-1]
    return torch.searchsorted(rising, place, right=True).clamp(max=len(weights) - 1)


def _next_alone(
    how: RepetitionAware, seed: int, said: Sequence[int], logits: torch.Tensor, ends: Sequence[int], least: int
) -> None:
    """Leaves in the logits [vocabulary] of one answer the token that comes behind `said`: none of `ends` as one of the
    first `least`."""
    if len(said) < least:
        logits[ends] = -torch.inf
    token = how.draw(logits, said, np.random.default_rng((seed, len(said))))
    logits.fill_(-torch.inf)
    logits[token] = 0.0


class ForTransformers(TransformersProcessor):
    """Args:
    how: the sampling.
    prompt: tokens of the (padded) prompts in a batch.
    seeds: one for each row.
    ends: tokens that end a row: not allowed before `least[row]` tokens.
    """

    def __init__(
        self, how: RepetitionAware, prompt: int, seeds: Sequence[int], ends: Sequence[int], least: Sequence[int]
    ):
        self.how, self.prompt, self.seeds, self.ends, self.least = how, prompt, seeds, list(ends), least

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        for row, seed in enumerate(self.seeds):
            said = input_ids[row, self.prompt :].tolist()
            _next_alone(self.how, seed, said, scores[row], self.ends, self.least[row])
        return scores


def for_vllm() -> type:
    """The class for vllm.LLM(logits_processors=[...]); made here because importing vLLM takes long.

    A request asks for it by SamplingParams(temperature=1, extra_args={"repetition_aware": {"seed": 0, "ends": [...],
    "least": 2, "top_p": 0.8, ...}}).
    """
    from vllm import SamplingParams
    from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

    class OfRequest:
        def __init__(self, asked: dict[str, Any]):
            options = dict(asked)
            self.seed, self.ends, self.least = options.pop("seed"), list(options.pop("ends")), options.pop("least")
            self.how = RepetitionAware(**options)

        def __call__(self, said: list[int], logits: torch.Tensor) -> torch.Tensor:
            _next_alone(self.how, self.seed, said, logits, self.ends, self.least)
            return logits

    class ForVllm(AdapterLogitsProcessor):
        def is_argmax_invariant(self) -> bool:
            return False

        def new_req_logits_processor(self, params: SamplingParams) -> OfRequest | None:
            asked = (params.extra_args or {}).get(KEY)
            return None if asked is None else OfRequest(asked)

    return ForVllm
