"""The reward that verl saw in training, step by step, as a picture.

    python -m infer.reward_curve exp/tiny_mandarin/logs/train.log [MORE ...] --out curve.png [--key critic/score/mean]

Each input is a run and one curve: verl's console log (lines `step:3 - critic/score/mean:0.51 - ...`) or a directory
with TensorBoard event files. Dots are steps, the line is their mean over `--smooth` steps.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from speech.files import whole_file
from speech.verl_log import Curve, go_on, metrics_of


def read_log(path: Path, key: str) -> Curve:
    """The key's value of each step of verl's console log, without steps from which a resumed run went back."""
    found: dict[int, float] = {}
    for step, metrics in filter(None, map(metrics_of, path.read_text(encoding="utf-8", errors="replace").splitlines())):
        go_on(found, step)
        if key in metrics:
            found[step] = metrics[key]
    return list(found.items())


def read_events(directory: Path, key: str) -> Curve:
    """The same of TensorBoard event files below a directory."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told, found = [], dict[int, float]()
    for folder in sorted({file.parent for file in directory.rglob("events.out.tfevents.*")}):
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
        if key in events.Tags()["scalars"]:
            told += events.Scalars(key)
    for event in sorted(told, key=lambda one: one.wall_time):
        go_on(found, event.step)
        found[event.step] = event.value
    return list(found.items())


def read_curve(source: str, key: str) -> Curve:
    """A run's curve.

    Raises:
        FileNotFoundError: no such log or directory. ValueError: the key is not in it.
    """
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"{source} is missing: no log or event directory of a training run")
    curve = read_events(path, key) if path.is_dir() else read_log(path, key)
    if not curve:
        raise ValueError(f"{source} has no value of {key}: was this a run of verl, and did it finish a step?")
    return curve


def smooth(values: list[float], width: int) -> np.ndarray:
    """Mean of each value with the width - 1 before it (fewer at the start), of those that are numbers."""
    return pd.Series(values, dtype=float).rolling(width, min_periods=1).mean().to_numpy()


def draw(curves: dict[str, Curve], key: str, width: int, path: str) -> None:
    """PNG of all curves, one colour a run."""
    figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for name, curve in curves.items():
        steps, values = zip(*curve, strict=True)
        dots = axis.plot(steps, values, ".", markersize=4, alpha=0.35)
        axis.plot(steps, smooth(list(values), width), color=dots[0].get_color(), label=name)
    axis.set_xlabel("GRPO step")
    axis.set_ylabel(key)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axis.legend(fontsize=8)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="verl's log file or a directory with TensorBoard event files")
    parser.add_argument("--out", required=True, help="PNG to write")
    parser.add_argument("--key", default="critic/score/mean", help="metric (default: %(default)s)")
    parser.add_argument("--smooth", type=int, default=10, help="steps that the line averages (default: %(default)s)")
    arguments = parser.parse_args()
    curves = {run: read_curve(run, arguments.key) for run in arguments.runs}
    draw(curves, arguments.key, arguments.smooth, arguments.out)
    for run, curve in curves.items():
        values = smooth([value for _, value in curve], arguments.smooth)
        first, last = values[min(arguments.smooth, len(values)) - 1], values[-1]
        print(f"{run}: {arguments.key} {first:.3f} -> {last:.3f} in {len(curve)} steps (means of {arguments.smooth})")
    print(arguments.out)


if __name__ == "__main__":
    main()
