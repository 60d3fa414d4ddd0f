"""How many speech tokens an answer may have: at least and at most so many for each token of its text, as CosyVoice and
GLM-TTS bound their decoding (min_token_text_ratio 2, max_token_text_ratio 20); and how often it may repeat one, by
vLLM's frequency penalty, which transformers lacks."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, PreTrainedTokenizerBase

RATIOS = ("min_token_text_ratio", "max_token_text_ratio")  # keys of a decoding


def text_lengths(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of each text alone, without its prompt's other parts."""
    return [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]


def bounds(
    decoding: Mapping[str, Any], text_tokens: Sequence[int] | None, count: int, max_tokens: int
) -> list[tuple[int, int]]:
    """(least, most) speech tokens for each of `count` prompts: by the decoding's ratios, min_tokens and max_tokens; the
    argument `max_tokens` where the decoding has none of its own.

    >>> bounds({"min_token_text_ratio": 2, "max_token_text_ratio": 20}, [3, 40], 2, 100)
    [(6, 60), (80, 100)]
    >>> bounds({"min_tokens": 4}, None, 2, 100)
    [(4, 100), (4, 100)]

    Raises:
        ValueError: ratios, and nobody counted the texts' tokens; or a ratio below 0.
    """
    low, high = (decoding.get(key) for key in RATIOS)
    floor, max_tokens = decoding.get("min_tokens", 0), decoding.get("max_tokens", max_tokens)
    if low is None and high is None:
        return [(floor, max_tokens)] * count
    if text_tokens is None:
        raise ValueError(f"{' and '.join(RATIOS)} need the number of each text's tokens")
    if min(low or 0, high or 0) < 0 or (high is not None and (low or 0) > high):
        raise ValueError(f"{RATIOS[0]}={low} and {RATIOS[1]}={high}: from 0 on, and the first is the lower one")
    found = []
    for tokens in text_tokens:
        most = max_tokens if high is None else max(1, min(max_tokens, int(tokens * high)))
        found.append((min(most, max(floor, int(tokens * (low or 0)))), most))
    return found


class FrequencyPenalty(LogitsProcessor):
    """Takes `penalty` off a token's logit for each time that it was written behind the prompt (`prompt`: its tokens),
    as vLLM's frequency_penalty does: behind the repetition penalty, before the temperature. That is where
    transformers' `generate` puts processors which it is given."""

    def __init__(self, prompt: int, penalty: float):
        self._prompt, self._penalty = prompt, penalty

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        written = input_ids[:, self._prompt :]
        return scores.scatter_add(1, written, torch.full_like(written, -self._penalty, dtype=scores.dtype))


class NotBefore(LogitsProcessor):
    """No end in a row of a (padded) batch before it has `least[row]` tokens; `prompt`: tokens of the prompts."""

    def __init__(self, prompt: int, ends: Sequence[int], least: Sequence[int]):
        self._prompt, self._ends, self._least = prompt, list(ends), torch.tensor(list(least))

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        early = (input_ids.shape[1] - self._prompt < self._least).to(scores.device)
        ends = torch.zeros_like(scores, dtype=torch.bool)
        ends[:, self._ends] = True
        return scores.masked_fill(early[:, None] & ends, -torch.inf)
