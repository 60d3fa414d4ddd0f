"""The page: tabs of Gradio over demo/studio.py, demo/runs.py and demo/votes.py."""

import gradio as gr
from omegaconf import DictConfig

from demo.studio import Studio
from demo.tab_blind import BlindTab
from demo.tab_compare import CompareTab
from demo.tab_speak import SpeakTab
from demo.tab_training import TrainingTab
from speech.faults import UserError

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_TABS = {
    "speak": ("Speak", SpeakTab),
    "compare": ("Compare", CompareTab),
    "blind": ("Blind test", BlindTab),
    "training": ("Training", lambda cfg, studio: TrainingTab(cfg)),
}


def build(cfg: DictConfig, studio: Studio) -> gr.Blocks:
    """The tabs of demo.tabs, in that order; of others there is no endpoint either.

    Args:
        cfg: the composed configuration of stage demo.

    Raises:
        UserError: demo.tabs names none, or one that there is not.
    """
    names = list(dict.fromkeys(cfg.demo.tabs))
    if not names or not set(names) <= _TABS.keys():
        raise UserError(f"demo.tabs={list(cfg.demo.tabs)}: there are {', '.join(_TABS)}")
    kept = (cfg.demo.keep_uploads_s, cfg.demo.keep_uploads_s)
    title = f"verl-tts: {cfg.recipe.name}"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=kept, fill_width=True) as page:
        gr.Markdown(f"## {title}")
        for name in names:
            head, kind = _TABS[name]
            made = kind(cfg, studio)
            with gr.Tab(head) as tab:
                made.build()
            for update in getattr(made, "refresh", ()):
                tab.select(*update, **_QUIET)
                if name == names[0]:  # which is open already
                    page.load(*update, **_QUIET)
            if load := getattr(made, "load", None):
                page.load(**load)
    return page
