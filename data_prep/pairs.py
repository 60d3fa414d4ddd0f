"""Stage `prefer`, first command: what is better and what is worse speech of a text -> pairs for preference training.

    python -m data_prep.pairs --config-path <recipe> --config-name prefer pairs.scored=rollouts.scored.jsonl

Speech that was cut off at the length limit (`finished: false`) is never the best; where it is worse, or a listener's
choice, the pair says so (`chosen_finished`, `rejected_finished`), for it has no end to be learned.

Three sources, alone or together. `scored`: what stage score wrote of several completions of each text; the best and
the worst by reward are a pair. `votes`: what listeners of the blind test chose, with `spoken`, the two systems' speech.
`preferences`: what the page exports of those votes, a pair for each vote. Without any of them `rollouts`, which the
stage's commands before this one made, are `scored`. `best` is written, too, if it is a path: the best speech of each
text, worth at least `least_score`, as texts for stage sft (rejection sampling: arXiv 2308.01825).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import hydra
from omegaconf import DictConfig
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from data_prep.learned import SPOKEN_BY
from data_prep.prompts import PromptMaker
from data_prep.tested import tested
from speech.faults import told_plainly
from speech.files import write_jsonl
from speech.jsonl import BadField, BadRows, Fault, Named, Token, Unnamed, check, read_all
from speech.paths import check_outputs
from speech.tokens import TOKEN_FIELDS

Choice = Literal["A", "B", "same"]  # a listener's: left, right or neither
_ENDS = ("chosen_finished", "rejected_finished")


class _Asked(BaseModel):
    text: Named
    language: Named | None = None
    voice: Unnamed = None
    instruction: Unnamed = None
    readings: Annotated[list[Any] | None, BeforeValidator(lambda given: given or None)] = None

    @property
    def asked(self) -> tuple[str | None, ...]:
        """What tells a prompt from others."""
        return self.text, self.language, self.voice, self.instruction, json.dumps(self.readings)


class _Scored(_Asked):
    tokens: list[Token] = Field(validation_alias=AliasChoices("tokens", *TOKEN_FIELDS))
    score: float
    finished: bool | None = None
    messages: list[dict[str, str]] | None = None


class _Vote(BaseModel):
    who: Named
    pair: str = Field(pattern=r"^\d+-[0-9a-f]{8}$")
    text: str
    left: Named
    right: Named
    vote: Choice
    chosen: str | None = None


class _Preferred(_Asked):
    chosen: list[Token] = Field(min_length=1)
    rejected: list[Token] = Field(min_length=1)
    chosen_finished: bool = True
    rejected_finished: bool = True


class _Spoken(_Asked):
    index: int
    sample: int = 0
    tokens: list[Token]
    finished: bool | None = None
    messages: list[dict[str, str]] | None = None


def of_scores(path: str, least: float) -> Iterator[dict[str, Any]]:
    """A pair of each text (voice, instruction) whose best and worst scores differ by at least `least`.

    Raises:
        BadRows: rows that are no scored speech, with file, line and field.
    """
    for best, rows in _groups(path):
        worst = min(rows, key=lambda row: row.score)
        if best.score - worst.score >= least and best.tokens != worst.tokens:
            yield _pair(best, worst, best.score - worst.score)


def best_of_scores(path: str, least: float | None) -> Iterator[dict[str, Any]]:
    """The best speech of each text (voice, instruction) as a row for SFT, if it is worth at least `least`.

    Raises:
        BadRows: rows that are no scored speech, with file, line and field.
    """
    for best, _ in _groups(path):
        if least is None or best.score >= least:
            yield best.model_dump(include=set(_Asked.model_fields), exclude_none=True) | {"speech_tokens": best.tokens}


def _groups(path: str) -> Iterator[tuple[_Scored, list[_Scored]]]:
    """Of each text (voice, instruction) of which some speech ended by itself, the best such and all its speech."""
    for rows in _by_text(path):
        if whole := [row for row in rows if row.finished is not False]:
            yield max(whole, key=lambda row: row.score), rows


def _by_text(path: str) -> list[list[_Scored]]:
    """All speech of each text (voice, instruction); a completion without speech teaches nothing about it."""
    groups: dict[tuple, list[_Scored]] = defaultdict(list)
    for row in read_all(
        path, lambda _, row: check(_Scored, row), "scored speech (pairs.scored), which stage score writes,"
    ):
        groups[row.asked] += [row] if row.tokens else []
    return list(groups.values())


def cut_off(path: str) -> int:
    """Texts (voice, instruction) of which all speech was cut off at the length limit: nothing is made of them."""
    return sum(bool(rows) and all(row.finished is False for row in rows) for rows in _by_text(path))


def of_votes(path: str, spoken: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A pair of each text that more listeners preferred in one of two systems; `spoken`: {system: JSONL of its speech}.

    Raises:
        BadRows: lines that are no votes, or are of other speech, with file, line and field.
    """
    systems = {name: _speech(file) for name, file in spoken.items()}

    def made(_: int, row: dict[str, Any]) -> _Vote:
        _check_speech(vote := check(_Vote, row), systems)
        return vote

    votes = read_all(path, made, "votes (pairs.votes), which the blind test writes,")
    last = {(vote.who, vote.pair): vote for vote in votes}  # who judged a pair twice has changed their mind
    by_pair: dict[str, list[_Vote]] = defaultdict(list)
    for vote in last.values():
        by_pair[vote.pair].append(vote)
    for pair, votes in by_pair.items():
        first, second = sorted((votes[0].left, votes[0].right))
        if lead := sum((vote.chosen == first) - (vote.chosen == second) for vote in votes):
            names = (first, second) if lead > 0 else (second, first)
            better, worse = (systems[name][number_of(pair)] for name in names)
            yield _pair(better, worse, float(abs(lead)))


def pair_key(number: int, *told: str | list[int]) -> str:
    """By which a vote knows two systems' speech of a text: its number, and a hash of both names, then both's tokens."""
    return f"{number}-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]}"


def number_of(pair: str) -> int:
    """The text's, of such a key."""
    return int(pair.partition("-")[0])


def of_preferences(path: str) -> Iterator[dict[str, Any]]:
    """The pairs of a file that the blind test exported. Raises BadRows: bad rows, with file, line and field."""
    for row in read_all(path, lambda _, row: check(_Preferred, row), "preferences, which the blind test exports,"):
        told = row.model_dump(exclude={name for name in _ENDS if getattr(row, name)})
        yield told | {"margin": 1.0}


def _speech(path: str) -> dict[int, _Spoken]:
    expected = "a system's speech (pairs.spoken), which synthesis writes,"
    rows = read_all(path, lambda _, row: check(_Spoken, row), expected)
    return {row.index: row for row in rows if row.sample == 0}


def _check_speech(vote: _Vote, systems: Mapping[str, dict[int, _Spoken]]) -> None:
    number = number_of(vote.pair)
    for side in ("left", "right"):
        name = getattr(vote, side)
        if name not in systems:
            raise BadField(side, f"{name} is none of pairs.spoken: {', '.join(systems)}")
        if number not in systems[name]:
            raise BadField("pair", f"{name} has not spoken text {number}")
    if systems[vote.left][int(number)].asked != systems[vote.right][int(number)].asked:
        raise BadField("pair", f"{vote.left} and {vote.right} were not asked for the same under number {number}")
    if vote.chosen not in (None, vote.left, vote.right) or (vote.chosen is None) != (vote.vote == "same"):
        raise BadField("chosen", f"is {vote.chosen!r} with the vote {vote.vote}")
    for one, other in ((vote.left, vote.right), (vote.right, vote.left)):
        if pair_key(number, one, other, *(systems[name][number].tokens for name in (one, other))) == vote.pair:
            return
    raise BadField("pair", f"{vote.pair} is of other speech than {' and '.join(systems)} are now")


def _pair(chosen: _Scored | _Spoken, rejected: _Scored | _Spoken, margin: float) -> dict[str, Any]:
    asked = chosen.model_dump(include=set(_Asked.model_fields))
    cut = {name: False for name, one in zip(_ENDS, (chosen, rejected), strict=True) if one.finished is False}
    spoken = {"messages": chosen.messages} if chosen.messages and chosen.messages == rejected.messages else {}
    return asked | {"chosen": chosen.tokens, "rejected": rejected.tokens, "margin": margin} | cut | spoken


def check_rows(rows: list[dict[str, Any]], recipe: DictConfig) -> list[dict[str, Any]]:
    """The pairs with their prompts' messages: those that were spoken, where synthesis says so (phonemes that stage data
    drew), else as stage data makes them. Raises BadRows: texts that it refuses."""
    maker, found, faults = PromptMaker(recipe), [], []
    for number, row in enumerate(rows, 1):
        try:
            asked = {key: row[key] for key in _Asked.model_fields if row.get(key) is not None}
            request = maker.request(asked)
            messages = maker.messages(request, training=False)
            for side in ("chosen", "rejected"):
                if max(row[side]) >= recipe.codebook_size:
                    raise BadField(side, f"has token {max(row[side])}, the codebook ends at {recipe.codebook_size - 1}")
            found.append({"messages": messages} | row)
        except BadField as bad:
            faults.append(Fault("pairs", number, bad.field, bad.reason, row["text"]))
    if faults:
        raise BadRows(faults)
    return found


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    own = cfg.pairs
    with told_plainly():
        given = {key: own[key] for key in ("scored", "votes", "preferences") if own[key] is not None}
        given = given or {"scored": own.rollouts}
        outputs = {"pairs.output": own.output} | ({"pairs.best": own.best} if own.best else {})
        check_outputs({f"pairs.{key}": path for key, path in given.items()}, outputs)
        source = given.get("scored", own.rollouts if own.best is not None else None)
        cut = cut_off(source) if source is not None else 0
        endless = f"; {cut} texts had no speech that ended by itself (max_tokens)" if cut else ""
        if own.best is not None:
            spoken_by = {SPOKEN_BY: cfg.systems.SFT} if own.scored is None else {}  # for stage sft to compare
            best = [row | spoken_by for row in best_of_scores(given.get("scored", own.rollouts), own.least_score)]
            write_jsonl(own.best, best)
            print(f"{len(best)} texts with their best speech{endless} -> {own.best}", flush=True)
        rows = list(of_scores(given["scored"], own.least_margin)) if "scored" in given else []
        judged = list(of_votes(given["votes"], dict(own.spoken or {}))) if "votes" in given else []
        judged += list(of_preferences(given["preferences"])) if "preferences" in given else []
        if not rows + judged:
            reason = f"no text whose scores differ by {own.least_margin} or whose votes prefer one{endless}"
            raise SystemExit(f"no pair: {reason}")
        checked = check_rows(rows + judged, cfg.recipe)
        told = f"pairs are sentences of recipe.rl_test={cfg.recipe.rl_test}"
        if count := tested(rows, cfg.recipe):
            raise BadRows.of(f"{count} of {len(rows)} scored {told}, which a model that learns them is not tested with")
        if count := tested(judged, cfg.recipe):
            print(f"{count} of {len(judged)} {told}: judge the result on others, eval texts=...", flush=True)
        write_jsonl(own.output, checked)
    print(f"{len(checked)} pairs{endless} -> {Path(own.output)}")


if __name__ == "__main__":
    main()
