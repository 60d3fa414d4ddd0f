"""Recordings as sine waves, and the data stage of inworld_tts with small models for them."""

from pathlib import Path

from omegaconf import DictConfig

from stages.config import compose_stage


def sample(place: int, seconds: float, **other) -> dict:
    row = {"transcript": f"Text {place}.", "language": "en", "wav_path": f"wavs/{place}.wav", "duration": seconds}
    return {**row, "sample_rate": 24000, **other}


def config(models: Path, recordings: Path, *overrides: str) -> DictConfig:
    own = [f"recipe.token2wav_dir={models}/xcodec2", f"recipe.semantic_dir={models}/w2v-bert-2.0"]
    own += [f"recipe.recordings={recordings}", f"recipe.work_dir={recordings.parent}/work"]
    own += ["voices.encoder.semantic_layer=2", "vectorize.piece=2", "vectorize.val_share=0"]
    own += ["vectorize.least_held_out=1", *overrides]
    return compose_stage("inworld_tts", "data", tuple(own))
