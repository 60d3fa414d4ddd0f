"""recipes/common/algo: estimators and verl's losses with each file's settings, on groups worked out by hand."""

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from verl.protocol import DataProto
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.utils.config import omega_conf_to_dataclass

from stages.config import compose_stage
from verl_plugins.advantage import least_spreads, pack


def composed(algo: str, *overrides: str, kl: str = "none") -> DictConfig:
    """tiny_mandarin's grpo.yaml with an algorithm, all weights trained; composed once, as in test_recipe_configs.py."""
    return compose_stage("tiny_mandarin", "grpo", (f"algo={algo}", f"kl={kl}", "tuning=full", *overrides))


def advantages(cfg: DictConfig, rm_scores: torch.Tensor, mask: torch.Tensor, groups: str) -> torch.Tensor:
    """As verl's V1 trainer computes them from what it has: rm_scores, response_mask and uid."""
    scores = rm_scores.clone()
    tensors = {"rm_scores": scores, "token_level_scores": scores, "token_level_rewards": scores, "response_mask": mask}
    data = DataProto(batch=TensorDict(tensors, batch_size=len(scores)))
    data.non_tensor_batch["uid"] = np.array(list(groups), dtype=object)
    algorithm = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)["algorithm"])
    by_std = algorithm.norm_adv_by_std_in_grpo
    done = compute_advantage(data, algorithm.adv_estimator, norm_adv_by_std_in_grpo=by_std, config=algorithm)
    return done.batch["advantages"]


def last_token(*scores: float) -> torch.Tensor:
    """rm_scores of responses of three tokens, the score on the last."""
    return torch.tensor([[0.0, 0.0, score] for score in scores])


MASK = torch.ones(4, 3)
SCORES = last_token(1.0, 0.0, 0.5, 0.5)  # group a: mean 1/2, std 1/sqrt(2) (of a sample); group b: no spread


def test_grpo_is_the_deviation_in_standard_deviations_of_the_group():
    found = advantages(composed("grpo"), SCORES, MASK, "aabb")
    assert found[:, 0].tolist() == pytest.approx([0.70711, -0.70711, 0.0, 0.0], abs=1e-4)
    assert torch.equal(found[:, 0], found[:, 2])  # the same for all tokens


def test_grpo_no_std_is_the_deviation_itself():
    assert advantages(composed("grpo_no_std"), SCORES, MASK, "aabb")[:, 1].tolist() == [0.5, -0.5, 0.0, 0.0]


# Parts (0.75, 0), (0, 0.25) in group a and (0.75, 0.1), (0, 0.1) in group b, of terms with weights 3 and 1.
PARTS = [(0.75, 0.0), (0.0, 0.25), (0.75, 0.1), (0.0, 0.1)]
TWO = ["+recipe.reward.terms.silence={weight: 1.0, allowed: 0.0}", "recipe.reward.terms.pinyin.weight=3"]


def test_gdpo_compares_each_term_within_its_group_and_then_the_batch():
    """In group a both terms are at plus and minus one standard deviation, 3/4 - 1/4; in b the second has no spread,
    3/4. The four have mean 0 and a mean square of (1/4 + 9/16) / 2 = 13/32."""
    scores = torch.stack([pack(sum(parts), [0.0] * 3, parts) for parts in PARTS])
    found = advantages(composed("gdpo", *TWO), scores, MASK, "aabb")
    root = (13 / 32) ** 0.5
    assert found[:, 2].tolist() == pytest.approx([0.5 / root, -0.5 / root, 0.75 / root, -0.75 / root], abs=1e-4)


def test_gdpo_counts_a_response_once_however_long_it_is():
    scores = torch.zeros(2, 4)
    scores[0, :2], scores[1] = pack(0.75, [0.0] * 2, (0.75,)), pack(0.25, [0.0] * 4, (0.0, 0.25))
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    found = advantages(composed("gdpo", *TWO), scores, mask, "aa")
    assert found[:, 0].tolist() == pytest.approx([1.0, -1.0], abs=1e-4) and found[0, 2:].tolist() == [0.0, 0.0]


def test_gdpo_makes_nothing_of_what_is_assumed_of_rows_that_are_read():
    """Seven rows are assumed to have no silence; one is heard, with 0.15 of it: its term is 0.85 / 0.9, and it would be
    -7 / sqrt(7) standard deviations from the others."""
    silence = ["+recipe.reward.terms.silence={weight: 0.2, allowed: 0.1}"]
    parts = [(0.8 / 1.2, 0.2 * term / 1.2) for term in (*[1.0] * 7, 0.85 / 0.9)]
    scores, mask = torch.stack([pack(sum(both), [0.0] * 3, both) for both in parts]), torch.ones(8, 3)
    by_wave = advantages(composed("gdpo", *silence, "recipe.reward.token_ear=null"), scores, mask, "a" * 8)
    assert by_wave[:, 2].tolist() == pytest.approx([7**-0.5] * 7 + [-(7**0.5)], abs=1e-3)
    assert advantages(composed("gdpo", *silence), scores, mask, "a" * 8).tolist() == [[0.0] * 3] * 8


def test_gdpo_prefers_the_seven_right_rows_to_one_with_a_wrong_syllable_of_ten():
    """1 - tanh(0.3) = 0.7087: a standard deviation of 0.0963, which a least spread of the ear's limit, 0.1, would make
    nothing of. One of eight is -7 / sqrt(7) standard deviations from the mean, whatever the difference."""
    parts = [(term / 1.2, 0.2 / 1.2) for term in (*[1.0] * 7, 0.7087)]
    scores, mask = torch.stack([pack(sum(both), [0.0] * 3, both) for both in parts]), torch.ones(8, 3)
    cfg = composed("gdpo")
    assert cfg.recipe.reward.token_ear.limit == 0.1
    assert advantages(cfg, scores, mask, "a" * 8)[:, 2].tolist() == pytest.approx([7**-0.5] * 7 + [-(7**0.5)], abs=1e-3)


@pytest.mark.parametrize(("algo", "limit", "silent"), [("gdpo", 0.1, 0.05), ("glm_tts", 0.1, 0.05), ("gdpo", 1.0, 0.5)])
def test_the_least_spread_beside_a_token_ear_is_of_the_terms_that_it_assumes(algo, limit, silent):
    """With the largest sensible limit, too, a term from 0 to 1 can reach it: half 0, half 1."""
    credit = composed(algo, f"recipe.reward.token_ear.limit={limit}").algorithm.token_credit
    own = {"gdpo": 0.0, "glm_tts": 0.01}[algo]
    assert least_spreads(credit.separate, credit.min_spread, credit.token_ear) == [own, silent]
    assert least_spreads(credit.separate, credit.min_spread, None) == [own, own]


def test_verls_own_gdpo_is_not_given_the_terms_by_its_v1_trainer():
    """What algo/gdpo.yaml says of verl 0.9.1; when this fails, verl's own can be used."""
    cfg = composed("grpo", "algorithm.adv_estimator=gdpo", "+algorithm.gdpo_reward_keys=[term_pinyin]")
    with pytest.raises(KeyError, match="prompts"):
        advantages(cfg, SCORES, MASK, "aabb")


def loss(cfg: DictConfig, ratios: list[list[float]], advantage: list[float], lengths: list[int]) -> float:
    """The policy loss of responses whose tokens have these ratios to the old policy."""
    actor = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)["actor_rollout_ref"]["actor"])
    config = omega_conf_to_dataclass(actor)
    config.global_batch_info["loss_scale_factor"] = config.loss_scale_factor  # as verl's ppo_loss does
    log_prob = torch.tensor(ratios).log()
    mask = torch.tensor([[float(i < length) for i in range(len(ratios[0]))] for length in lengths])
    value, _ = get_policy_loss_fn(config.policy_loss.loss_mode)(
        old_log_prob=torch.zeros_like(log_prob),
        log_prob=log_prob,
        advantages=torch.tensor(advantage)[:, None] * mask,
        response_mask=mask,
        loss_agg_mode=config.loss_agg_mode,
        config=config,
    )
    return value.item()


@pytest.mark.parametrize(
    ("algo", "bound"), [("grpo", 1.2), ("grpo_no_std", 1.2), ("dapo", 1.28), ("token_credit", 1.28)]
)
def test_a_good_token_that_has_become_likelier_counts_up_to_the_upper_bound(algo, bound):
    scale = 1 / 160 if algo == "grpo_no_std" else 1.0  # divided by data.max_response_length
    assert loss(composed(algo), [[1.5, 1.0]], [1.0], [1]) == pytest.approx(-bound * scale)


@pytest.mark.parametrize(("algo", "bound"), [("grpo", 3.0), ("dapo", 10.0)])
def test_a_bad_token_that_has_become_far_likelier_counts_up_to_clip_ratio_c(algo, bound):
    assert loss(composed(algo), [[20.0, 1.0]], [-1.0], [1]) == pytest.approx(bound)


@pytest.mark.parametrize(
    ("algo", "expected"),
    [
        ("grpo", -(1.0 - 2.0) / 2),  # each response counts once
        ("dapo", -(1.0 * 1 - 2.0 * 3) / 4),  # each token counts once
        (
            "grpo_no_std",
            -(1.0 * 1 - 2.0 * 3) / 2 / 160,
        ),  # sums over tokens, mean over responses, by the longest allowed
        ("gspo", -(1.0 - 2.0) / 2),
    ],
)
def test_how_tokens_and_responses_are_averaged(algo, expected):
    assert loss(composed(algo), [[1.0] * 3] * 2, [1.0, -2.0], [1, 3]) == pytest.approx(expected)


def test_gspo_has_one_ratio_for_a_response_the_geometric_mean_and_clips_it_narrowly():
    cfg = composed("gspo")
    assert loss(cfg, [[4.0, 0.25]], [1.0], [2]) == pytest.approx(-1.0)  # the mean of both is 1
    assert loss(cfg, [[1.1, 1.1]], [1.0], [2]) == pytest.approx(-1.0004, abs=1e-6)
    assert loss(cfg, [[0.9, 0.9]], [-1.0], [2]) == pytest.approx(0.9997, abs=1e-6)


def test_dapo_turns_on_dynamic_sampling_and_adds_the_over_long_term():
    cfg = OmegaConf.to_container(composed("dapo"), resolve=True)
    handed = cfg["trainer"]["v1"]["sampler"]["sampler_kwargs"]["filter_groups"]
    assert (handed["enable"], handed["metric"], handed["max_num_gen_batches"]) == (True, "score", 10)
    reward = cfg["reward"]["custom_reward_function"]["reward_kwargs"]["reward"]
    assert reward["terms"]["over_length"] == {"weight": 0.5, "max_tokens": 160, "buffer_share": 0.2}
    assert reward["terms"]["pinyin"]["weight"] == 1.0
    assert not composed("grpo").trainer.v1.sampler.sampler_kwargs.filter_groups.enable


@pytest.mark.parametrize(
    ("kl", "in_loss", "in_reward"), [("none", False, False), ("loss", True, False), ("reward", False, True)]
)
def test_a_reference_model_is_used_as_chosen(kl, in_loss, in_reward):
    cfg = composed("grpo", kl=kl)
    assert (cfg.actor_rollout_ref.actor.use_kl_loss, cfg.algorithm.use_kl_in_reward) == (in_loss, in_reward)
