"""Readings of Portuguese: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/pt.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "pt"), lattice(heard, "pt"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "pt")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "pt"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "pt"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "pt")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "pt") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Esperei 2 horas.", "Esperei duas horas."),
        ("Custa R$ 15.", "Custa quinze reais."),
        ("A 2ª vez", "A segunda vez"),
        ("em 2/3 dos 203 casos", "em dois terços dos duzentos e três casos"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "pt") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("2 horas", "dois horas", False),
        ("16 anos", "dezesseis anos", True),
        ("16 anos", "dezasseis anos", True),
        ("ação", "acção", True),
        ("R$ 0,50", "cinquenta centavos", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("às 21:30", "pt") == "às vinte e uma e trinta"
    assert written("Cerca de 2/3 dos alunos", "pt") == "Cerca de dois terços dos alunos"
    assert written("na sexta, 14/03, às 8h", "pt") == "na sexta, catorze de março, às oito horas"
