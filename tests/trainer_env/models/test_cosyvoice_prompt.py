"""CosyVoice's prompts: ids worked out by hand at the released sizes; the same in data, SFT, rollout and inference."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.prepare import Preparation
from data_prep.prompt_template import encode_answer, encode_prompt, zero_shot
from data_prep.prompts import PromptMaker
from infer.texts import read_sentences
from models.cosyvoice import tokenizer as cosyvoice
from models.cosyvoice.layout import FAMILIES
from sft.data import encode_messages
from speech.jsonl import BadField, BadRows
from speech.loading import tokenizer_of
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.cosyvoice_release import CODEBOOK, RELEASE_ROWS, write_text_model
from tests.helpers.prompt_ids import inference_ids, rollout_ids

QWEN2_WORDS = 151_643  # of Qwen2's vocab.json
ROWS = 151_936  # of the released text embedding
VOICE = {"name": "anna", "text": "明天。", "speech_tokens": [7, 6560]}


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """A tokenizer of 158 000 tokens takes a second; nobody here changes one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_prep.prompts.tokenizer_of", cache(tokenizer_of))
        yield


@pytest.fixture(scope="module", params=["cosyvoice2", "cosyvoice3"])
def family(request) -> str:
    return request.param


def built(folder: Path, family: str, filler: int, rows: int, codes: int, template: str) -> PreTrainedTokenizerBase:
    """As the stage `models` makes it from a text tokenizer with `filler` words."""
    write_text_model(folder / "blank", filler=filler)
    more = list(compose_stage(family, "models").convert.more_text_tokens)
    return cosyvoice.build(folder / "blank", rows, FAMILIES[family], codes, more, template)


@pytest.fixture(scope="module")
def words(family, tmp_path_factory) -> PreTrainedTokenizerBase:
    """As the stage `models` writes it from a text tokenizer of Qwen2's size."""
    folder = tmp_path_factory.mktemp("words")
    convert = compose_stage(family, "models").convert
    template = cosyvoice.template_of(convert.template, convert.instruction)
    built(folder, family, QWEN2_WORDS, ROWS, 6561, template).save_pretrained(folder / "built")
    return AutoTokenizer.from_pretrained(folder / "built")


def test_ids_are_those_of_the_released_tables(words, family):
    """Qwen2: 151643 words, <|endoftext|>, <|im_start|>, <|im_end|>; cosyvoice/llm/llm.py asserts that <|endofprompt|>
    is 151646. Speech begins behind the 151936 text rows; 151936 + 6561 = 158497."""
    known = {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|endofprompt|>": 151646, "[breath]": 151647}
    known |= {"[mn]": 151662, "<|s_0|>": 151936, "<|s_6560|>": 158496}
    if family == "cosyvoice2":
        known |= {"<|eos1|>": 158497, "<|eos3|>": 158499, "<|sos|>": 158500, "<|task_id|>": 158501}
    else:
        known |= {"<|endofsystem|>": 151663, "[AA]": 151664, "[ZH]": 151747, "[a]": 151748, "[ǜ]": 151923}
        known |= {"<|sos|>": 158497, "<|eos1|>": 158498, "<|task_id|>": 158499, "<|fill|>": 158500}
    assert {name: words.convert_tokens_to_ids(name) for name in known} == known
    assert len(words) == {"cosyvoice2": 158502, "cosyvoice3": 158697}[family]
    assert words.eos_token_id == known["<|eos1|>"]


def test_data_sft_rollout_and_inference_read_the_same_ids(words, family, tmp_path):
    (tmp_path / "voices.jsonl").write_text(json.dumps(VOICE))
    row = {"text": "今天，好！（３号）：？", "voice": "anna", "speech_tokens": [1, 2]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n")
    config = deepcopy(compose_stage(family, "data"))
    config.prepare.splits = {
        kind: {"kind": kind, "input": f"{tmp_path}/in.jsonl", "output": f"{tmp_path}/{kind}.parquet", "held_out": False}
        for kind in ("rl", "sft")
    }
    config.recipe.work_dir, config.recipe.voices = str(tmp_path), f"{tmp_path}/voices.jsonl"
    config.recipe.tokenizer_dir = words.name_or_path
    Preparation(config).run()

    assert words.encode("。今") == [260]  # 256 bytes; 。 of three bytes is 257, with those of 今 258, 259, 260
    text = words.encode("明天。") + words.encode("今天，好！（３号）：？")  # as they stand, as published
    assert 257 in text and 260 not in text  # each encoded on its own: cosyvoice/cli/frontend.py, frontend_zero_shot
    start, task, end = (158500, 158501, 158497) if family == "cosyvoice2" else (158497, 158499, 158498)
    instruction = words.encode(compose_stage(family, "models").convert.instruction)
    assert instruction[-1:] == ([] if family == "cosyvoice2" else [151646])
    expected = [start, *instruction, *text, task, 151943, 158496]

    prepared = pq.read_table(tmp_path / "rl.parquet").to_pylist()[0]["prompt"]
    assert encode_prompt(words, prepared) == expected
    assert rollout_ids(tmp_path / "rl.parquet", words, "qwen2_speech_head") == expected
    named = (f"recipe.voices={tmp_path}/voices.jsonl", "voice=anna")
    assert inference_ids(family, words, tmp_path / "rl.parquet", row["text"], *named) == [expected, expected]
    conversation = encode_messages(words, pq.read_table(tmp_path / "sft.parquet").to_pylist()[0]["messages"])
    assert conversation == {"input_ids": [*expected, 151937, 151938, end], "prompt_length": len(expected)}


SAID = {
    "cosyvoice2": "用四川话说这句话",  # example.py of the release, before its <|endofprompt|>
    "cosyvoice3": "You are a helpful assistant. 请用广东话表达。",
}


@pytest.mark.parametrize("given", ["请用广东话表达。", "You are a helpful assistant. 请用广东话表达。"])
def test_cosyvoice3s_instructions_begin_with_its_sentence(words, family, given):
    """instruct_list of cosyvoice/utils/common.py; CosyVoice2 learned them without."""
    recipe = compose_stage(family, "data", (f"recipe.tokenizer_dir={words.name_or_path}", "recipe.voices=null")).recipe
    maker = PromptMaker(recipe)
    request = maker.request({"text": "好", "instruction": given}, has_speech=True)
    read = {"cosyvoice2": given, "cosyvoice3": "You are a helpful assistant. 请用广东话表达。"}[family]
    assert maker.messages(request, training=False)[0] == {"role": "system", "content": f"{read}<|endofprompt|>"}
    assert request.instruction == given


ASSISTANT = "You are a helpful assistant."  # begins every text of example.py and of infer_cosyvoice3.py


def test_strings_of_the_official_examples_are_taken_apart(words, family, tmp_path):
    """inference_zero_shot, inference_cross_lingual and inference_instruct2 of example.py. At ee8aa784 all of them were
    refused: holds <|endofprompt|>."""
    voices = [VOICE]
    if family == "cosyvoice3":
        voices.append(VOICE | {"name": "official", "text": f"{ASSISTANT}<|endofprompt|>明天。"})
    (tmp_path / "voices.jsonl").write_text("".join(json.dumps(voice) + "\n" for voice in voices))
    named = (f"recipe.tokenizer_dir={words.name_or_path}", f"recipe.voices={tmp_path}/voices.jsonl")
    maker = PromptMaker(compose_stage(family, "data", named).recipe)

    def ids(**row: str) -> list[int]:
        request = maker.request({"voice": "anna", **row})
        assert request.text == "今天"  # what the reward hears, and the row's text in the parquet
        return maker.ids(maker.messages(request, training=False), words)

    said = SAID[family]
    told = ids(text="今天", instruction=said)
    assert ids(text=f"{said}<|endofprompt|>今天") == ids(text="今天", instruction=f"{said}<|endofprompt|> ") == told
    assert ids(text=f"{said}<|endofprompt|>今天", instruction=said) == told  # the same twice
    plain, literal = ids(text="今天"), ids(text="今天", instruction=ASSISTANT)
    assert ids(text=f"{ASSISTANT}<|endofprompt|>今天") == literal
    assert (literal == plain) == (family == "cosyvoice3")  # to CosyVoice2 it is an instruction as any
    if family == "cosyvoice3":
        assert ids(text=f"{said}<|endofprompt|>今天", instruction=ASSISTANT) == told
        assert ids(text="今天", voice="official") == plain


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ({"text": "慢<|endofprompt|>好", "instruction": "快"}, "instruction", "is '快', and the text has another one"),
        ({"text": "慢<|endofprompt|>好<|endofprompt|>"}, "text", "would read as a control token"),
        ({"text": "慢<|endofprompt|>"}, "text", "is empty"),
        ({"text": " <|endofprompt|>好"}, "text", "begins with <|endofprompt|>, which ends an instruction"),
    ],
)
def test_strings_of_two_instructions_or_of_no_text_are_bad_rows(words, row, field, told):
    named = (f"recipe.tokenizer_dir={words.name_or_path}", "recipe.voices=null")
    with pytest.raises(BadField, match=re.escape(told)) as error:
        PromptMaker(compose_stage("cosyvoice2", "data", named).recipe).request(row, has_speech=True)
    assert error.value.field == field


def test_a_voice_with_an_instruction_before_its_words_is_refused(family, tmp_path):
    (tmp_path / "voices.jsonl").write_text(json.dumps(VOICE | {"text": "慢<|endofprompt|>明天。"}))
    with pytest.raises(BadRows, match=r"voice 'anna': field 'text' has an instruction before <.endofprompt.>: here"):
        PromptMaker(compose_stage(family, "data", (f"recipe.voices={tmp_path}/voices.jsonl",)).recipe)


def test_japanese_that_is_not_in_katakana_is_named_for_cosyvoice3(family):
    """example.py of the official package: for Japanese usage, you must translate it to katakana."""
    maker = PromptMaker(compose_stage(family, "data", ("recipe.voices=null",)).recipe)
    for text, language in (("レキシ、テキ。", "ja"), ("历史", "zh"), ("歴史", "ja"), ("これ", "ja")):
        maker.request({"text": text, "language": language}, has_speech=True)
    named = "2 rows in ja are not in katakana, as cosyvoice3 wants that language, such as: 歴史"
    assert maker.warnings() == ([named] if family == "cosyvoice3" else [])


def test_an_instruction_stands_where_the_voices_words_would(words, family, tmp_path):
    """cosyvoice/cli/frontend.py, frontend_instruct2: <|sos|>, the instruction's ids, the text's ids, <|task_id|>, and
    nothing of the voice. <strong> is 151648, </strong> 151649, [laughter] 151651."""
    (tmp_path / "voices.jsonl").write_text(json.dumps(VOICE))
    row = {"text": "今天<strong>好</strong>[laughter]", "voice": "anna", "instruction": SAID[family]}
    plain = {key: value for key, value in row.items() if key != "instruction"}  # the same text, said in two ways
    rows = [row | {"speech_tokens": [1, 2]}, plain | {"speech_tokens": [1, 2]}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows))
    config = deepcopy(compose_stage(family, "data"))
    config.prepare.splits = {
        kind: {"kind": kind, "input": f"{tmp_path}/in.jsonl", "output": f"{tmp_path}/{kind}.parquet", "held_out": False}
        for kind in ("rl", "sft")
    }
    config.recipe.work_dir, config.recipe.voices = str(tmp_path), f"{tmp_path}/voices.jsonl"
    config.recipe.tokenizer_dir = words.name_or_path
    assert Preparation(config).run() == {"rl": 2, "sft": 2}

    start, task = (158500, 158501) if family == "cosyvoice2" else (158497, 158499)
    today, good = words.encode("今天"), words.encode("好")
    text = [*today, 151648, *good, 151649, 151651]
    expected = [start, *words.encode(SAID[family]), 151646, *text, task]
    assert expected.count(151646) == 1  # CosyVoice3's own instruction is not there, too
    prepared = pq.read_table(tmp_path / "rl.parquet").to_pylist()
    assert encode_prompt(words, prepared[0]["prompt"]) == expected
    assert {key: prepared[0]["extra_info"][key] for key in plain} == plain  # the reward hears the text alone
    assert [one["extra_info"]["instruction"] for one in prepared] == [SAID[family], None]
    asked = compose_stage(family, "eval", (f"texts={tmp_path}/rl.parquet", "recipe.voices=null"))
    spoken = [sentence.request for sentence in read_sentences(asked, PromptMaker(asked.recipe))]
    assert [one.instruction for one in spoken] == [SAID[family], None]  # so pairs of them keep it
    assert encode_prompt(words, prepared[1]["prompt"])[-2:] == [151943, 158496]  # without one: the voice's speech
    assert rollout_ids(tmp_path / "rl.parquet", words, "qwen2_speech_head") == expected
    named = (f"recipe.voices={tmp_path}/voices.jsonl", "voice=anna", f"instruction='{SAID[family]}'")
    named += (f"recipe.tokenizer_dir={words.name_or_path}",)
    assert inference_ids(family, words, tmp_path / "rl.parquet", row["text"], *named) == [expected, expected]
    conversation = encode_messages(words, pq.read_table(tmp_path / "sft.parquet").to_pylist()[0]["messages"])
    assert conversation["input_ids"][: len(expected)] == expected and conversation["prompt_length"] == len(expected)


def test_a_voice_that_is_in_no_prompt_is_the_rows_still(words, family, tmp_path):
    """cosyvoice/cli/frontend.py, frontend_cross_lingual: no prompt text, no speech tokens for the language model."""
    aside = {"wav": "a.wav", "prompted": False}
    rows = [VOICE, {"name": "ben", **aside}, VOICE | {"name": "cleo", "text": "明天。", **aside}]
    (tmp_path / "voices.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    named = (f"recipe.tokenizer_dir={words.name_or_path}", f"recipe.voices={tmp_path}/voices.jsonl")
    maker = PromptMaker(compose_stage(family, "data", named).recipe)

    def ids(**row: str) -> list[int]:
        request = maker.request({"text": "今天", **row})
        assert request.voice == row.get("voice")  # with which the flow speaks, and similarity is measured
        return maker.ids(maker.messages(request, training=False), words)

    alone = ids()
    assert len(alone) < len(ids(voice="anna"))
    assert ids(voice="ben") == ids(voice="cleo") == alone
    said = {"instruction": SAID[family]}
    assert ids(voice="ben", **said) == ids(voice="anna", **said) == ids(**said)
    with pytest.raises(BadRows, match="voice 'ben': field 'prompted' is false, and tiny_mandarin speaks with no voice"):
        PromptMaker(compose_stage("tiny_mandarin", "data", (named[1], "recipe.codebook_size=6561")).recipe)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3, "is no string"),
        ("慢<|endofprompt|>慢", r"holds <\|endofprompt\|>, which the tokenizer would read as a control token"),
        ("慢" * 2001, "has 2001 characters, recipe.max_text_chars is 2000"),
    ],
)
def test_a_bad_instruction_is_named(words, family, given, told):
    recipe = compose_stage(family, "data", (f"recipe.tokenizer_dir={words.name_or_path}", "recipe.voices=null")).recipe
    recipe.max_text_chars = 2000
    with pytest.raises(BadField, match=told) as error:
        PromptMaker(recipe).request({"text": "今天", "instruction": given}, has_speech=True)
    assert error.value.field == "instruction"


def test_models_without_a_place_for_an_instruction_refuse_it(family, tmp_path):
    recipe = compose_stage(family, "data", ("recipe.voices=null",)).recipe
    small = built(tmp_path, family, 0, RELEASE_ROWS[family], CODEBOOK, cosyvoice.template_of("chat"))
    small.save_pretrained(tmp_path / "chat")
    recipe.tokenizer_dir = str(tmp_path / "chat")
    for own, told in ((recipe, "the chat template in"), (compose_stage("tiny_mandarin", "data").recipe, "no place")):
        with pytest.raises(BadField, match=told):
            PromptMaker(own).request({"text": "今天", "instruction": "慢"}, has_speech=True)


def test_without_a_voice_the_prompt_ends_with_the_task(words, family):
    instruction = compose_stage(family, "models").convert.instruction
    assert words.decode(encode_prompt(words, zero_shot("今天"))) == f"<|sos|>{instruction}今天<|task_id|>"
    assert encode_answer(words, [0])[0] == 151936


def test_the_chat_template_is_the_published_one(words):
    """icefall, egs/emilia/TTS/llasa_cosyvoice2_token; with a voice: examples/grpo/cosyvoice2/infer_dataset.py."""
    template = cosyvoice.template_of("chat")
    for voice, rest in ((None, "今天"), (Voice("a", "明天。", (7,)), "明天。今天")):
        rendered = words.apply_chat_template(
            zero_shot("今天", voice), chat_template=template, add_generation_prompt=True, tokenize=False
        )
        assert rendered == (
            f"<|im_start|>user\nConvert the text to speech: {rest}<|im_end|>\n"
            "<|im_start|>assistant\n<|SPEECH_GENERATION_START|>" + ("<|s_7|>" if voice else "")
        )


def test_unknown_templates_and_instructions_without_a_place_are_refused():
    with pytest.raises(ValueError, match=r"template is one of \['chat', 'official'\], got 'plain'"):
        cosyvoice.template_of("plain")
    with pytest.raises(ValueError, match="has no place for the instruction"):
        cosyvoice.template_of("chat", "Speak slowly.")


def test_more_tokens_than_rows_are_refused(tmp_path: Path):
    write_text_model(tmp_path / "blank")
    with pytest.raises(ValueError, match="text rows"):
        cosyvoice.build(tmp_path / "blank", 100, FAMILIES["cosyvoice2"], 4, [], "")
