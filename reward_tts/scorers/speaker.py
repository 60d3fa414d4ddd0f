"""Speaker similarity by Resemblyzer, whose package carries its weights: the default."""

import warnings

import numpy as np
import torch

from reward_tts.scorers.similarity import SpeakerSimilarity

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Resemblyzer's imports are old: scipy.ndimage.morphology, pkg_resources
    from resemblyzer import VoiceEncoder
    from resemblyzer.audio import normalize_volume, wav_to_mel_spectrogram
    from resemblyzer.hparams import audio_norm_target_dBFS
    from resemblyzer.hparams import sampling_rate as RESEMBLYZER_RATE

_PARTIALS_PER_SECOND, _MIN_COVERAGE = 1.3, 0.75  # Resemblyzer's own


class Resemblyzer(SpeakerSimilarity):
    """GE2E embeddings (Wan et al., 2018); all windows of a batch in one pass.

    Args:
        voices, default: see SpeakerSimilarity.
        device: torch device.
    """

    sample_rate = RESEMBLYZER_RATE

    def __init__(self, voices: dict[str, str] | str, default: str | None = None, device: str = "cpu"):
        self.encoder = VoiceEncoder(device, verbose=False).eval()
        super().__init__(voices, default)

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
