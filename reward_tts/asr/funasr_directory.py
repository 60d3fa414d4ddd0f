"""A model of FunASR from a directory, without a hub: what the parts that FunASR's classes do have in common."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from funasr import AutoModel

NO_HUB = {"disable_update": True, "disable_pbar": True, "log_level": "ERROR"}


def load(model_dir: str, files: tuple[str, ...], advice: str, device: str = "cpu") -> tuple[torch.nn.Module, dict]:
    """FunASR's model of this directory in eval mode, and FunASR's options of it (tokenizer, frontend, ...).

    Args:
        model_dir: FunASR model directory.
        files: what must be in it, as patterns of names.
        advice: how to get it, ends the message if it is not whole.
        device: torch device.

    Raises:
        FileNotFoundError: a file is missing.
    """
    missing = [name for name in files if not any(Path(model_dir).glob(name))]
    if missing:
        raise FileNotFoundError(f"{model_dir} lacks {missing}: {advice}")
    threads = torch.get_num_threads()  # FunASR would set the process's to 4
    auto = AutoModel(model=str(model_dir), device=device, ncpu=threads, **NO_HUB)
    # FunASR adds noise to a wave unless the model's config.yaml forbids it (WavFrontend's dither = 1.0; those released
    # are silent about it), and a wave would not be heard twice as the same.
    if auto.kwargs["frontend"] is not None:  # emotion2vec takes the wave as it is
        auto.kwargs["frontend"].dither = 0.0
    return auto.model.eval(), auto.kwargs


def features(frontend: Any, wave: np.ndarray) -> torch.Tensor:
    """Wave float32 [samples] at the frontend's rate -> its features float32 [frames, size]."""
    speech, _ = frontend(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
    return speech[0]
