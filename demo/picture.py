"""The picture under the player: spectrogram, F0, and which speech tokens are blamed."""

from io import BytesIO

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from reward_tts.scorers.prosody import fundamental_frequency


def picture(
    wave: np.ndarray, rate: int, blame: list[float], token_rate: float, f0_floor: float, f0_ceil: float
) -> Image.Image:
    """Args:
    wave: float32 [samples] at `rate` Hz.
    blame: of each speech token, 0 to 1; may be empty.
    token_rate: speech tokens per second.
    f0_floor, f0_ceil: Hz, of the F0 that is drawn.
    """
    figure, axes = plt.subplots(2, 1, figsize=(9, 3.6), sharex=True, height_ratios=[8, 1], layout="constrained")
    spectrogram, axis = axes
    power = np.maximum(np.abs(wave).max(), 1e-6)
    spectrogram.specgram(wave / power, NFFT=512, Fs=rate, noverlap=384, vmin=-120, cmap="magma")
    spectrogram.set_ylim(0, min(8000, rate / 2))
    spectrogram.set_ylabel("Hz")
    f0 = fundamental_frequency(wave, rate, f0_floor, f0_ceil)
    times = np.arange(len(f0)) * 0.005  # its period
    pitch = spectrogram.twinx()
    pitch.plot(times, np.where(f0 > 0, f0, np.nan), color="#6fd3ff", linewidth=1.6)
    pitch.set_ylim(0, f0_ceil)
    pitch.set_ylabel("F0, Hz")
    for place, value in enumerate(blame):
        if value > 0:
            axis.axvspan(place / token_rate, (place + 1) / token_rate, color="#d1605e", alpha=float(value))
    axis.set_yticks([])
    axis.set_ylabel("blame", rotation=0, ha="right", va="center")
    axis.set_xlim(0, len(wave) / rate)
    axis.set_xlabel("seconds")
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110)
    plt.close(figure)
    buffer.seek(0)
    return Image.open(buffer)
