"""Blame from the reward function to advantages, on groups worked out by hand."""

import numpy as np
import pytest
import torch
from verl.trainer.ppo.core_algos import get_adv_estimator_fn

from verl_plugins.token_credit import TokenCreditOutput, blame_per_token, spread, token_credit_advantage

SETTINGS = {"norm_adv_by_std_in_grpo": False, "token_credit": {"w_seq": 1.0, "w_tok": 1.0, "norm_by_std": False}}


def with_weights(**weights: float) -> dict:
    return {**SETTINGS, "token_credit": {**SETTINGS["token_credit"], **weights}}


def test_tokens_that_are_no_speech_have_no_blame():
    assert blame_per_token([True, False, True], [1.0, 0.0]) == [1.0, 0.0, 0.0]


def test_credit_of_another_length_or_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="1 speech tokens, the response has 2"):
        blame_per_token([True, True, False], [1.0])
    with pytest.raises(ValueError, match=r"\[0, 1\], got 0\.0 to 2\.0"):
        blame_per_token([True, True], [0.0, 2.0])


def test_spread_keeps_the_score_as_its_sum_and_each_blame_in_its_place():
    scores = spread(0.25, [0.0, 1.0, 0.0, 0.0])
    assert scores.tolist() == [0.0, -1.0, 0.0, 1.25]
    assert scores.sum().item() == 0.25


@pytest.mark.parametrize(("spreads", "expected"), [(True, [0.0, -1.0, 1.25]), (False, [0.0, 0.0, 0.25])])
def test_only_our_estimator_finds_blames_among_the_rewards(spreads, expected):
    """GAE, say, would take them for rewards of the tokens."""
    info = {"reward_extra_info": {"token_credit": [0.0, 1.0], "error_rate": 0.5}}
    rollout = TokenCreditOutput(
        prompt_ids=[1],
        response_ids=[5, 6, 2],
        response_mask=[1, 1, 1],
        metrics={},
        reward_score=0.25,
        extra_fields=info,
    )
    rollout._is_speech, rollout._spreads = [True, True, False], spreads
    output = rollout.as_dict()
    assert output["rm_scores"].tolist() == expected
    assert output["extra_fields"]["reward_extra_info"] == {"error_rate": 0.5}


# Group "a": scores 1 and 0, blames (0 0) and (1 0); group "b": one response, nothing to compare it with.
REWARDS = torch.stack([spread(1.0, [0.0, 0.0, 0.0]), spread(0.0, [1.0, 0.0, 0.0]), spread(0.5, [0.0, 0.0, 0.0])])
MASK = torch.ones(3, 3)
INDEX = np.array(["a", "a", "b"], dtype=object)


def test_sequence_part_is_the_score_against_its_group():
    advantages, returns = token_credit_advantage(REWARDS, MASK, INDEX, with_weights(w_tok=0.0))
    assert advantages[0].tolist() == [0.5, 0.5, 0.5]  # 1 - mean(1, 0)
    assert advantages[1].tolist() == [-0.5, -0.5, -0.5]
    assert returns is advantages


@pytest.mark.parametrize("length", [160, 1500])
@pytest.mark.parametrize("score", [0.3, 0.7034, 1.0])
def test_equal_scores_with_different_blames_say_nothing(score, length):
    """Score and blames in float32 do not add up to the score again: 0.3 + 700 - 700 is 0.29999."""
    blames = [[1.0] * blamed + [0.0] * (length - blamed) for blamed in (0, 3, length // 2, length - 1)]
    rewards = torch.stack([spread(score, blame) for blame in blames])
    group = np.array(["a"] * 4, dtype=object)
    settings = with_weights(w_tok=0.0) | {"norm_adv_by_std_in_grpo": True}
    advantages, _ = token_credit_advantage(rewards, torch.ones(4, length), group, settings)
    assert advantages.abs().max().item() == 0.0
    rewards[0, -1] += 0.01  # a score that does differ
    advantages, _ = token_credit_advantage(rewards, torch.ones(4, length), group, settings)
    assert advantages[:, 0].tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5], abs=0.02)


def test_token_part_is_the_blame_against_its_group_and_spares_the_last_token():
    advantages, _ = token_credit_advantage(REWARDS, MASK, INDEX, with_weights(w_seq=0.0))
    assert advantages[0].tolist() == [0.25, 0.25, 0.0]  # mean blame of the four carriers: 1/4
    assert advantages[1].tolist() == [-0.75, 0.25, 0.0]
    assert advantages[2].tolist() == [0.0, 0.0, 0.0]


def test_the_parts_add_up_with_their_weights():
    advantages, _ = token_credit_advantage(REWARDS, MASK, INDEX, with_weights(w_seq=2.0, w_tok=4.0))
    assert advantages[1].tolist() == [-1.0 - 3.0, -1.0 + 1.0, -1.0]


def test_padding_counts_for_nothing():
    rewards = torch.zeros(2, 4)
    rewards[0, :2], rewards[1, :3] = spread(1.0, [0.0, 0.0]), spread(0.0, [1.0, 0.0, 0.0])
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0]])
    advantages, _ = token_credit_advantage(rewards, mask, INDEX[:2], with_weights(w_seq=0.0))
    assert advantages[0, 0].item() == pytest.approx(1 / 3)  # carriers: one token of the first, two of the second
    assert advantages[1, :2].tolist() == pytest.approx([1 / 3 - 1, 1 / 3])
    assert (advantages * (1 - mask)).abs().sum().item() == 0.0


# Two terms with weights 3 and 1, already weighted: parts (0.75, 0) and (0, 0.25), and scores 0.75 and 0.25.
PARTS = torch.stack([spread(0.75, [0.0] * 4, [0.75, 0.0]), spread(0.25, [1.0, 1.0, 1.0, 0.0], [0.0, 0.25])])


def test_parts_stand_first_and_the_sum_is_still_the_score():
    assert PARTS[0].tolist() == [0.75, 0.0, 0.0, 0.0]
    assert PARTS[1].tolist() == [0.0, 0.25, -1.0, 1.0]
    assert spread(0.5, [0.0, 0.0], [0.25, 0.25]).tolist() == [0.25, 0.25]  # too short for both: the first is kept


def test_separate_terms_are_normalised_each_and_then_weighted():
    settings = with_weights(w_tok=0.0, separate={"error": {"weight": 3.0}, "similarity": {"weight": 1.0}})
    advantages, _ = token_credit_advantage(PARTS, torch.ones(2, 4), INDEX[:2], settings)
    # Each term is at plus and minus one standard deviation: (3 * 1 - 1 * 1) / 4.
    assert advantages[0].tolist() == pytest.approx([0.5] * 4, abs=1e-4)
    assert advantages[1].tolist() == pytest.approx([-0.5] * 4, abs=1e-4)


def test_a_term_without_spread_says_nothing():
    rewards = torch.stack([spread(1.0, [0.0] * 3, [0.5, 0.5]), spread(0.5, [0.0] * 3, [0.0, 0.5])])
    settings = with_weights(w_tok=0.0, separate={"a": {"weight": 1.0}, "b": {"weight": 1.0}, "c": None})
    advantages, _ = token_credit_advantage(rewards, torch.ones(2, 3), INDEX[:2], settings)
    assert advantages[:, 0].tolist() == pytest.approx([0.5, -0.5], abs=1e-4)


def of_terms(values: list[tuple[float, float]], **settings: object) -> list[float]:
    """Advantages of one group whose terms error (weight 1) and similarity (0.1) have these values."""
    weights = {"error": {"weight": 1.0}, "similarity": {"weight": 0.1}}
    parts = [(error / 1.1, 0.1 * similarity / 1.1) for error, similarity in values]
    rewards = torch.stack([spread(sum(both), [0.0] * 4, both) for both in parts])
    group = np.array(["a"] * len(values), dtype=object)
    settings = with_weights(w_tok=0.0, separate=weights, **settings)
    advantages, _ = token_credit_advantage(rewards, torch.ones(len(values), 4), group, settings)
    return advantages[:, 3].tolist()


def test_a_term_with_next_to_no_spread_says_nothing_where_a_least_spread_is_set():
    """The similarities 0.80 and 0.81 have a standard deviation of 0.005, 0.80 and 0.84 one of 0.02."""
    near, apart = [(1.0, 0.80), (0.5, 0.81)], [(1.0, 0.80), (0.5, 0.84)]
    assert of_terms(near) == pytest.approx([0.9 / 1.1, -0.9 / 1.1], abs=1e-3)  # (1 - 0.1) / 1.1
    assert of_terms(near, min_spread=0.01) == pytest.approx([1 / 1.1, -1 / 1.1], abs=1e-4)
    assert of_terms(apart, min_spread=0.01) == pytest.approx([0.9 / 1.1, -0.9 / 1.1], abs=1e-4)


def test_whitened_in_its_group_the_one_term_that_has_spread_counts_whole():
    """Similarities 0.8, 0.9, 1.0 are at -1.2247, 0 and 1.2247 standard deviations; a tenth of the weights is theirs."""
    values = [(1.0, 0.8), (1.0, 0.9), (1.0, 1.0)]
    assert of_terms(values, min_spread=0.01) == pytest.approx([-0.11134, 0.0, 0.11134], abs=1e-4)
    whitened = of_terms(values, min_spread=0.01, whiten="group")
    assert whitened == pytest.approx([-1.22474, 0.0, 1.22474], abs=1e-3)
    assert of_terms([(1.0, 0.9), (0.99, 0.9)], min_spread=0.01, whiten="group") == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"whiten is one of \[None, 'batch', 'group'\], got 'row'"):
        of_terms(values, whiten="row")


def test_tokens_that_carry_terms_carry_no_blame():
    settings = with_weights(w_seq=0.0, separate={"error": {"weight": 3.0}, "similarity": {"weight": 1.0}})
    advantages, _ = token_credit_advantage(PARTS, torch.ones(2, 4), INDEX[:2], settings)
    assert advantages.tolist() == [[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, -0.5, 0.0]]


def test_without_settings_or_with_a_penalty_in_the_rewards_it_is_refused():
    with pytest.raises(ValueError, match=r"algorithm\.token_credit"):
        token_credit_advantage(REWARDS, MASK, INDEX, {"norm_adv_by_std_in_grpo": False})
    with pytest.raises(ValueError, match="use_kl_in_reward"):
        token_credit_advantage(REWARDS, MASK, INDEX, {**SETTINGS, "use_kl_in_reward": True})


def test_verl_knows_the_estimator_by_its_name():
    assert get_adv_estimator_fn("token_credit_grpo") is token_credit_advantage
