"""Stage `demo`: a local page to speak, compare, judge blind and watch the training.

python -m demo --config-path <recipe> --config-name demo [overrides]
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import hydra
import torch
from omegaconf import DictConfig

from demo.page import KEYS, Page
from reward_tts.measures import LOOPBACK

CSS = """
.asked { font-size: 1.6em; line-height: 1.6 }
.asked mark.wrong { background: #f6c6bf; color: #8c1d10; border-radius: 3px; padding: 0 2px }
"""


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Serves the page until it is stopped. Raises SystemExit: open to others without a secret."""
    own = cfg.demo
    secret = os.environ.get(own.secret_env) if own.secret_env else None
    if own.secret_env and not secret:
        raise SystemExit(f"demo.secret_env names {own.secret_env}, which is not set")
    if own.host not in LOOPBACK and not secret:
        raise SystemExit(
            f"demo.host={own.host}: others can reach the page, so it needs a secret: demo.secret_env=NAME of an "
            "environment variable that holds it"
        )
    torch.set_num_threads(own.threads)
    page = Page(cfg)
    if own.load_first:
        page.studio.warm()
    blocks = page.blocks()
    blocks.launch(
        server_name=own.host,
        server_port=own.port,
        auth=[(own.user, secret)] if secret else None,
        max_file_size=own.max_upload_bytes,
        share=False,
        quiet=True,
        css=CSS,
        head=KEYS,
        prevent_thread_lock=True,
    )
    print(f"READY http://{own.host}:{own.port}/ (Ctrl-C ends it)", flush=True)
    blocks.block_thread()


if __name__ == "__main__":
    main()
