"""The ids that the model gets outside stage data: in evaluation and inference, and from verl's agent loop."""

import asyncio
from pathlib import Path

from omegaconf import OmegaConf
from transformers import PreTrainedTokenizerBase

from data_prep.prompts import PromptMaker
from infer.texts import prompt_ids, read_sentences
from stages.config import compose_stage


def inference_ids(
    recipe: str, tokenizer: PreTrainedTokenizerBase, parquet: Path, text: str, *overrides: str
) -> list[list[int]]:
    """What infer.synthesise hands to vLLM: stage eval for the first row of a parquet, stage infer for a text."""
    found = []
    for stage, own in (("eval", f"texts={parquet}"), ("infer", f"text='{text}'")):
        cfg = compose_stage(recipe, stage, (own, *(o for o in overrides if stage == "infer" or "recipe." in o)))
        maker = PromptMaker(cfg.recipe)
        found.append(prompt_ids(read_sentences(cfg, maker), tokenizer, maker)[0])
    return found


class Recorder:
    """Stands where verl's connection to the vLLM servers is, keeps what it is given and says two tokens."""

    async def generate(self, prompt_ids: list[int], **_):
        from verl.workers.rollout.replica import TokenOutput

        self.prompt_ids = prompt_ids
        return TokenOutput(token_ids=[1, 2])


def rollout_ids(
    parquet: Path, tokenizer: PreTrainedTokenizerBase, model_type: str = "qwen2", length: int = 64
) -> list[int]:
    """What verl's dataset and agent loop hand to vLLM for the first row."""
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop

    from verl_plugins.weighted_data import WeightedPrompts

    own = {"prompt_key": "prompt", "max_prompt_length": length, "filter_overlong_prompts": False}
    data = OmegaConf.create(own | {"train_files": str(parquet)})
    row = WeightedPrompts(str(parquet), tokenizer, data)[0]
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"prompt_length": length, "response_length": 8}}})
    recorder = Recorder()

    async def run() -> None:
        loop = SingleTurnAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=recorder,
            tokenizer=tokenizer,
            processor=None,
            dataset_cls=WeightedPrompts,
            data_config=DictConfigWrap(data),
            hf_model_type=model_type,
        )
        await loop.run({}, raw_prompt=row["raw_prompt"])

    asyncio.run(run())
    return recorder.prompt_ids
