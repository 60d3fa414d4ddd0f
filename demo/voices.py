"""A recording that somebody dropped into the page becomes a voice of this session."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import hydra
import numpy as np
import soundfile
from omegaconf import DictConfig, OmegaConf

from data_prep.encode_voices import speech_tokens
from data_prep.jsonl import write_rows
from demo.studio import Studio, StudioError
from speech.files import whole_file
from speech.voices import Voice


def new_voice(cfg: DictConfig, studio: Studio, recording: tuple[int, np.ndarray] | None, words: str) -> str:
    """Encodes the recording, writes it and all voices to demo.voices_dir, and lets the studio read them again.

    Args:
        recording: rate in Hz, samples [samples] or [samples, channels], int16 or float32.
        words: what is said in it.

    Returns:
        The voice's name, by its content.

    Raises:
        StudioError: this recipe has one voice only; no recording, no words, or too long.
    """
    encoder = OmegaConf.select(cfg, "voices.encoder")
    if encoder is None:
        raise StudioError(f"{cfg.recipe.name} speaks with one voice only")
    if recording is None or not words.strip():
        raise StudioError("a voice is a recording and the words that are said in it")
    rate, samples = recording
    mono = samples.astype(np.float32).reshape(len(samples), -1).mean(axis=1)
    if np.issubdtype(samples.dtype, np.integer):
        mono /= np.iinfo(samples.dtype).max
    if not len(mono) or len(mono) / rate > cfg.voices.max_seconds:
        raise StudioError(f"the recording lasts {len(mono) / rate:.1f} s, at most {cfg.voices.max_seconds} s")
    name = "recorded-" + hashlib.sha256(mono.tobytes() + words.encode()).hexdigest()[:8]
    folder = Path(cfg.demo.voices_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.wav"
    with whole_file(path) as temporary:
        soundfile.write(temporary, mono, rate, format="WAV", subtype="PCM_16")
    voice = Voice(name, words.strip(), (), str(path))
    try:
        tokens = speech_tokens(voice, hydra.utils.instantiate(encoder), cfg.voices.max_seconds)
    except ValueError as error:
        raise StudioError(str(error)) from error
    voices = studio.prompts.voices | {name: Voice(name, voice.text, tuple(tokens), voice.wav)}
    rows = (
        {
            key: str(Path(value).resolve()) if key == "wav" else value
            for key, value in asdict(one).items()
            if value not in (None, ())
        }
        for one in voices.values()
    )
    write_rows(str(folder / "voices.jsonl"), rows)
    studio.read_voices(str(folder / "voices.jsonl"))
    return name
