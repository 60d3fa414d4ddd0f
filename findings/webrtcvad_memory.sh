#!/usr/bin/env bash
# A Vad of webrtcvad-wheels 2.0.14.post1 keeps its noise level and hangover from call to call, and nothing but a new object resets
# them: whether a frame is speech depends on the clip that the same object heard before. 100 frames of 30 ms (second 20 to 23 of
# a conversation at 16 kHz), after second 6.5 to 9 of it, mode 0 to 3:
#     speech, heard by a new Vad                  83 80 71 67
#     speech, after the other clip                94 94 91 87
#     one second of zeros by a new Vad             0  0  0  0
#     one second of zeros after the other clip     5  5  3  2
# So a worker that keeps one Vad trims each wave by the wave before it. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q webrtcvad-wheels==2.0.14.post1 soundfile==0.14.0 numpy==2.3.5
"$folder/venv/bin/pip" download -q --no-deps --dest "$folder" pyannote.audio==4.0.7 # for the recorded conversation in it
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import glob
import io
import sys
import zipfile

import numpy as np
import soundfile
import webrtcvad

wheel = zipfile.ZipFile(glob.glob("pyannote*.whl")[0])
wave, rate = soundfile.read(io.BytesIO(wheel.read("pyannote/audio/sample/sample.wav")), dtype="int16")
before, clip, zeros = wave[int(6.5 * rate) : 9 * rate], wave[20 * rate : 23 * rate], np.zeros(rate, np.int16)


def speech(vad, samples):
    size = rate * 30 // 1000
    return sum(vad.is_speech(samples[i : i + size].tobytes(), rate) for i in range(0, len(samples) - size + 1, size))


def after(mode, samples):
    vad = webrtcvad.Vad(mode)
    speech(vad, before)
    return speech(vad, samples)


found = [
    [speech(webrtcvad.Vad(mode), clip) for mode in range(4)],
    [after(mode, clip) for mode in range(4)],
    [speech(webrtcvad.Vad(mode), zeros) for mode in range(4)],
    [after(mode, zeros) for mode in range(4)],
]
for name, frames in zip(("speech, new Vad", "speech, after a clip", "zeros, new Vad", "zeros, after a clip"), found):
    print(f"{name:22} {frames}")
sys.exit(found != [[83, 80, 71, 67], [94, 94, 91, 87], [0, 0, 0, 0], [5, 5, 3, 2]])
PYTHON
