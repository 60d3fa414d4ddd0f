"""JSON/JSONL -> checked parquet."""

import json
from pathlib import Path

import pytest

from data_prep.prepare import Preparation
from tests.helpers.data_rows import GOOD_SFT, OUTPUTS, rows, write, written


def test_a_row_for_reinforcement_learning_is_literally_this(config):
    write(config, "train", '{"text": " 今天　是３号， 好 ", "language": "zh"}', '{"text": "second", "language": "en"}')
    assert Preparation(config).run() == {"test": 1, "train": 2, "sft": 1}
    assert rows(config, "train")[0] == {
        "data_source": "tiny_mandarin",
        "prompt": [{"role": "user", "content": "今天 是3号, 好"}],
        "ability": "text-to-speech",
        "reward_model": {"style": "rule", "ground_truth": "今天 是3号, 好"},
        "extra_info": {"index": 0, "split": "train", "text": "今天 是3号, 好", "language": "zh", "voice": None},
    }
    assert [(r["extra_info"]["index"], r["extra_info"]["language"]) for r in rows(config, "train")] == [
        (0, "zh"),
        (1, "en"),
    ]


def test_a_row_for_sft_is_literally_this(config):
    Preparation(config).run()
    assert rows(config, "sft") == [
        {
            "data_source": "tiny_mandarin",
            "messages": [{"role": "user", "content": "一"}, {"role": "assistant", "content": "<|s_0|><|s_3|>"}],
            "extra_info": {"index": 0, "split": "sft", "text": "一", "language": "zh", "voice": None},
        }
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"text": "二"', "train.jsonl:2: is no JSON: Expecting ',' delimiter"),
        ('["二"]', "train.jsonl:2: is no JSON object but list"),
        (b'{"text": "\xff"}', "train.jsonl:2: is no UTF-8: invalid start byte at byte 10"),
        ("[" * 100000, "train.jsonl:2: is nested more than 64 deep"),
        ('{"txt": "二"}', "train.jsonl:2: field 'text': is missing; the row has ['txt']"),
        ('{"text": 2}', "train.jsonl:2: field 'text': is no string but int"),
        ('{"text": " \\u3000\\n"}', "train.jsonl:2: field 'text': is empty"),
        (json.dumps({"text": "二" * 101}), "train.jsonl:2: field 'text': has 101 characters"),
        ('{"text": "\\ud800"}', "train.jsonl:2: field 'text': holds half of a surrogate pair, U+D800"),
        ('{"text": "a\\u0000"}', "train.jsonl:2: field 'text': holds U+0000, a control character"),
        ('{"text": "＜｜im_end｜＞"}', "train.jsonl:2: field 'text': holds <|im_end|>"),
        ('{"text": " 训练"}', "train.jsonl:2: field 'text': is there already"),
        ('{"text": "测试"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试"),
        ('{"text": "测试。"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试。"),
        ('{"text": "测\\u200b试"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试"),
        (
            '{"text": "测\ufffd"}',
            "train.jsonl:2: field 'text': holds U+FFFD, which stands for characters that were lost",
        ),
        ('{"text": "\ue000"}', "train.jsonl:2: field 'text': holds U+E000, which means nothing outside one font"),
        ('{"text": "二", "text": "三"}', "train.jsonl:2: field 'text': is there twice"),
        (
            '{"text": "二", "age": 99999999999999999999}',
            "train.jsonl:2: field 'age': is an integer of more than 64 bits",
        ),
        ('{"text": "二", "language": 7}', "train.jsonl:2: field 'language': is no string"),
        ('{"text": "二", "voice": "Anna"}', "train.jsonl:2: field 'voice': there is no voice 'Anna'"),
    ],
)
def test_a_bad_row_stops_the_run_with_file_line_and_field(config, line, complaint):
    write(config, "train", '{"text": "训练"}', line)
    with pytest.raises(ValueError, match="1 bad rows; nothing was written") as stopped:
        Preparation(config).run()
    assert complaint in str(stopped.value)
    assert written(config) == []


@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        (None, "is missing, empty or no list"),
        ([], "is missing, empty or no list"),
        ([1, "2"], "item 1 is no integer from 0 to 3: '2'"),
        ([1, 2.0], "item 1 is no integer"),
        ([True], "item 0 is no integer"),
        ([3, 4], "item 1 is no integer from 0 to 3: '4'"),
        ([-1], "item 0 is no integer"),
        ([1] * 401, "has 401 tokens, more than prepare.max_speech_tokens=400"),
    ],
)
def test_bad_speech_tokens_stop_the_run(config, tokens, complaint):
    write(config, "sft", GOOD_SFT, json.dumps({"text": "二", "speech_tokens": tokens}))
    with pytest.raises(ValueError, match="bad rows") as stopped:
        Preparation(config).run()
    assert "sft.jsonl:2: field 'speech_tokens': " + complaint in str(stopped.value)
    assert written(config) == []


def test_the_list_of_bad_rows_is_capped_and_says_how_many_more(config):
    config.prepare.shown_faults = 2
    write(config, "train", *["nonsense"] * 5)
    with pytest.raises(ValueError) as stopped:
        Preparation(config).run()
    shown = [line for line in str(stopped.value).splitlines() if "train.jsonl:" in line]
    assert len(shown) == 2
    assert "and 3 more" in str(stopped.value)


def test_skip_leaves_bad_rows_out_counts_them_and_writes_them_to_the_reject_file(config):
    config.prepare.on_error = "skip"
    write(config, "train", '{"text": "好"}', "nonsense", "", '{"text": "测试"}', '{"text": "坏"}')
    preparation = Preparation(config)
    assert preparation.run()["train"] == 2
    assert preparation.fault_count == 2
    assert [row["extra_info"]["text"] for row in rows(config, "train")] == ["好", "坏"]
    rejects = [json.loads(line) for line in Path(config.prepare.rejects).read_text().splitlines()]
    assert [(r["line"], r["field"], r["row"]) for r in rejects] == [
        (2, None, "nonsense"),
        (4, "text", '{"text": "测试"}'),
    ]
    assert written(config) == OUTPUTS


def test_skip_does_not_write_a_split_without_rows(config):
    config.prepare.on_error = "skip"
    write(config, "sft", "nonsense")
    with pytest.raises(ValueError, match="no good row in sft"):
        Preparation(config).run()
    assert written(config) == []
