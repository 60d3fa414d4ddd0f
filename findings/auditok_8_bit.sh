#!/usr/bin/env bash
# auditok 0.5.2, a detector of speech by its energy: in 8-bit WAV files, as old telephone and embedded recordings are, it hears silence as loud. Their
# samples are unsigned, 128 is silence (soundfile, sox and Python's wave say so); it reads them as signed, where that is -128, the loudest
# value there is. 4 s at 8 kHz, a tone from 1 to 2 s with silence around it; split() gives:
#                                 16 bits        8 bits
#     as it is (threshold 50)     1.0 to 2.3     nothing: eight bits have at most 42.1 dB, so nothing in any such file is ever found
#     energy_threshold=40         1.0 to 2.3     0 to 1.3 and 2.0 to 4.0: the silence, and not the tone
# Nothing is raised (of 24 bits it says that it does not read them). Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q auditok==0.5.2 soundfile==0.14.0 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import wave

import auditok
import numpy as np
import soundfile

RATE = 8_000
time = np.arange(4 * RATE) / RATE
tone = 0.6 * np.sin(2 * np.pi * 300 * time) * ((time >= 1) & (time < 2))
soundfile.write("16.wav", tone, RATE, subtype="PCM_16")
soundfile.write("8.wav", tone, RATE, subtype="PCM_U8")
with wave.open("8.wav") as file:
    assert file.getsampwidth() == 1 and set(file.readframes(RATE)) == {128}
assert np.abs(soundfile.read("8.wav")[0] - tone).max() < 0.01


def regions(bits, **options):
    return [(round(region.start, 2), round(region.end, 2)) for region in auditok.split(f"{bits}.wav", **options)]


found = {
    (bits, threshold): regions(bits, **({"energy_threshold": threshold} if threshold else {}))
    for bits in (16, 8)
    for threshold in (None, 40)
}
for (bits, threshold), times in found.items():
    print(f"{bits} bits, threshold {threshold or 'of the library'}: {times}")
expected = {
    (16, None): [(1.0, 2.3)],
    (16, 40): [(1.0, 2.3)],
    (8, None): [],
    (8, 40): [(0.0, 1.3), (2.0, 4.0)],
}
sys.exit(found != expected)
PYTHON
