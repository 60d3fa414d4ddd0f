"""Phoneme-in from stage `data` to vLLM: every stage reads the same ids, the reward the plain text."""

import asyncio
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import DictConfig, OmegaConf
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.pairs import best_of_scores, check_rows, of_scores
from data_prep.prepare import Preparation
from data_prep.prompt_template import encode_prompt
from data_prep.prompts import PromptMaker
from infer.parts import Speaker
from infer.records import read_utterances
from infer.speak import records
from infer.texts import Sentence
from models.glm_tts.convert import convert
from models.glm_tts.phoneme_in import of_recipe
from models.glm_tts.prompt import zero_shot
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.glm_release import write_release
from tests.helpers.prompt_ids import inference_ids

TEXT = "他去银行，行不行！（测试）：３号？"
XING, HANG, BU = "<|X|><|ING2|>", "<|H|><|ANG2|>", "<|B|><|U4|>"


@dataclass
class Prepared:
    """A converted small release and the first row of each split, as stage `data` writes it."""

    folder: Path
    tokenizer: PreTrainedTokenizerBase
    recipe: DictConfig
    rows: dict[str, dict]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    write_release(folder / "release", ["银行行长"], 8, hidden_size=32, intermediate_size=32, num_hidden_layers=1)
    (folder / "model").mkdir()
    convert(folder / "release", folder / "model", 8)
    (folder / "voices.jsonl").write_text('{"name": "anna", "text": "早上好", "speech_tokens": [1, 2]}\n')
    row = {"text": TEXT, "voice": "anna", "speech_tokens": [3, 4]}
    (folder / "a.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "b.jsonl").write_text(json.dumps({**row, "text": "我在银行"}) + "\n")
    config = deepcopy(compose_stage("glm_tts", "data"))
    config.recipe.work_dir, config.recipe.voices = str(folder), str(folder / "voices.jsonl")
    config.recipe.codebook_size, config.recipe.tokenizer_dir = 8, str(folder / "model")
    config.recipe.phoneme_in.train = {"probability": 1.0, "max_share": 0.5}
    kinds = {"test": ("rl", "a", True), "train": ("rl", "b", False), "sft": ("sft", "b", False)}
    config.prepare.splits = {
        name: {"kind": kind, "input": f"{folder}/{texts}.jsonl", "output": f"{folder}/{name}.parquet", "held_out": held}
        for name, (kind, texts, held) in kinds.items()
    }
    Preparation(config).run()
    rows = {name: pq.read_table(folder / f"{name}.parquet").to_pylist()[0] for name in kinds}
    return Prepared(folder, AutoTokenizer.from_pretrained(folder / "model"), config.recipe, rows)


def test_every_stage_reads_the_same_ids_and_the_reward_the_plain_text(prepared: Prepared):
    """Held-out RL rows are spoken as in inference, training rows by chance; the plain text stays beside them."""
    test, train, sft = (prepared.rows[name] for name in ("test", "train", "sft"))
    spoken = f"他去<|IN2|>{HANG}，{XING}{BU}{XING}.测试，三号?"
    assert [message["content"] for message in test["prompt"]] == ["早上好。 ", spoken, "<|s_1|><|s_2|>"]
    assert test["reward_model"]["ground_truth"] == test["extra_info"]["text"] == TEXT
    speak = of_recipe(prepared.recipe)
    named = (f"recipe.voices={prepared.folder}/voices.jsonl", "voice=anna")
    evaluated, spoken_once = inference_ids(
        "glm_tts", prepared.tokenizer, prepared.folder / "test.parquet", TEXT, *named
    )
    assert evaluated == spoken_once == encode_prompt(prepared.tokenizer, test["prompt"])
    assert prepared.tokenizer.convert_tokens_to_ids("<|ANG2|>") in evaluated
    drawn = zero_shot(speak("我在银行", "zh", True), Voice("anna", "早上好", (1, 2)))
    assert train["prompt"] == drawn == sft["messages"][:-1]
    assert train["reward_model"]["ground_truth"] == "我在银行"


def test_a_rows_readings_reach_the_prompt_of_every_stage_and_nothing_else(prepared: Prepared, tmp_path):
    """TEXT is 他去银行，行不行！（测试）：３号？, its number is written out before the phonemes: 号 is at 15 here."""
    row = {"text": TEXT, "voice": "anna", "readings": [{"at": 5, "pinyin": "hang2"}, {"at": 15, "pinyin": "hao2"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "text": "早", "readings": []}) + "\n")
    config = deepcopy(compose_stage("glm_tts", "data"))
    config.recipe = prepared.recipe
    made = {"kind": "rl", "input": f"{tmp_path}/a.jsonl", "output": f"{tmp_path}/a.parquet", "held_out": True}
    config.prepare.splits, config.prepare.rejects = {"test": made}, f"{tmp_path}/rejects.jsonl"
    Preparation(config).run()
    said, plain = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert said["prompt"][1]["content"] == f"他去<|IN2|>{HANG}，{HANG}{BU}{XING}.测试，三<|H|><|AO2|>?"
    assert said["reward_model"]["ground_truth"] == said["extra_info"]["text"]
    assert plain["extra_info"]["readings"] is None and "readings" not in prepared.rows["test"]["extra_info"]
    named = (f"recipe.voices={prepared.folder}/voices.jsonl", "voice=anna")
    given = "readings=[{at: 5, pinyin: hang2}, {at: 15, pinyin: hao2}]"
    evaluated, spoken_once = inference_ids("glm_tts", prepared.tokenizer, tmp_path / "a.parquet", TEXT, *named, given)
    assert evaluated == spoken_once == encode_prompt(prepared.tokenizer, said["prompt"])


def test_readings_stay_beside_what_was_spoken_and_reach_the_prompts_of_pairs(prepared: Prepared, tmp_path):
    maker = PromptMaker(prepared.recipe)
    row = {"text": "长大的校长", "language": "zh", "readings": [{"at": 4, "pinyin": "zhang3"}]}
    asked = [Sentence(maker.request(one), [], "") for one in (row, row | {"readings": []})]
    ids = [[(prepared.tokenizer.convert_tokens_to_ids([f"<|s_{code}|>"]), True) for code in (1, 2)]] * 2
    given, plain = list(records(asked, ids, prepared.tokenizer, ["", ""]))[::2]
    assert given["readings"] == row["readings"] and "readings" not in plain
    scored = [(given, 1.0, [1]), (given, 0.0, [2]), (plain, 0.5, [3]), (plain | {"readings": []}, 0.2, [4])]
    lines = [json.dumps(one | {"score": score, "tokens": tokens}) for one, score, tokens in scored]
    (tmp_path / "s.jsonl").write_text("\n".join(lines) + "\n")
    read, plain = check_rows(list(of_scores(f"{tmp_path}/s.jsonl", 0.1)), prepared.recipe)
    assert read["messages"] != plain["messages"]
    assert read["messages"] == maker.messages(asked[0].request, training=False)
    assert "长大的校<|ZH|><|ANG3|>" in json.dumps(read["messages"], ensure_ascii=False)
    assert [row["speech_tokens"] for row in best_of_scores(f"{tmp_path}/s.jsonl", None)] == [[1], [3]]
    assert read_utterances(f"{tmp_path}/s.jsonl", "zh")[0].readings == row["readings"]  # which the page exports


def test_readings_of_a_long_text_go_with_their_part(prepared: Prepared):
    maker = PromptMaker(prepared.recipe)
    parts = OmegaConf.create({"token_max_n": 4, "merge_len": 0, "prompt_tokens": 0})
    asked = maker.request(
        {"text": "……行。他行。行！", "readings": [{"at": 2, "pinyin": "hang2"}, {"at": 7, "pinyin": "hang2"}]}
    )
    found = Speaker(maker, prepared.tokenizer, None, parts).requests(Sentence(asked, [], ""))
    assert [(one.text, one.readings) for one in found] == [
        ("……行。", ((2, "hang2"),)), ("他行。", ()), ("行！", ((0, "hang2"),))]  # fmt: skip


class Recorder:
    """Stands where verl's connection to the vLLM servers is, keeps what it is given and says two tokens."""

    async def generate(self, prompt_ids: list[int], **_):
        from verl.workers.rollout.replica import TokenOutput

        self.prompt_ids = prompt_ids
        return TokenOutput(token_ids=[1, 2])


def test_vllm_receives_the_same_ids_in_training(prepared: Prepared):
    """Through verl's dataset and agent loop, with a conversation that ends in the voice's own speech."""
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
    from verl.utils.dataset.rl_dataset import RLHFDataset

    data = OmegaConf.create({"prompt_key": "prompt", "max_prompt_length": 256, "filter_overlong_prompts": False})
    row = RLHFDataset(str(prepared.folder / "test.parquet"), prepared.tokenizer, data)[0]
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"prompt_length": 256, "response_length": 8}}})
    recorder = Recorder()

    async def run() -> None:
        loop = SingleTurnAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=recorder,
            tokenizer=prepared.tokenizer,
            processor=None,
            dataset_cls=RLHFDataset,
            data_config=DictConfigWrap(data),
            hf_model_type="llama",
        )
        await loop.run({}, raw_prompt=row["raw_prompt"])

    asyncio.run(run())
    assert recorder.prompt_ids == encode_prompt(prepared.tokenizer, prepared.rows["test"]["prompt"])
