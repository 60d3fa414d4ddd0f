"""What the page shows of an utterance, as HTML and as a picture, and how its players take a wave."""

import html
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import gradio as gr
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from omegaconf import DictConfig
from PIL import Image

from demo.studio import Said, Speech, StudioError
from infer.aligned import asked_pieces, heard_pieces
from infer.report_page import LEGEND, MARKS, marked
from reward_tts.reward.formula import formula
from reward_tts.scorers.prosody import fundamental_frequency

CSS = (
    MARKS
    + """
.facts table { width: 100%; border-collapse: collapse; margin: .3em 0 .8em; border: 0 !important }
.facts th, .facts td { text-align: left; padding: .25em .6em; border: 0 !important }
.facts tr { border-top: 1px solid #8883 !important }
.facts th, .facts td { vertical-align: top }
.facts th { font-weight: 500; opacity: .65; white-space: nowrap } .facts td.said { font-size: 1.25em; line-height: 1.5 }
.facts .score { font-size: 1.5em; font-weight: 600 } .facts .small { opacity: .65; font-size: .9em }
@media (max-width: 640px) { .facts th { white-space: normal } .facts td.said { overflow-wrap: anywhere } }
.facts table, .facts tr, .facts th, .facts td { border-color: #8883 !important } .facts mark { color: #222 }
#pair, #pair * { font-size: 1.7rem; line-height: 1.5; text-align: center } #pair { min-height: 3rem }
"""
)
_CJK = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei")
_F0_PERIOD_S = 0.005  # of fundamental_frequency


def told(function: Callable) -> Callable:
    """What the person can put right is shown on the page; anything else is Gradio's own error, with its log."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (StudioError, FileNotFoundError) as error:
            raise gr.Error(html.escape(str(error)), print_exception=False) from error

    return call


def played(said: Said) -> tuple[int, np.ndarray]:
    """For gr.Audio: int16, so that the player does not even out the loudness."""
    return said.rate, (np.clip(said.wave, -1, 1) * 32767).astype(np.int16)


def heard(speech: Speech) -> str:
    """HTML: asked and heard by both ASRs, what is wrong marked; or why the evaluation's did not hear it."""
    rows = []
    for one in speech.hearings:
        asked, heard = marked(asked_pieces(one.text, one.steps)), marked(heard_pieces(one.transcript, one.steps))
        rows += [
            f"<tr><th rowspan='2'>{one.whose}'s ASR<br><span class='small'>{html.escape(one.asr)}<br>"
            f"{one.unit} {one.error:.3f}</span></th><th>asked</th><td class='said'>{asked}</td></tr>",
            f"<tr><th>heard</th><td class='said'>{heard}</td></tr>",
        ]
    silent = f"<p>{html.escape(speech.unheard)}</p>" if speech.unheard else ""
    return f"<div class='facts'><table>{''.join(rows)}</table>{silent}<p class='small'>{LEGEND}</p></div>"


def worth(speech: Speech, reward: dict[str, Any]) -> str:
    """HTML: the reward with its formula and terms, how long the speech is, and how long it took."""
    terms = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{value:.3f}</td><td>{reward['terms'][name]['weight']:g}</td></tr>"
        for name, value in speech.terms.items()
    )
    words = html.escape(formula(reward)).removeprefix("reward = ")
    said, spoken = speech.said, speech.said.utterance
    ended = {True: "ended by itself", False: "cut at the limit", None: "no end token asked for"}[spoken.finished]
    parts = f" in {len(spoken.parts)} parts" if spoken.parts else ""
    length = f"{len(said.wave) / said.rate:.2f} s, {len(spoken.tokens)} speech tokens{parts}, {ended}"
    took = ", ".join(f"{name} {seconds:.2f}" for name, seconds in speech.seconds.items() if seconds >= 0.005)
    spent = f"; made in {sum(speech.seconds.values()):.2f} s ({took})" if speech.seconds else ""
    return (
        f"<div class='facts'><p><span class='score'>reward {speech.score:.3f}</span> = {words}</p>"
        f"<table><tr><th>term</th><th>value</th><th>weight</th></tr>{terms}</table>"
        f"<p class='small'>{length}{html.escape(spent)}</p></div>"
    )


def picture(speech: Speech, prosody: DictConfig) -> Image.Image:
    """Spectrogram with F0 and, where the reward's ASR gives times, its characters; below, the speech tokens, the blamed
    ones red.

    Args:
        prosody: f0_floor and f0_ceil, Hz.
    """
    said, token_s = speech.said, 1 / speech.measures.token_rate
    figure = Figure(figsize=(10, 4))  # no layout engine: it draws everything twice
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[9, 1])
    figure.subplots_adjust(left=0.07, right=0.93, top=0.98, bottom=0.12, hspace=0.08)
    loudest, seconds = max(float(np.abs(said.wave).max()), 1e-6), len(said.wave) / said.rate
    upper.specgram(said.wave / loudest, NFFT=512, Fs=said.rate, noverlap=384, vmin=-120, cmap="magma")
    upper.set_facecolor("black")  # frames of nothing but zeros have no level in dB, and no colour
    upper.set_ylim(0, min(8000, said.rate / 2))
    upper.set_ylabel("Hz")
    f0 = fundamental_frequency(said.wave, said.rate, prosody.f0_floor, prosody.f0_ceil)
    pitch = upper.twinx()
    pitch.plot(np.arange(len(f0)) * _F0_PERIOD_S, np.where(f0 > 0, f0, np.nan), color="#6fd3ff", linewidth=1.8)
    pitch.set_ylim(0, prosody.f0_ceil)
    pitch.set_ylabel("F0, Hz", color="#2a93c4")
    if speech.measures.char_times and _draws(speech.measures.transcript):
        for char, at in zip(speech.measures.transcript, speech.measures.char_times, strict=True):
            upper.annotate(
                char,
                (at, 0.93),
                xycoords=("data", "axes fraction"),
                color="white",
                ha="center",
                fontsize=13,
                family=_fonts(),
            )
    blame = np.array(speech.blame or [0.0] * len(said.utterance.tokens)) > 0
    colours = ListedColormap(["#c9d6df", "#d1605e"])
    lower.pcolormesh(np.arange(len(blame) + 1) * token_s, [0, 1], blame[None], cmap=colours, vmin=0, vmax=1, ec="white")
    lower.set_yticks([])
    lower.set_ylabel("blame" if speech.blame else "tokens", rotation=0, ha="right", va="center")
    lower.set_xlim(0, seconds)
    lower.set_xlabel("seconds")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


@cache
def _fonts() -> list[str]:
    """Of this machine: those with Chinese characters first."""
    found = {font.name for font in font_manager.fontManager.ttflist}
    return [*(name for name in _CJK if name in found), "DejaVu Sans"]


def _draws(text: str) -> bool:
    """Whether a font here has the characters: boxes say nothing."""
    return text.isascii() or len(_fonts()) > 1
