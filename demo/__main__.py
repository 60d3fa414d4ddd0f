"""Stage `demo`: a local page to speak, compare, judge blind and watch the training.

python -m demo --config-path <recipe> --config-name demo [overrides]
"""

import logging
import os
import shutil
import time
from pathlib import Path

from speech.faults import UserError, told_plainly

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import hydra
import torch
import transformers
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from reward_tts.measures import LOOPBACK, secret_of

_FONTS = ["system-ui", "sans-serif"]  # of the machine: none is fetched


def password(own: DictConfig) -> str | None:
    """The page's secret, or None on a loopback address without one.

    Args:
        own: branch `demo`.

    Raises:
        UserError: open to others without a secret, or the variable that should hold it is empty.
    """
    secret = secret_of("demo.secret_env", own.secret_env)
    if own.host not in LOOPBACK and not secret:
        raise UserError(
            f"demo.host={own.host}: others can reach the page, so it needs a secret: demo.secret_env=NAME of an "
            "environment variable that holds it"
        )
    return secret


def config_dir() -> str:
    """The recipe's folder, as Hydra was told it."""
    sources = HydraConfig.get().runtime.config_sources
    return next(source.path for source in sources if source.provider == "main")


def keep_files(own: DictConfig) -> None:
    """Where Gradio, imported after this, keeps what is uploaded and played: a folder of this work folder for its owner
    alone. By itself it takes one of the system's temporary folder, which the first user of a machine makes and no other
    may write to. What a page that was killed left in it goes, as it would have gone there.

    Args:
        own: branch `demo`.
    """
    if "GRADIO_TEMP_DIR" in os.environ:
        return
    folder = Path(own.files_dir).resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.stat().st_mtime < time.time() - own.keep_uploads_s:
            shutil.rmtree(path, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Serves the page until it is stopped. Raises UserError, see `password`."""
    own, secret = cfg.demo, password(cfg.demo)
    keep_files(own)
    import gradio as gr

    from demo.page import build
    from demo.show import CSS
    from demo.studio import Studio
    from demo.tab_blind import KEYS

    logging.getLogger().setLevel(logging.WARNING)  # what models say while they are loaded is no news
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(own.threads)
    studio = Studio(cfg, config_dir())
    page = build(cfg, studio)
    if own.load_first:
        studio.warm()
    page.launch(
        server_name=own.host,
        server_port=own.port,
        auth=[(own.user, secret)] if secret else None,
        max_file_size=own.max_upload_bytes,
        share=False,
        quiet=True,
        inbrowser=False,
        ssr_mode=False,
        run_history=False,
        footer_links=["api"],
        theme=gr.themes.Default(primary_hue="blue", font=_FONTS, font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        head=KEYS,
        prevent_thread_lock=True,
    )
    print(f"READY http://{own.host}:{own.port}/ (Ctrl-C ends it)", flush=True)
    page.block_thread()


if __name__ == "__main__":
    main()
