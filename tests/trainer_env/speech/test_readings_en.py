"""Readings of English: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
import re
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/en.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "en"), lattice(heard, "en"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "en")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 150
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "en"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "en"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "en")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    texts = {re.sub("[Α-ω]", "1", text) for text in texts}  # a letter of the Greek alphabet is a sign
    words = [" ".join(word for word in text.split() if word.rstrip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "en") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("In the 1990s we met.", "In the nineteen nineties we met."),
        ("The Sun rises. No. He left.", "The Sun rises. No. He left."),
        ("The 100 m race", "The one hundred meters race"),
        ("Call 555-0182.", "Call five five five oh one eight two."),
        ("It costs $5.50.", "It costs five dollars and fifty cents."),
        ("Visit github.com.", "Visit github dot com."),
        ("It was 1999 — 20 years ago.", "It was nineteen ninety nine — twenty years ago."),
        ("We left at 7 – 2 hours late", "We left at seven – two hours late"),
        ("Open 9 – 17 daily", "Open nine to seventeen daily"),
        ("10 – 15 kg", "ten to fifteen kilograms"),
        ("Your code is 482-913.", "Your code is four eight two nine one three."),
        ("500-1000 people", "five hundred to one thousand people"),
        ("Press # to repeat.", "Press pound to repeat."),
        ("It plays 1080p video.", "It plays ten eighty p video."),
        (
            "g = 9.81 m/s², 3 ng/dL, 2 ft³",
            "g equals nine point eight one meters per second squared, three nanograms per deciliter, two cubic feet",
        ),
        ("1.6×10⁻¹⁹ C or 5e-4", "one point six times ten to the power of minus nineteen coulombs or five e minus four"),
        ("Fe³⁺, Na+ and Cl- ions", "Fe three plus, Na plus and Cl minus ions"),
        ("Python >=3.8, a != b", "Python greater than or equal to three point eight, a is not equal to b"),
        ("2H2 + O2 -> 2H2O", "two H two plus O two -> two H two O"),
        ("α-helix, ∛27, |x| = 3", "alpha-helix, cube root of twenty seven, the absolute value of x| equals three"),
        ("cat ~/.bashrc on localhost:3000", "cat tilde/.bashrc on localhost colon three thousand"),
        ('a 1 1/2" pipe, a 9"x13" pan', "a one and one half inch pipe, a nine by thirteen inch pan"),
        ('He said "Room 5" is 9" wide.', 'He said "Room five" is nine inch wide.'),
        (
            "0.1 M NaOH, 2¼ c. flour, at FL350",
            "zero point one molar NaOH, two and one quarter cups flour, at flight level three five zero",
        ),
        ("T-10 min on an iPhone 6s/5s", "T minus ten minutes on an iPhone six s/five s"),
        ("Closed 7/4 and 12/25 thru 1/2.", "Closed July fourth and December twenty fifth thru January second."),
        ("He had 28/12/11 and is 24-1-1.", "He had twenty eight twelve eleven and is twenty four one one."),
        ("287/6 in 50 overs", "two hundred and eighty seven for six in fifty overs"),
        ("went 0-60 mph", "went zero to sixty miles per hour"),
        ("love u <3, pH <3", "love u heart, pH less than three"),
        ("GET /index.html 404 /b", "GET /index dot html four hundred and four /b"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "en") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("Chapter 3-5", "chapter three to five", True),
        ("Chapter 3-5", "chapter three five", False),
        ("They won 3-2", "they won three two", True),
        ("1,200 people", "twelve hundred people", True),
        ("1,200 people", "twelve people", False),
        ("The colour of their pears", "the color of there pairs", True),
        ("the cot", "the caught", False),
        ("He can't", "he can not", True),
        ("He can't", "he can", False),
        ("open 24/7", "open twenty four seven", True),
        ("open 24/7", "open twenty four sevenths", False),
        ("It is -5 °C", "it is minus five degrees celsius", True),
        ("It is -5 °C", "it is five degrees celsius", False),
        ("In 2008", "in two thousand and eight", True),
        ("In 2008", "in two thousand eighteen", False),
        ("1774–92", "seventeen seventy four to seventeen ninety two", True),
        ("A -> B", "a greater than b", False),
        ("|x| = 3", "x equals three", False),
        ('Use a 3/8" bolt.', "use a three eight inch bolt", False),
        ("+44 (0)20 7946 0958", "plus four four two oh seven nine four six oh nine five eight", True),
        ("thru 11/30", "through eleven thirtieths", False),
        ("Tail no. N628TS", "tail no n six two eight t s", False),
        ("Fed. R. Civ. P. 12(b)(6)", "federal rule of civil procedure twelve b six", True),
        ("O(n log n)", "big o of n log n", True),
        ("v2.0.1-rc.3", "v two dot zero dot one dash r c dot three", True),
        ("2¼ c. flour", "two and a quarter c flour", False),
        ("404 /index.html", "four oh four slash index dot html", True),
        ("404 /index.html", "four oh four per index html", False),
        ("Take I-95 N.", "take i ninety five north", True),
        ("Take I-95 N.", "take the first ninety five north", False),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right
