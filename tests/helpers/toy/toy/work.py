"""A stage: writes `text` to `makes`, and on demand fails, takes its time or leaves a daemon behind."""

import subprocess
import sys
import time
from pathlib import Path

from omegaconf import DictConfig

from toy.settings import composed


def work(cfg: DictConfig) -> None:
    """One line of text per run, so that a repeated stage shows."""
    print("working on", cfg.makes, flush=True)
    if cfg.daemon_sleeps:
        subprocess.Popen(["setsid", "--fork", "sleep", str(cfg.daemon_sleeps)])
    path = Path(cfg.makes)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        file.write(f"{cfg.text}\n")
    time.sleep(cfg.seconds)
    while cfg.get("wait_for") and not Path(cfg.wait_for).exists():
        time.sleep(0.1)
    if cfg.fail:
        raise SystemExit(3)


if __name__ == "__main__":
    if any(one.startswith("text=") for one in sys.argv):  # stages.run writes a text so that Hydra reads it as typed
        import hydra

        hydra.main(version_base=None, config_path=None)(work)()
    else:
        work(composed())
