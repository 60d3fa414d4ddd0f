"""A model of FunASR from a directory, without a hub: what the parts that FunASR's classes do have in common."""

from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

from speech.funasr_import import funasr_module, import_registered
from speech.loading import whole

AutoModel = funasr_module("funasr.auto.auto_model").AutoModel
NO_HUB = {"disable_update": True, "disable_pbar": True, "log_level": "ERROR"}
# What is said here counts, whatever the folder's config.yaml says of it: no code of the folder is run, none of its
# requirements installed, and no other model is fetched beside it.
NO_CODE = {"trust_remote_code": False, "vad_model": None, "punc_model": None, "spk_model": None}


def load(
    model_dir: str, files: tuple[str, ...], classes: tuple[str, ...], advice: str, device: str = "cpu"
) -> tuple[torch.nn.Module, dict]:
    """FunASR's model of this directory in eval mode, and FunASR's options of it (tokenizer, frontend, ...).

    Args:
        model_dir: FunASR model directory.
        files: what must be in it, as patterns of names.
        classes: FunASR's names of models that it may be: some others run code that they are pointed to.
        advice: how to get it, ends the message if it is not whole.
        device: torch device.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is a model of another class.
    """
    config = OmegaConf.to_container(OmegaConf.load(whole(model_dir, files, advice) / "config.yaml"))
    if (named := config.get("model")) not in classes:
        raise ValueError(f"{model_dir}/config.yaml: model is {named!r}, not one of {list(classes)}")
    import_registered(config)
    threads = torch.get_num_threads()  # FunASR would set the process's to 4
    auto = AutoModel(model=str(model_dir), device=device, ncpu=threads, **NO_HUB, **NO_CODE)
    # FunASR adds noise to a wave unless the model's config.yaml forbids it (WavFrontend's dither = 1.0; those released
    # are silent about it), and a wave would not be heard twice as the same.
    if auto.kwargs["frontend"] is not None:  # emotion2vec takes the wave as it is
        auto.kwargs["frontend"].dither = 0.0
    return auto.model.eval(), auto.kwargs


def features(frontend: Any, wave: np.ndarray) -> torch.Tensor:
    """Wave float32 [samples] at the frontend's rate -> its features float32 [frames, size]."""
    speech, _ = frontend(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
    return speech[0]
