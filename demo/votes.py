"""The blind test: pairs of one text by two systems, in random order and side; votes that a kill cannot lose.

A vote is one line of a JSONL, written and flushed to disk before the next pair is shown:
    {"when": "2026-11-29T02:00:00", "who": "ann", "pair": 17, "text": "...", "left": "GRPO", "right": "SFT",
     "vote": "A", "chosen": "GRPO"}        vote: A (left), B (right) or same; chosen: null for same
"""

import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binomtest

from speech.jsonl import BadField, read_rows

VOTES = ("A", "B", "same")


@dataclass(frozen=True)
class Pair:
    """Attributes:
    number: of the text.
    text: that both say.
    left, right: names of the systems, as they stand in front of this listener.
    """

    number: int
    text: str
    left: str
    right: str


def order(texts: Sequence[tuple[int, str]], systems: tuple[str, str], who: str, seed: int) -> list[Pair]:
    """All pairs in the listener's own order and sides: the same after a reload, another for another listener."""
    rng = random.Random(f"{seed} {who}")
    pairs = [Pair(number, text, *rng.sample(systems, 2)) for number, text in texts]
    rng.shuffle(pairs)
    return pairs


class Ballot:
    """The votes of one file.

    Args:
        path: JSONL; made when the first vote is cast.

    Raises:
        ValueError: a line that is no vote, with file and line.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def votes(self) -> list[dict]:
        """Every vote so far; of a pair that one listener judged twice, the last."""
        if not self.path.is_file():
            return []
        last: dict[tuple[str, int], dict] = {}
        for line, _, row in read_rows(self.path):
            if isinstance(row, BadField) or row.get("vote") not in VOTES:
                raise ValueError(f"{self.path}:{line}: is no vote of {', '.join(VOTES)}: {row}")
            last[row["who"], row["pair"]] = row
        return list(last.values())

    def cast(self, who: str, pair: Pair, vote: str) -> None:
        """Raises ValueError: no such vote, or nobody's."""
        if vote not in VOTES or not who.strip():
            raise ValueError(f"a vote is one of {', '.join(VOTES)} by somebody, got {vote!r} by {who!r}")
        chosen = {"A": pair.left, "B": pair.right, "same": None}[vote]
        row = {
            "when": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "who": who,
            "pair": pair.number,
            "text": pair.text,
            "left": pair.left,
            "right": pair.right,
            "vote": vote,
            "chosen": chosen,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def remaining(self, pairs: Sequence[Pair], who: str) -> list[Pair]:
        """Those that this listener has not judged yet, in order."""
        judged = {row["pair"] for row in self.votes() if row["who"] == who}
        return [pair for pair in pairs if pair.number not in judged]


@dataclass(frozen=True)
class Result:
    """Attributes:
    candidate, baseline, same: votes for each.
    share: of the candidate among the votes that prefer one; None without such a vote.
    low, high: 95 % interval of share (Clopper and Pearson, 1934).
    needed: further votes with a preference until the interval leaves a half, if the share stays as it is; 0 if it has;
        None where no number of votes would, or more than `Result.MOST`.
    """

    candidate: int
    baseline: int
    same: int
    share: float | None
    low: float
    high: float
    needed: int | None

    MOST = 5000


def result(votes: Sequence[dict], candidate: str, level: float = 0.95) -> Result:
    """What the votes say of `candidate` against the other system.

    >>> result([{"chosen": "GRPO"}] * 9 + [{"chosen": "SFT"}] + [{"chosen": None}], "GRPO")
    Result(candidate=9, baseline=1, same=1, share=0.9, low=0.554984, high=0.997471, needed=0)
    """
    same = sum(vote["chosen"] is None for vote in votes)
    won = sum(vote["chosen"] == candidate for vote in votes)
    count = len(votes) - same
    if not count:
        return Result(0, 0, same, None, 0.0, 1.0, None)
    interval = binomtest(won, count).proportion_ci(level)
    return Result(
        won,
        count - won,
        same,
        won / count,
        round(float(interval.low), 6),
        round(float(interval.high), 6),
        _needed(won, count, level),
    )


def _needed(won: int, count: int, level: float) -> int | None:
    for more in range(Result.MOST + 1):
        total = count + more
        interval = binomtest(round(won / count * total), total).proportion_ci(level)
        if interval.low > 0.5 or interval.high < 0.5:
            return more
    return None


def preferences(votes: Sequence[dict]) -> list[dict]:
    """For preference training: {"text", "chosen", "rejected", "who"} with the systems' names, without "same"."""
    found = []
    for vote in votes:
        if vote["chosen"] is not None:
            rejected = vote["right"] if vote["chosen"] == vote["left"] else vote["left"]
            found.append({"text": vote["text"], "chosen": vote["chosen"], "rejected": rejected, "who": vote["who"]})
    return found
