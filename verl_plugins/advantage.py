"""Advantages of rollouts against their group, linear in their number: pure functions of tensors.

Two estimators, registered with verl when this module is imported (`actor_rollout_ref.model.external_lib`):

    group_relative      GRPO: the score against mean and, if wanted, standard deviation of the group of its prompt
    token_credit_grpo   the same, or each term of the reward on its own, and which token is to blame

verl's own `grpo` is not used: eight scores of 0.7 have a mean of 0.69999999 in float32, and divided by a standard
deviation of 6e-8 + 1e-6 what is left is an advantage of 0.056; of scores near fifty up to 0.83. Here a group whose
scores are the same has advantage 0 whatever their size, and statistics are in float64. Rows that verl adds to fill a
batch (mask 0 everywhere) count in no mean and no spread, and what is not finite stops the run.

Token-level credit: each speech token is told whether it was to blame. The idea is GLM-TTS's token-level reward (arXiv
2512.14291): an error in the transcript is laid at the tokens that were spoken at its place. Separate terms: each term
of the reward is compared within its group on its own (GDPO, arXiv 2601.05242, as in GLM-TTS), so that a term of small
spread is not drowned by one of large spread. verl 0.9.1 has a `gdpo` estimator, but its default trainer
(trainer/ppo/v1/trainer_base.py, _compute_advantage) does not hand it the terms.

From the rollout to the advantage verl carries one number per response token, `rm_scores`, and there all travel together
(`pack`):

    rm_scores[k]    =  term_parts[k] * UNIT    for the first tokens, one for each part (none unless terms are separate)
    rm_scores[t]    = -blame[t] * UNIT         for the other tokens but the last
    rm_scores[last] =  score

UNIT is 2 to the power of -40: a product with it is exact in float32, and thousands of them add up to less than half of
the last bit of a score, so that the sum over a response is still its score, which is what verl's metrics use. The last
token is the end token; in a truncated response its blame has no place to go, nor has that of the first tokens where
terms are separate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from verl.trainer.ppo.core_algos import register_adv_est

GROUP_RELATIVE, TOKEN_CREDIT = "group_relative", "token_credit_grpo"
EPSILON = 1e-6  # beside a standard deviation, as in verl's GRPO
ROUNDING = 1e-9  # of numbers whose standard deviation is 1: what float64 makes of equal ones
UNIT = 2.0**-40
WHITEN = (None, "batch", "group")
SHOWN = 8  # rows that an error names


def pack(score: float, blame: Sequence[float], parts: Sequence[float] = ()) -> torch.Tensor:
    """rm_scores of one response, float32 [tokens], as the module describes it.

    Args:
        score: of the response.
        blame: of each of its tokens, in [0, 1]; the last has no place.
        parts: what each separate term contributes to the score; those that find no token before the last are left out.
    """
    packed = torch.tensor(blame, dtype=torch.float64) * -UNIT
    kept = torch.tensor(parts[: len(blame) - 1], dtype=torch.float64)
    packed[: len(kept)] = kept * UNIT
    packed[-1] = score
    return packed.float()


class Groups:
    """Statistics of rows [rows] or [rows, ...] over the group of each, float64; rows that are not real count nowhere.

    Args:
        index: [rows], group of each row.
        real: bool [rows].
    """

    def __init__(self, index: np.ndarray, real: torch.Tensor):
        names, numbers = np.unique(np.asarray(index).astype(str), return_inverse=True)
        self.of, self.count, self.real = torch.from_numpy(numbers.reshape(-1)), len(names), real
        self.size = self.sum(torch.ones(len(real), dtype=torch.float64)).clamp(min=1.0)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """[groups, ...]"""
        kept = values.double()[self.real]
        return kept.new_zeros(self.count, *kept.shape[1:]).index_add_(0, self.of[self.real], kept)

    def least(self, values: torch.Tensor) -> torch.Tensor:
        """[groups]: smallest value of each group, inf where it has none."""
        return self._extreme(values, "amin", torch.inf)

    def same(self, values: torch.Tensor) -> torch.Tensor:
        """bool [groups]: whether all values of a group [rows] are the same."""
        return self.least(values) >= self._extreme(values, "amax", -torch.inf)

    def _extreme(self, values: torch.Tensor, how: str, start: float) -> torch.Tensor:
        kept = values.double()[self.real]
        return torch.full((self.count,), start, dtype=torch.float64).scatter_reduce_(0, self.of[self.real], kept, how)

    def relative(self, values: torch.Tensor, by_std: bool, correction: int = 0, least: float = 0.0) -> torch.Tensor:
        """Deviations [rows] from the group's mean, in standard deviations if `by_std`.

        They are 0 in a group of equal values, in one whose standard deviation is below `least`, and in rows that are
        not real.

        Args:
            values: [rows].
            by_std: whether to divide by standard deviation + EPSILON.
            correction: 1 for that of a sample (as verl's GRPO), 0 for that of a population.
            least: standard deviation below which a group counts as equal.
        """
        deviation = values.double() - (self.sum(values) / self.size)[self.of]
        std = (self.sum(deviation**2) / (self.size - correction).clamp(min=1.0)).sqrt()
        kept = ~self.same(values) & (std >= least)
        scaled = deviation / (std[self.of] + EPSILON) if by_std else deviation
        return torch.where(kept[self.of] & self.real, scaled, 0.0)


@register_adv_est(GROUP_RELATIVE)
def group_relative_advantage(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: np.ndarray,
    config: Mapping[str, Any],
    **_unused: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """GRPO (arXiv 2402.03300, section 4.1): A[i] = (s[i] - mean s) [/ (std s + eps)] for all tokens of response i.

    Args:
        token_level_rewards: [responses, tokens]; the score of a response is their sum.
        response_mask: [responses, tokens], 1 for the tokens of the response; 0 for those that rejection leaves out.
        index: [responses], group of each response.
        config: verl's `algorithm`: norm_adv_by_std_in_grpo (the division, by the sample's standard deviation).

    Returns:
        Advantages float32 [responses, tokens], twice (verl asks for returns too).

    Raises:
        FloatingPointError: a score that is not finite; names the rows.
    """
    mask = response_mask.bool()
    scores = token_level_rewards.sum(1)  # not masked: verl may take the last token out, where the score stands
    _stop_unless_finite("score", scores, index)
    groups = Groups(index, mask.any(1))
    advantages = groups.relative(scores, config["norm_adv_by_std_in_grpo"], correction=1).float()[:, None] * mask
    return advantages, advantages


@register_adv_est(TOKEN_CREDIT)
def token_credit_advantage(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: np.ndarray,
    config: Mapping[str, Any],
    **_unused: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Advantage of token t of response i, both parts relative to the group of the prompt:

        A[i,t] = w_seq * S[i]  +  w_tok * (mean b - b[i,t]) [/ (std b + eps)]
        S[i]   = (s[i] - mean s) [/ (std s + eps)]                                      of the score s, or
        S[i]   = sum over terms k of weight[k] / sum of weights * (p[i,k] - mean p[k]) / (std p[k] + eps)
        S[i]   = (S[i] - mean S) / (std S + eps)                   over what `whiten` says: the batch, or the group

    b is the blame; its mean and standard deviation go over the response tokens of the group that carry a blame: all but
    each response's last and those that carry terms, which get the first part only. The second S is used where terms
    are separate. A term whose values (before weights) spread less than min_spread in a group says nothing there, and so
    does a sum that spreads less over its group: noise of a thousandth would count as much as the difference between
    right and wrong. Beside a token ear more is asked of some terms (`least_spreads`). A response too short to carry all
    its terms is the worst of its group in those that it lacks.

    Args:
        token_level_rewards: [responses, tokens], as pack() made them.
        response_mask: [responses, tokens], 1 for the tokens of the response, without gaps.
        index: [responses], group of each response.
        config: verl's `algorithm`: norm_adv_by_std_in_grpo (first division) and token_credit: {w_seq, w_tok,
            norm_by_std (second division), separate (null, or the terms with their weights, see `weights_of`), whiten
            (null, batch as in GDPO, or group as in GLM-TTS; optional), min_spread (0 if it is not there), token_ear
            (recipe.reward.token_ear; optional)}.

    Returns:
        Advantages float32 [responses, tokens], twice (verl asks for returns too).

    Raises:
        ValueError: without algorithm.token_credit, with another `whiten`, or with a KL penalty mixed into the rewards.
        FloatingPointError: a reward that is not finite; names the rows.
    """
    settings = config.get("token_credit")
    if settings is None:
        raise ValueError(f"algorithm.adv_estimator={TOKEN_CREDIT} needs algorithm.token_credit: see recipes/common")
    if config.get("use_kl_in_reward"):
        raise ValueError(f"{TOKEN_CREDIT} reads blames from the rewards: algorithm.use_kl_in_reward must be false")
    weights, whiten = weights_of(settings.get("separate")), settings.get("whiten")
    least = float(settings.get("min_spread") or 0.0)
    if whiten not in WHITEN:
        raise ValueError(f"algorithm.token_credit.whiten is one of {list(WHITEN)}, got {whiten!r}")
    _stop_unless_finite("reward", token_level_rewards.sum(1), index)
    lengths = response_mask.sum(1).long()
    groups, last = Groups(index, lengths > 0), (lengths - 1).clamp(min=0)[:, None]
    if weights:
        spreads = least_spreads(settings["separate"], least, settings.get("token_ear"))
        sequence = _of_separate_terms(token_level_rewards, lengths, groups, weights, spreads)
    else:
        scores = token_level_rewards.gather(1, last)[:, 0]
        sequence = groups.relative(scores, config["norm_adv_by_std_in_grpo"], correction=1)
    if whiten:
        over = groups if whiten == "group" else Groups(np.zeros(len(index)), groups.real)
        sequence = over.relative(sequence, by_std=True, least=max(least, ROUNDING))
    sequence = (settings["w_seq"] * sequence).float()[:, None]
    if not settings["w_tok"]:
        advantages = sequence * response_mask
        return advantages, advantages
    advantages = _of_blame(token_level_rewards, lengths, len(weights), groups, settings["norm_by_std"])
    advantages.mul_(settings["w_tok"]).add_(sequence).mul_(response_mask)
    advantages[:, : len(weights)] = sequence * response_mask[:, : len(weights)]
    advantages.scatter_(1, last, sequence)
    return advantages, advantages


def _of_blame(rewards: torch.Tensor, lengths: torch.Tensor, first: int, groups: Groups, by_std: bool) -> torch.Tensor:
    """float32 [responses, tokens]: mean blame of the group minus the token's own. Tokens from `first` to a response's
    last carry one; what stands at the others is for the caller to replace."""
    blame = rewards * (-1.0 / UNIT)
    blame[:, :first] = 0.0
    blame.scatter_(1, (lengths - 1).clamp(min=0)[:, None], 0.0)
    count = groups.sum((lengths - 1 - first).clamp(min=0)).clamp(min=1.0)
    mean = groups.sum(blame.sum(1, dtype=torch.float64)) / count
    std = torch.ones_like(mean)
    if by_std:
        square = groups.sum(torch.linalg.vector_norm(blame, dim=1, dtype=torch.float64) ** 2) / count
        std = (square - mean**2).clamp(min=0.0).sqrt() + EPSILON
    return blame.sub_(mean[groups.of].float()[:, None]).div_(-std[groups.of].float()[:, None])


def weights_of(terms: Mapping[str, Any] | None) -> list[float]:
    """The weights of recipe.reward.terms in their order, without terms that are null. A bare number is a weight, too.

    >>> weights_of({"pinyin": {"weight": 1.0, "tones": True}, "mos": None, "silence": 0.5})
    [1.0, 0.5]
    """
    given = [term for term in (terms or {}).values() if term is not None]
    return [float(term if isinstance(term, int | float) else term["weight"]) for term in given]


def least_spreads(terms: Mapping[str, Any], least: float, token_ear: Mapping[str, Any] | None) -> list[float]:
    """The standard deviation in a group below which each of these terms (as `weights_of`) says nothing: `least`.

    Of a term that needs a measure which recipe.reward.token_ear assumes, it is half of the ear's `limit` at least: rows
    that are read have what is assumed, rows that are heard what was measured, and a term on its own makes a whole
    standard deviation of any difference. Where no two rows of a group differ by more than the limit, the standard
    deviation is half of it at most.

    >>> least_spreads({"pinyin": {"weight": 1.0}, "silence": {"weight": 0.2, "allowed": 0.5}}, 0.01,
    ...     {"limit": 0.1, "assumed": {"silence_ratio": 0.0}})
    [0.01, 0.05]
    """
    given = {name: term for name, term in terms.items() if term is not None}
    assumed = set((token_ear or {}).get("assumed") or ())
    if not assumed:
        return [least] * len(given)
    from reward_tts.reward.config import needs_of  # a second that workers do not need for anything else

    enough = max(least, token_ear["limit"] / 2)
    return [enough if assumed.intersection(needs_of(name, term)) else least for name, term in given.items()]


def _of_separate_terms(
    rewards: torch.Tensor, lengths: torch.Tensor, groups: Groups, weights: Sequence[float], spreads: Sequence[float]
) -> torch.Tensor:
    """float64 [responses]: each term's part, normalised within its group, weighted. A part is its term times its share
    of the weights, and so is the least spread that counts."""
    total = torch.zeros(len(rewards), dtype=torch.float64)
    for place, (weight, least) in enumerate(zip(weights, spreads, strict=True)):
        share = weight / sum(weights)
        carried = lengths > place + 1  # the last token holds the score
        column = rewards[:, place] if place < rewards.shape[1] else torch.zeros(len(rewards))
        part = torch.where(carried, column.double() / UNIT, torch.inf)
        worst = groups.least(part)
        part = torch.where(carried, part, torch.where(worst.isinf(), 0.0, worst)[groups.of])
        total += share * groups.relative(part, by_std=True, least=least * share)
    return total


def _stop_unless_finite(what: str, values: torch.Tensor, index: np.ndarray) -> None:
    """Raises FloatingPointError that names the rows [rows] whose value is NaN or infinite."""
    rows = (~values.isfinite()).nonzero()[:, 0].tolist()
    if rows:
        shown = [f"row {row} of group {index[row]}: {values[row].item()}" for row in rows[:SHOWN]]
        raise FloatingPointError(
            f"the {what} of {len(rows)} of {len(values)} rollouts is not finite, nothing is trained on them: "
            f"{'; '.join(shown)}"
        )
