"""Which model files the service opens: ONNX. A pickle is refused by its first bytes, unread."""

from __future__ import annotations

from pathlib import Path

from bonafide.types import BonafideError

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, as torch.save writes it around a pickle"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive, which may hold a pickle"),
    (b"BZh", "a bzip2 archive, which may hold a pickle"),
    (b"\xfd7zXZ", "an xz archive, which may hold a pickle"),
    (b"x\x9c", "a zlib stream, as joblib writes it around a pickle"),
    (b"\x04\x22\x4d\x18", "an lz4 stream, as joblib writes it around a pickle"),
    (b"\x93NUMPY", "a numpy array, which may hold a pickle"),
    (b"\x89HDF", "an HDF5 file"),
)
_ONNX_FIRST_BYTES = (0x08, 0x12, 0x1A, 0x3A, 0x42, 0x72)
"""ModelProto's fields ir_version, producer_name, producer_version, graph, opset_import and
metadata_props, as protobuf tags; onnx/onnx.proto. Writers put ir_version first."""


def check_model_file(path: Path) -> None:
    """Refuse anything but an ONNX file, by its first bytes alone.

    Raises:
        BonafideError: it is missing, a pickle, an archive, a safetensors file or something else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name a model.onnx that `bonafide export` wrote.",
        ) from error
    stranger = describe(head)
    if stranger is not None:
        raise BonafideError(
            f"is {stranger}, and was not opened.",
            where=str(path),
            remedy="Name a model.onnx; `bonafide export RUN model.onnx` makes one from a run.",
        )


def describe(head: bytes) -> str | None:
    """What a file with these first bytes is, or None for one that may be ONNX.

    >>> describe(b"\\x80\\x04\\x95")
    'a Python pickle'
    """
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle"
    for magic, name in _STRANGERS:
        if head.startswith(magic):
            return name
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30:
        return "a safetensors file, weights without their network"
    if not head or head[0] not in _ONNX_FIRST_BYTES:
        return "no ONNX file"
    return None
