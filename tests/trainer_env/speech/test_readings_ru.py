"""Readings of Russian: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/ru.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "ru"), lattice(heard, "ru"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "ru")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "ru"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "ru"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "ru")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "ru") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Я купил 2 книги.", "Я купил две книги."),
        ("Встреча 25 марта.", "Встреча двадцать пятого марта."),
        ("60 км/ч", "шестьдесят километров в час"),
        (
            "Курс на 15.03.2024 года — 91,87 руб.",
            "Курс на пятнадцатое марта две тысячи двадцать четвёртого года — девяносто один рубль восемьдесят семь.",
        ),
        ("Принимать по 1 таблетке в день.", "Принимать по одной таблетке в день."),
        ("Ветер 3-8 метров в секунду", "Ветер три восемь метров в секунду"),
        ("Через 2-5 минут", "Через две пять минут"),
        ("Гол на 23-й минуте", "Гол на двадцать третьей минуте"),
        ("По 1 таблетке 2 р./день", "По одной таблетке два раза в день"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "ru") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("2 книги", "два книги", False),
        ("2 стола", "два стола", True),
        ("21 студент", "двадцать один студент", True),
        ("5-й раз", "пятый раз", True),
        ("5-й раз", "пять раз", False),
        ("За́мок ещё", "замок еще", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("на 7-м этаже", "ru") == "на седьмом этаже"
    assert written("1 дочь", "ru") == "одна дочь"
    assert written("не менее 4 ГБ", "ru") == "не менее четырёх гигабайт"
    assert written("Более 3 млрд человек", "ru") == "Более трёх миллиардов человек"
    assert written("При 35 °C", "ru") == "При тридцати пяти градусах Цельсия"
    assert written("15.06.2024 г.", "ru") == "пятнадцатого июня две тысячи двадцать четвёртого года."
