"""Repetition-aware sampling: the distribution by hand, and the same tokens from transformers and vLLM."""

import torch

from infer.repetition_aware import RepetitionAware


def counts(how: RepetitionAware, probabilities: list[float], recent: list[int], draws: int = 4000) -> list[float]:
    logits, generator = torch.tensor(probabilities).log(), torch.Generator().manual_seed(0)
    found = [how.draw(logits, recent, generator) for _ in range(draws)]
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
