"""Where the seconds of a GRPO step go, from a run's own logs: a table (Markdown) and a picture, for any recipe.

    .venv/bin/python -m benchmarks.step WORK_DIR [--recipe NAME] [--out FOLDER] [--skip STEPS] [hydra overrides ...]

Reads WORK_DIR/logs/train.log (verl's line of each step) and serve.log (what the reward server says of itself when it
ends). Rollouts and rewards overlap, so their part of the step is divided thus: `rollout alone`, no reward request is
under way; while at least one is, the server's own seconds of token2wav, ASR, token ear and scorers for a step's rows,
divided by its instances (the mean of all rows since it started, in a resumed run for the last time: the first steps,
all by wave, included); what is left of that time is `waiting`: requests on their way, or rewards that wait for
rollouts. The rest of a step is verl's: log-probabilities and advantages, update, weights to the rollout engine,
validation and checkpoints, and what it names nowhere.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from speech.files import write_text
from speech.verl_log import go_on, metrics_of
from stages.config import compose_stage

_INSTANCE = re.compile(r"^instance \d+: (\d+) rows;.*; seconds: (.+)$", re.MULTILINE)
_BESIDE = "validation, checkpoints"
_VERL = {
    "log-probabilities, advantages": ("old_log_prob", "ref", "adv", "values"),
    "update": ("update_actor", "update_critic"),
    "weights": ("update_weights",),
    _BESIDE: ("testing", "save_checkpoint"),
}


def steps_of(log: str) -> list[dict[str, float]]:
    """verl's metrics of each training step, without those from which a resumed run went back."""
    found = {}
    for step, metrics in filter(None, map(metrics_of, log.splitlines())):
        go_on(found, step)
        if "timing_s/step" in metrics:
            found[step] = metrics
    return list(found.values())


def server_seconds(log: str) -> tuple[dict[str, float], int]:
    """{part: seconds a row of one instance}, and how many instances there are; the last run's of the log.

    Raises:
        ValueError: the log says nothing of that, since the server has not ended yet, or was killed.
    """
    found = _INSTANCE.findall(log)
    if not found:
        raise ValueError(
            "serve.log has no line `instance N: ... rows; ... seconds: ...`: the server says it when it ends"
        )
    rows, parts = sum(int(count) for count, _ in found), {}
    for _, told in found:
        for one in told.split(", "):
            name, seconds = one.rsplit(" ", 1)
            parts[name] = parts.get(name, 0.0) + float(seconds)
    return {name: seconds / rows for name, seconds in parts.items()}, len(found)


def split(
    steps: Sequence[Mapping[str, float]],
    parts: Mapping[str, float],
    instances: int,
    rows: int,
    before_first: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """{part: seconds}, means over steps, which add up to the mean step and its share of validations.

    Args:
        steps: metrics of each.
        parts, instances: see server_seconds.
        rows: completions of a step.
        before_first: metrics of the step before them, if there is one.
    """
    under_way = []
    for before, now in zip([before_first, *steps], steps, strict=False):
        gen = now["timing_s/gen"]
        since = gen + (_seconds(before) - before["timing_s/gen"] if before else 0.0)  # the last batch
        under_way.append(min(gen, now.get("reward/server/share_of_step", 0.0) * since))
    busy = {name: seconds * rows / instances for name, seconds in parts.items()}
    gen, reward = fmean(step["timing_s/gen"] for step in steps), fmean(under_way)
    scale = min(1.0, reward / sum(busy.values())) if busy else 1.0  # steps filtered or unlike the mean
    asr = {name: seconds * scale for name, seconds in busy.items()}
    found = {"rollout alone": gen - reward, "token2wav": asr.pop("token2wav", 0.0), "ASR": asr.pop("asr", 0.0)}
    if "token_ear" in asr:
        found["token ear"] = asr.pop("token_ear")
    found |= {"scorers": sum(asr.values())}
    found |= {"waiting": gen - sum(found.values())}
    for name, timings in _VERL.items():
        found[name] = fmean(sum(step.get(f"timing_s/{one}", 0.0) for one in timings) for step in steps)
    beside = found.pop(_BESIDE)  # the last line
    found["not named"] = fmean(_seconds(step) for step in steps) - sum(found.values()) - beside
    return found | {_BESIDE: beside}


def _seconds(step: Mapping[str, float]) -> float:
    """Of a step with its validation, which verl's own time of a step is without; it holds the checkpoint's."""
    return step["timing_s/step"] + step.get("timing_s/testing", 0.0)


def markdown(found: Mapping[str, float]) -> str:
    """The split as a table, with shares."""
    total = sum(found.values())
    lines = [f"| {name} | {seconds:.2f} | {100 * seconds / total:.1f} % |" for name, seconds in found.items()]
    return (
        "\n".join(["| part of a step | seconds | share |", "|---|---|---|", *lines, f"| all | {total:.2f} | 100 % |"])
        + "\n"
    )


def draw(found: Mapping[str, float], file: Path, title: str) -> None:
    """The same as one bar."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    axes, left = figure.subplots(), 0.0
    for number, (name, seconds) in enumerate(found.items()):
        axes.barh(0, seconds, left=left, label=f"{name} {seconds:.2f} s", color=colormaps["tab20"](number % 20))
        left += seconds
    axes.set(title=title, xlabel="seconds", yticks=[])
    figure.legend(ncols=3, fontsize="small", loc="outside lower center")
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work_dir", type=Path)
    parser.add_argument("--recipe")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    recipe = args.recipe or args.work_dir.name
    cfg = compose_stage(recipe, "grpo", tuple(args.overrides))
    rows = cfg.data.train_batch_size * cfg.actor_rollout_ref.rollout.n
    logs = {name: (args.work_dir / f"logs/{name}.log").read_text(errors="replace") for name in ("train", "serve")}
    every = steps_of(logs["train"])
    steps, before = every[args.skip :], every[args.skip - 1] if args.skip else None
    found = split(steps, *server_seconds(logs["serve"]), rows, before)
    table = f"{recipe}: {len(steps)} steps of {rows} completions\n\n{markdown(found)}"
    out = args.out or args.work_dir
    write_text(out / "step.md", table)
    draw(found, out / "step.png", f"{recipe}: a step of {rows} completions")
    print(table)


if __name__ == "__main__":
    main()
