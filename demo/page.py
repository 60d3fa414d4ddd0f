"""The page: four tabs of Gradio over demo/studio.py, demo/runs.py and demo/votes.py."""

import gradio as gr
from omegaconf import DictConfig

from demo.studio import Studio
from demo.tab_blind import BlindTab
from demo.tab_compare import CompareTab
from demo.tab_speak import SpeakTab
from demo.tab_training import TrainingTab

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def build(cfg: DictConfig, studio: Studio) -> gr.Blocks:
    """All tabs. `cfg`: the composed configuration of stage demo."""
    speak, compare = SpeakTab(cfg, studio), CompareTab(cfg, studio)
    blind, training = BlindTab(cfg, studio), TrainingTab(cfg)
    kept = (cfg.demo.keep_uploads_s, cfg.demo.keep_uploads_s)
    title = f"verl-tts: {cfg.recipe.name}"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=kept, fill_width=True) as page:
        gr.Markdown(f"## {title}")
        with gr.Tab("Speak"):
            speak.build()
        with gr.Tab("Compare") as tab:
            compare.build()
        with gr.Tab("Blind test"):
            blind.build()
        with gr.Tab("Training") as curves:
            training.build()
        tab.select(*compare.refresh, **_QUIET)
        for update in training.refresh:
            curves.select(*update, **_QUIET)
        page.load(**blind.load)
    return page
