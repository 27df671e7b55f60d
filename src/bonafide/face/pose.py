"""Head angles from five landmarks.

A rigid head of five points is fitted to the landmarks under weak perspective (the face is far away
compared with its depth). Five points of one average head cannot tell a long nose from a turned
head: take the angles as good to about ten degrees, enough to turn away profiles, not to measure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.face.align import AlignmentError
from bonafide.types import Landmarks, Pose

HEAD = np.array(
    [
        [-0.50, 0.00, 0.00],
        [0.50, 0.00, 0.00],
        [0.00, 0.57, 0.49],
        [-0.49, 0.98, -0.09],
        [0.49, 0.98, -0.09],
    ],
    dtype=np.float64,
)
"""(5, 3): x to the picture's right, y down, z out of the picture towards the camera, in distances
between the eyes, for a head at yaw, pitch and roll 0. Fitted jointly with the angles of 1,500 real
faces and their mirror images (docs/face.md); zero pitch is the median of those faces, because
landmarks alone do not fix it. Read-only."""
HEAD.setflags(write=False)

_CENTERED = HEAD - HEAD.mean(axis=0)
_PSEUDO_INVERSE = np.linalg.pinv(_CENTERED)

Rotation = npt.NDArray[np.float64]


def estimate_pose(landmarks: Landmarks) -> Pose:
    """Yaw, pitch and roll in degrees; signs as in `types.Pose`.

    The affine map from the head to the landmarks with the least squared error, then the scaled
    rotation nearest to it.

    Args:
        landmarks: (5, 2), see `types.Landmarks`.

    Raises:
        AlignmentError: the landmarks are not five, not finite or lie on a line.

    Example:
        >>> from bonafide.face.pose import HEAD
        >>> pose = estimate_pose((HEAD[:, :2] * 80 + 200).astype("float32"))
        >>> bool(max(abs(pose.yaw_deg), abs(pose.pitch_deg), abs(pose.roll_deg)) < 1e-3)
        True
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise AlignmentError(
            "a pose needs five finite landmarks.",
            where="landmarks",
            remedy="Discard this detection: these are not the five landmarks of a face.",
        )
    affine = (_PSEUDO_INVERSE @ (points - points.mean(axis=0))).T
    left, strengths, right = np.linalg.svd(affine, full_matrices=False)
    if strengths[1] <= 1e-9 * max(float(strengths[0]), 1e-300):
        raise AlignmentError(
            "the landmarks lie on a line and show no pose.",
            where="landmarks",
            remedy="Discard this detection: these are not the five landmarks of a face.",
        )
    rows = left @ right
    return angles(np.concatenate([rows, np.cross(rows[0], rows[1])[None]]))


def rotation(pose: Pose) -> Rotation:
    """(3, 3): pitch first, then yaw, then roll, in the axes of `HEAD`."""
    yaw, pitch, roll = np.radians([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float64)


def angles(turned: Rotation) -> Pose:
    """The angles of a rotation as `rotation` composes it; yaw within 90 degrees."""
    yaw = np.degrees(np.arcsin(np.clip(-turned[2, 0], -1.0, 1.0)))
    pitch = np.degrees(np.arctan2(turned[2, 1], turned[2, 2]))
    roll = np.degrees(np.arctan2(turned[1, 0], turned[0, 0]))
    return Pose(yaw_deg=float(yaw), pitch_deg=float(pitch), roll_deg=float(roll))
