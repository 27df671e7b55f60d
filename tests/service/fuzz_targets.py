"""The readers of files from outside, with valid files to start from; for the tests and
benchmarks/fuzz.py.

A target's ``use`` returns what came of an input: "read", or the name of the expected error. Any
other exception is a finding.
"""

import io
import itertools
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))
from capture_makers import clip_bytes, photo_bytes

from bonafide.capture.image import decode_image
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import DepthUnit, decode_multimodal
from bonafide.capture.spread import decode_spread
from bonafide.capture.video import decode_clip
from bonafide.datasets.manifest import ManifestForm, manifest
from bonafide.decision.operating_point import parse_operating_point
from bonafide.deploy.record import METADATA_KEY, parse_record
from bonafide.deploy.runtime import SHIPPED_MODEL, OnnxScorer
from bonafide.evaluation.score_file import read_scores
from bonafide.service.model_file import check_model_file
from bonafide.types import SAMPLE_COLUMNS, BonafideError

LIMITS = Limits(max_bytes=1 << 22, max_pixels=1_000_000, max_frames=200, max_seconds=60)


@dataclass
class Target:
    seeds: list
    read: object

    def use(self, data):
        try:
            self.read(data)
        except BonafideError as error:
            return type(error).__name__
        return "read"


def photo():
    rgb = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds = [
        photo_bytes(rgb, "JPEG", exif=exif),
        photo_bytes(rgb, "JPEG", progressive=True),
        photo_bytes(rgb, "JPEG", "CMYK"),
        photo_bytes(rgb, "PNG", exif=exif),
        photo_bytes(rgb, "PNG", "P"),
        photo_bytes(rgb, "PNG", "RGBA"),
        photo_bytes(rgb, "PNG", "I;16") if hasattr(Image, "I;16") else photo_bytes(rgb, "PNG", "L"),
        photo_bytes(rgb, "WEBP", exif=exif),
        photo_bytes(rgb, "WEBP", "RGBA", lossless=True),
    ]
    return Target(seeds, lambda data: decode_image(data, "fuzz", LIMITS))


def depth():
    """The depth of a capture whose colour and infrared are well."""
    rgb = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    levels = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32) + 400
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    grey = photo_bytes(rgb, "PNG", "L")
    seeds = [buffer.getvalue(), grey, photo_bytes(rgb, "JPEG", "L"), photo_bytes(rgb, "WEBP")]
    colour, unit = photo_bytes(rgb, "PNG"), DepthUnit(1.5, 200.0)
    return Target(seeds, lambda data: decode_multimodal(colour, data, grey, unit, LIMITS))


def clip():
    seeds = [
        clip_bytes(8, b_frames=2),
        clip_bytes(8, container="matroska"),
        clip_bytes(4, codec="libvpx", container="webm"),
        clip_bytes(8, codec="mpeg4", container="avi", b_frames=2),
        clip_bytes(4, codec="mjpeg", container="avi", pix_fmt="yuvj420p"),
    ]

    def read(data):
        with decode_clip(data, "fuzz", LIMITS, sample_hz=5) as frames:
            for _ in frames:
                pass

    return Target(seeds, read)


def spread():
    """Clips of which a few frames are judged together."""

    def read(data):
        with decode_spread(data, "fuzz", 4, LIMITS) as frames:
            for _ in itertools.islice(frames, 4):
                pass

    return Target(clip().seeds, read)


def _with_file(name, read):
    folder = Path(tempfile.mkdtemp())
    path = folder / name

    def use(data):
        path.write_bytes(data)
        read(path)

    return use


def manifest_file():
    rows = [",".join(SAMPLE_COLUMNS)]
    for i in range(6):
        label = ("bona_fide", "attack")[i % 2]
        species = ("bona_fide", "print")[i % 2]
        split = ("train", "development", "test")[i // 2]
        rows.append(f"p{i},a{i}.png,{label},{species},person{i},{split},made up,,,,,,,,0,0.0,,")
    text = ("\n".join(rows) + "\n").encode()
    short = b"path,label,capture_subject,pai_species\na.png,bona_fide,x,bona_fide\n"
    read = _with_file("manifest.csv", lambda path: manifest(path, ManifestForm("made up")))
    return Target([text, short, text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text], read)


def scores():
    text = (
        b"presentation,frame,label,pai_species,capture_subject,score,reason\n"
        b"a,,bona_fide,bona_fide,x,0.75,\nb,,attack,print,y,-1e-3,\nc,,attack,replay,z,,no_face\n"
        b'"d, ""e""",,bona_fide,bona_fide,u,1e300,\n'
    )
    short = b"label,pai_species,score\nbona_fide,bona_fide,1\nattack,print,0\n"
    return Target([text, short], _with_file("scores.csv", read_scores))


def record():
    point = {
        "name": "eer", "criterion": "equal error rate", "threshold": 0.5,
        "development": {"dataset": "made up", "unit": "photo", "bona_fide": 2, "attacks": 2,
                        "subjects": 4},
    }  # fmt: skip
    metadata = onnx.load(str(SHIPPED_MODEL)).metadata_props
    whole = next(entry.value for entry in metadata if entry.key == METADATA_KEY)

    def read(data):
        text = data.decode("utf-8", "replace")
        try:
            parse_record(text, where="fuzz")
        except BonafideError:
            parse_operating_point(text, where="fuzz")

    return Target([json.dumps(point).encode(), whole.encode()], read)


def small_model():
    """A graph of a few nodes with the shipped model's record and inputs."""
    shipped = onnx.load(str(SHIPPED_MODEL))
    scales = 3
    crops = helper.make_tensor_value_info(
        "crops", TensorProto.UINT8, ["faces", scales, 128, 128, 3]
    )
    outputs = [
        helper.make_tensor_value_info("score", TensorProto.FLOAT, ["faces"]),
        helper.make_tensor_value_info("alpha", TensorProto.FLOAT, ["faces", scales]),
    ]
    nodes = [
        helper.make_node("Cast", ["crops"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["alpha"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("ReduceMean", ["alpha"], ["score"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "small", [crops], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model.metadata_props.extend(shipped.metadata_props)
    return model.SerializeToString()


def model():
    def read(path):
        check_model_file(path)
        OnnxScorer(path)

    pickles = [b"\x80\x04\x95\x10\x00\x00\x00", b"PK\x03\x04" + bytes(26), b"(dp0\nS'a'\n."]
    return Target([small_model(), small_model(), *pickles], _with_file("model.onnx", read))


TARGETS = {
    "photo": photo,
    "depth": depth,
    "clip": clip,
    "spread": spread,
    "manifest": manifest_file,
    "scores": scores,
    "record": record,
    "model": model,
}
