#!/usr/bin/env bash
# pedalboard 0.9.26 reads an MP3 file with the silence that its encoder put before and behind the recording, 1105 samples before it at every rate,
# although the file says how much that is; soundfile 0.14.0 and miniaudio 1.71 take it away. (Its documentation says that the length of
# some MP3 files is an estimate; here it says the length that it reads.) One second with a click in its middle, written by soundfile:
#                 soundfile, miniaudio             pedalboard
#     16 kHz      16000 samples, click at 8000     17280, click at 9105: 69 ms late
#     24 kHz      24000, 12000                     25344, 13105: 46 ms late
#     48 kHz      48000, 24000                     49536, 25105: 23 ms late
# and a file that pedalboard itself wrote comes back in the same way. So alignments, cuts and voice activity that were made with one of them
# are off by most of a phone in the other, and each clip of an MP3 corpus gains 80 ms of silence at 16 kHz. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pedalboard==0.9.26 soundfile==0.14.0 miniaudio==1.71 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import miniaudio
import numpy as np
import soundfile
from pedalboard.io import AudioFile


def heard(wave):
    return len(wave), int(np.argmax(np.abs(wave)))


def by_soundfile(mp3):
    return heard(soundfile.read(io.BytesIO(mp3))[0])


def by_miniaudio(mp3, rate):
    decoded = miniaudio.decode(mp3, miniaudio.SampleFormat.FLOAT32, nchannels=1, sample_rate=rate)
    return heard(np.asarray(decoded.samples))


def by_pedalboard(mp3):
    with AudioFile(io.BytesIO(mp3)) as file:
        frames = file.frames
        found = heard(file.read(frames)[0])
    assert found[0] == frames
    return found


expected = {16_000: (17_280, 9_105), 24_000: (25_344, 13_105), 48_000: (49_536, 25_105)}
same = True
for rate, late in expected.items():
    wave = (0.05 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)).astype(np.float32)
    wave[rate // 2] = 0.9
    first, second = io.BytesIO(), io.BytesIO()
    soundfile.write(first, wave, rate, format="MP3")
    with AudioFile(second, "w", rate, 1, format="mp3") as file:
        file.write(wave[None])
    for writer, mp3 in (("soundfile", first.getvalue()), ("pedalboard", second.getvalue())):
        found = by_soundfile(mp3), by_miniaudio(mp3, rate), by_pedalboard(mp3)
        print(f"{rate} Hz, written by {writer:10}  soundfile {found[0]}  miniaudio {found[1]}  pedalboard {found[2]}")
        same &= found == ((rate, rate // 2), (rate, rate // 2), late)
sys.exit(not same)
PYTHON
