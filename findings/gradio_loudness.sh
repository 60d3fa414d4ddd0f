#!/usr/bin/env bash
# gradio 6.31.0 plays a float wave that a function returns at full level, however loud it is: it divides by the largest sample on the
# way to 16 bits. Two systems side by side, one 26 dB below the other, sound equally loud, and a click makes the rest of a wave quiet;
# an int16 array is left as it is. Largest sample of a sine, after the conversion that gr.Audio calls:
#     float32, amplitude 0.5      32767
#     float32, amplitude 0.025    32767
#     int16,   amplitude 819      819
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gradio==6.31.0
cd "$folder"
GRADIO_ANALYTICS_ENABLED=False "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
import wave

import gradio as gr
import numpy as np

sine = np.sin(np.arange(24_000) / 20).astype(np.float32)
found = []
for samples in (0.5 * sine, 0.025 * sine, np.round(819 * sine).astype(np.int16)):
    played = gr.Audio(format="wav").postprocess((24_000, samples))
    with wave.open(played.path) as file:
        found.append(int(abs(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)).max()))
    print(f"{samples.dtype}, largest {abs(samples).max():.3f}: {found[-1]}")
sys.exit(not (min(found[:2]) >= 32766 and found[2] == 819))
PYTHON
