"""Repetition-aware sampling: the distribution by hand, and the same tokens from transformers and vLLM."""

import numpy as np
import torch

from infer.repetition_aware import ForTransformers, RepetitionAware


def counts(how: RepetitionAware, probabilities: list[float], recent: list[int], draws: int = 4000) -> list[float]:
    logits = torch.tensor(probabilities).log()
    found = [how.draw(logits, recent, np.random.default_rng((seed, len(recent)))) for seed in range(draws)]
    return [found.count(token) / draws for token in range(len(probabilities))]


def near(found: list[float], wanted: list[float]) -> bool:
    return all(abs(f - w) < 0.03 for f, w in zip(found, wanted, strict=True))


def test_without_repetition_a_token_comes_from_the_nucleus():
    # 0.5 and 0.25 stay below 0.8 before the third token, which crosses it and is in; the fourth is out.
    assert near(counts(RepetitionAware(), [0.5, 0.25, 0.15, 0.1], []), [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0])


def test_top_k_bounds_the_nucleus():
    assert near(counts(RepetitionAware(top_k=2), [0.5, 0.25, 0.15, 0.1], []), [2 / 3, 1 / 3, 0, 0])


def test_a_repeated_token_is_drawn_again_from_everything():
    # Token 0 was just said: drawn with 5/9, then from all four; the others as before.
    wanted = [5 / 9 * 0.5, 2.5 / 9 + 5 / 9 * 0.25, 1.5 / 9 + 5 / 9 * 0.15, 5 / 9 * 0.1]
    assert near(counts(RepetitionAware(), [0.5, 0.25, 0.15, 0.1], [0]), wanted)


def test_what_was_said_before_the_window_does_not_count():
    recent = [0] + [9] * 10
    assert near(counts(RepetitionAware(), [0.5, 0.25, 0.15, 0.1], recent), [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0])


def test_below_the_share_a_repeated_token_stays():
    how = RepetitionAware(tau_r=0.3)  # three of ten
    assert near(counts(how, [0.5, 0.25, 0.15, 0.1], [0, 0]), [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0])


def test_the_repeated_token_may_be_kept_out_of_the_second_draw():
    # Token 0 with 5/9 in the first draw; then only 0.25, 0.15, 0.1 of 0.5 are left.
    wanted = [0, 2.5 / 9 + 5 / 9 * 0.5, 1.5 / 9 + 5 / 9 * 0.3, 5 / 9 * 0.2]
    assert near(counts(RepetitionAware(mask_repeated=True), [0.5, 0.25, 0.15, 0.1], [0]), wanted)


def alone(processor: ForTransformers, *rows: list[int]) -> list[int]:
    """The token that is left of 64 alike, for each row; the prompt is one token."""
    left = processor(torch.tensor([[99, *row] for row in rows]), torch.zeros(len(rows), 64))
    assert left.isfinite().sum(-1).eq(1).all()
    return left.argmax(-1).tolist()


def test_a_token_follows_from_its_seed_and_place_alone():
    """vLLM asks again where it threw a token away (a prompt read in parts), and begins anew with a request that it set
    aside. Tokens of neighbouring seeds and places have nothing in common."""
    how = RepetitionAware(top_p=1.0, top_k=64, tau_r=2.0)
    processor = ForTransformers(how, 1, [3, 4], [0], [0, 0])
    first = alone(processor, [], [])
    assert first == alone(processor, [], []) and first[0] != first[1]
    second = alone(processor, [first[0]], [first[1]])
    assert second == alone(ForTransformers(how, 1, [3, 4], [0], [0, 0]), [first[0]], [first[1]]) != first
    assert second[0] != first[1]
