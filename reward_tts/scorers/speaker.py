"""Speaker similarity: the cosine between a wave's voice and the voice that the row asked for."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from reward_tts.measures import Row

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Resemblyzer's imports are old: scipy.ndimage.morphology, pkg_resources
    from resemblyzer import VoiceEncoder
    from resemblyzer.audio import normalize_volume, wav_to_mel_spectrogram
    from resemblyzer.hparams import audio_norm_target_dBFS
    from resemblyzer.hparams import sampling_rate as RESEMBLYZER_RATE

_PARTIALS_PER_SECOND, _MIN_COVERAGE = 1.3, 0.75  # Resemblyzer's own


class Resemblyzer:
    """GE2E embeddings (Wan et al., 2018) of the package's own weights; all windows of a batch in one pass.

    Args:
        voices: {name: wave file} of the reference voices; a row without a voice takes `default`.
        default: name of the recipe's own voice.
        device: torch device.

    Raises:
        FileNotFoundError: a reference is missing.
        ValueError: `default` is none of the voices.
    """

    provides = ("speaker_similarity",)
    sample_rate = RESEMBLYZER_RATE

    def __init__(self, voices: dict[str, str], default: str, device: str = "cpu"):
        if default not in voices:
            raise ValueError(f"the default voice {default!r} is none of {sorted(voices)}")
        missing = [path for path in voices.values() if not Path(path).exists()]
        if missing:
            raise FileNotFoundError(f"speaker similarity needs the reference waves {missing}: name them in `voices`")
        self.default = default
        self.encoder = VoiceEncoder(device, verbose=False).eval()
        self.references = {name: self.embed([_read(path)])[0] for name, path in voices.items()}

    def measure(self, waves: list[np.ndarray], rows: list[Row]) -> list[dict[str, Any]]:
        """speaker_similarity in [-1, 1].

        Raises:
            ValueError: a row's voice is unknown.
        """
        unknown = sorted({row.voice for row in rows if row.voice} - set(self.references))
        if unknown:
            raise ValueError(f"no reference for the voice {unknown}; there are {sorted(self.references)}")
        references = np.stack([self.references[row.voice or self.default] for row in rows])
        cosines = np.clip((self.embed(waves) * references).sum(axis=1), -1.0, 1.0)
        return [{"speaker_similarity": float(cosine)} for cosine in cosines]

    @torch.inference_mode()
    def embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Waves float32 [samples] at `sample_rate` -> unit vectors [waves, 256]: as `VoiceEncoder.embed_utterance`."""
        windows = [self._windows(wave) for wave in waves]
        partial = self.encoder(torch.from_numpy(np.concatenate(windows)).to(self.encoder.device)).cpu().numpy()
        means = [part.mean(axis=0) for part in np.split(partial, np.cumsum([len(w) for w in windows])[:-1])]
        return np.stack([mean / np.linalg.norm(mean) for mean in means])

    def _windows(self, wave: np.ndarray) -> np.ndarray:
        wave = normalize_volume(wave, audio_norm_target_dBFS, increase_only=True) if wave.any() else wave
        waves, mels = VoiceEncoder.compute_partial_slices(len(wave), _PARTIALS_PER_SECOND, _MIN_COVERAGE)
        mel = wav_to_mel_spectrogram(np.pad(wave, (0, max(0, waves[-1].stop - len(wave)))))
        return np.stack([mel[part] for part in mels])


def _read(path: str) -> np.ndarray:
    wave, rate = soundfile.read(path, dtype="float32")
    if rate != RESEMBLYZER_RATE or wave.ndim != 1:
        raise ValueError(f"{path} is a reference voice of {rate} Hz, shape {wave.shape}: needed are 16 kHz, mono")
    return wave
