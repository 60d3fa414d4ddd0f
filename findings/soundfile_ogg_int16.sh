#!/usr/bin/env bash
# soundfile 0.14.0 (its libsndfile, 1.2.2) reads a loud OGG file as int16 or int32 with the wrong sign: Vorbis and Opus give back a little more
# than full scale where the recording touched it, and what is beyond full scale goes round, from +1.04 to -0.96. MP3 is held at full scale. One
# second of a wave of 200 and 1500 Hz that is clipped at full scale, 24 kHz; samples that are off by more than a tenth of full scale from
# those of dtype="float32" held to [-1, 1], of 24000:
#                   highest sample, float32     as int16     as int32
#     OGG, Vorbis   1.05                        6724         3267
#     OGG, Opus     1.14                        4572         1512
#     MP3           1.05                           0            0
#     FLAC          1.00                           0            0
# Each of them is a click of full level, which a recogniser or a quality scorer hears in a corpus that was compressed from loud recordings.
# (libsndfile's issue 194, of 2017, is open, and python-soundfile asks libsndfile to clip, which its two OGG codecs do not. The script
# allows for half as many wrong samples.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q soundfile==0.14.0 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import soundfile

RATE = 24_000
seconds = np.arange(RATE) / RATE
loud = 1.6 * np.sin(2 * np.pi * 200 * seconds) + 0.3 * np.sin(2 * np.pi * 1500 * seconds)
wave = np.clip(loud, -1, 1).astype(np.float32)

wrong = {}
for container, codec in (("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16")):
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format=container, subtype=codec)

    def read(dtype):
        file.seek(0)
        return soundfile.read(file, dtype=dtype)[0]

    decoded = read("float32")
    held = np.clip(decoded, -1, 1)
    counts = [
        int((np.abs(read("int16") / 2**15 - held) > 0.1).sum()),
        int((np.abs(read("int32") / 2**31 - held) > 0.1).sum()),
    ]
    wrong[codec] = counts
    print(f"{container:5} {codec:15} highest {np.abs(decoded).max():.2f}   int16 {counts[0]:5}   int32 {counts[1]:5}")
same = wrong["VORBIS"][0] > 3300 and wrong["VORBIS"][1] > 1600 and wrong["OPUS"][0] > 2200 and wrong["OPUS"][1] > 750
sys.exit(not (same and wrong["MPEG_LAYER_III"] == wrong["PCM_16"] == [0, 0]))
PYTHON
