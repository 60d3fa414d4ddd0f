"""What the evaluation counts in a transcript and measures in a wave, against values worked out by hand."""

import numpy as np
import pytest

from infer.hear import errors
from reward_tts.scorers.prosody import prosody, silence_ratio
from tests.helpers.evaluation import MIXED_PAIRS

PROSODY = {"f0_floor": 71.0, "f0_ceil": 500.0, "silence_db": 40.0, "frame_seconds": 0.025}


def test_errors_are_toneless_syllables_and_characters():
    # 买 and 卖 sound alike but for the tone; 果 is missing: 1 of 6 syllables, 2 of 6 characters.
    counted = errors("我想买苹果吃", "我想卖苹吃。", "zh")
    assert counted["pinyin_error"] == pytest.approx(1 / 6)
    assert counted["cer"] == pytest.approx(2 / 6)
    assert (counted["syllable_edits"], counted["syllables"]) == (1, 6)
    assert (counted["character_edits"], counted["characters"]) == (2, 6)


def test_english_is_counted_in_words_as_seed_tts_eval_does():
    # "it's" is "it is": 6 words; "a" is missing, "hat" is wrong, "here" and "now" are too many.
    counted = errors("It's a cat, Mr. Smith!", "it is hat mister smith here now", "en")
    assert (counted["unit"], counted["units"]) == ("WER", 6)
    assert (counted["substitutions"], counted["deletions"], counted["insertions"]) == (1, 1, 2)
    assert counted["error_rate"] == pytest.approx(4 / 6)
    assert counted["pinyin_error"] is None
    assert errors("Hi.", "no no no", "en")["error_rate"] == 3.0  # not capped


def test_languages_without_spaces_are_counted_in_syllables_or_morae():
    counted = errors("今日はいい天気", "今日はよい天気", "ja")
    assert (counted["unit"], counted["error_rate"], counted["units"]) == (
        "CER",
        1 / 8,
        8,
    )  # きょうはいいてんき: eight morae
    assert errors("한국어 말", "한국어 말", "ko")["unit"] == "CER"
    counted = errors("อากาศ ดี", "อากาศดัม", "th")  # อ า ก า ศ ดี: six, of which the last is another, and one more
    assert (counted["unit"], counted["substitutions"], counted["insertions"], counted["units"]) == ("CER", 1, 1, 6)


@pytest.mark.parametrize(("text", "heard", "edits", "apart", "units"), MIXED_PAIRS)
def test_latin_letters_between_characters_are_counted_as_words(text, heard, edits, apart, units):
    counted = errors(text, heard, "zh")
    assert [counted[f"mixed_{name}"] for name in ("edits", "apart", "units")] == [edits, apart, units]


@pytest.mark.parametrize(
    ("text", "heard", "language", "units"),
    [
        ("他在[breath]这里", "他在这里", "zh", 4),
        ("他说<strong>好</strong>", "他说好", "zh", 3),
        ("好的👍\u200b。", "好的", "zh", 2),
        ("Well,[breath]then go", "well then go", "en", 3),
    ],
)
def test_what_is_not_spoken_is_no_error_by_the_papers_count_either(text, heard, language, units):
    counted = errors(text, heard, language)
    assert (counted["error_rate"], counted["published_error_rate"], counted["published_units"]) == (0.0, 0.0, units)


def test_traditional_characters_and_digits_are_no_error():
    assert errors("现在是十二点", "現在是12點", "zh")["cer"] == 0


def test_an_invented_transcript_costs_no_more_than_silence():
    silent, invented = errors("你好", "", "zh"), errors("你好", "请不吝点赞订阅转发打赏", "zh")
    assert silent["pinyin_error"] == invented["pinyin_error"] == 1
    assert (silent["syllable_edits"], invented["syllable_edits"]) == (2, 11)


def test_a_text_of_punctuation_cannot_be_evaluated():
    with pytest.raises(ValueError, match="has no syllable to compare with"):
        errors("……", "你好", "zh")


def test_prosody_of_a_tone_of_200_hz_with_silence_behind_it():
    time = np.arange(16_000) / 16_000
    harmonics = sum(np.sin(2 * np.pi * 200 * k * time) / k for k in range(1, 6))  # DIO wants harmonics, as voices have
    measured = prosody(np.concatenate([0.2 * harmonics, np.zeros(16_000)]).astype(np.float32), 16_000, **PROSODY)
    assert measured["duration_s"] == 2.0
    assert measured["silence_ratio"] == pytest.approx(0.5, abs=0.02)
    assert measured["log_f0_mean"] == pytest.approx(np.log(200), abs=0.005)
    assert measured["log_f0_std"] == pytest.approx(0.0, abs=0.02)
    square = 0.04 * (1 + 1 / 4 + 1 / 9 + 1 / 16 + 1 / 25) / 4  # of the RMS: half of the wave is silent
    assert measured["loudness_db"] == pytest.approx(10 * np.log10(square), abs=0.01)


def test_silence_is_what_lies_forty_db_below_the_loudest_frame():
    wave = np.repeat([1.0, 0.02, 0.005, 0.0], 100)  # 0, -34, -46 and no dB
    assert silence_ratio(wave, 100, 40.0) == 0.5
    assert silence_ratio(np.zeros(400), 100, 40.0) == 1.0


def test_no_sound_has_no_prosody():
    measured = prosody(np.zeros(0, np.float32), 16_000, **PROSODY)
    assert measured["duration_s"] == 0
    assert measured["log_f0_mean"] is measured["silence_ratio"] is measured["loudness_db"] is None
