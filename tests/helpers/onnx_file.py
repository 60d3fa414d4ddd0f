"""A small ONNX file, written byte by byte (protobuf): what ONNX Runtime loads in place of a released network."""

from pathlib import Path

import numpy as np


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor_info(name: str, sizes: list[int | str]) -> bytes:
    dims = b"".join(_field(1, _field(2 if isinstance(size, str) else 1, size)) for size in sizes)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))  # element type 1: float


def write_speaker_net(path: Path, matrix: np.ndarray) -> None:
    """features float32 [1, frames, bins] -> their mean over time times `matrix` [bins, size], [1, size]."""
    axes = _field(1, "axes") + _field(8, 1) + _field(20, 7)  # an attribute of type INTS
    keep = _field(1, "keepdims") + _field(3, 0) + _field(20, 2)
    mean = _field(1, "feats") + _field(2, "mean") + _field(4, "ReduceMean") + _field(5, axes) + _field(5, keep)
    product = _field(1, "mean") + _field(1, "matrix") + _field(2, "embedding") + _field(4, "MatMul")
    sizes = b"".join(_field(1, size) for size in matrix.shape)
    weights = sizes + _field(2, 1) + _field(8, "matrix") + _field(9, matrix.astype("<f4").tobytes())
    graph = _field(1, mean) + _field(1, product) + _field(2, "speaker") + _field(5, weights)
    graph += _field(11, _tensor_info("feats", [1, "frames", matrix.shape[0]]))
    graph += _field(12, _tensor_info("embedding", [1, matrix.shape[1]]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))
