"""Errors and blame, against values worked out by hand."""

import pytest

from reward_tts.reward.errors import Compared, error, token_credit


def test_error_rate_is_not_capped():
    assert error("你", "你好吗", "zh", "pinyin") == 2.0


def test_homophones_are_no_error_in_any_unit():
    for unit in ("pinyin", "text", "characters"):
        assert error("他在家", "她再加", "zh", unit, tones=True) == 0.0
    assert error("Their two cats", "there too cats", "en", "text") == 0.0


def test_a_wrong_tone_is_an_error_only_with_tones():
    assert error("买东西", "卖东西", "zh", "pinyin", tones=False) == 0.0
    assert error("买东西", "卖东西", "zh", "pinyin", tones=True) == pytest.approx(1 / 3)
    assert error("买东西", "卖东西", "zh", "text") == pytest.approx(1 / 3)


def test_one_wrong_one_missing_one_extra_syllable():
    assert error("今天天气", "今天生气", "zh", "pinyin") == 0.25
    assert error("今天天气", "今天气", "zh", "pinyin") == 0.25
    assert error("今天天气", "今天天气好", "zh", "pinyin") == 0.25


def test_digits_and_script_are_no_error():
    assert error("一百零五块，後天", "105塊后天", "zh", "pinyin", tones=True) == 0.0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [("", "", 0.0), ("你好", "", 1.0), ("", "你好", 2.0), ("！", "……", 0.0), ("你好", "？", 1.0), ("。", "好", 1.0)],
)
def test_nothing_asked_or_nothing_heard_has_a_defined_error(reference, hypothesis, expected):
    assert error(reference, hypothesis, "zh", "pinyin") == expected


def test_words_are_counted_where_spaces_part_them():
    assert error("the cat sat here", "the hat sat", "en", "text") == 0.5
    assert error("", "", "en", "text") == 0.0
    assert error("!", "a b", "en", "text") == 2.0
    assert error("안녕 하세요", "안녕하세오", "ko", "text") == 0.2


def test_letters_of_differing_words_are_counted_where_a_recipe_says_characters():
    assert error("The cat sat.", "the bat sat", "en", "characters") == pytest.approx(1 / 9)
    assert error("Good-bye, e-mail", "Goodbye email", "en", "characters") == 0.0
    assert error("Straße", "Strasse", "de", "characters") == 0.0


def test_a_unit_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"the unit of an error is one of \['pinyin', .* got 'phoneme'"):
        error("a", "a", "en", unit="phoneme")


# What the published scripts count for a right reading, worked out by hand from their code.
@pytest.mark.parametrize(
    ("unit", "language", "text", "heard", "expected"),
    [
        ("published_pinyin", "zh", "买东西", "卖东西", 1 / 3),
        ("published_pinyin", "zh", "他学C", "他学c", 0.0),
        ("published_pinyin", "zh", "有25度。", "有二十五度", 0.0),  # WeText reads the digits
        ("published_pinyin", "zh", "重慶", "重庆", 0.0),
        ("published_pinyin", "zh", "我用ＡＩ画图。", "我用ai画图", 0.0),
        ("published_characters", "en", "The cat.", "the cat", 2 / 8),
        ("published_characters", "ko", "안녕 하세요", "안녕하세요", 1 / 6),
        ("published_text", "zh", "第2个。", "第二个", 1 / 3),
        ("published_text", "zh", "你好，世界", "你好世界", 0.0),
        ("published_text", "en", "It's 5 p.m.", "it's five pm", 1 / 3),
        ("published_words", "en", "It's late.", "its late", 0.0),
        ("published_words", "en", "He said “go”.", "He said go.", 0.0),
        ("published_words", "fr", "l’homme est là.", "L'homme est la.", 1 / 3),
        ("published_words", "zh", "今天好", "今天坏", 1 / 3),
        ("published_words", "zh", "後天。", "后天", 0.0),
        ("published_words", "ko", "안녕 하세요", "안녕하세오", 1 / 5),
    ],
)
def test_published_forms_count_as_the_published_scripts_do(unit, language, text, heard, expected):
    assert error(text, heard, language, unit, tones=True) == pytest.approx(expected)


# 10 tokens at 10 tokens a second: token k is spoken from k / 10 s, its middle is at k / 10 + 0.05 s.
# Four characters at 0.1, 0.3, 0.5 and 0.8 s own 0-0.2, 0.2-0.4, 0.4-0.65 and 0.65-1.0 s.
TIMES = [0.1, 0.3, 0.5, 0.8]


def blamed(reference, hypothesis, times, tokens=10, rate=10.0, language="zh", unit="pinyin", **options):
    credit = token_credit(Compared(reference, hypothesis, language), times, tokens, rate, unit, **options)
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


def test_blame_is_in_the_unit_of_the_recipe():
    assert blamed("我要买书", "我要卖书", TIMES) == []
    assert blamed("我要买书", "我要卖书", TIMES, tones=True) == [4, 5]
    assert blamed("我要买书", "我要卖书", TIMES, unit="text") == [4, 5]


def test_a_word_owns_the_time_of_all_its_letters():
    """`the bat` at 0.1 s a letter: b is heard at 0.4 s, the blank before at 0.3, the e at 0.2."""
    times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert blamed("the cat", "the bat", times, language="en", unit="text") == [3, 4, 5, 6, 7, 8, 9]  # from 0.3 s on
    assert blamed("the cat", "the bat", times, language="en", unit="characters") == [3, 4, 5, 6, 7, 8, 9]


def test_a_wrong_syllable_of_a_number_is_blamed_where_the_asr_wrote_its_digits():
    """Heard 共106块 for 共105块: six is the fourth of 一百零六, whose four share the times of three digits."""
    assert blamed("共105块", "共106块", [0.1, 0.3, 0.5, 0.7, 0.9]) == [6, 7]


def test_nothing_heard_blames_all_and_nothing_asked_for_blames_none():
    assert blamed("今天", "", []) == list(range(10))
    assert blamed("今天", "？", [0.4]) == list(range(10))
    assert blamed("", "", []) == []


def test_no_token_gives_no_credit():
    assert token_credit(Compared("今天", "", "zh"), [], 0, 10.0, "pinyin") == []


def test_a_span_shorter_than_a_token_blames_the_token_around_it():
    assert blamed("今天上课", "今天下课", [0.1, 0.46, 0.47, 0.48]) == [4]  # owns 0.465-0.475 s


def test_times_after_the_end_blame_the_last_token():
    assert blamed("今天", "今年", [0.1, 2.4], tokens=3) == [2]


def test_characters_without_times_are_refused():
    with pytest.raises(ValueError, match="0 times"):
        blamed("今天", "今年", [])


def test_times_follow_the_characters_through_marks():
    assert blamed("今天", "今，年！", [0.1, 0.2, 0.7, 0.8]) == [4, 5, 6, 7, 8, 9]  # from (0.1 + 0.7) / 2
