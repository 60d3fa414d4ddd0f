"""Normalised text and syllables, against readings written by hand."""

import random
import warnings

import pytest
from speech.text_norm import normalise, syllables

from speech.tokens import format_speech_tokens, parse_speech_tokens


@pytest.mark.parametrize(
    ("raw", "spoken"),
    [
        ("你好，世界！", "你好世界"),
        ("乾淨的頭髮", "干净的头发"),
        ("頭髮發展後面", "头发发展后面"),
        ("計程車", "计程车"),  # characters are converted, words are not: 出租车 would be another sound
        ("ＡＢＣ　Ok", "abcok"),
        ("105块", "一百零五块"),
        ("１５岁", "十五岁"),
        ("2024年3月12号", "二零二四年三月十二号"),
        ("12:30", "十二点三十分"),
        ("他说：9:05。", "他说九点零五分"),
        ("8:00", "八点"),
        ("3.14", "三点一四"),
        ("50%", "百分之五十"),
        ("25℃", "二十五摄氏度"),
        ("1,000元", "一千元"),
        ("2个", "两个"),
        ("22个", "二十二个"),
        ("第2个", "第二个"),
        ("2月2号", "二月二号"),
        ("房间007", "房间零零七"),
        ("13800138000", "一三八零零一三八零零零"),
        ("打110", "打一一零"),  # 幺 and 一 are one: which of them is said is not written
        ("幺幺零", "一一零"),
        ("一〇一", "一零一"),
        ("5~10个", "五到十个"),
        ("电话010-12345678", "电话零一零一二三四五六七八"),
        ("2024-03-12", "二零二四年三月十二日"),
        ("下午2点30分", "下午两点三十分"),
        ("2点半", "两点半"),
        ("比分3:2", "比分三比二"),
        ("$12.50", "十二点五零美元"),
        ("100km/h", "每小时一百公里"),
        ("-5度", "负五度"),
        ("½杯", "二分之一杯"),
        ("1,000,000元", "一百万元"),
        ("2002", "两千零二"),
        ("5G网络", "五g网络"),
        ("GPT-4很强", "gpt四很强"),
        ("COVID-19，iPhone-15", "covid十九iphone十五"),
        ("C-130，气温-5度", "c一百三十气温负五度"),
        ("负5", "负五"),
        ("", ""),
        ("……！？ 🙂", ""),
    ],
)
def test_chinese_is_written_as_it_is_spoken(raw, spoken):
    assert normalise(raw, "zh") == spoken


def test_other_languages_keep_words_apart():
    assert normalise("  C'est VRAI -- vraiment ?\n", "fr") == "cest vrai vraiment"


@pytest.mark.parametrize(
    ("language", "written", "heard"),
    [
        ("es", "Tengo 25 años.", "tengo veinticinco años"),
        ("es", "Son 3,5 euros (21 %)", "son tres coma cinco euros veintiuno"),
        ("fr", "Il a 71 ans, 3,5 kg", "il a soixante et onze ans trois virgule cinq kg"),
        ("de", "Es sind 25.", "es sind fünfundzwanzig"),
        ("it", "3,5 e 25%", "tre virgola cinque e venticinque"),
        ("pt", "25 e 3,5", "vinte e cinco e três vírgula cinco"),
        ("ru", "25 книг", "двадцать пять книг"),
        ("nl", "25 boeken", "vijfentwintig boeken"),
        ("pl", "25 dni", "dwadzieścia pięć dni"),
    ],
)
def test_plain_numbers_are_compared_as_words(language, written, heard):
    assert normalise(written, language) == heard
    assert normalise(heard, language) == heard


def test_what_is_no_plain_number_keeps_its_digits():
    assert normalise("12:30, 1.000, 007, 2-3, 5km, 1234567", "es") == "1230 1000 007 23 5km 1234567"
    assert normalise("Am 25. März", "de") == "am 25 märz"
    assert normalise("25명", "ko") == "25명"


def test_languages_that_are_compared_by_characters_have_no_spaces():
    assert normalise("안녕 하세요!", "ko") == "안녕하세요"
    assert normalise("今日は、 いい天気。", "ja") == "今日はいい天気"
    assert normalise("佢 話 105 蚊", "yue") == "佢话一百零五蚊"


def test_english_is_normalised_as_whispers_word_error_rates_are():
    assert normalise("It's twenty-one DOLLARS, Mr. Smith!", "en") == "it is $21 mister smith"
    assert normalise("they're late -- really?\n", "en") == "they are late really"
    assert normalise("...", "en") == ""


def test_a_number_of_any_length_is_read_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert normalise("9" * 30, "zh") == "九" * 30


def test_a_number_is_read_in_a_long_sentence_as_it_is_alone():
    around = "今天天气很好我们去公园玩了一整天晚上才回家"
    assert normalise(f"{around}花了105块{around}", "zh") == f"{around}花了一百零五块{around}"


def test_whatever_stands_around_digits_none_is_left_and_nothing_raises():
    rng = random.Random(0)
    odd = "0123456789" * 3 + "年月点:：/\\\"'{}<>-+~%.,，。 \n\t$¥°℃个块kmABc第负２①½²𠮷🙂\u200b\u0301\x00"
    for _ in range(300):
        spoken = normalise("".join(rng.choices(odd, k=rng.randint(1, 20))), "zh")
        assert not set(spoken) & set("0123456789"), spoken


def test_normalising_twice_changes_nothing():
    once = normalise("他說：12:30 見，共105塊，ＯＫ？", "zh")
    assert once == "他说十二点三十分见共一百零五块ok"
    assert normalise(once, "zh") == once


def test_syllables_are_one_for_each_character():
    assert syllables("银行很行ab", tones=False) == ["yin", "hang", "hen", "xing", "a", "b"]
    assert syllables("", tones=True) == []


def test_tones_have_sandhi_and_a_neutral_five():
    assert syllables("你好吗", tones=True) == ["ni2", "hao3", "ma5"]
    assert syllables("不是一个", tones=True) == ["bu2", "shi4", "yi2", "ge4"]


def test_speech_tokens_survive_text_and_back():
    assert format_speech_tokens([0, 511, 7]) == "<|s_0|><|s_511|><|s_7|>"
    assert parse_speech_tokens("<|s_0|><|s_511|><|s_7|>") == ([0, 511, 7], "")


def test_stray_text_between_speech_tokens_is_kept_apart():
    assert parse_speech_tokens(" <|s_3|>你<|s_|>好<|s_04|>") == ([3, 4], "你<|s_|>好")
    assert parse_speech_tokens("") == ([], "")


def test_a_negative_speech_token_is_refused():
    with pytest.raises(ValueError, match="-1"):
        format_speech_tokens([3, -1])
