"""Readings of French: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/fr.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "fr"), lattice(heard, "fr"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "fr")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "fr"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "fr"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "fr")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "fr") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Il y a 1 000 habitants.", "Il y a mille habitants."),
        ("Le 1er mai à 20h30", "Le premier mai à vingt heures trente"),
        ("30 % des gens", "trente pour cent des gens"),
        ("Appelez le 3949.", "Appelez le trente-neuf quarante-neuf."),
        ("l'A6/Lyon", "l'A six/Lyon"),
        ("Il a eu 15/20.", "Il a eu quinze sur vingt."),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "fr") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("Le 1er mai", "le premier mai", True),
        ("Le 1er mai", "le un mai", False),
        ("ses amis", "ces ami", True),
        ("le chat", "les chats", False),
        ("L'art. 5", "l'article cinq", True),
        ("71 ans", "septante et un ans", True),
        ('3/8"', "trois huitièmes de pouce", True),
        ('3/8"', "trois huit pouces", False),
        ("A -> B, 5e-4", "a b cinq e moins quatre", True),
        ("a != b", "a égale b", False),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("son 80e anniversaire", "fr") == "son quatre-vingtième anniversaire"
    assert written("1,5 M€", "fr") == "un virgule cinq millions d'euros"
    assert written("1 sœur et 1 frère", "fr") == "une sœur et un frère"
    assert (
        written("Appelez le 01 42 68 53 00.", "fr")
        == "Appelez le zéro un quarante-deux soixante-huit cinquante-trois zéro zéro."
    )
