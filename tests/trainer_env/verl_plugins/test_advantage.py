"""Blame from the reward function to advantages, on groups worked out by hand."""

import numpy as np
import pytest
import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, get_adv_estimator_fn

from verl_plugins.advantage import UNIT, group_relative_advantage, pack, token_credit_advantage
from verl_plugins.rollout import SpeechRollout, blame_per_token

SETTINGS = {"norm_adv_by_std_in_grpo": False, "token_credit": {"w_seq": 1.0, "w_tok": 1.0, "norm_by_std": False}}


def with_weights(**weights: float) -> dict:
    return {**SETTINGS, "token_credit": {**SETTINGS["token_credit"], **weights}}


def test_tokens_that_are_no_speech_are_to_blame():
    assert blame_per_token([True, False, True], [1.0, 0.0]) == [1.0, 1.0, 0.0]


def test_credit_of_another_length_or_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="1 speech tokens, the response has 2"):
        blame_per_token([True, True, False], [1.0])
    with pytest.raises(ValueError, match=r"\[0, 1\], got 0\.0 to 2\.0"):
        blame_per_token([True, True], [0.0, 2.0])


def test_a_packed_response_has_its_score_as_its_sum_and_each_blame_in_its_place():
    scores = pack(0.7, [0.0, 1.0, 0.25, 0.0])
    assert scores.tolist() == [0.0, -UNIT, -UNIT / 4, pytest.approx(0.7, abs=1e-7)]
    assert pack(0.7, [1.0] * 4000).sum() == torch.tensor(0.7)  # to the last bit, whatever is to blame


@pytest.mark.parametrize(("packs", "expected"), [(True, [0.0, -UNIT, 0.25]), (False, [0.0, 0.0, 0.25])])
def test_only_our_estimator_finds_blames_among_the_rewards(packs, expected):
    """GAE, say, would take them for rewards of the tokens."""
    info = {"reward_extra_info": {"token_credit": [0.0, 1.0], "error_rate": 0.5}}
    rollout = SpeechRollout(
        prompt_ids=[1],
        response_ids=[5, 6, 2],
        response_mask=[1, 1, 1],
        metrics={},
        reward_score=0.25,
        extra_fields=info,
    )
    rollout._is_speech, rollout._packs = [True, True, False], packs
    output = rollout.as_dict()
    assert output["rm_scores"].tolist() == expected
    assert output["extra_fields"]["reward_extra_info"] == {"error_rate": 0.5}


# Group "a": scores 1 and 0, blames (0 0) and (1 0); group "b": one response, nothing to compare it with.
REWARDS = torch.stack([pack(1.0, [0.0, 0.0, 0.0]), pack(0.0, [1.0, 0.0, 0.0]), pack(0.5, [0.0, 0.0, 0.0])])
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
    rewards = torch.stack([pack(score, blame) for blame in blames])
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
    rewards[0, :2], rewards[1, :3] = pack(1.0, [0.0, 0.0]), pack(0.0, [1.0, 0.0, 0.0])
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0]])
    advantages, _ = token_credit_advantage(rewards, mask, INDEX[:2], with_weights(w_seq=0.0))
    assert advantages[0, 0].item() == pytest.approx(1 / 3)  # carriers: one token of the first, two of the second
    assert advantages[1, :2].tolist() == pytest.approx([1 / 3 - 1, 1 / 3])
    assert (advantages * (1 - mask)).abs().sum().item() == 0.0


# Two terms with weights 3 and 1, already weighted: parts (0.75, 0) and (0, 0.25), and scores 0.75 and 0.25.
PARTS = torch.stack([pack(0.75, [0.0] * 4, [0.75, 0.0]), pack(0.25, [1.0, 1.0, 1.0, 0.0], [0.0, 0.25])])


def test_parts_stand_first_and_the_sum_is_still_the_score():
    assert PARTS[0].tolist() == [0.75 * UNIT, 0.0, 0.0, 0.75]
    assert PARTS[1].tolist() == [0.0, 0.25 * UNIT, -UNIT, 0.25]
    assert pack(0.5, [0.0, 0.0], [0.25, 0.25]).tolist() == [0.25 * UNIT, 0.5]  # too short for both: the first is kept


def test_separate_terms_are_normalised_each_and_then_weighted():
    settings = with_weights(w_tok=0.0, separate={"error": 3.0, "similarity": 1.0})
    advantages, _ = token_credit_advantage(PARTS, torch.ones(2, 4), INDEX[:2], settings)
    # Each term is at plus and minus one standard deviation: (3 * 1 - 1 * 1) / 4.
    assert advantages[0].tolist() == pytest.approx([0.5] * 4, abs=1e-4)
    assert advantages[1].tolist() == pytest.approx([-0.5] * 4, abs=1e-4)


def test_a_term_without_spread_says_nothing():
    rewards = torch.stack([pack(1.0, [0.0] * 3, [0.5, 0.5]), pack(0.5, [0.0] * 3, [0.0, 0.5])])
    settings = with_weights(w_tok=0.0, separate={"a": 1.0, "b": 1.0})
    advantages, _ = token_credit_advantage(rewards, torch.ones(2, 3), INDEX[:2], settings)
    assert advantages[:, 0].tolist() == pytest.approx([0.5, -0.5], abs=1e-4)


def of_terms(values: list[tuple[float, float]], **settings: object) -> list[float]:
    """Advantages of one group whose terms error (weight 1) and similarity (0.1) have these values."""
    weights = {"error": 1.0, "similarity": 0.1}
    parts = [(error / 1.1, 0.1 * similarity / 1.1) for error, similarity in values]
    rewards = torch.stack([pack(sum(both), [0.0] * 4, both) for both in parts])
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
    settings = with_weights(w_seq=0.0, separate={"error": 3.0, "similarity": 1.0})
    advantages, _ = token_credit_advantage(PARTS, torch.ones(2, 4), INDEX[:2], settings)
    assert advantages.tolist() == [[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, -0.5, 0.0]]


def test_without_settings_or_with_a_penalty_in_the_rewards_it_is_refused():
    with pytest.raises(ValueError, match=r"algorithm\.token_credit"):
        token_credit_advantage(REWARDS, MASK, INDEX, {"norm_adv_by_std_in_grpo": False})
    with pytest.raises(ValueError, match="use_kl_in_reward"):
        token_credit_advantage(REWARDS, MASK, INDEX, {**SETTINGS, "use_kl_in_reward": True})


def test_verl_knows_the_estimator_by_its_name():
    assert get_adv_estimator_fn("token_credit_grpo") is token_credit_advantage
    assert get_adv_estimator_fn("group_relative") is group_relative_advantage


def group_relative(scores: list[float], groups: str, by_std: bool = True) -> list[float]:
    """Advantages of responses of one token."""
    rewards = torch.tensor(scores)[:, None]
    index = np.array(list(groups), dtype=object)
    found, _ = group_relative_advantage(rewards, torch.ones_like(rewards), index, {"norm_adv_by_std_in_grpo": by_std})
    return found[:, 0].tolist()


@pytest.mark.parametrize("score", [0.7, 50.1, 1e-6, 3e6, -0.1])
@pytest.mark.parametrize("by_std", [True, False])
def test_equal_scores_have_advantage_0_whatever_their_size(score, by_std):
    """verl's own: 0.056 for eight times 0.7, -0.75 for eight times 50.1."""
    assert group_relative([score] * 8, "a" * 8, by_std) == [0.0] * 8


def test_verls_own_grpo_prefers_one_of_equal_scores_by_the_rounding_of_their_mean():
    """What verl_plugins/advantage.py says of verl 0.9.1; when this fails, verl's own can be used."""
    rewards = torch.full((8, 1), 0.7)
    found, _ = compute_grpo_outcome_advantage(rewards, torch.ones(8, 1), np.array(["a"] * 8, dtype=object))
    assert found[0, 0].item() == pytest.approx(0.0563, abs=1e-3)


def test_scores_that_differ_in_their_last_bit_do_differ():
    near = torch.nextafter(torch.tensor(0.7), torch.tensor(1.0)).item()
    found = group_relative([0.7, near], "aa", by_std=False)
    assert found[0] < 0.0 < found[1]


def test_a_group_of_one_has_nothing_to_be_compared_with():
    assert group_relative([1.0, 0.0, 0.5], "aab", by_std=False) == [0.5, -0.5, 0.0]


def test_groups_need_not_lie_together():
    assert group_relative([1.0, 3.0, 0.0, 1.0], "abab", by_std=False) == [0.5, 1.0, -0.5, -1.0]


def padded(rewards: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Two groups of two with two rows more as verl adds them: mask 0, reward 0, all of one further group."""
    mask = torch.cat([torch.ones_like(rewards), torch.zeros(2, rewards.shape[1])])
    rewards = torch.cat([rewards, torch.zeros(2, rewards.shape[1])])
    return rewards, mask, np.array(["a", "a", "b", "b", "padX", "padX"], dtype=object)


@pytest.mark.parametrize("whiten", [None, "batch", "group"])
def test_rows_that_fill_a_batch_count_nowhere_and_are_not_nan(whiten):
    scores = [(0.75, 0.0), (0.0, 0.25), (0.75, 0.1), (0.0, 0.1)]
    rewards = torch.stack([pack(sum(parts), [0.0] * 4, parts) for parts in scores])
    settings = with_weights(separate={"error": 3.0, "similarity": 1.0}, whiten=whiten)
    alone, _ = token_credit_advantage(rewards, torch.ones(4, 4), np.array(list("aabb"), dtype=object), settings)
    found, _ = token_credit_advantage(*padded(rewards), settings)
    assert torch.equal(found[:4], alone) and found[4:].abs().max() == 0.0
    assert alone.abs().max() > 0.4


def test_rows_that_fill_a_batch_have_no_advantage_in_grpo():
    rewards, mask, index = padded(torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 0.5], [0.0, 0.25]]))
    found, _ = group_relative_advantage(rewards, mask, index, {"norm_adv_by_std_in_grpo": False})
    assert found[:, 0].tolist() == [0.5, -0.5, 0.125, -0.125, 0.0, 0.0]


def test_a_score_counts_where_verl_leaves_out_the_token_that_it_stands_at():
    """algorithm.rollout_correction.rollout_rs takes tokens out of the mask before the estimator, the last one, too."""
    rewards, mask = torch.tensor([[0.0, 0.0, 1.0]] * 4), torch.ones(4, 3)
    mask[0, 2] = 0
    found, _ = group_relative_advantage(rewards, mask, np.array(["a"] * 4), {"norm_adv_by_std_in_grpo": True})
    assert found.abs().max() == 0.0


@pytest.mark.parametrize("estimator", [group_relative_advantage, token_credit_advantage])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reward_that_is_not_finite_stops_with_its_row(estimator, value):
    rewards = REWARDS.clone()
    rewards[1, 2] = value
    with pytest.raises(FloatingPointError, match=rf"of 1 of 3 rollouts is not finite.*row 1 of group a: {value}"):
        estimator(rewards, MASK, INDEX, SETTINGS)


def test_a_rollout_of_text_alone_is_the_worst_of_its_group():
    """tiny_mandarin's settings, at the SFT model's error: spoken rollouts of 40 tokens with 12 to 20 to blame."""
    spoken = [
        pack(score, [1.0] * blamed + [0.0] * (41 - blamed)) for score, blamed in ((0.4, 16), (0.3, 20), (0.5, 12))
    ]
    text = pack(0.0, blame_per_token([False] * 41, []))
    index = np.array(["a"] * 4, dtype=object)
    settings = {**SETTINGS, "token_credit": {"w_seq": 0.3, "w_tok": 1.0, "norm_by_std": False}}
    found, _ = token_credit_advantage(torch.stack([*spoken, text]), torch.ones(4, 41), index, settings)
    # Mean blame of the group: 88 of 160 tokens, 0.55; mean score 0.3.
    assert found[3].tolist() == pytest.approx([0.3 * -0.3 + 0.55 - 1.0] * 40 + [0.3 * -0.3])
    assert found[:, :40].mean(1).argmin() == 3 and (found[:3, :40].mean(1) > 0.05).all()


def test_text_inside_speech_is_to_blame_like_a_wrong_token():
    speech = [True] * 2 + [False] + [True] * 2 + [False]
    rewards = torch.stack([pack(0.5, blame_per_token(speech, [0.0] * 4)), pack(0.5, [0.0] * 6)])
    found, _ = token_credit_advantage(rewards, torch.ones(2, 6), INDEX[:2], with_weights(w_seq=0.0))
    assert found[0].tolist() == pytest.approx([0.1, 0.1, -0.9, 0.1, 0.1, 0.0])


def test_a_response_too_short_for_its_terms_is_the_worst_in_those_that_it_lacks():
    rows = [pack(sum(p), [0.0] * 4, p) for p in ((0.5, -0.25), (0.5, 0.25))] + [torch.zeros(4)]
    rows[2][:2] = pack(0.5, [0.0] * 2, (0.5, 0.0))  # one token and the end: the second term finds no place
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]])
    index = np.array(["a"] * 3, dtype=object)
    settings = with_weights(w_tok=0.0, separate={"error": 1.0, "neutral_penalty": 1.0})
    found, _ = token_credit_advantage(torch.stack(rows), mask, index, settings)
    # The second term is -0.25, 0.25, -0.25: -0.7071, 1.4142, -0.7071 standard deviations, at half of the weight.
    assert found[:, 0].tolist() == pytest.approx([-0.35355, 0.70711, -0.35355], abs=1e-4)


def test_a_random_batch_is_as_plain_loops_have_it():
    """Written out row by row and group by group: the definition, in plain loops."""
    rng = np.random.default_rng(0)
    blames, scores = rng.integers(0, 2, (12, 9)).astype(float), rng.random(12)
    index = np.array([f"g{i % 3}" for i in range(12)], dtype=object)
    rewards = torch.stack([pack(score, blame) for score, blame in zip(scores, blames, strict=True)])
    settings = with_weights(w_seq=0.3, w_tok=2.0, norm_by_std=True) | {"norm_adv_by_std_in_grpo": True}
    found, _ = token_credit_advantage(rewards, torch.ones(12, 9), index, settings)
    for group in ("g0", "g1", "g2"):
        rows = np.flatnonzero(index == group)
        own, blamed = scores[rows], blames[rows, :8]
        sequence = (own - own.mean()) / (own.std(ddof=1) + 1e-6)
        token = (blamed.mean() - blamed) / (blamed.std() + 1e-6)
        expected = 0.3 * sequence[:, None] + 2.0 * np.c_[token, np.zeros(4)]
        assert found[rows].numpy() == pytest.approx(expected, abs=1e-5)
