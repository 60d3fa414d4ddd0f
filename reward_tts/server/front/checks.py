"""Whether a request is one of ours, before Triton sees it; what Triton sees then is written here, from checked parts.

A request in Triton's protocol may carry far more than rows: shared memory to read from, sequences, priorities, sizes
that do not fit their data. Nothing of that is passed on: a request is read into shapes and bytes that fit each other,
and a new one is made of them. What cannot be read so is refused by name.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from tritonclient.grpc.service_pb2 import ModelInferRequest

from reward_tts.server.wire import ModelSpec, TensorSpec, asked_checksum, words

_WIDTHS = {"INT32": 4, "FP32": 4}
_PREFIX = 4  # bytes before each element of BYTES: its length, little-endian
_ID_CHARACTERS = 64


class Refused(ValueError):
    """The request is at fault, or not allowed. `code` is the name of a gRPC status."""

    def __init__(self, message: str, code: str = "INVALID_ARGUMENT"):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Limits:
    """Attributes:
    max_batch_size: rows of a request.
    max_name_bytes: of LANGUAGE and VOICE, each.
    """

    max_batch_size: int
    max_name_bytes: int


@dataclass(frozen=True)
class Asked:
    """A request that was checked.

    Attributes:
        message: what Triton gets.
        spec: of its model.
        checksums: of each row.
        reads_status: whether who asks looks at STATUS.
        wanted: names of the outputs asked for; empty: all.
        ident: of the request, as the client named it.
    """

    message: ModelInferRequest
    spec: ModelSpec
    checksums: tuple[str, ...]
    reads_status: bool
    wanted: frozenset[str]
    ident: str


def checked(request: ModelInferRequest, models: Mapping[str, ModelSpec], limits: Limits) -> Asked:
    """Reads a request and writes the one for Triton.

    Raises:
        Refused: no such model, or something in the request that is not as the model wants it; says what.
    """
    spec = model_of(request.model_name, request.model_version, models)
    if request.parameters:
        raise Refused(f"parameters of a request are not offered: {sorted(request.parameters)[:3]}")
    if len(request.id) > _ID_CHARACTERS:
        raise Refused(f"id has more than {_ID_CHARACTERS} characters")
    contents = _contents(request, spec)
    rows = _rows({name: shape for name, (shape, _) in contents.items()}, spec, limits)
    present = [tensor for tensor in spec.inputs if tensor.name in contents]
    columns = {tensor.name: _values(tensor, *contents[tensor.name], limits) for tensor in present}
    message = ModelInferRequest(model_name=request.model_name)
    for tensor in present:
        shape, raw = contents[tensor.name]
        message.inputs.add(name=tensor.name, datatype=tensor.kind, shape=shape)
        message.raw_input_contents.append(raw)
    checksums = tuple(_checksums(columns, rows))
    return Asked(message, spec, checksums, "CONTRACT" in columns, _wanted(request, spec), request.id)


def model_of(name: str, version: str, models: Mapping[str, ModelSpec]) -> ModelSpec:
    """The model. Raises Refused (NOT_FOUND) if there is none of this name and version."""
    if name not in models or version not in ("", "1"):
        raise Refused(
            f"no model {name[:100]!r} in version {version[:20] or '1'!r}: there is {sorted(models)}", "NOT_FOUND"
        )
    return models[name]


def _contents(request: ModelInferRequest, spec: ModelSpec) -> dict[str, tuple[list[int], bytes]]:
    """{input: shape and bytes}, each input known and named once."""
    known = {tensor.name: tensor for tensor in spec.inputs}
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise Refused(f"{len(request.inputs)} inputs with {len(raw)} raw contents")
    found: dict[str, tuple[list[int], bytes]] = {}
    for index, tensor in enumerate(request.inputs):
        if tensor.name not in known or tensor.name in found:
            problem = "is given twice" if tensor.name in found else f"is no input; there are {list(known)}"
            raise Refused(f"{tensor.name[:100]!r} {problem}")
        if tensor.datatype != known[tensor.name].kind:
            raise Refused(f"{tensor.name} is {known[tensor.name].kind}, not {tensor.datatype[:20]!r}")
        if tensor.parameters:
            raise Refused(f"parameters of {tensor.name} (shared memory among them) are not offered")
        if raw and tensor.HasField("contents"):
            raise Refused(f"{tensor.name} has raw contents and others")
        found[tensor.name] = (list(tensor.shape), raw[index] if raw else _typed(tensor))
    if missing := [t.name for t in spec.inputs if not t.optional and t.name not in found]:
        raise Refused(f"inputs {missing} are missing")
    return found


def _typed(tensor: ModelInferRequest.InferInputTensor) -> bytes:
    """Contents of the field for the tensor's type, as raw ones."""
    field = "int_contents" if tensor.datatype == "INT32" else "bytes_contents"
    if others := [f.name for f, _ in tensor.contents.ListFields() if f.name != field]:
        raise Refused(f"{tensor.name} is {tensor.datatype}, and has {others}")
    values = getattr(tensor.contents, field)
    return packed(values) if field == "bytes_contents" else np.array(values, "<i4").tobytes()


def packed(values: list[bytes]) -> bytes:
    """BYTES as raw contents: each element behind its length.

    >>> packed([b"ab", b""])
    b'\\x02\\x00\\x00\\x00ab\\x00\\x00\\x00\\x00'
    """
    return b"".join(len(value).to_bytes(_PREFIX, "little") + value for value in values)


def unpacked(raw: bytes, count: int, name: str) -> list[bytes]:
    """What `packed` wrote. Raises Refused if these are not `count` elements and nothing else."""
    values, at = [], 0
    while at < len(raw) and len(values) < count:
        size = int.from_bytes(raw[at : at + _PREFIX], "little")
        at += _PREFIX + size
        values.append(raw[at - size : at])
        if at > len(raw):
            break
    if at != len(raw) or len(values) != count:
        raise Refused(f"{name} has {len(raw)} bytes that are not {count} elements with their lengths")
    return values


def _rows(shapes: Mapping[str, list[int]], spec: ModelSpec, limits: Limits) -> int:
    """How many rows a request has; every shape fits the model and the others."""
    counts = set()
    for tensor in spec.inputs:
        if tensor.name not in shapes:
            continue
        shape = shapes[tensor.name]
        dims = shape[1:] if spec.batched else shape
        if len(dims) != 1 or min(shape) < 0 or tensor.width not in (-1, dims[0]):
            raise Refused(f"{tensor.name} has shape {shape[:4]}, not {['rows'] * spec.batched + [tensor.width]}")
        counts.add(shape[0] if spec.batched else 1)
    if len(counts) != 1 or not 1 <= max(counts) <= limits.max_batch_size:
        raise Refused(f"inputs with {sorted(counts)[:4]} rows: all have the same, 1 to {limits.max_batch_size}")
    return counts.pop()


def _values(tensor: TensorSpec, shape: list[int], raw: bytes, limits: Limits) -> np.ndarray | list[bytes]:
    """Elements of a tensor, which are as many as its shape says."""
    if tensor.kind in _WIDTHS:
        if len(raw) != (size := math.prod(shape) * _WIDTHS[tensor.kind]):
            raise Refused(f"{tensor.name} of shape {shape} has {size} bytes, not {len(raw)}")
        return np.frombuffer(raw, "<i4").reshape(shape)
    values = unpacked(raw, math.prod(shape), tensor.name)
    if tensor.name in ("LANGUAGE", "VOICE") and (longest := max(map(len, values))) > limits.max_name_bytes:
        raise Refused(f"{tensor.name} has {longest} bytes, at most {limits.max_name_bytes} are taken")
    return values


def _checksums(columns: Mapping[str, np.ndarray | list[bytes]], rows: int) -> Iterator[str]:
    tokens = columns["TOKENS"].reshape(rows, -1)
    lengths = columns["TOKEN_LENS"][:, 0] if "TOKEN_LENS" in columns else [tokens.shape[1]] * rows
    for i in range(rows):
        said = words({name: column[i] for name, column in columns.items() if isinstance(column, list)})
        yield asked_checksum(tokens[i, : max(0, lengths[i])].tolist(), said)


def _wanted(request: ModelInferRequest, spec: ModelSpec) -> frozenset[str]:
    for output in request.outputs:
        if output.name not in {tensor.name for tensor in spec.outputs}:
            raise Refused(f"{output.name[:100]!r} is no output; there are {[t.name for t in spec.outputs]}")
        if output.parameters:
            raise Refused(f"parameters of {output.name} (shared memory and classes among them) are not offered")
    return frozenset(output.name for output in request.outputs)
