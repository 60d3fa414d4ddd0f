"""The guard's hearing: rollouts of a running training, as an ASR of another family hears them.

    python -m infer.guard --config-path <recipe> --config-name guard

Beside the training, in a process of its own at a low priority (`run.sh train` starts it; verl_plugins/guard.py asks
it). In the run's folder `guard`: asked.jsonl is read as it grows, heard.jsonl has a line for each that was heard, by
which `merge.step=best` chooses, and held_out.json the mean error of each checkpoint's held-out texts, to be read.
Asked to end (SIGTERM), it first hears what is left, for `guard.ending_s` at most.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import hydra
from omegaconf import DictConfig

from infer.hear import Listener, errors, refuse_same_family
from infer.records import Utterance
from merge.choose import ASKED, HEARD, HELD_OUT, LEFT_OUT, guard_folder, held_out
from reward_tts.reward.terms import units
from speech.faults import told_plainly
from speech.files import append_jsonl, growing_lines, write_text
from speech.interfaces import NoMemory, Passing

_SOUND = {"log_f0_std": 0.0, "silence_ratio": 1.0, "loudness_db": -120.0}  # what null counts as: no voice, no sound


def rate(row: dict[str, Any], transcript: str) -> float:
    """The error rate of a transcript, as read, at most 1."""
    return min(1.0, errors(row["text"], transcript, row["language"])["error_rate"])


class Hearing:
    """Hears what is asked.

    Args:
        cfg: of the stage `guard`.
    """

    def __init__(self, cfg: DictConfig):
        refuse_same_family(cfg.reward_server.asr, cfg.ear)
        self.cfg, self.folder, self.listener = cfg, guard_folder(cfg.recipe.grpo_dir), Listener(cfg)
        self.heard, _ = growing_lines(self.folder / HEARD)
        self._known = {row["id"] for row in self.heard if row["kind"] != LEFT_OUT}  # this ear may know more
        self._offset, self._waiting, self._told, self._last = 0, [], set[str](), "held_out"
        # Of a row for which memory was short: how often, while it was not for all, and how many were heard by then.
        self._attempts: dict[str, tuple[int, int]] = {}
        self._short: dict[str, NoMemory] = {}  # rows of the present batch that are tried again

    def work(self) -> bool:
        """A batch at most, of rollouts and of held-out texts in turn; whether there was one.

        Raises:
            NoMemory: memory is short for all that is left of the batch. Passing: the reward server is away or busy.
                Both: what was not heard is still to be heard.
        """
        asked, self._offset = growing_lines(self.folder / ASKED, self._offset)
        self._waiting += [row for row in asked if row["id"] not in self._known]
        self._waiting.sort(key=self._turn)  # stable: in the order of the steps
        if not self._waiting:
            return False
        turn, kind = self._turn(self._waiting[0]), self._waiting[0]["kind"]
        batch = list(takewhile(lambda row: self._turn(row) == turn, self._waiting[: self.cfg.guard.batch]))
        rest, self._short, self._last = self._waiting[len(batch) :], {}, kind
        try:
            answers = self._heard(batch)
        except Passing:
            self._waiting = [*rest, *batch]
            raise
        append_jsonl(self.folder / HEARD, answers)
        self.heard += answers
        self._known |= {row["id"] for row in batch} - self._short.keys()
        self._waiting = [*rest, *(row for row in batch if row["id"] in self._short)]
        if kind == "held_out":
            write_text(self.folder / HELD_OUT, json.dumps(held_out(self.heard), indent=1) + "\n")
        if len(self._short) == len(batch):
            raise self._short[batch[0]["id"]]
        return True

    def _turn(self, row: dict[str, Any]) -> tuple[bool, bool]:
        """What memory was too short for holds up no other; then that of which the last batch was not."""
        return row["id"] in self._attempts, row["kind"] == self._last

    def _heard(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answers of the rows that can be heard, row by row where they cannot together."""
        try:
            return list(self._answers(batch))
        except (NoMemory, ValueError) as error:
            if len(batch) == 1:
                return self._not_heard(batch[0], error)
        return [answer for row in batch for answer in self._heard([row])]

    def _not_heard(self, row: dict[str, Any], error: NoMemory | ValueError) -> list[dict[str, Any]]:
        """What is written of a row that is left out, or nothing, if it waits. One that the decoder or the ear refuses,
        such as in a language that the ear does not know, is left out, and so is one for which memory was short
        `guard.memory_attempts` times while others were heard."""
        if isinstance(error, NoMemory):
            times, heard = self._attempts.get(row["id"], (0, -1))
            if len(self.heard) > heard:
                times += 1
                self._attempts[row["id"]] = times, len(self.heard)
            if times < self.cfg.guard.memory_attempts:
                self._short[row["id"]] = error
                return []
            told = f"{row['kind']} of step {row['step']}, {len(row['tokens'])} tokens of {row['text']!r}"
            why = f"left out, memory for others and {times} times none for it: {told}: {error}"
        else:
            why = f"rows in language {row['language']!r} are left out: {getattr(error, 'why', error)}"
        if why not in self._told:
            print(why, flush=True)
        self._told.add(why)
        return [{"id": row["id"], "kind": LEFT_OUT, "step": row["step"], "why": why}]

    def _answers(self, batch: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        said = [
            Utterance(i, 0, row["text"], row["tokens"], None, row["language"], row["voice"])
            for i, row in enumerate(batch)
            if row["tokens"]
        ]
        heard = dict(zip([one.index for one in said], self.listener.hear(said), strict=True))
        for i, row in enumerate(batch):
            transcript = heard[i]["transcript"] if i in heard else ""  # who says nothing is heard as nothing
            answer = {key: row[key] for key in ("id", "kind", "step", "text")} | {"transcript": transcript}
            answer |= {"reward": rate(row, row["transcript"]), "other": rate(row, transcript)}
            yield answer | ({"sound": _sound(row, heard[i])} if i in heard else {})


def _sound(row: dict[str, Any], heard: dict[str, Any]) -> dict[str, float]:
    sound = {name: nothing if heard[name] is None else float(heard[name]) for name, nothing in _SOUND.items()}
    sound["speaking_rate"] = units(row["text"], row["language"]) / heard["duration_s"]
    sound["amplitude"] = 10 ** (sound.pop("loudness_db") / 20)
    return sound


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    os.nice(cfg.guard.nice)
    ends_at: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: ends_at.append(time.monotonic() + cfg.guard.ending_s))
    cfg.token2wav = cfg.waves  # whole: in YAML the keys of the recipe's own decoder would stay
    hearing = Hearing(cfg)
    print(f"the guard listens with {cfg.ear._target_}", flush=True)
    while not ends_at or time.monotonic() < ends_at[0]:
        ending = bool(ends_at)  # before the batch: what kept the server busy until then is over
        try:
            worked = hearing.work()
        except Passing as error:
            if ending and not isinstance(error, NoMemory):
                raise  # the server has gone, too
            print(f"not heard, tried again: {error}", flush=True)
        else:
            if worked:
                continue
            if ending:
                return
        time.sleep(cfg.guard.poll_s)


if __name__ == "__main__":
    main()
