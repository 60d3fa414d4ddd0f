"""The page: four tabs of Gradio over demo/studio.py, demo/runs.py and demo/votes.py."""

import html
import json
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import soundfile
from omegaconf import DictConfig

from demo import runs
from demo.picture import picture
from demo.studio import Marks, Studio, StudioError, summary
from demo.voices import new_voice
from demo.votes import Ballot, order, preferences, result
from reward_tts.reward.formula import formula

KEYS = """
<script>
document.addEventListener("keydown", (event) => {
  if (["INPUT", "TEXTAREA"].includes(event.target.tagName)) return;
  const id = {a: "vote-a", b: "vote-b", s: "vote-same", " ": "vote-same"}[event.key.toLowerCase()];
  const button = id && document.getElementById(id);
  if (button) { event.preventDefault(); button.click(); }
});
</script>
"""
KINDS = ("any", "substitutions", "deletions", "insertions", "none")


def spoken(wave: np.ndarray, rate: int) -> tuple[int, np.ndarray]:
    """For gr.Audio: int16, so that the browser's player does not even out the loudness."""
    return rate, (np.clip(wave, -1, 1) * 32767).astype(np.int16)


def coloured(marked: Marks) -> str:
    """The text as HTML, wrong stretches red."""
    parts = [html.escape(t) if good else f"<mark class='wrong'>{html.escape(t)}</mark>" for t, good in marked]
    return f"<div class='asked'>{''.join(parts)}</div>"


def told(function: Callable) -> Callable:
    """What the person can put right is shown on the page; anything else is Gradio's own error, with its log."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (StudioError, ValueError) as error:
            raise gr.Error(str(error)) from error

    return call


class Page:
    """Args: the composed configuration of stage demo."""

    def __init__(self, cfg: DictConfig):
        self.cfg, self.studio = cfg, Studio(cfg)
        self.ballot = Ballot(cfg.demo.votes)
        self.pair = (cfg.compare.baseline, cfg.compare.candidate)

    # --- Speak
    def speak(self, text: str, system: str, decoding: str, voice: str, seed: float, best_of: float) -> tuple:
        one = self.studio.speak(text, system, decoding, voice or None, None, int(seed), int(best_of))
        prosody = self.cfg.prosody
        drawn = picture(one.wave, one.rate, one.blame, one.measures.token_rate, prosody.f0_floor, prosody.f0_ceil)
        rows = summary(one, formula(self.cfg.recipe.reward))
        return spoken(one.wave, one.rate), coloured(one.marks), [[k, v] for k, v in rows.items()], drawn

    def add_voice(self, recording: str | None, words: str) -> Any:
        name = new_voice(self.cfg, self.studio, recording, words)
        return gr.Dropdown(choices=self.voices(), value=name)

    def voices(self) -> list[tuple[str, str]]:
        return [("the recipe's own", ""), *((name, name) for name in sorted(self.studio.prompts.voices))]

    def speak_tab(self) -> None:
        cfg = self.cfg
        with gr.Row():
            with gr.Column(scale=2):
                text = gr.Textbox(cfg.text, label="Text", lines=2, max_length=cfg.recipe.max_text_chars)
                with gr.Row():
                    names = list(self.studio.systems)
                    system = gr.Dropdown(names, value=names[-1] if names else None, label="Model")
                    decoding = gr.Dropdown(list(self.studio.decodings), label="Decoding")
                    voice = gr.Dropdown(self.voices(), value="", label="Voice")
                with gr.Row():
                    seed = gr.Number(0, label="Seed", precision=0)
                    best_of = gr.Slider(1, cfg.demo.most_samples, 1, step=1, label="Best of N by the token ear")
                button = gr.Button("Speak", variant="primary", elem_id="speak")
                with gr.Accordion("A voice of your own", open=False):
                    recording = gr.Audio(type="filepath", sources=["upload", "microphone"], label="Recording")
                    words = gr.Textbox(label="What is said in it")
                    add = gr.Button("Add this voice")
            with gr.Column(scale=3):
                player = gr.Audio(label="Speech", autoplay=True, elem_id="player")
                asked = gr.HTML(label="Text, wrong units marked", elem_id="asked")
                table = gr.Dataframe(headers=["what", "value"], interactive=False, wrap=True, elem_id="facts")
                drawn = gr.Image(label="Spectrogram, F0, blamed tokens", interactive=False)
        inputs = [text, system, decoding, voice, seed, best_of]
        gr.on([button.click, text.submit], told(self.speak), inputs, [player, asked, table, drawn], api_name="speak")
        add.click(told(self.add_voice), [recording, words], voice, api_name="add_voice")

    # --- Compare
    def compared(self, decoding: str, kind: str) -> list[list]:
        rows = []
        for one in runs.compared(self.cfg.eval_dir, decoding, *self.pair):
            found = {k for row in one.rows.values() for k in runs.kinds(row)}
            if kind == "any" or (kind in found if kind != "none" else found == {"none"}):
                heard = [one.rows[name]["transcript"] for name in self.pair]
                rows.append([one.index, one.text, round(one.gain, 3), *heard])
        return rows

    def both(self, decoding: str, index: float) -> tuple:
        waves = []
        for name in self.pair:
            found = runs.spoken_tokens(self.cfg.eval_dir, name, decoding, self.cfg.recipe.language)
            if int(index) not in found:
                raise StudioError(f"text {int(index)} was not spoken by {name} ({decoding})")
            u = found[int(index)]
            waves.append(spoken(*self.studio.wave_of(u.tokens, u.voice, u.language, u.text)))
        return tuple(waves)

    def compare_tab(self) -> None:
        with gr.Row():
            decoding = gr.Dropdown(list(self.cfg.eval_decodings), label="Decoding")
            kind = gr.Dropdown(KINDS, value="any", label="Kind of error")
            show = gr.Button("Show")
        headers = ["text", "sentence", "gain", *(f"heard of {name}" for name in self.pair)]
        table = gr.Dataframe(headers=headers, interactive=False, wrap=True, max_height=420, elem_id="compared")
        index = gr.Number(label="Text to hear (its number above)", precision=0)
        with gr.Row():
            players = [gr.Audio(label=name) for name in self.pair]
        gr.on([show.click, kind.change], told(self.compared), [decoding, kind], table, api_name="compared")

        def chosen(event: gr.SelectData) -> float:
            return event.row_value[0]

        table.select(chosen, None, index)
        index.change(told(self.both), [decoding, index], players, api_name="both")

    # --- Blind test
    def pairs(self, who: str) -> list:
        decoding = self.cfg.demo.blind_decoding
        found = [runs.spoken_tokens(self.cfg.eval_dir, n, decoding, self.cfg.recipe.language) for n in self.pair]
        texts = [(i, found[0][i].text) for i in sorted(found[0].keys() & found[1].keys())]
        return order(texts, self.pair, who, self.cfg.recipe.seed)

    def next_pair(self, who: str) -> tuple:
        if not who.strip():
            raise StudioError("your name first: votes are saved under it")
        pairs = self.pairs(who)
        if not pairs:
            raise StudioError(f"nothing to compare in {self.cfg.eval_dir}: bash run.sh eval speaks the texts")
        left = self.ballot.remaining(pairs, who)
        done = len(pairs) - len(left)
        if not left:
            return None, "All pairs are judged. Thank you.", None, None, self.said()
        pair, waves = left[0], []
        for name in (pair.left, pair.right):
            u = runs.spoken_tokens(self.cfg.eval_dir, name, self.cfg.demo.blind_decoding, self.cfg.recipe.language)
            u = u[pair.number]
            waves.append(spoken(*self.studio.wave_of(u.tokens, u.voice, u.language, u.text)))
        return pair, f"### {pair.text}\n{done} of {len(pairs)} judged", *waves, self.said()

    def vote(self, who: str, pair: Any, choice: str) -> tuple:
        if pair is None:
            raise StudioError("begin first")
        self.ballot.cast(who, pair, choice)
        return self.next_pair(who)

    def said(self) -> str:
        """Votes of all listeners so far."""
        votes = self.ballot.votes()
        r, (baseline, candidate) = result(votes, self.pair[1]), self.pair
        if r.share is None:
            return f"{len(votes)} votes, none with a preference yet."
        more = {0: "decided", None: "no end in sight"}.get(r.needed, f"{r.needed} more votes needed at this share")
        return (
            f"{candidate} {r.candidate}, {baseline} {r.baseline}, same {r.same}: {candidate} is preferred in "
            f"{r.share:.0%} (95 % interval {r.low:.0%} to {r.high:.0%}); {more}."
        )

    def export(self) -> str:
        folder = Path(tempfile.mkdtemp(prefix="votes"))
        path = folder / "preferences.jsonl"
        rows = preferences(self.ballot.votes())
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    def blind_tab(self) -> None:
        gr.Markdown("Two readings of one text, in random order and side. Keys: **A**, **B**, **S** (same).")
        with gr.Row():
            who = gr.Textbox(label="Your name", elem_id="who")
            begin = gr.Button("Begin or go on", variant="primary", elem_id="begin")
        state, text = gr.State(None), gr.Markdown(elem_id="pair")
        with gr.Row():
            players = [gr.Audio(label="A"), gr.Audio(label="B")]
        with gr.Row():
            a, same, b = (gr.Button(t, elem_id=f"vote-{t.lower()}") for t in ("A", "Same", "B"))
        said = gr.Markdown(elem_id="said")
        out = [state, text, *players, said]
        begin.click(told(self.next_pair), who, out, api_name="next_pair")
        for button, choice in ((a, "A"), (same, "same"), (b, "B")):
            button.click(told(lambda w, p, c=choice: self.vote(w, p, c)), [who, state], out)
        export = gr.Button("Export as preference data")
        export.click(self.export, None, gr.File(label="preferences.jsonl"), api_name="export")

    # --- Training
    def curves(self) -> list[pd.DataFrame]:
        found = runs.curves(self.cfg.demo.log)
        frames = []
        for title in runs.CURVES:
            rows = [(s, v, key) for key, curve in found.get(title, {}).items() for s, v in curve]
            frames.append(pd.DataFrame(rows, columns=["step", "value", "metric"]))
        return frames

    def rollouts(self) -> list[list]:
        rows = runs.rollouts(self.cfg.demo.listen_dir)
        return [[n, r["step"], r["text"], r["transcript"], round(r["score"], 3)] for n, r in enumerate(rows)]

    def rollout(self, number: float) -> tuple[int, np.ndarray]:
        rows = runs.rollouts(self.cfg.demo.listen_dir)
        if not 0 <= int(number) < len(rows):
            raise StudioError(f"there are {len(rows)} rollouts to hear")
        wave, rate = soundfile.read(rows[int(number)]["path"], dtype="float32")
        return spoken(wave, rate)

    def training_tab(self) -> None:
        timer = gr.Timer(self.cfg.demo.refresh_s)
        plots = [
            gr.LinePlot(self.curves()[i], x="step", y="value", color="metric", title=title)
            for i, title in enumerate(runs.CURVES)
        ]
        headers = ["number", "step", "text", "heard", "reward"]
        table = gr.Dataframe(self.rollouts, headers=headers, interactive=False, wrap=True, max_height=320)
        number = gr.Number(label="Rollout to hear", precision=0)
        player = gr.Audio(label="Rollout")
        timer.tick(self.curves, None, plots)
        timer.tick(self.rollouts, None, table)

        def chosen(event: gr.SelectData) -> float:
            return event.row_value[0]

        table.select(chosen, None, number)
        number.change(told(self.rollout), number, player)

    def blocks(self) -> gr.Blocks:
        """All tabs."""
        with gr.Blocks(title=f"verl-tts: {self.cfg.recipe.name}", analytics_enabled=False) as page:
            gr.Markdown(f"# verl-tts: {self.cfg.recipe.name}")
            for title, tab in (
                ("Speak", self.speak_tab),
                ("Compare", self.compare_tab),
                ("Blind test", self.blind_tab),
                ("Training", self.training_tab),
            ):
                with gr.Tab(title):
                    tab()
        return page
