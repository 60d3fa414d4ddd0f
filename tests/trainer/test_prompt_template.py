"""One template: the same ids in data preparation, SFT, rollout and inference."""

import asyncio
import json
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.prepare import Preparation
from data_prep.prompt_template import chat, encode_answer, encode_prompt
from data_prep.prompts import PromptMaker
from infer.texts import prompt_ids, read_sentences
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.data import encode_messages
from speech.voices import Voice
from stages.config import compose_stage

TEXT, WRITTEN = "你好，世界！（测试）：３号？ 🙂", "你好,世界!(测试):3号? 🙂"
RENDERED = f"<|im_start|>user\n{WRITTEN}<|im_end|>\n<|im_start|>assistant\n<|SPEECH_GENERATION_START|>"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    path = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(["你好世界"], 10, path)
    return AutoTokenizer.from_pretrained(path)


@pytest.fixture
def parquets(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> dict[str, Path]:
    """An RL and an SFT parquet of TEXT, as stage `data` writes them."""
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": f" {TEXT}\n", "speech_tokens": [3, 9, 3]}) + "\n")
    splits = {
        kind: {"kind": kind, "input": f"{tmp_path}/in.jsonl", "output": f"{tmp_path}/{kind}.parquet", "held_out": False}
        for kind in ("rl", "sft")
    }
    config = deepcopy(compose_stage("tiny_mandarin", "data"))
    config.prepare.splits = splits
    config.recipe.work_dir = str(tmp_path)
    config.recipe.codebook_size, config.recipe.tokenizer_dir = 10, tokenizer.name_or_path
    Preparation(config).run()
    return {kind: tmp_path / f"{kind}.parquet" for kind in ("rl", "sft")}


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
    from verl.utils.dataset.rl_dataset import RLHFDataset

    data = OmegaConf.create({"prompt_key": "prompt", "max_prompt_length": length, "filter_overlong_prompts": False})
    row = RLHFDataset(str(parquet), tokenizer, data)[0]
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"prompt_length": length, "response_length": 8}}})
    recorder = Recorder()

    async def run() -> None:
        loop = SingleTurnAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=recorder,
            tokenizer=tokenizer,
            processor=None,
            dataset_cls=RLHFDataset,
            data_config=DictConfigWrap(data),
            hf_model_type=model_type,
        )
        await loop.run({}, raw_prompt=row["raw_prompt"])

    asyncio.run(run())
    return recorder.prompt_ids


def test_data_preparation_sft_rollout_and_inference_read_the_same_ids(parquets, tokenizer):
    expected = tokenizer.encode(RENDERED)
    assert tokenizer.decode(expected) == RENDERED
    prepared = pq.read_table(parquets["rl"]).to_pylist()[0]["prompt"]
    conversation = encode_messages(tokenizer, pq.read_table(parquets["sft"]).to_pylist()[0]["messages"])
    assert encode_prompt(tokenizer, prepared) == expected
    assert conversation["input_ids"][: conversation["prompt_length"]] == expected
    assert encode_prompt(tokenizer, chat(WRITTEN)) == expected
    assert rollout_ids(parquets["rl"], tokenizer) == expected
    assert inference_ids("tiny_mandarin", tokenizer, parquets["rl"], TEXT) == [expected, expected]


def test_a_conversation_of_sft_is_what_the_chat_template_renders(parquets, tokenizer):
    messages = pq.read_table(parquets["sft"]).to_pylist()[0]["messages"]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False)
    assert rendered == RENDERED + "<|s_3|><|s_9|><|s_3|><|im_end|>"
    assert encode_messages(tokenizer, messages)["input_ids"] == tokenizer.encode(rendered)


def test_the_template_of_one_voice_refuses_a_voice_and_a_prefix():
    assert chat("好") == [{"role": "user", "content": "好"}]
    with pytest.raises(ValueError, match="voice='Anna'"):
        chat("好", voice=Voice("Anna", "早。"))
    with pytest.raises(ValueError, match="2 tokens"):
        chat("好", speech_prefix=[1, 2])


def test_a_speech_token_that_the_tokenizer_lacks_is_named(tokenizer):
    with pytest.raises(ValueError, match=r"no speech token <\|s_10\|>"):
        encode_answer(tokenizer, [3, 10])


def test_sft_refuses_an_answer_that_is_not_speech_alone(tokenizer):
    for content in ("<|s_1|>好", ""):
        with pytest.raises(ValueError, match="speech tokens alone"):
            encode_messages(tokenizer, [*chat("好"), {"role": "assistant", "content": content}])
