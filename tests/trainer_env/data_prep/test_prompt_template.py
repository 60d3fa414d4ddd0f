"""One template: the same ids in data preparation, SFT, rollout and inference."""

import json
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_prep.prepare import Preparation
from data_prep.prompt_template import chat, encode_answer, encode_prompt
from data_prep.prompts import PromptMaker
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.data import encode_messages
from speech.voices import Voice
from stages.config import compose_stage
from tests.helpers.prompt_ids import inference_ids, rollout_ids

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


def test_a_voice_of_another_codebook_is_named(tmp_path):
    """<|s_6561|> is no token of CosyVoice2's: it would be spelt out, and learned as text."""
    voices = tmp_path / "voices.jsonl"
    rows = [{"name": name, "text": "好", "speech_tokens": [1, last]} for name, last in (("a", 6560), ("b", 6561))]
    voices.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match=r"voices\.jsonl: voice 'b' has speech token 6561, .* ends at 6560"):
        PromptMaker(compose_stage("cosyvoice2", "data", (f"recipe.voices={voices}",)).recipe)


def test_a_voices_words_are_checked_as_texts_are(tmp_path):
    """ "<|zh|>" is how SenseVoice begins a transcript, and a control token to some tokenizer."""
    voices = tmp_path / "voices.jsonl"
    said = {"a": "<|zh|>你好", "b": "你\u200b好", "c": "好\ufffd"}
    voices.write_text("".join(json.dumps({"name": name, "text": text}) + "\n" for name, text in said.items()))
    recipe = compose_stage("cosyvoice2", "data", (f"recipe.voices={voices}",)).recipe
    told = r"(?s)^2 bad rows.*voices\.jsonl: voice 'a': field 'text' holds <\|zh\|>, .*voice 'c': .* holds U\+FFFD"
    with pytest.raises(ValueError, match=told):
        PromptMaker(recipe)
    voices.write_text(voices.read_text().splitlines()[1])
    assert PromptMaker(recipe).voices["b"].text == "你好"


@pytest.mark.parametrize(
    ("recipe", "language", "said", "english", "own"),
    [
        ("inworld_tts", "de", "Ich habe 3 Katzen.", "I have three cats.", "Ich habe drei Katzen."),
        ("glm_tts", "zh", "我有3只猫。", "i have three cats. ", "我有三只猫。 "),
    ],
)
def test_a_voices_words_are_written_in_its_own_language(tmp_path, recipe, language, said, english, own):
    """What is heard in its recording, whatever language goes on behind it; of a voice that names none, the recipe's."""
    rows = [{"name": "a", "text": "I have 3 cats.", "language": "en"}]
    rows.append({"name": "b", "text": said, "language": language})
    rows.append({"name": "c", "text": {"inworld_tts": "I have 3 cats.", "glm_tts": said}[recipe]})
    (tmp_path / "voices.jsonl").write_text("".join(json.dumps(row | {"speech_tokens": [7]}) + "\n" for row in rows))
    maker = PromptMaker(compose_stage(recipe, "data", (f"recipe.voices={tmp_path}/voices.jsonl",)).recipe)

    def read(voice: str, text: str, language: str) -> str:
        request = maker.request({"text": text, "language": language, "voice": voice})
        return maker.messages(request, training=False)[0]["content"]

    assert english in read("a", "Gut." if language == "de" else "好。", language)
    assert own in read("b", "Good.", "en")
    assert (english if recipe == "inworld_tts" else own) in read("c", "Good.", "en" if recipe == "glm_tts" else "de")
