"""A .caffemodel as Caffe would write it, in either of its two forms."""

import numpy as np

FIRST = ("conv1_1", "conv1")
"""Layers that see the picture."""


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, content):
    return varint(number * 8 + 2) + varint(len(content)) + content


def number_field(number, value):
    return varint(number * 8) + varint(value)


def caffe_blob(array, *, old):
    if old:
        sizes = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(number_field(i, size) for i, size in enumerate(sizes, 1))
    else:
        shape = field(7, field(1, b"".join(map(varint, array.shape))))
    return shape + field(5, np.ascontiguousarray(array, "<f4").tobytes())


def write_caffe(path, layers, *, old=True):
    """Caffe networks read B, G, R; layers: name -> filters that read R, G, B, and bias."""
    net, name_field, blob_field = (2, 4, 6) if old else (100, 1, 7)
    parts = [field(1, b"VGG"), field(net, field(name_field, b"relu1_1"))]
    for name, (filters, bias) in layers.items():
        filters = filters[:, ::-1] if name in FIRST else filters
        blobs = b"".join(field(blob_field, caffe_blob(each, old=old)) for each in (filters, bias))
        parts.append(field(net, number_field(9, 1) + field(name_field, name.encode()) + blobs))
    path.write_bytes(b"".join(parts))
