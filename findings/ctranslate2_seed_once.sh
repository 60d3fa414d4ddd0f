#!/usr/bin/env bash
# CTranslate2 4.8.5 (under faster-whisper and its sampling at temperatures above 0): set_random_seed reaches a worker only before it draws
# for the first time. Later calls change nothing, and all workers that are made after a call draw the same numbers. One model of
# random weights, 8 ids drawn at a time:
#     seed 7, ids; seed 7, ids; seed 7, ids, by one Generator    three different lists: the stream goes on
#     seed 8 instead of the third                                the same third list
#     a new Generator after each seed 7                          the same list each time
#     two Generators after one seed 7                            the same list by both
# So a seed set for each request gives no transcript again, and replicas meant to give different samples give the same one.
# (CTranslate2's issue 1757 reports that such decoding does not repeat.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ctranslate2==4.8.5 numpy==2.3.5 "setuptools<81"
mkdir "$folder/model"
"$folder/venv/bin/python" -W ignore - "$folder/model" <<'PYTHON'
import sys

import ctranslate2
import numpy as np
from ctranslate2.specs import TransformerDecoderModelSpec

WORDS, SIZE, INNER = 64, 16, 32
random = np.random.default_rng(0)


def draw(*shape):
    return random.normal(0, 0.5, shape).astype(np.float32)


def linear(layer, out, into):
    layer.weight, layer.bias = draw(out, into), np.zeros(out, np.float32)


def norm(layer):
    layer.gamma, layer.beta = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)


spec = TransformerDecoderModelSpec.from_config(num_layers=1, num_heads=2)
decoder, layer = spec.decoder, spec.decoder.layer[0]
decoder.embeddings.weight, decoder.position_encodings.encodings = draw(WORDS, SIZE), draw(128, SIZE)
decoder.scale_embeddings = False
linear(decoder.projection, WORDS, SIZE)
for each in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
    norm(each)
linear(layer.self_attention.linear[0], 3 * SIZE, SIZE)
linear(layer.self_attention.linear[1], SIZE, SIZE)
linear(layer.ffn.linear_0, INNER, SIZE)
linear(layer.ffn.linear_1, SIZE, INNER)
spec.register_vocabulary(["<s>", "</s>", "<unk>", *(f"token{i}" for i in range(WORDS - 3))])
spec.validate()
spec.save(sys.argv[1])


def generator():
    return ctranslate2.Generator(sys.argv[1], device="cpu", inter_threads=1, intra_threads=1)


def ids(model):
    options = {"sampling_topk": 0, "min_length": 8, "max_length": 8, "include_prompt_in_result": False}
    return model.generate_batch([["<s>"]], end_token=["</s>"], **options)[0].sequences_ids[0]


def seeded(model, *seeds):
    found = []
    for seed in seeds:
        ctranslate2.set_random_seed(seed)
        found.append(ids(model))
    return found


ctranslate2.set_random_seed(1)
again, other, fresh = generator(), generator(), []
three, with_eight = seeded(again, 7, 7, 7), seeded(other, 7, 7, 8)
for _ in range(2):
    ctranslate2.set_random_seed(7)
    fresh.append(ids(generator()))
pair = generator(), generator()
for name, found in (("7 7 7", three), ("7 7 8", with_eight), ("new", fresh), ("pair", pairs := [ids(each) for each in pair])):
    print(f"{name:6} {found}")
different = len({tuple(each) for each in three}) == 3
sys.exit(not (different and with_eight == three and fresh == [three[0]] * 2 and pairs == fresh))
PYTHON
