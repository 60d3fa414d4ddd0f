"""Rollouts of speech: verl's single-turn agent loop, with what a reward knows of single tokens and single terms.

Named in agent_loop.yaml, see `actor_rollout_ref.rollout.agent.agent_loop_config_path`. Four differences from verl's:
further sampling parameters, a seed of its own for each rollout where all is to be deterministic, a prompt that is too
long is refused instead of cut, and `token_credit` (one blame in [0, 1] for each speech token) and `term_parts` (what
each term contributes to the score) of the reward function go to the estimator inside `rm_scores`:
verl_plugins/advantage.py says how.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import PrivateAttr
from transformers import PreTrainedTokenizerBase
from verl.experimental.agent_loop.agent_loop import AgentLoopOutput
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop

from verl_plugins import patches
from verl_plugins.advantage import TOKEN_CREDIT, pack

patches.make_agent_loops_at_once()  # of the worker that imports this, from its second rollout on at the latest
_SPEECH_TOKEN = re.compile(r"<\|s_\d+\|>")
_OWN_KEYS = frozenset({"temperature", "top_p", "top_k", "n", "max_tokens", "logprobs", "seed"})


@lru_cache(maxsize=1)
def speech_token_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids of the tokens `<|s_N|>`."""
    return frozenset(i for token, i in tokenizer.get_added_vocab().items() if _SPEECH_TOKEN.fullmatch(token))


def blame_per_token(is_speech: Sequence[bool], credit: Sequence[float]) -> list[float]:
    """From one blame per speech token to one per response token.

    A response token that is no speech says nothing of the text and is to blame (1), or text between speech would earn
    what speech without errors earns. The end token is one of them, and the last token's blame is never used.

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
    return [float(next(blames)) if speech else 1.0 for speech in is_speech]


class SpeechRollout(AgentLoopOutput):
    """A rollout whose rm_scores, for our estimator, hold blames and terms as well, once the reward is known."""

    _is_speech: list[bool] = PrivateAttr()
    _packs: bool = PrivateAttr()

    def as_dict(self) -> dict[str, Any]:
        """verl's fields of the rollout, called after the reward.

        Any other estimator than token_credit_grpo gets the score alone. `token_credit` and `term_parts` leave
        `reward_extra_info`, where verl's validation expects single numbers.

        Raises:
            ValueError: `token_credit` does not fit the response.
        """
        output = super().as_dict()
        info = dict(output["extra_fields"].get("reward_extra_info", {}))
        if "token_credit" in info or "term_parts" in info:
            credit, parts = info.pop("token_credit", [0.0] * sum(self._is_speech)), info.pop("term_parts", ())
            blame = blame_per_token(self._is_speech, credit)
            if self._packs:
                output["rm_scores"] = pack(self.reward_score, blame, parts)
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
    if own := sorted(_OWN_KEYS & found.keys()):
        raise ValueError(
            f"rollout.custom.sampling holds {own}: these are actor_rollout_ref.rollout's or data's own keys"
        )
    return found


def seed_of(rollout: Mapping[str, Any], step: int, index: int, session: int) -> int:
    """Of one rollout: a number below 2**32 from rollout.seed, the step, the text's index and which of its rollouts."""
    return int(np.random.SeedSequence([rollout["seed"], step, index, session]).generate_state(1)[0])


class SpeechAgentLoop(SingleTurnAgentLoop):
    """verl's single turn with the differences of this module."""

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> SpeechRollout:
        """One rollout, with what `actor_rollout_ref.rollout.custom.sampling` adds (see `more_sampling`).

        With rollout.full_determinism verl 0.9.1 gives every request of a server one and the same seed, so that the
        rollouts of a group are all alike, unless it has one (workers/rollout/vllm_rollout/vllm_async_server.py); and
        its V1 trainer gives no `priority`, by which a request finds its server.
        """
        sampling = sampling_params | more_sampling(self.rollout_config)
        if self.rollout_config.get("full_determinism"):
            own = seed_of(self.rollout_config, *(int(kwargs[key]) for key in ("global_steps", "index", "session_id")))
            sampling, kwargs = sampling | {"seed": own}, kwargs | {"priority": own}
        rollout = await super().run(sampling, **kwargs)
        output = SpeechRollout(**rollout.model_dump(exclude_unset=True))
        speech = speech_token_ids(self.tokenizer)
        output._is_speech = [token in speech for token in output.response_ids]
        output._packs = self.config.algorithm.adv_estimator == TOKEN_CREDIT
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
