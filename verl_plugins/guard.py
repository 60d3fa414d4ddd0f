"""The guard against reward hacking, as verl's replay buffer sees it: an observer (verl_plugins/replay_sampler.py).

Of each step some rollouts are written to asked.jsonl; a process of its own (infer/guard.py) hears them with an ASR of
another family, while training goes on. What it has written by the next step is given to the test
(verl_plugins/evidence.py). curves.jsonl has what both ASRs say and the evidence of each claim, alarm.json the alarm,
curves.png its picture.
"""

import hashlib
import json
import logging
import random
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any

from merge.choose import ALARM, ASKED, CALM, HEARD, LEFT_OUT, guard_folder, saved_steps
from speech.files import append_jsonl, growing_lines, whole_file, write_text
from speech.verl_log import go_on
from verl_plugins.evidence import Guard, Heard
from verl_plugins.reward_metrics import Batch

log = logging.getLogger(__name__)
CURVES = "curves.jsonl"
_SAYS = {
    "gap": "the reward's ASR reports an error of {reward:.3f} where the first steps had {first_reward:.3f}, an ASR of "
    "another family hears {other:.3f} where it heard {first_other:.3f}",
    "up": "{measure} has risen to {now:.3g} from {first:.3g}",
    "down": "{measure} has fallen to {now:.3g} from {first:.3g}",
}


class GuardObserver:
    """Asks, reads what was heard, and says or stops.

    Args:
        checkpoints: trainer.default_local_dir.
        guard: recipes/common/guard_base.yaml.
    """

    def __init__(self, checkpoints: str | Path, guard: Mapping[str, Any]):
        self.cfg, self.checkpoints, self.folder = dict(guard), Path(checkpoints), guard_folder(checkpoints)
        if self.cfg["action"] not in ("warn", "stop", None):
            raise ValueError(f"guard.action is warn, stop or null, got {self.cfg['action']!r}")
        names = ("alpha", "baseline", "kept", "margin", "cap", "drift")
        self.test = Guard(**{name: self.cfg[name] for name in names})
        self._read_to, self._recent, self._told = 0, list[tuple[int, Heard]](), set[str]()
        # The last step of whose weights rollouts were heard and left no evidence, of each claim; and that of before
        # the step that is being heard.
        self._calm, self._calm_before = dict[str, int](), dict[str, int]()
        self._heard_at, self._life = 0, ""  # step of the newest row heard, and the process that asked for it
        self._waiting = dict[str, int]()  # the step of each row that this process asked for
        self._begun, self._numbers = time.time_ns(), count()  # of rows asked for: a resumed run asks again
        if self.cfg["action"]:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take()  # of a run that is resumed; its curves are there

    def observe(self, batch: Batch, found: Mapping[str, float]) -> dict[str, float]:
        """Asks for rows of this step, unless the hearing is too late; guard/... of what was heard since the last one.

        Raises:
            RuntimeError: an alarm, and the action is stop.
        """
        if not self.cfg["action"]:
            return {}
        metrics = self._read()
        if metrics and self._calm:
            write_text(self.folder / CALM, json.dumps({"step": min(self._calm.values())}) + "\n")
        self._judge(batch.step)
        late, most = self._late(batch.step), self.cfg["behind"]
        if late <= most:  # which steps are passed over does not depend on what was heard: the test stays valid
            wanted = max(self.cfg["rows"], self.cfg["baseline"] - len(self.test.first) - len(self._waiting))
            spoken = [(group, info) for group, info in zip(*batch.of_the_policy(), strict=True) if _has_sound(info)]
            groups, infos = [group for group, _ in spoken], [info for _, info in spoken]
            self._ask(batch.step, "rollout", _one_per(groups, infos, random.Random(batch.step))[:wanted])
        elif not (late - 1) % max(1, most):
            log.warning(
                "the guard is %d steps late, its last rollout is of step %d: it asks for no more until it is less "
                "late. logs/guard.log tells whether it works; for an ear that is too slow: guard.rows, guard.nice",
                *(late, self._heard_at),
            )
        return metrics | {"guard/behind": float(self._late(batch.step))}

    def _late(self, step: int) -> int:
        """Steps since the first one that was asked for and is not heard, with it."""
        return step + 1 - min(self._waiting.values(), default=step + 1)

    def held_out(self, batch: Batch) -> None:
        """Asks for the rows of a validation, of the same texts each time, whether the model said something or not."""
        if self.cfg["action"] and self.cfg["held_out"]:
            texts = [info["text"] for info in batch.infos]
            rows = _one_per(texts, batch.infos, random.Random(0))
            rows.sort(key=lambda info: hashlib.sha256(info["text"].encode()).digest())
            self._ask(batch.step, "held_out", rows[: self.cfg["held_out"]])

    def _ask(self, step: int, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
        asked = []
        for info in rows:
            row = {"id": f"{self._begun}.{next(self._numbers)}", "step": step, "kind": kind}
            row |= {name: info[name] for name in ("text", "language", "transcript")}
            tokens = info["speech_tokens"].split() if _has_sound(info) else []
            row |= {"voice": info["voice"] or None, "tokens": [int(one) for one in tokens]}
            asked.append(row)
        append_jsonl(self.folder / ASKED, asked)
        if kind == "rollout":
            self._waiting |= {row["id"]: step for row in asked}

    def _take(self) -> list[Heard]:
        """What was heard since, into the test."""
        rows, self._read_to = growing_lines(self.folder / HEARD, self._read_to)
        for row in rows:
            own = self._waiting.pop(row["id"], None) is not None
            if own and row["kind"] == LEFT_OUT and row["why"] not in self._told:
                self._told.add(row["why"])
                log.warning("the guard hears nothing of %s", row["why"])
        rollouts, new = [row for row in rows if row["kind"] == "rollout"], []
        for row in rollouts:
            step, heard = row["step"], Heard(row["reward"], row["other"], row["sound"])
            new.append((step, heard))
            life = row["id"].partition(".")[0]
            if life == self._life:  # a row that was late, as memory was short, takes no life back to its step
                step = max(step, self._heard_at)
            self._life = life
            if step != self._heard_at:
                self._heard_at, self._calm_before = step, dict(self._calm)
            self.test.see(heard)
            for name, found in self.test.evidence.items():
                calm = found <= 0 and name not in self.test.alarms
                # Rollouts of a step are of the weights of the step before: those are good, or those before them at
                # most (a run that is resumed goes back). Only the step's last row says which.
                self._calm[name] = step - 1 if calm else max(0, min(self._calm_before.get(name, 0), step - 2))
        self._recent = (self._recent + new)[-self.cfg["baseline"] :]
        return [heard for _, heard in new]

    def _read(self) -> dict[str, float]:
        """What was heard since, into the test and the curves; metrics of it."""
        new = self._take()
        if not new:
            return {}
        metrics = {"guard/reward_error": fmean(h.reward for h in new), "guard/other_error": fmean(h.other for h in new)}
        metrics |= {f"guard/evidence/{name.replace(' ', '_')}": found for name, found in self.test.evidence.items()}
        line = {"step": self._heard_at, "needed": self.test.needed, **metrics}
        append_jsonl(self.folder / CURVES, [line])
        return metrics

    def _judge(self, step: int) -> None:
        """Tells the alarms that are new to this process. alarm.json is of the one that began first of all: what was
        saved after it is not good, whatever came later."""
        claims = [claim for claim in self.test.alarms if claim not in self._told]
        if not claims:
            return
        self._told.update(claims)
        new, file = [self._alarm(claim, step) for claim in claims], self.folder / ALARM
        known = [json.loads(file.read_text(encoding="utf-8"))] if file.exists() else []
        first = min([*known, *new], key=lambda alarm: alarm["since"])
        good = max((n for n in saved_steps(self.checkpoints) if n <= first["since"]), default=None)
        alarm = first | {"action": self.cfg["action"], "last_good": good}
        write_text(file, json.dumps(alarm, indent=1, ensure_ascii=False) + "\n")
        draw(self.folder)
        back = "no checkpoint is that old: begin again" if good is None else f"the last good checkpoint is step {good}"
        told = "; ".join(f"{one['why']}; it began after step {one['since']}" for one in new)
        told = f"{told}, {back}; curves: {self.folder}/curves.png"
        if self.cfg["action"] == "stop":
            raise RuntimeError(f"{told}. To go on nevertheless: guard.action=warn")
        log.warning("%s", told)

    def _alarm(self, claim: str, step: int) -> dict[str, Any]:
        """`since`: the last step whose weights spoke without evidence; step 0 is what training began with. Rollouts of
        `step` itself are not heard yet; later ones there are only where a run was resumed from before them."""
        why = f"guard: {self.why(claim)} (false in a whole run with probability {self.cfg['alpha']:g} at most)"
        return {"claim": claim, "step": step, "since": min(self._calm.get(claim, 0), step - 1), "why": why}

    def why(self, claim: str) -> str:
        """The alarm in a sentence: of the last rollouts, as many as a few steps have, and of the first ones."""
        now, first = [heard for _, heard in self._recent][-4 * self.cfg["rows"] :], self.test.first
        if claim == "gap":
            means = {"reward": now, "other": now, "first_reward": first, "first_other": first}
            return _SAYS["gap"].format(
                **{name: fmean(getattr(h, name.removeprefix("first_")) for h in rows) for name, rows in means.items()}
            )
        measure, way = claim.rsplit(" ", 1)
        return _SAYS[way].format(
            measure=measure, now=fmean(h.sound[measure] for h in now), first=fmean(h.sound[measure] for h in first)
        )


def _has_sound(info: Mapping[str, Any]) -> bool:
    return bool(info["speech_tokens"]) and not info["bad_speech"]


def _one_per(names: Sequence[str], infos: Sequence[Mapping[str, Any]], drawn: random.Random) -> list[Mapping[str, Any]]:
    """One random info of each name, in random order."""
    order = list(range(len(infos)))
    drawn.shuffle(order)
    return [infos[i] for i in {names[i]: i for i in order}.values()]


def draw(folder: Path) -> None:
    """curves.png: above the error by both ASRs, below the evidence of each claim, by step; of a resumed run those of
    its last life."""
    from matplotlib.figure import Figure

    found: dict[int, dict[str, Any]] = {}
    for line in growing_lines(folder / CURVES, 0)[0]:
        go_on(found, line["step"])
        found[line["step"]] = line
    if not found:  # all was heard before this process, which has logged nothing yet
        return
    lines = list(found.values())
    figure = Figure(figsize=(8, 6), layout="constrained")
    errors, evidence = figure.subplots(2, 1, sharex=True)
    for name in sorted({name for line in lines for name in line} - {"step", "needed"}):
        part = evidence if name.startswith("guard/evidence/") else errors
        points = [(line["step"], line[name]) for line in lines if name in line]
        part.plot(*zip(*points, strict=True), label=name.rpartition("/")[2])
    evidence.axhline(lines[-1]["needed"], color="black", linestyle="--", label="alarm")
    evidence.set(xlabel="step", ylabel="log of the wealth against")
    errors.set(ylabel="error rate")
    for part in (errors, evidence):
        part.legend(fontsize="small")
    with whole_file(folder / "curves.png") as temporary:
        figure.savefig(temporary, dpi=120, format="png")
