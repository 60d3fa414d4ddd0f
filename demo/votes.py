"""The blind test: pairs of one text by two systems, in random order and side; votes that a kill cannot lose.

A vote is one line of a JSONL, written and flushed to disk before the next pair is shown:
    {"when": "2026-11-29T02:00:00+00:00", "who": "ann", "pair": "17-3f2a90c1", "text": "...", "left": "GRPO",
     "right": "SFT", "vote": "A", "chosen": "GRPO"}      vote: A (left), B (right) or same; chosen: null for same
A pair is known by its text's number and a hash of the speech tokens, so that votes on another run's speech are not
counted as votes on this one's.
"""

import math
import random
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from scipy.optimize import brentq
from scipy.special import betaln, xlog1py, xlogy

from data_prep.pairs import Choice, number_of, pair_key
from infer.records import Utterance
from speech.files import append_jsonl
from speech.jsonl import BadField, read_rows

VOTES = get_args(Choice)
MOST_NEEDED = 5000


@dataclass(frozen=True)
class Pair:
    """Attributes:
    key: of the text and the speech of both.
    number, text: that both say.
    left, right: names of the systems, as they stand in front of this listener.
    """

    key: str
    number: int
    text: str
    left: str
    right: str


def order(spoken: Mapping[str, Mapping[int, Utterance]], who: str, seed: int) -> list[Pair]:
    """All pairs in the listener's own order and sides: the same after a reload, another for another listener.

    Args:
        spoken: {system: {text's number: utterance}} of two systems. A text that one of them did not say, or that both
            said with the same tokens, is in no pair, and none of `unlike`.
    """
    (first, one), (second, other) = spoken.items()
    rng, pairs = random.Random(f"{seed} {who}"), []
    others = unlike(spoken)
    for number in sorted(one.keys() & other.keys()):
        left, right = rng.sample((first, second), 2)
        tokens = [one[number].tokens, other[number].tokens]
        if tokens[0] != tokens[1] and all(tokens) and number not in others:
            pairs.append(Pair(pair_key(number, first, second, *tokens), number, one[number].text, left, right))
    rng.shuffle(pairs)
    return pairs


def unlike(spoken: Mapping[str, Mapping[int, Utterance]]) -> set[int]:
    """Numbers under which two systems were asked for different things, as where one of both was evaluated again with
    other texts: nobody can prefer one of them, and no model may learn from it."""
    one, other = spoken.values()
    return {number for number in one.keys() & other.keys() if _asked(one[number]) != _asked(other[number])}


def _asked(said: Utterance) -> tuple:
    return said.text, said.language, said.voice, said.instruction, said.readings or None


class Ballot:
    """The votes of one file.

    Args:
        path: JSONL; made when the first vote is cast.
    """

    def __init__(self, path: str | Path):
        self.path, self._lock = Path(path), threading.Lock()

    def votes(self, keys: set[str] | None = None) -> list[dict]:
        """Every vote so far, or those on the pairs with these keys; of a pair that one listener judged twice, the last.

        Raises:
            ValueError: a line that is no vote, with file and line; but for a last one that was cut off.
        """
        if not self.path.is_file():
            return []
        last: dict[tuple[str, str], dict] = {}
        whole = self.path.read_bytes().count(b"\n")
        for line, _, row in read_rows(self.path):
            if line > whole:
                break
            if isinstance(row, BadField) or row.get("vote") not in VOTES or not {"who", "pair", "chosen"} <= row.keys():
                raise ValueError(f"{self.path}:{line}: is no vote of {', '.join(VOTES)}: {row}")
            if keys is None or row["pair"] in keys:
                last[row["who"], row["pair"]] = row
        return list(last.values())

    def cast(self, who: str, pair: Pair, vote: str) -> None:
        """Raises ValueError: no such vote, or nobody's."""
        if vote not in VOTES or not who.strip():
            raise ValueError(f"a vote is one of {', '.join(VOTES)} by somebody, got {vote!r} by {who!r}")
        row = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "pair": pair.key,
            "text": pair.text,
            "left": pair.left,
            "right": pair.right,
            "vote": vote,
            "chosen": {"A": pair.left, "B": pair.right, "same": None}[vote],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            append_jsonl(self.path, [row])

    def remaining(self, pairs: Sequence[Pair], who: str) -> list[Pair]:
        """Those that this listener has not judged yet, in order."""
        judged = {row["pair"] for row in self.votes() if row["who"] == who}
        return [pair for pair in pairs if pair.key not in judged]


@dataclass(frozen=True)
class Result:
    """Attributes:
    votes: of all listeners.
    candidate, baseline, same: texts that most of them preferred by each, and by neither. A text is one trial, however
        many judged it: they all heard the same two readings.
    share: of the candidate among the texts that prefer one; None without such a text.
    low, high: interval of share, which holds however often one looks at it on the way.
    needed: further texts that prefer one until the interval leaves a half, if the share stays as it is; 0 if it has;
        None where MOST_NEEDED would not do.
    """

    votes: int
    candidate: int
    baseline: int
    same: int
    share: float | None
    low: float
    high: float
    needed: int | None


def result(votes: Sequence[dict], candidate: str, level: float = 0.95) -> Result:
    """What the votes say of `candidate` against the other system.

    >>> told = [{"pair": f"{i}-", "chosen": "GRPO"} for i in range(9)] + [{"pair": "9-", "chosen": "SFT"}]
    >>> result([*told, {"pair": "10-", "chosen": None}], "GRPO")
    Result(votes=11, candidate=9, baseline=1, same=1, share=0.9, low=0.454882, high=0.999544, needed=3)
    """
    balance: dict[str, int] = defaultdict(int)
    for vote in votes:
        balance[vote["pair"]] += 0 if vote["chosen"] is None else 1 if vote["chosen"] == candidate else -1
    won, lost = (sum(sign * one > 0 for one in balance.values()) for sign in (1, -1))
    same = len(balance) - won - lost
    if not won + lost:
        return Result(len(votes), 0, 0, same, None, 0.0, 1.0, None)
    share, limit = won / (won + lost), -math.log1p(-level)
    low = brentq(lambda p: evidence(won, lost, p) - limit, 0.0, share) if won else 0.0
    high = brentq(lambda p: evidence(won, lost, p) - limit, share, 1.0) if lost else 1.0
    return Result(len(votes), won, lost, same, share, round(low, 6), round(high, 6), _needed(won, lost, limit))


def evidence(won: float, lost: float, p: float) -> float:
    """Log of the evidence against "each text prefers the candidate with probability p": the likelihood of what was
    seen with all probabilities mixed, over that with p. Under p its mean is 1, so that it ever exceeds 1 / alpha has at
    most the probability alpha (Ville). Robbins, Statistical methods related to the law of the iterated logarithm, 1970.
    """
    return float(betaln(won + 1, lost + 1) - xlogy(won, p) - xlog1py(lost, -p))


def _needed(won: int, lost: int, limit: float) -> int | None:
    more, count = 0, won + lost
    while more <= MOST_NEEDED:
        if evidence(won * (1 + more / count), lost * (1 + more / count), 0.5) >= limit:
            return more
        more += 1 + more // 50  # to two per cent
    return None


def preferences(votes: Sequence[dict], spoken: Mapping[str, Mapping[int, Utterance]]) -> list[dict]:
    """For preference training, without "same": {"text", "language", "voice", "instruction", "readings" (the last three
    where there are any), "chosen", "rejected": speech tokens,
    "chosen_finished", "rejected_finished": false where it was cut off, "chosen_system", "rejected_system", "who"}."""
    found = []
    for vote in votes:
        if vote["chosen"] is None:
            continue
        number = number_of(vote["pair"])
        rejected = vote["right"] if vote["chosen"] == vote["left"] else vote["left"]
        best, other = (spoken[system][number] for system in (vote["chosen"], rejected))
        row = {"text": best.text, "language": best.language}
        row |= {key: given for key in ("voice", "instruction", "readings") if (given := getattr(best, key))}
        row |= {"chosen": list(best.tokens), "rejected": list(other.tokens)}
        sides = (("chosen", best), ("rejected", other))
        row |= {f"{side}_finished": False for side, one in sides if one.finished is False}
        found.append(row | {"chosen_system": vote["chosen"], "rejected_system": rejected, "who": vote["who"]})
    return found
