"""Simulated recaptures of real photos: prints, screen replays, and the live captures beside them.

A bona fide photo stands for the scene itself. A live capture is scene -> camera; an attack is
scene -> earlier capture -> print or screen -> the SAME camera. Framing, tilt, light, camera and
JPEG are drawn before the kind is looked at, so the same generator gives a live capture and attacks
that differ by the carrier alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from bonafide.simulator.camera import Capture, capture
from bonafide.simulator.portraits import rough_face
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.stage import Devices, Rendered, Stage, draw_devices, draw_stage
from bonafide.types import BonafideError, Box, RgbImage


@dataclass(frozen=True, slots=True)
class Recapture:
    """One simulated presentation.

    Attributes:
        rgb: (height, width, 3) uint8 R, G, B, exactly what ``jpeg`` decodes to.
        jpeg: the file as the simulated camera wrote it.
        kind: a key of KINDS.
        detail: the carrier in words; "live" for bona fide.
        face: where the face was aimed, px of ``rgb``; as rough as the source's face box.
        parameters: every drawn number, JSON-ready.
    """

    rgb: RgbImage
    jpeg: bytes
    kind: str
    detail: str
    face: Box
    parameters: dict[str, object]


def recapture(
    photo_rgb: RgbImage,
    kind: str,
    rng: np.random.Generator,
    *,
    devices: Devices | None = None,
    face: Box | None = None,
) -> Recapture:
    """Simulate one presentation of a real photo.

    Args:
        photo_rgb: (height, width, 3) uint8 R, G, B, a bona fide photo with one face.
        kind: a key of KINDS: "bona_fide", "print" or "replay".
        rng: decides everything; equal generators give equal framing, camera and light whatever
            the kind.
        devices: to draw from; None draws fresh devices.
        face: the face in the photo, px; None looks for it with `rough_face`.

    Raises:
        BonafideError: unknown kind, or a picture that is not RGB uint8 of 64 px and more.
    """
    if kind not in KINDS:
        raise BonafideError(
            f"unknown kind {kind!r}.", where="recapture", remedy=f"Choose one of {sorted(KINDS)}."
        )
    if photo_rgb.ndim != 3 or photo_rgb.shape[2] != 3 or photo_rgb.dtype != np.uint8:
        raise BonafideError(
            f"the photo has shape {photo_rgb.shape} and type {photo_rgb.dtype}.",
            where="recapture",
            remedy="Give (height, width, 3) uint8 in R, G, B order.",
        )
    if min(photo_rgb.shape[:2]) < 64:
        raise BonafideError(
            f"the photo is only {photo_rgb.shape[1]}x{photo_rgb.shape[0]} px.",
            where="recapture",
            remedy="Give a portrait of at least 64 px a side.",
        )
    stage_rng, carrier_rng, noise_rng = rng.spawn(3)
    if devices is None:
        devices = draw_devices(stage_rng, 1, 1, 1)
    face = rough_face(photo_rgb) if face is None else face
    stage = draw_stage(stage_rng, (photo_rgb.shape[1], photo_rgb.shape[0]), face, devices)
    rendered = KINDS[kind](photo_rgb, face, stage, devices, carrier_rng)
    size = (stage.framing.width, stage.framing.height)
    taken = capture(
        rendered.radiance,
        rendered.illuminant,
        stage.camera,
        stage.shot,
        size,
        noise_rng,
        rendered.structure,
    )
    return _finish(taken, kind, stage, rendered)


def _finish(taken: Capture, kind: str, stage: Stage, rendered: Rendered) -> Recapture:
    scale = taken.rgb.shape[1] / stage.framing.width
    side = stage.framing.face_px * scale
    at_x, at_y = stage.framing.face_at[0] * scale, stage.framing.face_at[1] * scale
    parameters = {"simulated": True, "kind": kind, **asdict(stage), **rendered.parameters}
    return Recapture(
        rgb=taken.rgb,
        jpeg=taken.jpeg,
        kind=kind,
        detail=rendered.detail,
        face=Box(at_x - side / 2, at_y - side / 2, side, side),
        parameters=parameters,
    )
