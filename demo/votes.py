"""The blind test: pairs of one text by two systems, in random order and side; votes that a kill cannot lose.

A vote is one line of a JSONL, written and flushed to disk before the next pair is shown:
    {"when": "2026-11-29T02:00:00+00:00", "who": "ann", "pair": "17-3f2a90c1", "text": "...", "left": "GRPO",
     "right": "SFT", "vote": "A", "chosen": "GRPO"}      vote: A (left), B (right) or same; chosen: null for same
A pair is known by its text's number and a hash of the speech tokens, so that votes on another run's speech are not
counted as votes on this one's.
"""

import hashlib
import json
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scipy.stats import binomtest

from infer.records import Utterance
from speech.files import append_jsonl
from speech.jsonl import BadField, read_rows

VOTES = ("A", "B", "same")
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
            said with the same tokens, is in no pair.
    """
    (first, one), (second, other) = spoken.items()
    rng, pairs = random.Random(f"{seed} {who}"), []
    for number in sorted(one.keys() & other.keys()):
        left, right = rng.sample((first, second), 2)
        tokens = [one[number].tokens, other[number].tokens]
        if tokens[0] != tokens[1] and all(tokens):
            key = hashlib.sha256(json.dumps([first, second, *tokens]).encode()).hexdigest()[:8]
            pairs.append(Pair(f"{number}-{key}", number, one[number].text, left, right))
    rng.shuffle(pairs)
    return pairs


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
    candidate, baseline, same: votes for each.
    share: of the candidate among the votes that prefer one; None without such a vote.
    low, high: interval of share (Clopper and Pearson, 1934).
    needed: further votes with a preference until the interval leaves a half, if the share stays as it is; 0 if it has;
        None where MOST_NEEDED votes would not do.
    """

    candidate: int
    baseline: int
    same: int
    share: float | None
    low: float
    high: float
    needed: int | None


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
    low, high = round(float(interval.low), 6), round(float(interval.high), 6)
    return Result(won, count - won, same, won / count, low, high, _needed(won, count, level))


def _needed(won: int, count: int, level: float) -> int | None:
    more = 0
    while more <= MOST_NEEDED:
        total = count + more
        interval = binomtest(round(won / count * total), total).proportion_ci(level)
        if interval.low > 0.5 or interval.high < 0.5:
            return more
        more += 1 + more // 50  # to two per cent
    return None


def preferences(votes: Sequence[dict], spoken: Mapping[str, Mapping[int, Utterance]]) -> list[dict]:
    """For preference training, without "same": {"text", "language", "voice", "chosen", "rejected": speech tokens,
    "chosen_system", "rejected_system", "who"}."""
    found = []
    for vote in votes:
        if vote["chosen"] is None:
            continue
        number = int(vote["pair"].partition("-")[0])
        rejected = vote["right"] if vote["chosen"] == vote["left"] else vote["left"]
        best, other = (spoken[system][number] for system in (vote["chosen"], rejected))
        row = {"text": best.text, "language": best.language} | ({"voice": best.voice} if best.voice else {})
        row |= {"chosen": list(best.tokens), "rejected": list(other.tokens)}
        found.append(row | {"chosen_system": vote["chosen"], "rejected_system": rejected, "who": vote["who"]})
    return found
