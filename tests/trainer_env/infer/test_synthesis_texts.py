"""What infer.synthesise is to say: texts, prompts and voices, read and refused before a model is loaded."""

import json
from copy import deepcopy

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from transformers import AutoTokenizer

from data_prep.pairs import check_rows, of_scores
from data_prep.prepare import Preparation
from data_prep.prompts import PromptMaker
from infer.backends import BACKENDS
from infer.choose import Choice
from infer.speak import chosen, records, synthesise
from infer.texts import Sentence, read_sentences
from speech.jsonl import BadRows
from stages.config import compose_stage
from tests.helpers.small_speaker import CONFIG, TEXTS, configuration


def sentences(cfg: DictConfig) -> list[Sentence]:
    return read_sentences(cfg, PromptMaker(cfg.recipe))


class Last:
    """Chooses the last sample, and keeps what it was given."""

    def best(
        self, sentences: list[Sentence], samples: list[list[list[int]]], finished: list[list[bool]]
    ) -> list[Choice]:
        self.judged, self.finished = samples, finished
        return [Choice(len(several) - 1, "likelihood") for several in samples]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": ""}', r":3: field 'text': is empty"),
        ('{"text": "你好"', r":3: is no JSON: Expecting ',' delimiter"),
        ('["你好"]', r":3: is no JSON object but list"),
        ('{"text": "你好", "voice": "mina"}', r":3: field 'voice': there is no voice 'mina'"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_field_and_blank_lines_are_passed_over(work, tmp_path, line, told):
    (tmp_path / "bad.jsonl").write_text(f'{{"text": "你好"}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl" + told):
        sentences(configuration(work, "vllm", f"texts={tmp_path}/bad.jsonl"))


def test_a_prompt_that_is_too_long_is_refused_with_its_line_before_any_model(work):
    cfg = configuration(work, "vllm", "recipe.max_prompt_tokens=13")  # 9 tokens and the text's, one a character
    with pytest.raises(
        ValueError, match=r"texts\.jsonl:4: field 'text': .* 16 tokens, more than recipe\.max_prompt_tok"
    ):
        synthesise(cfg)


def test_all_texts_with_a_part_that_is_too_long_are_named_before_any_model(work, tmp_path, monkeypatch):
    """At b75001f0 the model spoke until the first such part, without its line, and nothing was written."""
    long, short = "我今年二十岁了", "你好"  # a token for each character, and 9 around them
    rows = [json.dumps({"text": text}) for text in (long, short, f"{short}。{long}。")]
    (tmp_path / "texts.jsonl").write_text("\n".join(rows) + "\n")
    monkeypatch.setitem(BACKENDS, "vllm", None)
    own = (f"texts={tmp_path}/texts.jsonl", "recipe.max_prompt_tokens=14")
    own += ("recipe.parts={token_max_n: 5, merge_len: 0}",)
    with pytest.raises(BadRows, match=r"^2 bad rows") as error:
        synthesise(compose_stage("tiny_mandarin", "infer", (*own, f"systems.GRPO={work}/model")))
    _, first, second = str(error.value).splitlines()
    assert "texts.jsonl:1: field 'text': '我今年二十岁了' makes" in first and " of 16 tokens" in first
    assert "texts.jsonl:3: field 'text': '我今年二十岁了。' makes" in second and " of 19 tokens" in second  # 。 is 3


def test_a_language_that_the_evaluations_asr_does_not_know_is_refused_first(work):
    cfg = configuration(work, "transformers", "+ear.languages=[en, ja]")
    with pytest.raises(ValueError, match=r"^there are texts in zh, which .*WhisperEar\) does not know: it has en, ja"):
        synthesise(cfg)


def test_limit_takes_the_first_texts(work):
    assert [one.request.text for one in sentences(configuration(work, "vllm", "limit=2"))] == TEXTS[:2]


def test_one_sentence_of_the_command_line_is_prepared_as_a_row_of_stage_data():
    with initialize_config_dir(str(CONFIG), version_base=None):
        cfg = compose("infer", ["text='你好，世界！（测试）：３号？'"])
    (one,) = sentences(cfg)
    written = "你好,世界!(测试):3号?"
    assert vars(one.request) == {
        "text": written,
        "language": "zh",
        "voice": None,
        "written": written,
        "instruction": None,
        "readings": (),
    }
    assert one.messages == [{"role": "user", "content": "你好,世界!(测试):3号?"}]


def test_evaluation_speaks_what_stage_data_prepared(work, tmp_path):
    """The parquet of the held-out texts is the default; what its rows say of themselves is what is spoken."""
    data = deepcopy(compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={tmp_path}", "recipe.languages=null")))
    data.recipe.tokenizer_dir, data.prepare.use_speech_prefix = str(work / "model"), True
    data.prepare.token_rate, data.recipe.prompt_template = 1, "data_prep.prompt_template.zero_shot"
    data.prepare.extra_fields = ["set"]
    data.prepare.splits = {"test": data.prepare.splits.test}
    rows = [
        {"text": "你好，世界！", "speech_tokens": [7, 7], "language": "yue", "set": "hard"},
        {"text": "明天", "speech_tokens": [5]},
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Preparation(data).run()
    first, second = sentences(compose_stage("tiny_mandarin", "eval", (f"recipe.work_dir={tmp_path}",)))
    assert vars(first.request) == {
        "text": "你好,世界!",
        "language": "yue",
        "voice": None,
        "written": "",
        "instruction": None,
        "readings": (),
    }
    assert [message["content"] for message in first.messages] == ["你好,世界!", "<|s_7|>"]
    assert (first.prefix, second.prefix) == ((7,), ())
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    ids = tokenizer.convert_tokens_to_ids(["<|s_3|>", "<|s_4|>"])
    (record,) = records([first], [[(ids, True)]], tokenizer, [""], chosen_by=["first"])
    assert (record["tokens"], record["chosen_by"]) == ([7, 3, 4], "first")  # the whole sentence is heard
    assert (record["set"], second.labels) == ("hard", {})
    several, chooser = [[(ids[:1], False), ([*ids, tokenizer.eos_token_id], True)]], Last()
    assert chosen([first], several, tokenizer, chooser) == ([several[0][1:]], ["likelihood"])
    assert (chooser.judged, chooser.finished) == ([[[7, 3], [7, 3, 4]]], [[False, True]])  # and judged


def test_a_needed_voice_is_asked_for_or_drawn_before_a_model_is_loaded(work, tmp_path):
    voices = [{"name": name, "text": "早。", "speech_tokens": [1]} for name in ("ana", "bo")]
    (tmp_path / "voices.jsonl").write_text("\n".join(map(json.dumps, voices)))
    glm = (f"recipe.voices={tmp_path}/voices.jsonl", f"systems.GRPO={work}/model", "text='你好'")
    with pytest.raises(ValueError, match=r"text=: field 'voice': is missing: glm_tts speaks only with a given voice"):
        synthesise(compose_stage("glm_tts", "infer", (*glm, "recipe.voice_choice=as_named")))
    (drawn,) = sentences(compose_stage("glm_tts", "infer", glm))
    (named,) = sentences(compose_stage("glm_tts", "infer", (*glm, "voice=bo")))
    assert drawn.request.voice in ("ana", "bo") and named.request.voice == "bo"
    assert len(drawn.messages) == 3  # the voice's words, the text, the voice's speech


def test_stage_prefer_learns_the_prompts_that_were_spoken(work, tmp_path):
    """Rows for training, in which stage data has drawn phonemes; at 508d3aa pairs were of the text as it stands."""
    voice = {"name": "ana", "text": "早。", "speech_tokens": [1]}
    (tmp_path / "voices.jsonl").write_text(json.dumps(voice))
    drawn = "recipe.phoneme_in.train={probability: 1.0, max_share: 1.0}"
    given = (f"recipe.voices={tmp_path}/voices.jsonl", f"texts={tmp_path}/train.parquet", drawn)
    cfg = compose_stage("glm_tts", "prefer", given)
    maker = PromptMaker(cfg.recipe)
    request = maker.request({"text": "今天下雨"})
    prompt = maker.messages(request, training=True)
    info = {"index": 0, "text": request.text, "language": "zh", "voice": "ana"}
    pq.write_table(pa.Table.from_pylist([{"prompt": prompt, "extra_info": info}]), tmp_path / "train.parquet")
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    answers = [(tokenizer.convert_tokens_to_ids([f"<|s_{code}|>"]), True) for code in (3, 4)]
    rows = list(records(sentences(cfg), [answers], tokenizer, [""]))
    rows = [json.dumps(row | {"score": score}) for row, score in zip(rows, (0.1, 0.9), strict=True)]
    (tmp_path / "scored.jsonl").write_text("\n".join(rows))
    (pair,) = check_rows(list(of_scores(f"{tmp_path}/scored.jsonl", 0.1)), cfg.recipe)
    assert (pair["chosen"], pair["rejected"]) == ([4], [3])
    assert pair["messages"] == prompt != maker.messages(request, training=False)
