"""Readings of Korean: native and Sino-Korean numbers, syllables as they sound, and the corpus of pairs."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written
from speech.readings.ko_numbers import decimal, digits, read, sino
from speech.readings.ko_sounds import units

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/ko.jsonl"


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "ko"), lattice(heard, "ko"), False).rate


def sound(words: str) -> str:
    return "".join(unit[0] for unit in units(words))


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 80
    assert [row for row in rows if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


@pytest.mark.parametrize(
    ("number", "counter", "said"),
    [
        (3, "시", ("세 시",)),
        (14, "시", ("십사 시", "열네 시")),
        (25, "명", ("스물다섯 명", "이십오 명")),
        (3, "개", ("세 개",)),
        (20, "살", ("스무 살",)),
        (82, "세", ("팔십이 세",)),
        (6, "월", ("유월",)),
        (10, "월", ("시월",)),
        (1, "번째", ("첫 번째",)),
        (21, "번째", ("스물한 번째", "이십일 번째")),
        (30, "분", ("삼십 분",)),
        (101, "명", ("백일 명", "일백일 명", "백한 명")),
    ],
)
def test_counters_take_native_or_sino_korean_numbers(number, counter, said):
    assert read(number, counter) == said


def test_sino_korean_numbers():
    assert sino(1988) == "천구백팔십팔"
    assert sino(10_000) == "만"
    assert sino(1_234_567) == "백이십삼만 사천오백육십칠"
    assert decimal(2, "7") == ["이 점 칠"]
    assert digits("010") == ("공일공", "영일영")


SOUNDS = """
많이 마니, 같이 가치, 값이 갑씨, 국물 궁물, 신라 실라, 독립 동닙, 학교 학꾜, 닫혀 다처, 입학 이팍, 싫어 시러, 놓고 노코,
앉아 안자, 읽었다 일걷따, 칼날 칼랄, 앞으로 아프로, 밝히다 발키다
"""


@pytest.mark.parametrize("pair", SOUNDS.replace("\n", " ").strip().split(", "))
def test_syllables_sound_as_their_neighbours_make_them(pair):
    words, heard_so = pair.split()
    assert sound(words) == heard_so


@pytest.mark.parametrize(
    ("text", "heard"), [("먹이", "머이"), ("밤이", "밥이"), ("시월", "십월"), ("책", "채"), ("달이 밝다", "딸이 밝다")]
)
def test_what_is_spelled_alike_but_sounds_otherwise(text, heard):
    assert error(f"이것은 {text} 합니다", f"이것은 {heard} 합니다") > 0


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("12일에 만나요.", "십이 일에 만나요"),
        ("약 50명이", "약 오십 명이"),
        ("총 10만 원", "총 십만 원"),
        ("1월 1일입니다.", "일월 일일입니다"),
    ],
)
def test_a_number_and_its_neighbours_change_each_other(text, heard):
    assert error(text, heard) == 0


def test_spaces_never_count():
    assert error("그렇게 할 수 있을 것 같아요.", "그렇게할수있을것같아요") == 0


def test_a_text_of_words_alone_is_written_letter_by_letter():
    text = "동해 물과 백두산이 마르고 닳도록, 하느님이 보우하사 우리나라 만세."
    assert written(text, "ko") == text


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("회의는 3시 30분에 시작합니다.", "회의는 세 시 삼십 분에 시작합니다."),
        ("가격은 5,000원입니다.", "가격은 오천 원입니다."),
        ("20대 10명", "이십 대 열 명"),
        ("아침 -7도", "아침 영하 칠 도"),
        ("5G 통신", "5G 통신"),
    ],
)
def test_prompts_have_words_for_what_is_sure(text, prompt):
    assert written(text, "ko") == prompt


@pytest.mark.parametrize("sign", ["%", "€", "℃", "$", "₩"])
def test_no_sign_is_left_out(sign):
    assert error(f"값은 50{sign}입니다", "값은 오십입니다") > 0


@pytest.mark.parametrize("text", ["1" * 4000, "1-" * 2000, "1만" * 1500, "A1" * 1500, "1~" * 2000])
def test_long_rows_of_one_kind_have_few_readings(text):
    found = spans(text, "ko")
    assert found
    assert max(len(span.said) for span in found) <= 64


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("10:00~22:00입니다", "열 시에서 이십이 시입니다"),
        ("오전 9시~오후 6시", "오전 아홉 시에서 오후 여섯 시"),
        ("쿠폰 1+1 행사", "쿠폰 원 플러스 원 행사"),
        ("안드로이드 14로", "안드로이드 십사로"),
    ],
)
def test_prompts_have_blanks_between_numbers_and_none_before_particles(text, prompt):
    assert written(text, "ko") == prompt


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("올해 1분기 실적", "올해 일 분기 실적"),
        ("4대 보험 가입", "사 대 보험 가입"),
        ("시금치 2단", "시금치 두 단"),
        ("하루 3번 먹어요", "하루 세 번 먹어요"),
        ("1년에 1번 만나요", "일 년에 한 번 만나요"),
        ("2~4시에 오세요", "두 시에서 네 시에 오세요"),
        ("우리가 2-1 승리했다", "우리가 이 대 일 승리했다"),
        ("5kg를 뺐다", "오 킬로그램을 뺐다"),
        ("10대부터 60대까지", "십 대부터 육십 대까지"),
        ("3분기 연속 흑자", "세 분기 연속 흑자"),
        ("300만~500만 원", "삼백만에서 오백만 원"),
        ("하루에 3번, 1번에 2알씩", "하루에 세 번, 한 번에 두 알씩"),
        ("키는 175cm이고", "키는 백칠십오 센티미터이고"),
    ],
)
def test_prompts_read_counters_and_particles_by_what_stands_around(text, prompt):
    assert written(text, "ko") == prompt
