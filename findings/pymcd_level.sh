#!/usr/bin/env bash
# pymcd 0.2.1, mel-cepstral distortion (MCD) of a synthesised against a recorded wave: it counts the loudness, which the alignment of its "dtw" leaves
# out, and hands pysptk's mcep WORLD's power spectrum as an amplitude (itype=3; a power spectrum is 4), so that all cepstra are of its square and the
# 1e-8 that mcep adds against a zero weighs in. A voice of 100 to 140 Hz in noise at 22.05 kHz, peak 0.5, against itself; in dB:
#                                  pymcd, plain    pymcd, dtw    from the same spectra, itype=4, without c0
#     as it is                      0.00            0.00          0.00
#     at half the level             6.12            6.06          0.00
#     at a tenth of the level      13.50           13.50          0.06
#     with a tilt (1 - 0.5 z^-1)    5.54            5.54          2.95
# So the same wave 6 dB quieter is further away than one with another timbre, and the values are on another scale than those of a tool that takes the
# definition at its word. (pysptk and fastdtw are built from source; pyworld is pyworld-prebuilt's.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pysptk==1.0.1 pyworld-prebuilt==0.3.6.post1 fastdtw==0.3.4 librosa==0.11.0 numpy==2.3.5 "setuptools<81"
"$folder/venv/bin/pip" install -q --no-deps pymcd==0.2.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import pysptk
import pyworld
import soundfile
from pymcd.mcd import Calculate_MCD
from scipy.signal import lfilter

rate = 22050
time = np.arange(2 * rate) / rate
phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * time)) / rate
voice = sum(np.cos(k * phase) for k in range(1, 70)) + np.random.default_rng(0).normal(size=len(time))
voice *= 0.5 / np.abs(voice).max()
waves = {"as it is": voice, "half": voice / 2, "a tenth": voice / 10, "tilted": lfilter([1, -0.5], [1], voice)}
for name, wave in waves.items():
    soundfile.write(f"{name}.wav", wave, rate, subtype="FLOAT")


def cepstra(wave):
    _, power, _ = pyworld.wav2world(wave, fs=rate, frame_period=5.0, fft_size=512)
    return pysptk.sptk.mcep(power, order=13, alpha=0.65, maxiter=0, etype=1, eps=1e-8, min_det=0.0, itype=4)[:, 1:]


def defined(wave):
    return 10 / np.log(10) * np.sqrt(2) * np.sqrt(((cepstra(voice) - cepstra(wave)) ** 2).sum(axis=1)).mean()


for itype, value in [(3, 2.0), (4, 4.0)]:  # an amplitude of 2 everywhere is a power of 4
    assert abs(pysptk.sptk.mcep(np.full(257, value), order=13, alpha=0.65, maxiter=0, etype=1, eps=1e-8, itype=itype)[0] - np.log(2)) < 1e-6

expected = {"as it is": (0, 0, 0), "half": (6.12, 6.06, 0), "a tenth": (13.50, 13.50, 0.06), "tilted": (5.54, 5.54, 2.95)}
wrong = []
for name, wave in waves.items():
    found = [Calculate_MCD(mode).calculate_mcd("as it is.wav", f"{name}.wav") for mode in ("plain", "dtw")] + [defined(wave)]
    print(f"{name:10}", *(f"{value:6.2f}" for value in found))
    wrong += [name] * (not np.allclose(found, expected[name], atol=0.02))
sys.exit(bool(wrong))
PYTHON
