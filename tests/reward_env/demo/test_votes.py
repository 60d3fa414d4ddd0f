"""The blind test without a page: order, votes that survive, the result."""

import doctest
import json

import pytest

from demo import votes
from demo.votes import Ballot, order, preferences, result
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


def test_the_interval_is_clopper_and_pearsons():
    # 9 of 10: low is the p with P(X >= 9) = 0.025, that is 10 p^9 (1 - p) + p^10 = 0.025: 0.554984
    votes = [{"chosen": "GRPO"}] * 9 + [{"chosen": "SFT"}, {"chosen": None}]
    r = result(votes, "GRPO")
    assert 10 * r.low**9 * (1 - r.low) + r.low**10 == pytest.approx(0.025, abs=1e-5)
    assert (r.candidate, r.baseline, r.same, r.needed) == (9, 1, 1, 0)


@pytest.mark.parametrize(("won", "lost", "needed"), [(0, 0, None), (1, 1, None), (5, 0, 1), (6, 0, 0)])
def test_votes_still_needed(won, lost, needed):
    # n votes for one alone: the interval leaves 1/2 out when 0.5^n <= 0.025, which 6 votes do and 5 do not
    votes = [{"chosen": "GRPO"}] * won + [{"chosen": "SFT"}] * lost
    assert result(votes, "GRPO").needed == needed


def test_preferences_hold_both_speeches_and_no_ties(tmp_path):
    ballot, of = Ballot(tmp_path / "votes.jsonl"), spoken(6)
    pairs = order(of, "ann", 0)
    ballot.cast("ann", pairs[0], "A")
    ballot.cast("ann", pairs[1], "same")
    first = pairs[0]
    assert preferences(ballot.votes(), of) == [
        {
            "text": first.text,
            "language": "zh",
            "chosen": of[first.left][first.number].tokens,
            "rejected": of[first.right][first.number].tokens,
            "chosen_system": first.left,
            "rejected_system": first.right,
            "who": "ann",
        }
    ]


def test_the_examples_hold():
    found = doctest.testmod(votes)
    assert found.attempted > 0 and found.failed == 0
