"""Models of all sorts by hand, a few nodes each: the service is tested here, not tracing."""

import io
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "deploy"))

from cascade_makers import D_NET, M_NET, SIDE, capture_of, point

from bonafide.cues import lbp_top
from bonafide.cues.clip_frames import ClipSettings
from bonafide.deploy.cascade_export import either
from bonafide.deploy.cascade_file import stage_about
from bonafide.deploy.graph import OPSET
from bonafide.deploy.machine_graph import machine_graph
from bonafide.deploy.record import METADATA_KEY
from bonafide.face.depth_picture import FORM
from bonafide.models import videolet
from bonafide.models.descriptors import CLIP_DESCRIPTORS, VIEW_DESCRIPTORS
from bonafide.models.support_machine import SupportMachine
from bonafide.training.cascade_data import align_settings, plane_form

WINDOW_S, FRAMES, FRAME_PX = 1.0, 4, 112
VIDEOLET_FRAMES, VIDEOLET_PX, CAPTURE_PX = 8, 96, 64
CAPTURE_WEIGHTS = 0.2, 0.5, 0.3
"""Of colour, depth and infrared in the score."""

MOTION = ClipSettings(frames=FRAMES, side_px=FRAME_PX, window_s=WINDOW_S)


def write_cascade(path, record, d_net=0.0, m_net=0.5):
    """A cascade of two nets with these thresholds; each scores the mean of its planes."""
    forms = {"d_net": plane_form(D_NET), "m_net": plane_form(M_NET)}
    graphs = [_mean_graph(name, form.channels) for name, form in forms.items()]
    points = {"d_net": point("d_net point", d_net), "m_net": point("m_net point", m_net)}
    about = [stage_about(name, name, forms[name], points[name], "made up") for name in forms]
    preprocessing = {"align": asdict(align_settings(D_NET)), "stages": about}
    record = replace(
        record, name="twin", family="cascade", preprocessing=preprocessing,
        operating_point=points["m_net"],
    )  # fmt: skip
    return _save(either(*graphs), record, path)


def write_motion(path, record, clip=MOTION):
    """A clip model whose attention goes by a frame's brightness."""
    record = replace(record, family="motion_cnn_lstm", preprocessing={"clip": asdict(clip)})
    return _save(_brightness("clip", "attention"), record, path)


def write_clip_rival(path, record):
    """A rival of the catalogue that judges a clip's frames by their brightness."""
    told = {"model": "lstm_cnn", "kind": "frames", "frames": FRAMES, "scales": [1.0],
            "crop_px": FRAME_PX}  # fmt: skip
    record = replace(record, family="rival_clip", preprocessing=told)
    return _save(_brightness("views", "alpha"), record, path)


def write_clip_machine(path, record):
    """A machine over the hand-made features of a clip's frames."""
    made = VIEW_DESCRIPTORS["videolet"].settings
    told = {"model": "videolet", "kind": "frames", "frames": VIDEOLET_FRAMES, "scales": [1.2],
            "crop_px": VIDEOLET_PX, "descriptor": made}  # fmt: skip
    record = replace(record, family="rival_machine_clip", preprocessing=told)
    length = len(videolet.describe(np.zeros((VIDEOLET_FRAMES, VIDEOLET_PX, VIDEOLET_PX, 3), "u1")))
    zeros, ones, slope = np.zeros(length), np.ones(length), np.arange(length)[None] / length
    machine = SupportMachine(zeros, ones, slope, np.ones(1), -2.0, 0.0, -1.0, 0.0)
    return _save(machine_graph(machine, (length,)), record, path)


def write_capture_rival(path, record):
    """A rival of colour, depth and infrared that adds the three, with weights of its own."""
    told = {"model": "casia_surf_fusion", "kind": "modalities", "frames": 1, "scales": [1.2],
            "crop_px": CAPTURE_PX, "depth": FORM}  # fmt: skip
    record = replace(record, family="rival_capture", preprocessing=told)
    nodes = [
        helper.make_node("Cast", ["views"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "of_view"], ["light"], keepdims=0),
        helper.make_node("Mul", ["light", "each"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed", "of_capture"], ["score"], keepdims=0),
        helper.make_node("Mul", ["light", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "third"], ["alpha"]),
    ]
    constants = {
        "of_view": np.array([2, 3, 4]), "of_capture": np.array([1]),
        "each": np.array(CAPTURE_WEIGHTS, np.float32) / 255,
        "none": np.float32(0), "third": np.float32(1 / 3),
    }  # fmt: skip
    shape = ["batch", 3, CAPTURE_PX, CAPTURE_PX, 3]
    model = _model(nodes, constants, "views", shape, {"score": ["batch"], "alpha": ["batch", 3]})
    return _save(model, record, path)


def write_texture(path, record):
    """A texture machine that judges a clip by its patterns in space and time, all clips alike."""
    clip = ClipSettings(frames=0, side_px=FRAME_PX, window_s=WINDOW_S)
    made = CLIP_DESCRIPTORS["lbp_top"].settings
    told = {"clip": asdict(clip), "cue": "lbp_top", "descriptor": made}
    record = replace(record, family="texture_svm", preprocessing=told)
    values = np.ones(lbp_top.LENGTH)
    machine = SupportMachine(values, values, values[None] / 9, np.ones(1), 0.0, 0.0, -1.0, 0.0)
    return _save(machine_graph(machine, (lbp_top.LENGTH,)), record, path)


def _brightness(given, weights):
    """Frames to their mean brightness as the score, and weights that follow each one's."""
    nodes = [
        helper.make_node("Cast", [given], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "of_frame"], ["light"], keepdims=0),
        helper.make_node("Softmax", ["light"], [weights], axis=1),
        helper.make_node("ReduceMean", ["light", "of_clip"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "most"], ["score"]),
    ]
    constants = {
        "of_frame": np.array([2, 3, 4]), "of_clip": np.array([1]), "most": np.float32(255),
    }  # fmt: skip
    shape = ["batch", FRAMES, FRAME_PX, FRAME_PX, 3]
    gives = {"score": ["batch"], weights: ["batch", FRAMES]}
    return _model(nodes, constants, given, shape, gives)


def _mean_graph(name, channels):
    nodes = [
        helper.make_node("Cast", [name], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "all"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "most"], ["score"]),
    ]
    constants = {"all": np.array([1, 2, 3]), "most": np.float32(255)}
    given = [f"{name}_rows", SIDE, SIDE, channels]
    return _model(nodes, constants, name, given, {"score": ["rows"]})


def _model(nodes, constants, given, shape, gives):
    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "made by hand",
        [helper.make_tensor_value_info(given, TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info(name, float32, size) for name, size in gives.items()],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    return model


def _save(model, record, path):
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, record.to_json()
    onnx.save(model, path)
    return path


def capture_files(rgb):
    """A capture as three files: PNG, 16-bit PNG in mm, PNG; lossless, so that scores agree."""
    capture = capture_of(np.ascontiguousarray(rgb))
    depth = np.round(capture.depth_mm).astype(np.uint16)
    pictures = {"rgb": capture.rgb, "depth": depth, "infrared": capture.infrared}
    return {name: png(picture) for name, picture in pictures.items()}


def png(picture):
    """A picture as the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
