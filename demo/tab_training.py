"""Tab Training: the curves of the run while it goes on, and the rollouts that it kept to be heard."""

import html
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import soundfile
from omegaconf import DictConfig

from demo import runs
from demo.show import told
from demo.studio import StudioError


class TrainingTab:
    """Args: the composed configuration of stage demo."""

    def __init__(self, cfg: DictConfig):
        self.cfg = cfg
        self.titles = {title: list(patterns) for title, patterns in cfg.demo.curves.items()}
        self.log, self.listen = runs.Curves(cfg.demo.log, self.titles), runs.Rollouts(cfg.demo.listen_dir)

    def curves(self, seen: int | None) -> Any:
        """What this visitor has seen then, a line about the run, and an update of each plot: those without a metric are
        hidden. Nothing where nothing is new since `seen`."""
        now, found = self.log.read_new(seen)
        if found is None:
            return gr.skip()
        updates = []
        for title in self.titles:
            several = {k: runs.thinned(curve, self.cfg.demo.curve_points) for k, curve in found.get(title, {}).items()}
            rows = [(s, v, _short(key)) for key, curve in several.items() for s, v in curve]
            frame = pd.DataFrame(rows, columns=["step", "value", "metric"])
            updates.append(gr.LinePlot(value=frame, visible=bool(rows)))
        steps = [curve[-1][0] for several in found.values() for curve in several.values()]
        line = f"Step {max(steps)} is the last one in {self.cfg.demo.log}." if steps else "No step is logged yet."
        return [now, line, *updates]

    def steps(self, chosen: int | None) -> Any:
        """The dropdown of steps; the newest where none was chosen."""
        steps = list(self.listen.read())
        return gr.Dropdown(choices=steps, value=chosen if chosen in steps else (steps[0] if steps else None))

    def rollouts(self, step: int | None) -> list[list]:
        """Rows of the table of a step."""
        rows = self.listen.read().get(step, [])
        return [
            [n, f"{r['score']:.3f}", f"{r['error_rate']:.3f}", r["text"], r["transcript"]] for n, r in enumerate(rows)
        ]

    def rollout(self, step: int | None, number: float | None) -> tuple[tuple[int, np.ndarray], str]:
        """A rollout's sound, and its terms."""
        rows = self.listen.read().get(step, [])
        if number is None or not 0 <= int(number) < len(rows):
            raise StudioError(f"step {step} has {len(rows)} rollouts to hear")
        row = rows[int(number)]
        try:
            wave, rate = soundfile.read(row["path"], dtype="int16")
        except soundfile.SoundFileError as error:  # deleted, or moved
            raise StudioError(str(error)) from error
        unknown = {
            "step",
            *(self.cfg.recipe.reward.logged if row.get("token_ear_read") else ()),
        }  # no wave was measured
        numbers = {k: v for k, v in row.items() if isinstance(v, float | int) and k not in unknown}
        cells = "".join(f"<tr><th>{html.escape(_short(k))}</th><td>{v:.3f}</td></tr>" for k, v in numbers.items())
        return (rate, wave), f"<div class='facts'><table>{cells}</table></div>"

    def build(self) -> None:
        """Into the tab that is open."""
        line, plots, titles = gr.Markdown(elem_id="training-line"), [], list(self.titles)
        for start in range(0, len(titles), 2):
            with gr.Row():
                plots += [self._plot(title) for title in titles[start : start + 2]]
        with gr.Row():
            with gr.Column(scale=3):
                step = gr.Dropdown(label="Rollouts of step", elem_id="step")
                table = gr.Dataframe(
                    headers=["number", "reward", "error", "asked", "heard"],
                    interactive=False,
                    wrap=True,
                    max_height=300,
                    elem_id="rollouts",
                    show_label=False,
                    column_widths=["80px", "80px", "80px", "33%", "33%"],
                )
            with gr.Column(scale=2):
                player = gr.Audio(
                    label="Rollout", autoplay=True, interactive=False, buttons=["download"], elem_id="rollout"
                )
                terms = gr.HTML()
        number = gr.Number(precision=0, visible=False)
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        seen = gr.State(None)  # of each visitor
        self.refresh = [(self.curves, seen, [seen, line, *plots]), (self.steps, step, step)]
        timer = gr.Timer(self.cfg.demo.refresh_s)
        for function, inputs, outputs in self.refresh:
            timer.tick(function, inputs, outputs, **quiet)
        step.change(told(self.rollouts), step, table, api_name="rollouts")

        def chosen(event: gr.SelectData) -> float:
            return event.row_value[0]

        table.select(chosen, None, number, **quiet).then(
            told(self.rollout), [step, number], [player, terms], api_name="rollout"
        )

    @staticmethod
    def _plot(title: str) -> gr.LinePlot:
        return gr.LinePlot(
            x="step",
            y="value",
            color="metric",
            title=title,
            height=230,
            y_title=" ",
            x_title="step",
            color_title=" ",
            visible=False,
        )


def _short(metric: str) -> str:
    """reward/term_pinyin/mean -> pinyin; val-core/NAME/reward/mean@N -> validation."""
    if metric.startswith("val-core/"):
        return "validation"
    parts = [part for part in metric.split("/") if part not in ("reward", "mean", "critic", "actor")]
    return "/".join(parts or [metric]).removeprefix("term_")
