"""A cascade's run folder with untrained nets, and captures of a real face with a made-up depth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bonafide.capture.multimodal import MultimodalCapture
from bonafide.cues.aligned_capture import align_capture
from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.training.cascade_data import plane_form
from bonafide.training.cascade_settings import CascadeSettings, paper_settings
from bonafide.training.cascade_task import build_network
from bonafide.training.checkpoint import save_tensors
from bonafide.training.loop import BEST
from bonafide.training.run import RECORD
from bonafide.training.toml import format_toml

SIDE = 48
SMALL = {"backbone": "small", "crop_px": SIDE, "estimate_attenuation": False}
# Fewer branches than the paper's, because each takes seconds to trace.
D_NET = replace(
    paper_settings("d_net"), branches=("f1", "f3"), scale_low=0.005, scale_high=0.05, **SMALL
)
M_NET = replace(
    paper_settings("m_net"),
    branches=("summation",),
    patch_px=24,
    patch_sizes=(24,),
    attenuation_per_m=0.4,
    **SMALL,
)
FINE_TUNE = replace(M_NET, stage="fine_tune", patch_sizes=(), steps=36)
PICKED = {3: 0.7, 14: 1.1, 35: 0.2}
"""Position -> alpha of the fine-tuned net."""


def point(name: str, threshold: float) -> OperatingPoint:
    return OperatingPoint(name, name, threshold, DevelopmentEvidence("made up", "photo", 2, 2, 4))


def write_stage(folder: Path, settings: CascadeSettings, threshold: float) -> None:
    """A finished run whose weights are random but whose scores differ from face to face."""
    network = build_network(replace(settings, seed=len(settings.stage)))
    channels = plane_form(settings).channels
    side = settings.patch_px or settings.crop_px
    with torch.no_grad():
        network.train()(torch.randn(16, channels, side, side))  # statistics of its own
        network.classifier.weight.mul_(20)
    if settings.stage == "fine_tune":
        network.alpha.zero_()
        for position, alpha in PICKED.items():
            network.alpha[position] = alpha
    folder.mkdir(parents=True)
    save_tensors(folder / BEST, network.state_dict(), {})
    tables = {
        "": {"family": "cascade", "name": settings.stage, "seed": 0},
        "settings": {k: getattr(settings, k) for k in settings.__dataclass_fields__},
        "data": {"dataset": "made up (simulated)"},
        "provenance": {"commit": "none"},
    }
    (folder / RECORD).write_text(format_toml(tables))
    point(f"{settings.stage} point", threshold).save(folder / "operating_point.json")


def write_cascade(folder: Path, d_net: float = 0.0, m_net: float = 0.5, tuned: bool = True) -> Path:
    """A cascade's folder with these thresholds."""
    write_stage(folder / "d_net", D_NET, d_net)
    write_stage(folder / "m_net", M_NET, m_net)
    if tuned:
        write_stage(folder / "fine_tune", FINE_TUNE, m_net)
    return folder


def capture_of(rgb, center=(223, 116), radius=(62, 84), seed=0) -> MultimodalCapture:
    """A photo, half an ellipsoid of depth before a wall, and its red as the infrared picture."""
    y, x = np.indices(rgb.shape[:2])
    far = ((x - center[0]) / radius[0]) ** 2 + ((y - center[1]) / radius[1]) ** 2
    depth = np.where(far < 1.7, 640 - 60 * np.sqrt(np.clip(1 - far / 1.7, 0, 1)), 1500.0)
    depth += np.random.default_rng(seed).normal(0, 0.5, depth.shape)
    infrared = (0.8 * rgb[..., 0] + 20).astype(np.uint8)
    return MultimodalCapture(rgb, depth.astype(np.float32), infrared, "made up")


def aligned_faces(rgb, count=4):
    """Aligned captures of one face, shifted a little each time."""
    marks = np.array([[204, 110], [244, 108], [226, 132], [208, 152], [246, 150]], np.float32)
    return [
        align_capture(capture_of(np.ascontiguousarray(rgb), seed=i), marks + i, 1.3, SIDE)
        for i in range(count)
    ]
