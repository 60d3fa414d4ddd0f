"""The blind test without a page: order, votes that survive, the result."""

import doctest
import json
from dataclasses import replace

import pytest

from demo import votes
from demo.votes import Ballot, evidence, order, preferences, result, unlike
from infer.records import Utterance


def spoken(count: int = 40) -> dict[str, dict[int, Utterance]]:
    """Texts 0 to count - 1 by two systems; of number 3 both said the same, of number 4 one said nothing."""
    of = {"SFT": {}, "GRPO": {}}
    for number in range(count):
        for place, utterances in enumerate(of.values()):
            tokens = [number, 7 if number == 3 else place]
            utterances[number] = Utterance(number, 0, f"文{number}", tokens, True, "zh")
    of["GRPO"][4] = Utterance(4, 0, "文4", [], True, "zh")
    return of


def test_the_order_is_the_listeners_own_and_the_same_after_a_reload():
    pairs = order(spoken(), "ann", 0)
    assert pairs == order(spoken(), "ann", 0)
    assert [p.number for p in pairs] != [p.number for p in order(spoken(), "bob", 0)]
    assert sorted(p.number for p in pairs) == [n for n in range(40) if n not in (3, 4)]
    assert {p.left for p in pairs} == {"SFT", "GRPO"}  # both sides occur
    assert all({p.left, p.right} == {"SFT", "GRPO"} for p in pairs)


def test_votes_of_other_speech_are_not_counted():
    key = {p.number: p.key for p in order(spoken(), "ann", 0)}
    other = spoken()
    other["GRPO"][1].tokens.append(9)
    changed = {p.number: p.key for p in order(other, "ann", 0)}
    assert [n for n in key if key[n] != changed[n]] == [1]


@pytest.mark.parametrize("key", ["text", "language", "voice", "instruction", "readings"])
def test_no_pair_of_what_was_not_asked_alike(key):
    """As where one of the systems alone was evaluated again, with other texts."""
    other = spoken(6)
    other["GRPO"][1] = replace(other["GRPO"][1], **{key: [{"at": 0}] if key == "readings" else "another"})
    other["GRPO"][2] = replace(other["GRPO"][2], readings=[])  # none, as None
    assert {pair.number for pair in order(other, "ann", 0)} == {0, 2, 5}
    assert unlike(other) == {1}
    kept = {pair.number: pair for pair in order(spoken(6), "ann", 0)}
    assert all(kept[pair.number] == pair for pair in order(other, "ann", 0))  # sides that were voted on stay


def test_a_vote_is_on_disk_and_a_half_written_line_is_no_harm(tmp_path):
    ballot, pairs = Ballot(tmp_path / "run/votes.jsonl"), order(spoken(6), "ann", 0)
    ballot.cast("ann", pairs[0], "A")
    with open(ballot.path, "a") as file:
        file.write('{"who": "ann", "pa')  # a kill in the middle of a line
    again = Ballot(ballot.path)
    assert [v["chosen"] for v in again.votes()] == [pairs[0].left]
    with pytest.raises(ValueError, match="a vote is one of A, B, same by somebody"):
        again.cast(" ", pairs[1], "A")


@pytest.mark.parametrize("cut", [b'{"who": "ann"', b"{", b""])
def test_after_a_half_written_line_all_votes_can_be_read(tmp_path, cut):
    ballot, pairs = Ballot(tmp_path / "votes.jsonl"), order(spoken(6), "ann", 0)
    ballot.cast("ann", pairs[0], "B")
    ballot.path.write_bytes(ballot.path.read_bytes() + cut)
    ballot.cast("ann", pairs[1], "same")
    assert [json.loads(line)["vote"] for line in ballot.path.read_text().splitlines()] == ["B", "same"]
    assert [vote["vote"] for vote in Ballot(ballot.path).votes()] == ["B", "same"]
    assert ballot.remaining(pairs, "ann") == pairs[2:]


def test_the_last_vote_on_a_pair_counts_and_it_is_not_asked_again(tmp_path):
    ballot, pairs = Ballot(tmp_path / "votes.jsonl"), order(spoken(8), "ann", 0)
    for vote in ("A", "B"):
        ballot.cast("ann", pairs[0], vote)
    ballot.cast("bob", pairs[0], "same")
    assert [(v["who"], v["vote"]) for v in ballot.votes()] == [("ann", "B"), ("bob", "same")]
    assert ballot.remaining(pairs, "ann") == pairs[1:]
    assert ballot.votes({"none"}) == []


def of_texts(won: int, lost: int, listeners: int = 1) -> list[dict]:
    """Votes of listeners who all agree, on a text of its own for each that is won and lost."""
    chosen = ["GRPO"] * won + ["SFT"] * lost
    return [{"pair": f"{n}-", "chosen": one} for n, one in enumerate(chosen) for _ in range(listeners)]


def test_the_interval_holds_whenever_one_looks():
    # uniform mixture, 9 of 10: 9! 1! / 11! = 1 / 110, so at both ends p^9 (1 - p) = (1 / 110) / 20 = 1 / 2200
    r = result([*of_texts(9, 1), {"pair": "10-", "chosen": None}], "GRPO")
    assert [p**9 * (1 - p) for p in (r.low, r.high)] == pytest.approx([1 / 2200] * 2, rel=1e-3)
    assert r.low < 0.9 < r.high
    assert (r.votes, r.candidate, r.baseline, r.same) == (11, 9, 1, 1)


@pytest.mark.parametrize(("won", "lost", "log"), [(9, 1, 2.231), (10, 0, 4.534), (16, 4, 2.333), (17, 3, 3.780)])
def test_decided_is_what_the_evidence_against_a_half_says(won, lost, log):
    # log(2^n / ((n + 1) (n over lost))), against log 20 = 2.996; Clopper and Pearson's interval, which is for one look
    # alone, leaves a half out in all four
    r = result(of_texts(won, lost), "GRPO")
    assert evidence(won, lost, 0.5) == pytest.approx(log, abs=1e-3)
    assert (r.needed == 0) == (r.low > 0.5) == (log > 2.996)


@pytest.mark.parametrize(("won", "lost", "needed"), [(0, 0, None), (1, 1, None), (7, 0, 1), (8, 0, 0), (0, 8, 0)])
def test_texts_still_needed(won, lost, needed):
    # n texts for one alone: 2^n / (n + 1) is 16 of 7 and 28.4 of 8; 20 decide
    assert result(of_texts(won, lost), "GRPO").needed == needed


def test_a_text_is_one_trial_however_many_listeners_judge_it():
    # 120 votes against 80 by ten who agree are 12 texts against 8
    r = result(of_texts(12, 8, listeners=10), "GRPO")
    assert (r.votes, r.candidate, r.baseline, r.needed) == (200, 12, 8, result(of_texts(12, 8), "GRPO").needed)
    assert r.low < 0.5 and r.needed > 0
    torn = [{"pair": "0-", "chosen": chosen} for chosen in ("GRPO", "SFT", None)]
    assert result(torn, "GRPO").same == 1  # as many prefer either
    assert result([*torn, {"pair": "0-", "chosen": "SFT"}], "GRPO").baseline == 1


def test_preferences_hold_both_speeches_and_no_ties(tmp_path):
    ballot, of = Ballot(tmp_path / "votes.jsonl"), spoken(6)
    pairs = order(of, "ann", 0)
    ballot.cast("ann", pairs[0], "A")
    ballot.cast("ann", pairs[1], "same")
    first = pairs[0]
    of[first.right][first.number] = replace(of[first.right][first.number], finished=False)  # it was cut off
    asked = {"instruction": "快", "readings": [{"at": 0, "pinyin": "wen2"}]}
    for system in of.values():
        system[first.number] = replace(system[first.number], **asked)
    assert preferences(ballot.votes(), of) == [
        {
            "text": first.text,
            "language": "zh",
            **asked,
            "chosen": of[first.left][first.number].tokens,
            "rejected": of[first.right][first.number].tokens,
            "rejected_finished": False,
            "chosen_system": first.left,
            "rejected_system": first.right,
            "who": "ann",
        }
    ]


def test_the_examples_hold():
    found = doctest.testmod(votes)
    assert found.attempted > 0 and found.failed == 0
