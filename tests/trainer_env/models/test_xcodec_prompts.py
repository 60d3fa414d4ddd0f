"""Prompts of Llasa and Inworld TTS, id by id, the same in data preparation, SFT, rollout and inference; and
models.extend, which gives a checkpoint their tokens and template."""

import json
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from omegaconf import DictConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_prep.prepare import Preparation
from data_prep.prompt_template import encode_answer, encode_prompt
from data_prep.prompts import PromptMaker
from models.extend import extend
from models.inworld_tts.prompt import line
from models.llasa.prompt import understanding
from sft.data import encode_messages
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.llama_dir import CONTROL, LLASA, write_llama
from tests.helpers.prompt_ids import inference_ids, rollout_ids

CODES = 16
BOS, HEADER, END_HEADER, EOT, PAD = 256, 258, 259, 260, 261  # places in CONTROL, behind the bytes
# Llasa's own, in the order of the released tokenizer: TEXT_UNDERSTANDING 2 3, SPEECH_GENERATION 4 5, then <|s_0|>
TEXT_START, TEXT_END, SPEECH_START, SPEECH_END, SPEECH_0 = 264, 265, 266, 267, 270
ANNA = Voice("anna", "Hi.", (7, 0))


def spelled(text: str) -> list[int]:
    """Ids of the bytes: the small tokenizer numbers them by their values."""
    return list(text.encode())


def test_rows_with_digits_that_nobody_reads_are_counted():
    maker = PromptMaker(compose_stage("llasa", "data").recipe)
    for text, language in (
        ("₹५00", "hi"),
        ("500 रुपये", "hi"),
        ("सौ", "hi"),
        ("3 kişi", "tr"),
        ("3号", "zh"),
        ("12", "am"),
    ):
        maker.request({"text": text, "language": language}, has_speech=True)
    told = "{} rows hold digits, and there are no readings for {}: heard as words they count as errors"
    assert maker.warnings() == [told.format(2, "hi"), told.format(1, "am")]


def config(recipe: str, work: Path, *overrides: str) -> DictConfig:
    return compose_stage(recipe, "models", (f"recipe.work_dir={work}", f"recipe.codebook_size={CODES}", *overrides))


@pytest.fixture(scope="module")
def llasa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released-like Llasa, then recipes/llasa/models.yaml; its published prompts use other codes than 65535 here."""
    work = tmp_path_factory.mktemp("llasa")
    write_llama(work / "pretrained" / "llasa", LLASA, CODES)
    cfg = config("llasa", work)
    cfg.extend.published[1].voice.speech_tokens = [7, 15]
    cfg.extend.published[1].messages[1].content = "<|SPEECH_GENERATION_START|><|s_7|><|s_15|>"
    return extend(cfg)


@pytest.fixture(scope="module")
def inworld(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model without any of the tokens, then recipes/inworld_tts/models.yaml."""
    work = tmp_path_factory.mktemp("inworld")
    write_llama(work / "pretrained" / "text_model")
    return extend(config("inworld_tts", work))


def llasa_prompt(text: str, speech: list[int]) -> list[int]:
    """Worked out from the model card and Llama 3.2's template."""
    system = spelled("\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n")
    user = [*spelled("\n\nConvert the text to speech:"), TEXT_START, *spelled(text), TEXT_END]
    turns = [HEADER, *spelled("system"), END_HEADER, *system, EOT, HEADER, *spelled("user"), END_HEADER, *user, EOT]
    return [BOS, *turns, HEADER, *spelled("assistant"), END_HEADER, *spelled("\n\n"), SPEECH_START, *speech]


def inworld_prompt(text: str, speech: list[int]) -> list[int]:
    """Worked out from tts/core/prompting.py: tokens are added in the order of models.yaml, so <|s_0|> is 262 + 8."""
    return [BOS, *spelled("Convert the text to speech:"), 264, *spelled(text), 265, *spelled("\n"), 262, *speech]


def test_llasas_prompt_is_the_published_one_with_a_fixed_date(llasa):
    tokenizer = AutoTokenizer.from_pretrained(llasa)
    assert encode_prompt(tokenizer, understanding("Ah!")) == llasa_prompt("Ah!", [])
    zero_shot = encode_prompt(tokenizer, understanding("Ah!", ANNA, [9]))
    assert zero_shot == llasa_prompt("Hi. Ah!", [SPEECH_0 + 7, SPEECH_0, SPEECH_0 + 9])
    assert encode_answer(tokenizer, [3]) == [SPEECH_0 + 3, SPEECH_END]


def test_inworlds_prompt_is_the_published_one(inworld):
    tokenizer = AutoTokenizer.from_pretrained(inworld)
    assert encode_prompt(tokenizer, line("Ah!")) == inworld_prompt("Ah!", [])
    assert encode_prompt(tokenizer, line("Ah!", ANNA)) == inworld_prompt("Hi. Ah!", [277, 270])
    assert encode_answer(tokenizer, [3]) == [273, 263]


def test_a_voice_in_words_stands_before_the_text(inworld):
    tokenizer = AutoTokenizer.from_pretrained(inworld)
    described = encode_prompt(tokenizer, line("Ah!", Voice("x", "", description="Old.")))
    before = [*spelled("Given the following voice description "), 266, *spelled("Old."), 267]
    request = [*spelled(" convert the text to speech:"), 264, *spelled("Ah!"), 265, *spelled("\n")]
    assert described == [BOS, *before, *request, 262]


def test_rows_of_ch_tts_start_speech_once(llasa, tmp_path):
    """examples/data_preprocess/tts.py of ch-tts-llasa-rl-grpo (e74d6de): the assistant's turn is the token that our
    template writes, too. At ee8aa784 it stood in the prompt twice."""
    tokenizer = AutoTokenizer.from_pretrained(llasa)
    user, *_ = understanding("Ah!")
    start, codes = "<|SPEECH_GENERATION_START|>", "<|s_7|><|s_0|>"
    for place, content in enumerate([start, "", start + codes, codes]):
        row = {"prompt": [user, {"role": "assistant", "content": content}]}
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{place}.parquet")
        expected = llasa_prompt("Ah!", [SPEECH_0 + 7, SPEECH_0] if codes in content else [])
        assert rollout_ids(tmp_path / f"{place}.parquet", tokenizer, "llama", 256) == expected


@pytest.mark.parametrize("recipe", ["llasa", "inworld_tts"])
def test_data_sft_rollout_and_inference_read_the_same_ids(recipe, llasa, inworld, tmp_path):
    folder, prompt = (llasa, llasa_prompt) if recipe == "llasa" else (inworld, inworld_prompt)
    text = "你好，世界！（测试）：３号？"
    # Llasa reads texts as they stand; in Inworld's numbers are read, and nothing else changes.
    written = text if recipe == "llasa" else "你好，世界！（测试）：三号？"
    row = {"text": text, "language": "zh", "voice": "anna", "speech_tokens": [3, 9]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    voice = {"name": "anna", "text": "Hi.", "speech_tokens": [7, 0]}
    (tmp_path / "voices.jsonl").write_text(json.dumps(voice) + "\n")
    cfg = deepcopy(compose_stage(recipe, "data"))
    cfg.recipe.work_dir, cfg.recipe.voices, cfg.recipe.codebook_size = str(tmp_path), f"{tmp_path}/voices.jsonl", CODES
    cfg.recipe.tokenizer_dir = str(folder)
    cfg.prepare.splits = {
        kind: {"kind": kind, "input": f"{tmp_path}/in.jsonl", "output": f"{tmp_path}/{kind}.parquet", "held_out": False}
        for kind in ("rl", "sft")
    }
    Preparation(cfg).run()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    between = "" if recipe == "llasa" else " "  # Llasa's has none beside Chinese
    expected = prompt(f"Hi.{between}{written}", [277, 270])
    prepared = pq.read_table(tmp_path / "rl.parquet").to_pylist()[0]["prompt"]
    assert encode_prompt(tokenizer, prepared) == expected
    assert rollout_ids(tmp_path / "rl.parquet", tokenizer, "llama", 256) == expected
    named = (f"recipe.voices={tmp_path}/voices.jsonl", "voice=anna", "language=zh")
    assert inference_ids(recipe, tokenizer, tmp_path / "rl.parquet", text, *named) == [expected, expected]
    conversation = encode_messages(tokenizer, pq.read_table(tmp_path / "sft.parquet").to_pylist()[0]["messages"])
    assert conversation["input_ids"] == [*expected, *encode_answer(tokenizer, [3, 9])]
    assert conversation["prompt_length"] == len(expected)


def test_a_date_that_is_not_the_published_one_is_seen(tmp_path):
    write_llama(tmp_path / "pretrained" / "llasa", LLASA, CODES)
    cfg = config("llasa", tmp_path)
    cfg.extend.published = cfg.extend.published[:1]
    cfg.extend.published[0].arguments.date_string = "27 Jul 2024"
    with pytest.raises(ValueError, match="does not make the published prompt"):
        extend(cfg)
    assert not (tmp_path / "base").exists()


def test_a_model_that_has_the_tokens_keeps_its_weights_and_ends_with_speech(llasa):
    before = AutoModelForCausalLM.from_pretrained(llasa.parent / "pretrained" / "llasa").state_dict()
    model = AutoModelForCausalLM.from_pretrained(llasa)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    tokenizer = AutoTokenizer.from_pretrained(llasa)
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (SPEECH_END, EOT)
    assert (model.config.eos_token_id, model.generation_config.eos_token_id) == (SPEECH_END, SPEECH_END)
    served = model.generation_config  # the card names no top_k, so transformers' own is its
    assert (served.do_sample, served.temperature, served.top_p, served.top_k) == (True, 0.8, 1.0, 50)


@pytest.mark.parametrize("tied", [True, False])
def test_a_text_model_gets_a_row_for_each_token_and_keeps_the_others(tmp_path, tied):
    write_llama(tmp_path / "pretrained" / "text_model", tied=tied)
    folder = extend(config("inworld_tts", tmp_path))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    old = AutoModelForCausalLM.from_pretrained(tmp_path / "pretrained" / "text_model").get_input_embeddings().weight
    new = model.get_input_embeddings().weight
    assert tuple(new.shape) == (len(CONTROL) + 256 + 8 + CODES, 64) == (len(tokenizer), 64)
    assert torch.equal(new[: len(old)], old)
    assert (new[len(old) :].mean(0) - old.mean(0)).abs().max() < 0.3  # drawn around the mean of the old rows
    assert new[len(old) :].std() > 0
    assert model.config.tie_word_embeddings == tied
    assert (model.get_output_embeddings().weight is new) == tied
    assert tokenizer.convert_ids_to_tokens([262, 269, 270, 285]) == [
        "<|speech_start|>", "<|sound_effect_end|>", "<|s_0|>", "<|s_15|>",
    ]  # fmt: skip
    assert tokenizer.decode([262, 270, 263], skip_special_tokens=True) == "<|s_0|>"
    served = model.generation_config  # of inference, not of rollouts
    assert (served.temperature, served.top_p, served.top_k, served.repetition_penalty) == (0.8, 1.0, 50, 1.1)


def test_a_padding_token_that_is_not_there_and_a_missing_checkpoint_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"extend\.base"):
        extend(config("inworld_tts", tmp_path))
    write_llama(tmp_path / "pretrained" / "text_model")
    with pytest.raises(ValueError, match=r"extend\.pad_token=<\|endoftext\|>"):
        extend(config("inworld_tts", tmp_path, 'extend.pad_token="<|endoftext|>"'))


def test_llasa_refuses_a_voice_without_speech_tokens():
    with pytest.raises(ValueError, match="'anna' has none"):
        understanding("Ah!", Voice("anna", "Hi."))
