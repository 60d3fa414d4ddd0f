#!/usr/bin/env bash
# mutagen 1.48.1, info.length of WAV files that are packed in blocks, as telephone and call centre recordings are: it takes a block for a
# sample, so that a recording seems hundreds of times shorter than it is. 10 s at 8 kHz, written by libsndfile (soundfile 0.14.0):
#                     soundfile       mutagen
#     GSM 6.10        10.0 s          0.03125 s      1 of 320
#     IMA ADPCM       10.04 s         0.019875 s     1 of 505 (the last block is filled up)
#     MS ADPCM        10.0 s          0.02 s         1 of 500
#     G.721           10.005 s        0.078 s        1 of 128
#     mu-law, PCM     10.0 s          10.0 s
# Nothing is raised: ten hours in GSM count as two minutes, and a filter for clips of at least a second leaves hardly any.
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mutagen==1.48.1 soundfile==0.14.0 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import mutagen
import numpy as np
import soundfile

rate = 8000
noise = np.random.default_rng(0).uniform(-0.1, 0.1, 10 * rate)
expected = {
    "GSM610": (10.0, 0.03125),
    "IMA_ADPCM": (10.036875, 0.019875),
    "MS_ADPCM": (10.0, 0.02),
    "G721_32": (10.005, 0.0781640625),
    "ULAW": (10.0, 10.0),
    "PCM_16": (10.0, 10.0),
}
found = {}
for kind in expected:
    soundfile.write(f"{kind}.wav", noise, rate, subtype=kind)
    found[kind] = (soundfile.info(f"{kind}.wav").frames / rate, mutagen.File(f"{kind}.wav").info.length)
    print(f"{kind:10} soundfile {found[kind][0]:10.6f} s    mutagen {found[kind][1]:10.6f} s")
sys.exit(found != expected)
PYTHON
