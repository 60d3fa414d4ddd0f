"""Errors per unit, worked out by hand."""

from infer.aligned import Statistics, asked_pieces, edits, heard_pieces
from reward_tts.reward.errors import Compared, style


def of(text: str, heard: str, language: str):
    return edits(Compared(text, heard, language), style(language, "text"))


def test_each_kind_of_error_stands_where_it_is():
    steps = of("今天是12月25号", "今天十二月二是五号啊", "zh")
    assert asked_pieces("今天是12月25号", steps) == [
        ("今天", "correct"),
        ("是", "deletion"),
        ("12月", "correct"),
        ("2", "substitution"),  # 二十五: of 25 the first digit is 二, the second place says 十
        ("5号", "correct"),
    ]
    assert heard_pieces("今天十二月二是五号啊", steps) == [
        ("今天十二月二", "correct"),
        ("是", "substitution"),
        ("五号", "correct"),
        ("啊", "insertion"),
    ]


def test_words_are_counted_as_published_scripts_count_them():
    found = Statistics.of([("0-0", of("I have two apples.", "I half to apple pie", "en"))])
    assert (found.substitutions, found.deletions, found.insertions) == (
        {("have", "half"): 1, ("apples", "pie"): 1},
        {},
        {"apple": 1},
    )
    lines = found.text().splitlines()
    assert lines[:2] == [
        "%WER = 75.00",
        "Errors: 1 insertions, 0 deletions, 2 substitutions, over 4 reference units (2 correct)",
    ]
    assert "0-0:\ti (have->half) two (*->apple) (apples->pie)" in lines
    assert "two   1 0 1 1" in lines  # "to" is heard as it: a homophone is right, of the text's own spelling


def test_nothing_heard_is_all_left_out():
    found = Statistics.of([("0-0", of("你好", "", "zh")), ("1-0", of("好", "好", "zh"))])
    assert found.deletions == {"你": 1, "好": 1}
    assert found.text().startswith("%WER = 66.67\nErrors: 0 insertions, 2 deletions, 0 substitutions, over 3 ")
