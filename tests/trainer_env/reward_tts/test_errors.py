"""Errors and blame, against values worked out by hand."""

import pytest

from reward_tts.reward.errors import (
    char_error,
    character_times,
    error,
    error_counts,
    error_rate,
    pinyin_error,
    text_error,
    token_credit,
    word_error,
)


def test_error_counts_of_a_known_path():
    assert error_counts("abc", "axcd") == {"substitutions": 1, "deletions": 0, "insertions": 1}
    assert error_counts("abc", "c") == {"substitutions": 0, "deletions": 2, "insertions": 0}


def test_error_rate_is_not_capped():
    assert error_rate(["a"], ["a", "b", "c"]) == 2.0


def test_homophones_are_no_error():
    assert pinyin_error("他在家", "她再加", tones=True, language="zh") == 0.0
    assert char_error("他在家", "她再加", "zh") == 1.0


def test_a_wrong_tone_is_an_error_only_with_tones():
    assert pinyin_error("买东西", "卖东西", tones=False, language="zh") == 0.0
    assert pinyin_error("买东西", "卖东西", tones=True, language="zh") == pytest.approx(1 / 3)


def test_one_wrong_one_missing_one_extra_syllable():
    assert pinyin_error("今天天气", "今天生气", tones=False, language="zh") == 0.25
    assert pinyin_error("今天天气", "今天气", tones=False, language="zh") == 0.25
    assert pinyin_error("今天天气", "今天天气好", tones=False, language="zh") == 0.25


def test_digits_and_script_are_no_error():
    assert pinyin_error("一百零五块，後天", "105塊后天", tones=True, language="zh") == 0.0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [("", "", 0.0), ("你好", "", 1.0), ("", "你好", 2.0), ("！", "……", 0.0), ("你好", "？", 1.0), ("。", "好", 1.0)],
)
def test_nothing_asked_or_nothing_heard_has_a_defined_error(reference, hypothesis, expected):
    assert pinyin_error(reference, hypothesis, tones=False, language="zh") == expected


def test_words_are_counted_where_spaces_part_them():
    assert word_error("the cat sat here", "the hat sat", "en") == 0.5
    assert text_error("It's a cat!", "it is a cat", "en") == 0.0
    assert text_error("今天好", "今天坏", "zh") == pytest.approx(1 / 3)
    assert text_error("안녕 하세요", "안녕하세오", "ko") == 0.2
    assert word_error("", "", "en") == 0.0
    assert word_error("!", "a b", "en") == 2.0


def test_an_error_is_in_the_unit_asked_for():
    assert error("他在家", "她再加", "zh", unit="pinyin") == 0.0
    assert error("买东西", "卖东西", "zh", unit="pinyin", tones=True) == pytest.approx(1 / 3)
    assert error("他在家", "她再加", "zh", unit="text") == 1.0
    assert error("The cat sat.", "the bat sat", "en", unit="text") == pytest.approx(1 / 3)
    assert error("The cat sat.", "the bat sat", "en", unit="characters") == pytest.approx(1 / 11)
    with pytest.raises(ValueError, match=r"\['pinyin', 'text', 'characters'\], got 'phoneme'"):
        error("a", "a", "en", unit="phoneme")


# 10 tokens at 10 tokens a second: token k is spoken from k / 10 s, its middle is at k / 10 + 0.05 s.
# Four characters at 0.1, 0.3, 0.5 and 0.8 s own 0-0.2, 0.2-0.4, 0.4-0.65 and 0.65-1.0 s.
TIMES = [0.1, 0.3, 0.5, 0.8]


def blamed(reference, hypothesis, times, tokens=10, rate=10.0, **options):
    credit = token_credit(reference, hypothesis, times, tokens, rate, "zh", **options)
    assert len(credit) == tokens and set(credit) <= {0.0, 1.0}
    return [k for k, value in enumerate(credit) if value]


def test_a_right_transcript_blames_nothing():
    assert blamed("今天天气", "今天天气", TIMES) == []


def test_homophones_blame_nothing():
    assert blamed("他在家里", "她再加里", TIMES) == []


def test_a_substitution_blames_what_its_character_owns():
    assert blamed("今天上课", "今天下课", TIMES) == [4, 5]  # 0.4-0.65 s: middles 0.45, 0.55; 0.65 is not before 0.65
    assert blamed("今天上课", "五天上课", TIMES) == [0, 1]
    assert blamed("今天上课", "今天上网", TIMES) == [6, 7, 8, 9]


def test_an_insertion_blames_what_its_character_owns():
    assert blamed("今天课", "今天上课", TIMES) == [4, 5]


def test_a_deletion_blames_the_gap_between_its_neighbours():
    assert blamed("今天上午课", "今天午课", TIMES) == [3, 4]  # between 0.3 and 0.5 s
    assert blamed("我今天上课", "今天上课", TIMES) == [0]  # before 0.1 s
    assert blamed("今天上课吗", "今天上课", TIMES) == [8, 9]  # after 0.8 s


def test_blame_leads_the_sound_and_stops_at_the_start():
    assert blamed("今天上课", "今天下课", TIMES, lead_tokens=3) == [1, 2]  # [4, 5] without lead
    assert blamed("今天上课", "今天上网", TIMES, lead_tokens=3) == [3, 4, 5, 6]
    assert blamed("今天上课", "五天上课", TIMES, lead_tokens=3) == [0]


def test_a_wrong_tone_is_blamed_only_with_tones():
    assert blamed("我要买书", "我要卖书", TIMES) == []
    assert blamed("我要买书", "我要卖书", TIMES, tones=True) == [4, 5]


def test_nothing_heard_blames_all_and_nothing_asked_for_blames_none():
    assert blamed("今天", "", []) == list(range(10))
    assert blamed("今天", "？", [0.4]) == list(range(10))
    assert blamed("", "", []) == []


def test_no_token_gives_no_credit():
    assert token_credit("今天", "", [], 0, 10.0, "zh") == []


def test_a_span_shorter_than_a_token_blames_the_token_around_it():
    assert blamed("今天上课", "今天下课", [0.1, 0.46, 0.47, 0.48]) == [4]  # owns 0.465-0.475 s


def test_times_after_the_end_blame_the_last_token():
    assert blamed("今天", "今年", [0.1, 2.4], tokens=3) == [2]


def test_characters_without_times_are_refused():
    with pytest.raises(ValueError, match="0 times"):
        token_credit("今天", "今年", [], 10, 10.0, "zh")


def test_times_follow_the_characters_through_normalisation():
    assert character_times("今，天！", [0.1, 0.2, 0.3, 0.4], "今天") == [0.1, 0.3]
    assert character_times("說OK", [0.1, 0.2, 0.3], "说ok") == [0.1, 0.2, 0.3]
    # 一 is inserted before 1, then 百零五 stand in the places of 105.
    assert character_times("共105块", [0.1, 0.2, 0.3, 0.4, 0.5], "共一百零五块") == [0.1, 0.2, 0.2, 0.3, 0.4, 0.5]
