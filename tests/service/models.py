"""Small exported models for the service's tests: a cascade, and a clip model."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "deploy"))

from cascade_makers import aligned_faces, capture_of, write_cascade

from bonafide.cues.clip_frames import ClipSettings
from bonafide.deploy.cascade_export import export_cascade_run
from bonafide.deploy.export import export_clip_onnx
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training.capture_cache import ARRAYS, ROWS

WINDOW_S, FRAMES, SIDE = 1.0, 4, 112


def export_cascade(folder, rgb):
    """An untrained cascade as one ONNX file."""
    captures, faces = folder / "captures", aligned_faces(rgb)
    captures.mkdir()
    for name in ARRAYS[:3]:
        np.save(captures / f"{name}.npy", np.stack([getattr(face, name) for face in faces]))
    facts = [[face.area_px, face.mm_per_px, *face.landmarks.ravel()] for face in faces]
    np.save(captures / "facts.npy", np.array(facts, np.float32))
    (captures / ROWS).write_text("presentation\n" + "".join(f"{i}\n" for i in range(len(faces))))
    run, out = write_cascade(folder / "run", tuned=False), folder / "cascade.onnx"
    export_cascade_run(run, out, probe=captures, name="twin", version="7")
    return out


def export_motion(folder, record, window_s=WINDOW_S):
    """An untrained motion network with attention as an ONNX file."""
    clip = ClipSettings(frames=FRAMES, side_px=SIDE, window_s=window_s)
    settings = {name: getattr(clip, name) for name in clip.__dataclass_fields__}
    record = replace(record, family="motion_cnn_lstm", preprocessing={"clip": settings})
    torch.manual_seed(0)
    network = MotionCnnLstm("cnn-lstm-a", "small", FRAMES, 8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "attention" in name:
                parameter.normal_()
    probe = np.random.default_rng(0).integers(0, 256, (2, FRAMES, SIDE, SIDE, 3), np.uint8)
    out = folder / "motion.onnx"
    export_clip_onnx(network.eval(), record, out, probe=probe)
    return out


def capture_files(rgb):
    """A capture as three files: PNG, 16-bit PNG in mm, PNG; lossless, so that scores agree."""
    capture = capture_of(np.ascontiguousarray(rgb))
    depth = np.round(capture.depth_mm).astype(np.uint16)
    pictures = {"rgb": capture.rgb, "depth": depth, "infrared": capture.infrared}
    return {name: png(picture) for name, picture in pictures.items()}


def png(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
