"""The weights in an ONNX file, by their names, without a package that reads ONNX.

The file is one protobuf message; what is wanted of it is a list of tensors, the initialisers of its graph. Numbers of
fields are those of onnx.proto: a model's graph is 7, a graph's initialiser 5, a tensor's parts 1, 8 and 9.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

GRAPH, INITIALISER, DIMS, NAME, RAW = 7, 5, 1, 8, 9
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def read_weights(path: Path) -> dict[str, Tensor]:
    """All initialisers with data, in the order of the file; they are float32."""
    model = memoryview(path.read_bytes())
    graph = next(value for number, value in fields(model) if number == GRAPH)
    tensors = (initialiser(value) for number, value in fields(graph) if number == INITIALISER)
    return {name: tensor for name, tensor in tensors if tensor is not None}


def initialiser(message: memoryview) -> tuple[str, Tensor | None]:
    """The name and values of one initialiser."""
    dims, name, raw = [], "", None
    for number, value in fields(message):
        if number == DIMS:
            dims.append(value)
        elif number == NAME:
            name = bytes(value).decode()
        elif number == RAW:
            raw = bytes(value)
    if raw is None or len(raw) != 4 * int(np.prod(dims)):
        return name, None
    return name, torch.from_numpy(np.frombuffer(raw, np.float32).reshape(dims).copy())


def fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field of a message."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield number, value
        else:
            size, at = varint(message, at) if kind == BYTES else ({FIXED64: 8, FIXED32: 4}[kind], at)
            yield number, message[at : at + size]
            at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
