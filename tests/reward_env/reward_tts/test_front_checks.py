"""What the front takes and what it refuses, without Triton: sizes, types and shapes that fit each other or do not."""

import json

import numpy as np
import pytest
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.http import InferenceServerClient

from reward_tts.measures import CONTRACT, Measures, Status, row_checksum
from reward_tts.server.front.checks import Refused, checked, packed, unpacked
from reward_tts.server.front.http_door import answer_of, request_of
from reward_tts.server.front.upstream import Unanswered, refuse_without_reward
from tests.helpers.front_requests import LIMITS, MODELS, ROWS, body, request


def test_what_triton_gets_is_written_here_and_each_row_has_its_checksum():
    asked = checked(request(VOICE=("BYTES", [2, 1], packed([b"a", b""]))), MODELS, LIMITS)
    assert asked.checksums == (
        row_checksum([7, 300, 12], "你好", None, "a"),
        row_checksum([1, 2], "再见", "", ""),  # TOKEN_LENS is 2
    )
    assert [tensor.name for tensor in asked.message.inputs] == ["TOKENS", "TOKEN_LENS", "GT_TEXT", "VOICE"]
    assert asked.message.id == "" and asked.ident == "a"
    assert not asked.reads_status and asked.wanted == frozenset()
    contract = ("INT32", [2, 1], np.array([CONTRACT] * 2, "<i4").tobytes())
    assert checked(request(CONTRACT=contract), MODELS, LIMITS).reads_status


def test_contents_that_are_not_raw_become_raw():
    made = request()
    del made.raw_input_contents[:]
    made.inputs[0].contents.int_contents.extend([7, 300, 12, 1, 2, 3])
    made.inputs[1].contents.int_contents.extend([3, 2])
    made.inputs[2].contents.bytes_contents.extend([text.encode() for _, text in ROWS])
    assert checked(made, MODELS, LIMITS).message == checked(request(), MODELS, LIMITS).message


FOUR = np.array([1], "<i4").tobytes()
REFUSED = {
    "TOKENS of shape [2, 3] has 24 bytes, not 20": {"TOKENS": ("INT32", [2, 3], bytes(20))},
    "TOKENS of shape [2, 100000] has 800000 bytes": {"TOKENS": ("INT32", [2, 100_000], bytes(24))},
    f"TOKENS of shape [2, {2**62}] has {2**65} bytes": {"TOKENS": ("INT32", [2, 2**62], bytes(24))},
    "TOKENS has shape [2, -1]": {"TOKENS": ("INT32", [2, -1], bytes(24))},
    "TOKENS has shape [6]": {"TOKENS": ("INT32", [6], bytes(24))},
    "TOKENS is INT32, not 'INT64'": {"TOKENS": ("INT64", [2, 3], bytes(48))},
    "TOKEN_LENS has shape [2, 2]": {"TOKEN_LENS": ("INT32", [2, 2], bytes(16))},
    "inputs with [1, 2] rows": {"TOKEN_LENS": ("INT32", [1, 1], FOUR)},
    "inputs ['GT_TEXT'] are missing": {"GT_TEXT": None},
    "'OTHER' is no input": {"OTHER": ("INT32", [2, 1], bytes(8))},
    "GT_TEXT has 3 bytes that are not 2 elements": {"GT_TEXT": ("BYTES", [2, 1], b"\x09\x00\x00")},
    "GT_TEXT has 9 bytes that are not 2": {"GT_TEXT": ("BYTES", [2, 1], b"\x01\x00\x00\x00a\xff\xff\xff\xff")},
    "GT_TEXT has 11 bytes that are not 2": {"GT_TEXT": ("BYTES", [2, 1], packed([b"a", b"b"]) + b"c")},
    "VOICE has 21 bytes, at most 20 are taken": {"VOICE": ("BYTES", [2, 1], packed([b"v" * 21, b""]))},
}


@pytest.mark.parametrize("problem", REFUSED)
def test_sizes_that_do_not_fit_are_refused_by_name(problem):
    with pytest.raises(Refused, match="^" + problem.replace("[", r"\[").replace("]", r"\]")) as refused:
        checked(request(**REFUSED[problem]), MODELS, LIMITS)
    assert refused.value.code == "INVALID_ARGUMENT"


def change(field: str, made: ModelInferRequest) -> None:
    if field == "shared memory":
        made.inputs[0].parameters["shared_memory_region"].string_param = "a"
    if field == "a sequence":
        made.parameters["sequence_id"].int64_param = 3
    if field == "an output's region":
        made.outputs.add(name="STATUS").parameters["shared_memory_region"].string_param = "a"
    if field == "an output that is none":
        made.outputs.add(name="OTHER")
    if field == "an input twice":
        made.inputs.add(name="TOKENS", datatype="INT32", shape=[2, 3])
        made.raw_input_contents.append(bytes(24))
    if field == "raw contents too few":
        del made.raw_input_contents[-1]
    if field == "raw and others":
        made.inputs[0].contents.int_contents.append(1)
    if field == "a long id":
        made.id = "a" * 65


@pytest.mark.parametrize(
    "field",
    [
        *("shared memory", "a sequence", "an output's region", "an output that is none"),
        *("an input twice", "raw contents too few", "raw and others", "a long id"),
    ],
)
def test_what_is_not_offered_is_refused(field):
    made = request()
    change(field, made)
    with pytest.raises(Refused):
        checked(made, MODELS, LIMITS)


@pytest.mark.parametrize("rows", [0, 5])
def test_no_row_and_too_many_are_refused(rows):
    columns = {
        "TOKENS": ("INT32", [rows, 3], bytes(12 * rows)),
        "TOKEN_LENS": ("INT32", [rows, 1], bytes(4 * rows)),
        "GT_TEXT": ("BYTES", [rows, 1], packed([b"a"] * rows)),
    }
    with pytest.raises(Refused, match="1 to 4"):
        checked(request(**columns), MODELS, LIMITS)


def test_a_model_or_version_that_is_not_there_is_not_found():
    for name, version in (("other", ""), ("token2wav_asr", "2")):
        made = request()
        made.model_name, made.model_version = name, version
        with pytest.raises(Refused) as refused:
            checked(made, MODELS, LIMITS)
        assert refused.value.code == "NOT_FOUND"


def test_packed_and_unpacked_are_inverse():
    values = [b"", b"a", "你好".encode(), bytes(300)]
    assert unpacked(packed(values), 4, "x") == values
    assert unpacked(b"", 0, "x") == []


def test_the_published_clients_json_is_the_same_request_as_grpcs():
    for data in ([[7, 300, 12]], [7, 300, 12]):
        asked = checked(request_of(body(data=data), "token2wav_asr", "")[0], MODELS, LIMITS)
        assert asked.checksums == (row_checksum([7, 300, 12], "你好", None, None),)
    assert np.frombuffer(asked.message.raw_input_contents[0], "<i4").tolist() == [7, 300, 12]


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 10**30, 1.0, True, "7", None, {}])
def test_a_number_that_does_not_fit_is_refused_and_not_wrapped_around(value):
    with pytest.raises(Refused, match="which is no INT32"):
        request_of(body(data=[7, 300, value]), "token2wav_asr", "")
    assert request_of(body(data=[7, 300, 2**31 - 1]), "token2wav_asr", "")


def test_an_answer_in_raw_contents_is_what_tritons_client_reads():
    made = ModelInferResponse(model_name="m", model_version="1")
    contents = {"REWARDS": ("FP32", np.array([0.5, 0.25], "<f4").tobytes())}
    contents |= {"TRANSCRIPTS": ("BYTES", packed(["你好".encode(), b""]))}
    for name, (kind, raw) in contents.items():
        made.outputs.add(name=name, datatype=kind, shape=[2, 1])
        made.raw_output_contents.append(raw)
    for binary, sizes in ((None, [8, 14]), (frozenset({"TRANSCRIPTS"}), [14]), (frozenset(), [])):
        said, behind = answer_of(made, binary)
        head = json.dumps(said).encode()
        assert [len(raw) for raw in behind] == sizes
        read = InferenceServerClient.parse_response_body(b"".join([head, *behind]), header_length=len(head))
        assert read.as_numpy("REWARDS").tolist() == [[0.5], [0.25]]
        found = [one if isinstance(one, str) else one.decode() for one in read.as_numpy("TRANSCRIPTS").flat]
        assert found == ["你好", ""]  # the client leaves JSON's texts as they are


BODIES = {
    "nothing": b"",
    "no object": b"[]",
    "a key twice": b'{"inputs": [], "inputs": []}',
    "NaN": b'{"inputs": NaN}',
    "nested deeply": b'{"inputs": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "no list": b'{"inputs": {}}',
    "an unknown key": b'{"inputs": [], "other": 1}',
    "half a character": b'{"inputs": [{"name": "GT_TEXT", "shape": [1], "datatype": "BYTES", "data": ["\\ud800"]}]}',
    "a name that is none": b'{"inputs": [{"name": 3, "shape": [1], "datatype": "BYTES", "data": ["a"]}]}',
    "a negative size": b'{"inputs": [{"name": "GT_TEXT", "shape": [-1], "datatype": "BYTES", "data": ["a"]}]}',
    "a type not offered": b'{"inputs": [{"name": "GT_TEXT", "shape": [1], "datatype": "FP64", "data": [1.0]}]}',
    "no UTF-8": b'{"inputs": "\xff"}',
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_request_is_refused(case):
    with pytest.raises(Refused):
        request_of(BODIES[case], "token2wav_asr", "")


@pytest.mark.parametrize(
    ("status", "code"),
    [(Status.OUT_OF_MEMORY, "RESOURCE_EXHAUSTED"), (Status.FAILED, "INTERNAL"), (Status.BAD_ROW, "INVALID_ARGUMENT")],
)
def test_the_published_client_is_told_whether_the_server_or_its_row_has_no_reward(status, code):
    """It does not read STATUS; NaN would be a reward to it. No memory is nothing that it did."""
    measures = [Measures("tiny_mandarin", int(one), "why").to_json().encode() for one in (Status.OK, status)]
    answer = ModelInferResponse(raw_output_contents=[packed(measures), np.array([1.0, np.nan], "<f4").tobytes()])
    for name in ("MEASURES", "REWARDS"):
        answer.outputs.add(name=name)
    with pytest.raises((Unanswered, Refused), match=r"^row 1: why$") as told:
        refuse_without_reward(checked(request(), MODELS, LIMITS), answer)
    assert told.value.code == code
    contract = ("INT32", [2, 1], np.array([CONTRACT] * 2, "<i4").tobytes())
    refuse_without_reward(checked(request(CONTRACT=contract), MODELS, LIMITS), answer)  # who reads STATUS is told all
