"""Read and write the safetensors format with numpy alone: Debian packages no library for it.

A file is 8 bytes of header length (little endian), a JSON header, then the tensors' bytes. The header is padded with
spaces so that the data starts at a multiple of 8; the tensors follow in the order of the header, without gaps.
"""
import json
import struct

import numpy as np

DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
HEADER_MAX = 100 << 20


class Malformed(Exception):
    """The bytes are not a safetensors file that we support."""


def write(path, tensors, metadata):
    """Write a dict of float32 or float16 arrays, in its order, and a dict of string -> string."""
    header, offset = {"__metadata__": metadata}, 0
    arrays = [np.ascontiguousarray(t).reshape(np.shape(t)) for t in tensors.values()]
    for name, array in zip(tensors, arrays):
        dtype = next(n for n, d in DTYPES.items() if d == array.dtype)
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays:
            file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def read(path):
    """Return (tensors, metadata) of a file; Malformed if it isn't one."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 8:
        raise Malformed("shorter than a header")
    length = struct.unpack_from("<Q", data)[0]
    if length > min(HEADER_MAX, len(data) - 8):
        raise Malformed("its header does not fit in the file")
    try:
        header = json.loads(data[8:8 + length])
        metadata = header.pop("__metadata__", {})
        return {name: _tensor(data, 8 + length, **entry) for name, entry in header.items()}, metadata
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(f"bad header: {error}") from error


def _tensor(data, base, dtype, shape, data_offsets):
    begin, end = data_offsets
    if not 0 <= begin <= end <= len(data) - base:
        raise ValueError("a tensor lies outside the file")
    return np.frombuffer(data[base + begin:base + end], DTYPES[dtype]).reshape(shape)
