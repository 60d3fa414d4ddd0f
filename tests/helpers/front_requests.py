"""Requests of the reward server, valid but for what a test changes, without a client that would refuse to send them."""

import json
import os

import numpy as np
from hypothesis import HealthCheck, settings
from tritonclient.grpc.service_pb2 import ModelInferRequest

from reward_tts.server.front.checks import Limits, packed
from reward_tts.server.wire import MEASURING, SPEAKING

MODELS = {"token2wav_asr": MEASURING, "token2wav": SPEAKING}
LIMITS = Limits(max_batch_size=4, max_name_bytes=20)
ROWS = [([7, 300, 12], "你好"), ([1, 2, 3], "再见")]
MANY = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "150")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def request(**changes) -> ModelInferRequest:
    """Two rows of three tokens; an input is (type, shape, raw contents), and left out if None."""
    inputs = {
        "TOKENS": ("INT32", [2, 3], np.array([tokens for tokens, _ in ROWS], "<i4").tobytes()),
        "TOKEN_LENS": ("INT32", [2, 1], np.array([3, 2], "<i4").tobytes()),
        "GT_TEXT": ("BYTES", [2, 1], packed([text.encode() for _, text in ROWS])),
        **changes,
    }
    made = ModelInferRequest(model_name="token2wav_asr", id="a")
    for name, tensor in inputs.items():
        if tensor is not None:
            kind, shape, raw = tensor
            made.inputs.add(name=name, datatype=kind, shape=shape)
            made.raw_input_contents.append(raw)
    return made


def body(**changes) -> bytes:
    """The published client's JSON of one row, with changes of TOKENS."""
    tokens = {"name": "TOKENS", "shape": [1, 3], "datatype": "INT32", "data": [[7, 300, 12]], **changes}
    lengths = {"name": "TOKEN_LENS", "shape": [1, 1], "datatype": "INT32", "data": [[3]]}
    text = {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES", "data": ["你好"]}
    return json.dumps({"inputs": [tokens, lengths, text]}).encode()
