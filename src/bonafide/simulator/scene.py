"""What stands before the camera: framing, perspective, carrier edges, and what is behind.

The plane coordinates are px of the source photo. For a live person the "plane" is the photo
itself, taken as the scene; for an attack it is the sheet or the screen that shows the photo. Both
pass the same framing, tilt and roll, so geometry tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bonafide.simulator.linear_light import Light, smooth_field
from bonafide.types import Box

MAX_MAGNIFICATION = 1.7
"""Output px per source px along a side; beyond it a face would be mush in both classes."""
SHORT_SIDE_PX = (200, 640)
LARGEST_FRAME = (1.1, 1.0)
"""Width and height of the frame in widths and heights of the photo: what lies beyond the photo is
invented for live people, so little of it may be in view."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How the camera sees the plane.

    Attributes:
        width, height: output picture, px.
        face_px: width of the face in the output, px.
        face_at: (x, y) of the face centre in the output, px.
        roll_deg: clockwise turn of the picture; yaw_deg, pitch_deg: tilt of the plane.
        distance: of the camera, in widths of the output's longer side (sets the perspective).
    """

    width: int
    height: int
    face_px: float
    face_at: tuple[float, float]
    roll_deg: float
    yaw_deg: float
    pitch_deg: float
    distance: float


def draw_framing(rng: np.random.Generator, photo_size: tuple[int, int], face: Box) -> Framing:
    """Draw an output size and a place for the face in it.

    Half of the pictures are tight ("selfie, the face fills the frame"), the rest show shoulders
    and, where the photo ends, what lies beyond it.

    Args:
        photo_size: (width, height) of the source, px.
        face: the face in the source, px.
    """
    aspect = float(rng.choice([1.0, 3 / 4, 4 / 5, 9 / 16, 4 / 3], p=[0.42, 0.25, 0.15, 0.1, 0.08]))
    tight = rng.random() < 0.5
    share = float(rng.uniform(0.52, 0.82) if tight else rng.uniform(0.24, 0.52))
    shape = (1.0, 1 / aspect) if aspect <= 1 else (aspect, 1.0)
    for side in (0, 1):
        # share >= (face / photo) * (side / short side) / largest frame, on both sides.
        least = face.width / photo_size[side] * shape[side] / LARGEST_FRAME[side]
        share = max(share, min(least, 0.85))
    largest = min(340.0, MAX_MAGNIFICATION * face.width)
    face_px = float(np.exp(rng.uniform(np.log(0.5 * largest), np.log(largest))))
    short = float(np.clip(face_px / share, *SHORT_SIDE_PX))
    face_px = min(largest, share * short)
    width, height = short * shape[0], short * shape[1]
    jitter = rng.normal(0, 0.035, 2)
    across = 0.5 + jitter[0] * (1 if tight else 2)
    down = (0.47 if tight else 0.42) + jitter[1]
    roll = float(np.clip(rng.normal(0, 4.5), -15, 15)) + (
        float(rng.choice([90, 270])) if rng.random() < 0.02 else 0.0
    )
    down = max(down, 1 - _room_below(photo_size, face) * face_px / face.width / height)
    return Framing(
        width=round(width),
        height=round(height),
        face_px=face_px,
        face_at=(across * round(width), min(down, 0.62) * round(height)),
        roll_deg=roll,
        yaw_deg=float(np.clip(rng.normal(0, 7), -25, 25)),
        pitch_deg=float(np.clip(rng.normal(0, 6), -25, 25)),
        distance=float(rng.uniform(1.2, 4.0)),
    )


def _room_below(photo_size: tuple[int, int], face: Box) -> float:
    """Source px between the face centre and the bottom of the photo."""
    return photo_size[1] - face.center[1]


def plane_to_picture(framing: Framing, face: Box, scale: float = 1.0) -> np.ndarray:
    """(3, 3) homography from plane coordinates (source px) to picture px.

    A pinhole camera looks at the plane, which is tilted about the face's centre; the face's centre
    lands on ``face_at`` exactly.

    Args:
        scale: picture px per output px (the working ratio).
    """
    zoom = framing.face_px / face.width * scale
    focal = framing.distance * max(framing.width, framing.height) * scale
    roll, yaw, pitch = np.deg2rad([framing.roll_deg, framing.yaw_deg, framing.pitch_deg])
    turn_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    turn_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    rotation = turn_z @ turn_y @ turn_x
    # Columns of K [r1 r2 t] for a plane point (X, Y, 0) at depth `focal`, so that zoom is 1 there.
    at_x, at_y = framing.face_at[0] * scale, framing.face_at[1] * scale
    intrinsics = np.array([[focal, 0, at_x], [0, focal, at_y], [0, 0, 1]])
    pose = np.column_stack([rotation[:, 0] * zoom, rotation[:, 1] * zoom, [0, 0, focal]])
    center = face.center
    shift = np.array([[1, 0, -center[0]], [0, 1, -center[1]], [0, 0, 1]])
    homography = intrinsics @ pose @ shift
    return homography / homography[2, 2]


@dataclass(frozen=True, slots=True)
class Carrier:
    """The rectangle that carries the picture, in plane coordinates.

    Attributes:
        content: where the picture lies.
        margin: width of the white border or bezel around it (left, top, right, bottom).
        corner: radius of the outer corners.
    """

    content: Box
    margin: tuple[float, float, float, float]
    corner: float = 0.0

    @property
    def outer(self) -> Box:
        """The whole sheet or device."""
        left, top, right, bottom = self.margin
        content = self.content
        return Box(
            content.left - left,
            content.top - top,
            content.width + left + right,
            content.height + top + bottom,
        )


def coverage(box: Box, x: Light, y: Light, zoom: float, corner: float = 0.0) -> Light:
    """(height, width) share 0..1 of each picture px inside ``box``, with soft one-px edges.

    Args:
        x, y: plane coordinates of each picture px.
        zoom: picture px per plane unit.
        corner: radius of rounded corners, plane units.
    """
    center_x, center_y = box.center
    out_x = np.abs(x - np.float32(center_x)) - np.float32(box.width / 2 - corner)
    out_y = np.abs(y - np.float32(center_y)) - np.float32(box.height / 2 - corner)
    if corner > 0:
        distance = cv2.magnitude(np.maximum(out_x, 0), np.maximum(out_y, 0)) - np.float32(corner)
        distance += np.minimum(np.maximum(out_x, out_y), 0)
    else:
        distance = np.maximum(out_x, out_y)
    return np.clip(0.5 - distance * np.float32(zoom), 0, 1)


def draw_background(
    rng: np.random.Generator, width: int, height: int, photo: Light | None = None
) -> Light:
    """(height, width, 3) linear light of a room: a wall, things standing before it, out of focus.

    With ``photo``, half of the rooms are a strongly blurred patch of it, mirrored.
    """
    small_h, small_w = max(height // 4, 8), max(width // 4, 8)
    tint = 1 + rng.uniform(-0.18, 0.18, 3)
    wall = float(np.exp(rng.uniform(np.log(0.04), np.log(0.7))))
    room = np.empty((small_h, small_w, 3), np.float32)
    room[:] = (wall * tint).astype(np.float32)
    room *= (1 + 0.25 * smooth_field(rng, small_h, small_w, 3))[..., None]
    if photo is not None and rng.random() < 0.5:
        patch = cv2.resize(photo, (small_w, small_h), interpolation=cv2.INTER_AREA)
        blur = float(small_w * rng.uniform(0.05, 0.12))
        room = 0.3 * room + 0.7 * cv2.GaussianBlur(patch[:, ::-1], (0, 0), blur)
    for _ in range(int(rng.integers(0, 7))):
        color = np.exp(rng.uniform(np.log(0.015), np.log(0.9))) * (1 + rng.uniform(-0.4, 0.4, 3))
        center = rng.uniform(0, 1, 2) * (small_w, small_h)
        extent = np.exp(rng.uniform(np.log(0.05), np.log(0.5), 2)) * (small_w, small_h)
        corners = cv2.boxPoints((tuple(center), tuple(extent), float(rng.normal(0, 4))))
        shades = tuple(float(c) for c in color)
        cv2.fillConvexPoly(room, np.rint(corners).astype(np.int32), shades, cv2.LINE_AA)
    blur = float(np.exp(rng.uniform(np.log(0.9), np.log(small_w * 0.04 + 1.0))))
    room = cv2.GaussianBlur(room, (0, 0), blur)
    room = cv2.resize(room, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.maximum(room, 0.002)


def warp_to_picture(photo: Light, x: Light, y: Light, zoom: float) -> Light:
    """Sample a plane picture at plane coordinates, with area integration where it shrinks.

    Args:
        photo: (h, w, 3) linear light, one px per plane unit.
        x, y: plane coordinates; beyond the photo its edge is mirrored.
        zoom: picture px per plane unit.
    """
    if zoom < 0.9:
        size = (max(round(photo.shape[1] * zoom), 8), max(round(photo.shape[0] * zoom), 8))
        scale_x, scale_y = size[0] / photo.shape[1], size[1] / photo.shape[0]
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        # Pixel centres are whole numbers: keep the half-pixel shift of the smaller grid.
        x = (x + np.float32(0.5)) * np.float32(scale_x) - np.float32(0.5)
        y = (y + np.float32(0.5)) * np.float32(scale_y) - np.float32(0.5)
    picture = cv2.remap(photo, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.maximum(picture, 0)
