#!/usr/bin/env bash
# s3tokenizer 0.3.0, with which corpora are turned into CosyVoice's speech tokens: of recordings over 30 s, whose long audio it says it handles by
# itself (windows of 30 s, 4 s of overlap), it loses up to two seconds where the last window holds less than 4 s. The window before it gives
# its last 2 s away although nobody else has them, and the last one its first 2 s, whether it has them or not. Tokens of quantize(),
# which are 25 for each second (a small V2 model with random weights: their number does not depend on them):
#     30, 31, 40, 52 s    all
#     53, 54 s            1275, 1300 of 1325, 1350    the last two seconds are missing
#     55 s                1350 of 1375                second 53 to 54 is missing, in the middle
#     56, 60, 78 s        all
#     79, 80, 81 s        50, 50 and 25 too few; so at 104 to 108 s, and on every 26 s
# Nothing is raised. So of recordings over 52 s about one in seven, by chance of length, has a text that says more than its tokens. V1 and V3 use
# the same function. (torchaudio, which it needs to read files alone, is an empty module here.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.3.5 onnx==1.23.2 einops==0.8.2 tqdm==4.70.1
"$folder/venv/bin/pip" install -q --no-deps s3tokenizer==0.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import types

sys.modules["torchaudio"] = types.ModuleType("torchaudio")

import s3tokenizer
import torch
from s3tokenizer.model_v2 import ModelConfig, S3TokenizerV2

RATE = 25  # tokens per second
torch.manual_seed(0)
model = S3TokenizerV2("speech_tokenizer_v2_25hz", ModelConfig(n_audio_state=64, n_audio_head=1, n_audio_layer=1)).eval()


def too_few(seconds):
    mel = s3tokenizer.log_mel_spectrogram(0.1 * torch.randn(16_000 * seconds))
    with torch.inference_mode():
        _, length = model.quantize(mel[None], torch.tensor([mel.shape[1]]))
    return RATE * seconds - int(length)


def missing(seconds):
    """Which tokens of numbered ones are gone when the windows, which begin every 26 s, are put together."""
    numbers = list(range(RATE * seconds))
    windows = [numbers[start : start + RATE * 30] for start in range(0, len(numbers), RATE * 26)]
    return sorted(set(numbers) - set(s3tokenizer.merge_tokenized_segments(windows, overlap=4, token_rate=RATE)))


expected = {30: 0, 31: 0, 40: 0, 52: 0, 53: 50, 54: 50, 55: 25, 56: 0, 60: 0, 78: 0, 79: 50, 80: 50, 81: 25, 82: 0}
found = {seconds: too_few(seconds) for seconds in expected}
for seconds, tokens in found.items():
    print(f"{seconds} s: {RATE * seconds - tokens} of {RATE * seconds} tokens")
gaps = {seconds: (missing(seconds)[0] / RATE, (missing(seconds)[-1] + 1) / RATE) for seconds in (53, 54, 55)}
print("seconds without tokens:", gaps)
sys.exit(found != expected or gaps != {53: (51.0, 53.0), 54: (52.0, 54.0), 55: (53.0, 54.0)})
PYTHON
