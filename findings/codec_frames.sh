#!/usr/bin/env bash
# How many tokens a second of speech has, and how long it is when decoded, by snac 1.2.1 and transformers 5.10.4 (small models with the
# published rates and random weights: neither number depends on the weights). n samples in, frames, samples out:
#     SNAC  24 kHz    24000    12 + 24 + 48 = 84 tokens (rate x seconds: 82)    24576     decode(encode(x)) is longer by 24 ms
#     SNAC  24 kHz    24577    13 + 26 + 52                                    26624
#     Mimi  24 kHz    24000    13 (12.5 Hz)                                    24960     longer by 40 ms
#     DAC   16 kHz    16000    50                                              15992     8 samples shorter, also for whole frames
#     DAC   16 kHz    16200    50                                              15992     rounded down: the last 200 samples are lost
#     EnCodec 48 kHz  48000    2 chunks of 150 (150 Hz)                        95520     1 s comes out as 2 s without padding_mask
# So neither lengths nor time stamps can be taken from a rate. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.10.4 snac==1.2.1 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from snac import SNAC
from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel, MimiConfig, MimiModel

torch.manual_seed(0)
codes = dict(codebook_size=64, codebook_dim=4)
snac = SNAC(24_000, 8, [2, 4, 8, 8], decoder_dim=32, decoder_rates=[8, 8, 4, 2], attn_window_size=None, vq_strides=[4, 2, 1], **codes)
dac_sizes = dict(encoder_hidden_size=8, decoder_hidden_size=32, hidden_size=128, n_codebooks=2)
dac = DacModel(DacConfig(downsampling_ratios=[2, 4, 5, 8], upsampling_ratios=[8, 5, 4, 2], **dac_sizes, **codes))
sizes = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, head_dim=16, intermediate_size=32)
vectors = dict(codebook_size=64, codebook_dim=8, vector_quantization_hidden_dimension=8, num_quantizers=4, upsample_groups=32)
mimi = MimiModel(MimiConfig(num_filters=4, **sizes, **vectors))
chunks = dict(chunk_length_s=1.0, overlap=0.01, normalize=True, norm_type="time_group_norm", use_causal_conv=False)
small = dict(num_filters=4, hidden_size=16, num_lstm_layers=1, codebook_size=64, codebook_dim=16, target_bandwidths=[3.0, 6.0])
encodec = EncodecModel(EncodecConfig(sampling_rate=48_000, audio_channels=2, **chunks, **small))
for model in (snac, dac, mimi, encodec):
    model.eval()


def by_snac(samples):
    found = snac.encode(torch.zeros(1, 1, samples))
    return [level.shape[1] for level in found], snac.decode(found).shape[-1]


def by_dac(samples):
    found = dac.encode(torch.zeros(1, 1, samples))
    return found.audio_codes.shape[-1], dac.decode(found.quantized_representation).audio_values.shape[-1]


def by_mimi(samples):
    found = mimi.encode(torch.zeros(1, 1, samples)).audio_codes
    return found.shape[-1], mimi.decode(found).audio_values.shape[-1]


def by_encodec(samples):
    found = encodec.encode(torch.zeros(1, 2, samples))
    wave = encodec.decode(found.audio_codes, found.audio_scales).audio_values
    return (found.audio_codes.shape[0], found.audio_codes.shape[-1]), wave.shape[-1]


expected = {
    (by_snac, 24_000): ([12, 24, 48], 24_576),
    (by_snac, 24_577): ([13, 26, 52], 26_624),
    (by_mimi, 24_000): (13, 24_960),
    (by_dac, 16_000): (50, 15_992),
    (by_dac, 16_200): (50, 15_992),
    (by_encodec, 48_000): ((2, 150), 95_520),
}
same = True
for (codec, samples), known in expected.items():
    with torch.inference_mode():
        found = codec(samples)
    print(f"{codec.__name__} {samples}: frames {found[0]}, {found[1]} samples")
    same &= found == known
sys.exit(not same)
PYTHON
