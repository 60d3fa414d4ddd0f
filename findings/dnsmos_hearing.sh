#!/usr/bin/env bash
# DNSMOS of speechmos 0.0.1.1 on 10.9 seconds of a conversation at 16 kHz: it does not hear the end, and it likes quiet. It scores windows
# of 9.01 s that begin on whole seconds, and counts them after rounding the length down to seconds:
#     as it is                                            ovrl_mos 2.922, sig_mos 3.356, bak_mos 3.790
#     white noise at full level from 9.02 s to the end    the same to the last digit
# so up to 1.98 s at the end of a long clip, where TTS babbles or clips, are free. And of the first 5 s:
#     peak at 0.9    sig_mos 3.387, bak_mos 3.751 (background)
#     peak at 0.09   sig_mos 3.446, bak_mos 3.911
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q speechmos==0.0.1.1 onnxruntime==1.31.1 librosa==0.11.0 numpy==1.26.4 soundfile==0.14.0 requests==2.34.2
"$folder/venv/bin/pip" download -q --no-deps --dest "$folder" pyannote.audio==4.0.7 # for the recorded conversation in it
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import glob
import io
import sys
import zipfile

import numpy as np
import soundfile
from speechmos import dnsmos

wheel = zipfile.ZipFile(glob.glob("pyannote*.whl")[0])
wave, rate = soundfile.read(io.BytesIO(wheel.read("pyannote/audio/sample/sample.wav")))
clip = wave[19 * rate :][: int(10.9 * rate)]
clip = 0.9 * clip / abs(clip).max()
end = int(9.02 * rate)
noisy = np.concatenate([clip[:end], np.random.default_rng(0).uniform(-0.99, 0.99, len(clip) - end)])
short = 0.9 * clip[: 5 * rate] / abs(clip[: 5 * rate]).max()
found = [dnsmos.run(samples, rate) for samples in (clip, noisy, short, short / 10)]
for name, scores in zip(("as it is", "noise at the end", "5 s, peak at 0.9", "5 s, peak at 0.09"), found):
    print(f"{name:20}", {kind: round(float(score), 3) for kind, score in scores.items()})
same = found[0] == found[1]
same &= found[3]["sig_mos"] > found[2]["sig_mos"] + 0.03 and found[3]["bak_mos"] > found[2]["bak_mos"] + 0.1
sys.exit(not same)
PYTHON
