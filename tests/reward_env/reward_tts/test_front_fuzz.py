"""Random requests, valid and damaged, through the front's readers: what is passed on fits, all else is refused by name.

The readers alone, with nothing behind them: what they take and what they do not is the whole guard before Triton.
`HYPOTHESIS_MAX_EXAMPLES` makes the run longer than the short form here; docs/security.md has the last long one.
"""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc.service_pb2 import ModelInferRequest

from reward_tts.measures import row_checksum
from reward_tts.server.front.checks import Refused, checked, packed, unpacked
from reward_tts.server.front.http_door import request_of
from reward_tts.server.wire import MEASURING
from tests.helpers.front_requests import LIMITS, MANY, MODELS

INT32 = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
NAMES = st.text("abcdefg", max_size=20)
WIDTHS = {"INT32": 4, "FP32": 4}


@st.composite
def rows(draw) -> list[tuple[list[int], str, str]]:
    """Tokens, text and voice of each row; all have as many tokens."""
    length = draw(st.integers(0, 12))
    tokens = st.lists(INT32, min_size=length, max_size=length)
    return draw(st.lists(st.tuples(tokens, TEXTS, NAMES), min_size=1, max_size=4))


def request_for(asked: list[tuple[list[int], str, str]]) -> ModelInferRequest:
    made, count, length = ModelInferRequest(model_name="token2wav_asr"), len(asked), len(asked[0][0])
    columns = {
        "TOKENS": ("INT32", [count, length], np.array([row[0] for row in asked], "<i4").tobytes()),
        "TOKEN_LENS": ("INT32", [count, 1], np.array([length] * count, "<i4").tobytes()),
        "GT_TEXT": ("BYTES", [count, 1], packed([row[1].encode() for row in asked])),
        "VOICE": ("BYTES", [count, 1], packed([row[2].encode() for row in asked])),
    }
    for name, (kind, shape, raw) in columns.items():
        made.inputs.add(name=name, datatype=kind, shape=shape)
        made.raw_input_contents.append(raw)
    return made


@MANY
@given(rows())
def test_every_valid_request_passes_as_it_is_with_its_checksums(asked):
    made = request_for(asked)
    taken = checked(made, MODELS, LIMITS)
    assert taken.message == made
    assert list(taken.checksums) == [row_checksum(tokens, text, None, voice) for tokens, text, voice in asked]


def assert_fits(message: ModelInferRequest) -> None:
    """Sizes of what would go to Triton fit each other, by the rules of Triton's protocol, counted here on their own."""
    assert len(message.inputs) == len(message.raw_input_contents) and not message.parameters
    assert len({tensor.name for tensor in message.inputs}) == len(message.inputs)
    for tensor, raw in zip(message.inputs, message.raw_input_contents, strict=True):
        count = math.prod(tensor.shape)
        assert min(tensor.shape) >= 0 and not tensor.parameters and not tensor.HasField("contents")
        if tensor.datatype == "BYTES":
            assert len(raw) == 4 * count + sum(map(len, unpacked(raw, count, tensor.name)))
        else:
            assert len(raw) == count * WIDTHS[tensor.datatype]
    if message.model_name == "token2wav_asr":
        assert len({tensor.shape[0] for tensor in message.inputs}) == 1


def damage(data: st.DataObject, made: ModelInferRequest) -> None:
    """One field of one input becomes another value of its type."""
    index = data.draw(st.integers(0, len(made.inputs) - 1))
    tensor, what = made.inputs[index], data.draw(st.sampled_from(["raw", "shape", "name", "type", "drop", "typed"]))
    if what == "raw":
        made.raw_input_contents[index] = data.draw(st.binary(max_size=60))
    if what == "shape":
        tensor.shape[:] = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 4), max_size=4))
    if what == "name":
        tensor.name = data.draw(st.sampled_from([tensor.name for tensor in MEASURING.inputs]) | NAMES)
    if what == "type":
        tensor.datatype = data.draw(st.sampled_from(["INT32", "INT64", "BYTES", "FP32", "BOOL", ""]))
    if what == "drop":
        del made.raw_input_contents[index]
    if what == "typed":
        tensor.contents.int_contents.extend(data.draw(st.lists(INT32, max_size=5)))


@MANY
@given(rows(), st.data())
def test_a_damaged_request_is_refused_or_fits(asked, data):
    made = request_for(asked)
    for _ in range(data.draw(st.integers(1, 3))):
        if len(made.raw_input_contents) == len(made.inputs):
            damage(data, made)
    try:
        assert_fits(checked(made, MODELS, LIMITS).message)
    except Refused as refused:
        assert refused.code in ("INVALID_ARGUMENT", "NOT_FOUND") and str(refused)


@MANY
@given(st.binary(max_size=80), st.integers(0, 6))
def test_elements_are_unpacked_exactly_or_refused(raw, count):
    try:
        values = unpacked(raw, count, "X")
    except Refused:
        return
    assert len(values) == count and packed(values) == raw


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@MANY
@given(st.data())
def test_json_with_any_value_in_any_place_is_refused_or_fits(data):
    body = {
        "inputs": [
            {"name": "TOKENS", "shape": [1, 2], "datatype": "INT32", "data": [[1, 2]]},
            {"name": "TOKEN_LENS", "shape": [1, 1], "datatype": "INT32", "data": [[2]]},
            {"name": "GT_TEXT", "shape": [1, 1], "datatype": "BYTES", "data": ["a"]},
        ]
    }
    place = data.draw(st.sampled_from([body, body["inputs"], *body["inputs"]]))
    key = data.draw(
        st.sampled_from(range(len(place)) if isinstance(place, list) else [*place, "outputs", "id", "other"])
    )
    place[key] = data.draw(ANY_JSON)
    raw = json.dumps(body).encode()
    try:
        assert_fits(checked(request_of(raw, "token2wav_asr", "")[0], MODELS, LIMITS).message)
    except Refused as refused:
        assert str(refused)


@MANY
@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused(raw):
    with pytest.raises(Refused):
        request_of(raw, "token2wav_asr", "")
