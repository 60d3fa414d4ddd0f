"""Token-level credit and separate terms for GRPO: what one number per utterance cannot say.

Token-level credit: each speech token hears whether it was to blame. The idea is GLM-TTS's token-level reward (arXiv
2512.14291): an error in the transcript is laid at the tokens that were spoken at its place. Separate terms: each term
of the reward is compared within its group on its own (GDPO, arXiv 2601.05242, as in GLM-TTS), so that a term of small
spread is not drowned by one of large spread. verl 0.9.1 has a `gdpo` estimator, but its default trainer
(trainer/ppo/v1/trainer_base.py, _compute_advantage) does not hand it the terms.

The reward function returns `token_credit`, one blame in [0, 1] per speech token, and `term_parts`, what each term
contributes to the score. From the rollout to the advantage verl carries one number per response token, `rm_scores`,
and there all travel together:

    rm_scores[k]    = term_parts[k]     for the first tokens, one for each part (none unless terms are separate)
    rm_scores[t]    = -blame[t]         for the other tokens but the last
    rm_scores[last] = score - sum of all others

so that the sum over a response is still its score, which is what verl's metrics use. Any other estimator than ours gets
the score alone, at the last token: some read the others, too, and the sum is the score but for rounding. The last
token is the end token; in a truncated response it is a speech token, and its blame has no place to go, nor has that of
the first tokens where terms are separate. A response too short for its parts keeps the first ones; such speech (less
than a fifth of a second) has said nothing.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from pydantic import PrivateAttr
from transformers import PreTrainedTokenizerBase
from verl.experimental.agent_loop.agent_loop import AgentLoopOutput
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, register_adv_est

_SPEECH_TOKEN = re.compile(r"<\|s_\d+\|>")
ESTIMATOR = "token_credit_grpo"
EPSILON = 1e-6  # beside a standard deviation, as in verl's GRPO
WHITEN = (None, "batch", "group")


@lru_cache(maxsize=1)
def speech_token_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids of the tokens `<|s_N|>`."""
    return frozenset(i for token, i in tokenizer.get_added_vocab().items() if _SPEECH_TOKEN.fullmatch(token))


def blame_per_token(is_speech: Sequence[bool], credit: Sequence[float]) -> list[float]:
    """From one blame per speech token to one per response token; a response token that is no speech has none.

    Raises:
        ValueError: the lengths do not fit, or a blame is outside [0, 1].
    """
    if sum(is_speech) != len(credit):
        raise ValueError(
            f"the reward function returned token_credit for {len(credit)} speech tokens, "
            f"the response has {sum(is_speech)}"
        )
    if not all(0.0 <= blame <= 1.0 for blame in credit):
        raise ValueError(f"token_credit is a blame in [0, 1], got {min(credit)} to {max(credit)}")
    blames = iter(credit)
    return [float(next(blames)) if speech else 0.0 for speech in is_speech]


def spread(score: float, blame: Sequence[float], parts: Sequence[float] = ()) -> torch.Tensor:
    """rm_scores of one response, float32 [tokens]: see the module."""
    scores = -torch.tensor(blame, dtype=torch.float32)
    kept = torch.tensor(parts[: len(blame) - 1], dtype=torch.float32)
    scores[: len(kept)] = kept
    scores[-1] = score - scores[:-1].sum()
    return scores


class TokenCreditOutput(AgentLoopOutput):
    """A rollout whose rm_scores, for our estimator, hold the blames as well, once the reward is known."""

    _is_speech: list[bool] = PrivateAttr()
    _spreads: bool = PrivateAttr()

    def as_dict(self) -> dict[str, Any]:
        """verl's fields of the rollout, called after the reward.

        `token_credit` and `term_parts` leave `reward_extra_info`, where verl's validation expects single numbers.

        Raises:
            ValueError: `token_credit` does not fit the response.
        """
        output = super().as_dict()
        info = dict(output["extra_fields"].get("reward_extra_info", {}))
        if "token_credit" in info or "term_parts" in info:
            credit, parts = info.pop("token_credit", [0.0] * sum(self._is_speech)), info.pop("term_parts", ())
            blame = blame_per_token(self._is_speech, credit)
            if self._spreads:
                output["rm_scores"] = spread(self.reward_score, blame, parts)
            output["extra_fields"] = {**output["extra_fields"], "reward_extra_info": info}
        return output


def more_sampling(rollout: Mapping[str, Any]) -> dict[str, Any]:
    """`actor_rollout_ref.rollout.custom.sampling`: vLLM's further SamplingParams, such as repetition_penalty and
    min_tokens, of training and validation alike. verl 0.9.1 sets a repetition penalty of 1 itself, whatever
    rollout.repetition_penalty says, and knows no min_tokens (experimental/agent_loop/agent_loop.py).

    Raises:
        ValueError: a parameter that has a key of its own in actor_rollout_ref.rollout.
    """
    found = dict((rollout.get("custom") or {}).get("sampling") or {})
    if own := sorted({"temperature", "top_p", "top_k", "n", "max_tokens", "logprobs", "seed"} & found.keys()):
        raise ValueError(
            f"rollout.custom.sampling holds {own}: these are actor_rollout_ref.rollout's or data's own keys"
        )
    return found


class TokenCreditAgentLoop(SingleTurnAgentLoop):
    """verl's single turn; named in agent_loop.yaml, see `actor_rollout_ref.rollout.agent.agent_loop_config_path`."""

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> TokenCreditOutput:
        """One rollout, with what `actor_rollout_ref.rollout.custom.sampling` adds (see `more_sampling`)."""
        rollout = await super().run(sampling_params | more_sampling(self.rollout_config), **kwargs)
        output = TokenCreditOutput(**rollout.model_dump(exclude_unset=True))
        speech = speech_token_ids(self.tokenizer)
        output._is_speech = [token in speech for token in output.response_ids]
        output._spreads = self.config.algorithm.adv_estimator == ESTIMATOR
        return output

    def _cap_text_prompt_length(self, prompt_ids: list[int]) -> list[int]:
        """verl's method cuts off the beginning of a prompt that is too long, with a warning: another text or voice.

        Raises:
            ValueError: the prompt is too long.
        """
        if len(prompt_ids) > (longest := self.rollout_config.prompt_length):
            beginning = self.tokenizer.decode(prompt_ids[:40])
            raise ValueError(
                f"a prompt of {len(prompt_ids)} tokens ({beginning!r}...), data.max_prompt_length is {longest}: stage "
                "data with the same recipe.max_prompt_tokens refuses such a row"
            )
        return prompt_ids


@register_adv_est(ESTIMATOR)
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
    right and wrong.

    Args:
        token_level_rewards: [responses, tokens], as spread() made them.
        response_mask: [responses, tokens], 1 for the tokens of the response, without gaps.
        index: [responses], group of each response.
        config: verl's `algorithm`: norm_adv_by_std_in_grpo (first division) and token_credit: {w_seq, w_tok,
            norm_by_std (second division), separate (null, or the terms with their weights, see weights_of), whiten
            (null, batch as in GDPO, or group as in GLM-TTS; optional), min_spread (0 if it is not there)}.

    Returns:
        Advantages [responses, tokens], twice (verl asks for returns too).

    Raises:
        ValueError: without algorithm.token_credit, with another `whiten`, or with a KL penalty mixed into the rewards.
    """
    settings = config.get("token_credit")
    if settings is None:
        raise ValueError(
            "algorithm.adv_estimator=token_credit_grpo needs algorithm.token_credit: {w_seq, w_tok, norm_by_std}"
        )
    if config.get("use_kl_in_reward"):
        raise ValueError("token_credit_grpo reads blames from the rewards: algorithm.use_kl_in_reward must be false")
    separate, whiten = weights_of(settings.get("separate")), settings.get("whiten")
    least = float(settings.get("min_spread") or 0.0)
    if whiten not in WHITEN:
        raise ValueError(f"algorithm.token_credit.whiten is one of {list(WHITEN)}, got {whiten!r}")
    mask = response_mask.bool()
    if separate:
        sequence = _of_separate_terms(token_level_rewards, index, separate, least)[:, None] * mask
    else:
        by_std = config["norm_adv_by_std_in_grpo"]
        sequence, _ = compute_grpo_outcome_advantage(token_level_rewards, response_mask, index, EPSILON, by_std)
        sequence = sequence * _differs(token_level_rewards, index)[:, None]
    if whiten:
        sequence = _whitened(sequence, mask, index if whiten == "group" else np.zeros(len(index)), least)
    lasts = mask & (mask.cumsum(1) == mask.sum(1, keepdim=True))
    carriers = mask & ~lasts
    carriers[:, : len(separate)] = False
    blame = -token_level_rewards
    token = torch.zeros_like(token_level_rewards)
    for group in np.unique(index):
        members = torch.from_numpy(index == group)[:, None] & carriers
        if members.any():
            deviation = blame[members].mean() - blame[members]
            token[members] = (
                deviation / (blame[members].std(correction=0) + EPSILON) if settings["norm_by_std"] else deviation
            )
    advantages = settings["w_seq"] * sequence + settings["w_tok"] * token
    return advantages, advantages


def weights_of(terms: Mapping[str, Any] | None) -> list[float]:
    """The weights of recipe.reward.terms, {term: {weight, ...}}, in their order; a term that is null is left out.

    >>> weights_of({"pinyin": {"weight": 1.0, "tones": True}, "mos": None, "silence": {"weight": 0.5}})
    [1.0, 0.5]
    """
    return [float(term["weight"]) for term in (terms or {}).values() if term is not None]


def _differs(rewards: torch.Tensor, index: np.ndarray) -> torch.Tensor:
    """[responses]: False where the scores of a group are the same but for what float32 rounds off when blames are added
    and taken away again, which a division by the standard deviation would blow up."""
    scores, noise = rewards.sum(1), torch.finfo(torch.float32).eps * rewards.abs().sum(1)
    differs = torch.ones(len(rewards), dtype=torch.bool)
    for group in np.unique(index):
        members = torch.from_numpy(index == group)
        if members.sum() > 1:
            differs[members] = scores[members].std() > noise[members].max()
    return differs


def _normal(values: torch.Tensor, min_spread: float | torch.Tensor) -> torch.Tensor:
    """Deviations [responses, ...] from the mean in standard deviations; 0 where these are below min_spread, or what
    float32 makes of equal values."""
    std, noise = values.std(0, correction=0), torch.finfo(torch.float32).eps * values.abs().amax(0)
    return (values - values.mean(0)) / (std + EPSILON) * (std >= min_spread) * (std > noise)


def _whitened(sequence: torch.Tensor, mask: torch.Tensor, index: np.ndarray, min_spread: float) -> torch.Tensor:
    """Each response counts once, however long: in the papers an advantage is of a response."""
    values = (sequence * mask).sum(1) / mask.sum(1)
    for group in np.unique(index):
        members = torch.from_numpy(index == group)
        values[members] = _normal(values[members], min_spread)
    return values[:, None] * mask


def _of_separate_terms(
    rewards: torch.Tensor, index: np.ndarray, weights: Sequence[float], min_spread: float
) -> torch.Tensor:
    """[responses]: each term's part, normalised within its group, weighted. A response without that many tokens has 0
    in its place. A part is its term times its share of the weights, and so is the least spread that counts."""
    parts = rewards[:, : len(weights)]
    shares = torch.tensor(weights, dtype=torch.float32)[: parts.shape[1]] / sum(weights)
    advantages = torch.zeros(len(rewards))
    for group in np.unique(index):
        members = torch.from_numpy(index == group)
        advantages[members] = _normal(parts[members], min_spread * shares) @ shares
    return advantages
