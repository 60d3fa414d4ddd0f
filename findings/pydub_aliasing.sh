#!/usr/bin/env bash
# pydub 0.25.1 resamples without a low-pass filter: AudioSegment.set_frame_rate folds what lies above the new Nyquist frequency back
# into the band at full level, and a mix of two rates (overlay, +) resamples the same way. A sine of amplitude 0.5, to 16 kHz:
#     from 48 kHz, sine of 10 kHz      sine of  6 kHz, amplitude 0.50
#     from 24 kHz, sine of 11 kHz      sine of  5 kHz, amplitude 0.28
# Right is silence for both. TTS at 24 or 48 kHz has its fricatives there: an ASR or a speaker model at 16 kHz hears noise that the
# wave does not hold. (With Python's audioop, which is what pydub calls; seen with Python 3.11.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pydub==0.25.1 numpy==2.3.5
"$folder/venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' && "$folder/venv/bin/pip" install -q audioop-lts==0.2.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from pydub import AudioSegment

found = []
for rate, hertz in ((48_000, 10_000), (24_000, 11_000)):
    sine = (0.5 * 32767 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype("<i2")  # one second
    clip = AudioSegment(sine.tobytes(), frame_rate=rate, sample_width=2, channels=1).set_frame_rate(16_000)
    samples = np.array(clip.get_array_of_samples()) / 32768
    spectrum = 4 * np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)
    found.append((int(spectrum.argmax()) * 16_000 // len(samples), round(float(spectrum.max()), 2)))
    print(f"from {rate} Hz, sine of {hertz} Hz: sine of {found[-1][0]} Hz, amplitude {found[-1][1]}")
sys.exit(found != [(6000, 0.5), (5000, 0.28)])
PYTHON
