"""A person that can be posed: identity, surfaces, expressions and hair brought together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bonafide.simulator.body import SKIN_WRAP, build_ear, build_glasses, build_torso
from bonafide.simulator.eyes import (
    CLOSURE,
    GAZE,
    HEAD_ROTATION,
    MOUTH_OPEN,
    PULSE_LEVEL,
    face_vector,
)
from bonafide.simulator.features import lip_curves, plan_face
from bonafide.simulator.hair import Strands, grow_fuzz, grow_hair
from bonafide.simulator.head import COLUMNS, ROWS, HeadMesh, build_head
from bonafide.simulator.identity import Identity
from bonafide.simulator.mesh import OFF_FACE, Material, Scene, Surface, assemble
from bonafide.simulator.motion import REST, Gesture
from bonafide.simulator.skin import MOUTH_STRIP_MM, paint_head

Float = npt.NDArray[np.float32]
NECK_PIVOT = np.array([0.0, -95.0, -28.0], np.float32)
JAW_AXIS = np.array([0.0, -14.0, -4.0])
JAW_DEG = 16.0
SHAPES = ("jaw", "smile", "pucker", "brows")


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a person is: head angles in degrees (see `motion.Gesture`) and place in world mm."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    place_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person ready to be posed.

    Attributes:
        person, head: who, and the head at rest.
        surfaces: head first, then torso, ears, glasses.
        hair, fuzz: strands at rest.
        shapes: (4, head vertices, 3) displacements at full strength of `SHAPES`.
        fuzz_on: nearest head vertex of each fuzz strand.
        face: see `eyes`.
    """

    person: Identity
    head: HeadMesh
    surfaces: tuple[Surface, ...]
    hair: Strands
    fuzz: Strands
    shapes: Float
    fuzz_on: npt.NDArray[np.int64]
    face: Float

    def scene(self, more: tuple[Surface, ...] = ()) -> Scene:
        """The person, and whatever else is there, as arrays to draw."""
        return assemble((*self.surfaces, *more), self.hair, self.fuzz)


@dataclass(frozen=True, slots=True)
class Posed:
    """A person at one instant, in world space.

    Attributes:
        points: (n, 3) of the actor's surfaces; hair, fuzz: (strands * steps, 3).
        face: the face's parameters for the shader; landmarks: (5, 3) world mm.
        rotation: (3, 3) of the head; offset: (3,): world = rotation @ rest + offset.
    """

    points: Float
    hair: Float
    fuzz: Float
    face: Float
    landmarks: npt.NDArray[np.float64]
    rotation: Float
    offset: Float


def build_actor(person: Identity) -> Actor:
    """Build a person; about a second of work."""
    head = build_head(person)
    paint = paint_head(person, head.rest, ROWS, COLUMNS)
    face_xy = np.where(head.rest[:, 2:] > 12, head.rest[:, :2], np.float32(OFF_FACE))
    skin = Material(paint, 14.0 + 10.0 * person.oiliness, 0.028, SKIN_WRAP, face=True)
    front = Surface(head.rest, head.triangles, head.uv, np.ascontiguousarray(face_xy),
                    np.ones(len(head.rest), np.float32), skin)  # fmt: skip
    ears = [build_ear(person, head, side) for side in (-1.0, 1.0)]
    surfaces = (front, build_torso(person), *ears, *build_glasses(person, head))
    fuzz = grow_fuzz(head, person)
    nearest = cKDTree(head.rest).query(fuzz.points[:, 0])[1]
    return Actor(
        person, head, surfaces, grow_hair(head, person), fuzz, expression_shapes(head, person),
        nearest, face_vector(person),
    )  # fmt: skip


def expression_shapes(head: HeadMesh, person: Identity) -> Float:
    """(4, n, 3) displacements: jaw open, smile, pucker, raised brows; mm, head space."""
    plan = plan_face(person)
    p = head.rest.astype(np.float64)
    x, y, z = p.T
    _, line, _ = lip_curves(x, person, plan)
    front = np.clip((z - 15) / 25, 0, 1)
    beside = np.clip((np.abs(x) - 0.93 * plan.mouth_half) / 14, 0, 1)
    soft = MOUTH_STRIP_MM + 16 * beside
    lower = np.clip(0.5 - (y - line) / (2 * soft), 0, 1)
    lower = lower * lower * (3 - 2 * lower) * np.clip((z + 5) / 45, 0, 1)
    angle = np.deg2rad(JAW_DEG)
    ry, rz = y - JAW_AXIS[1], z - JAW_AXIS[2]
    dy = ry * np.cos(angle) - rz * np.sin(angle) - ry
    dz = ry * np.sin(angle) + rz * np.cos(angle) - rz
    strip = np.clip(1 - np.abs(y - line) / MOUTH_STRIP_MM, 0, 1) * (beside == 0) * front
    jaw = np.stack([-0.05 * x * lower, dy * lower, dz * lower - 7 * strip], 1)
    corner_y = plan.lip_y + person.mouth_corner_mm
    spot = np.exp(-(((np.abs(x) - plan.mouth_half) / 12) ** 2) - ((y - corner_y) / 11) ** 2) * front
    cheek = np.exp(-(((np.abs(x) - 38) / 14) ** 2) - ((y + 32) / 12) ** 2) * front
    middle = np.exp(-((x / 14) ** 2) - ((y - plan.lip_y) / 9) ** 2) * front
    side = np.sign(x)
    smile = np.stack([5.5 * side * spot, 4.5 * spot + 2.6 * cheek, -3.5 * spot + 3.2 * cheek], 1)
    pucker = np.stack([-7.0 * side * spot, 0 * x, 5.0 * middle - 1.0 * spot], 1)
    brow = np.exp(-(((np.abs(x) - 26) / 20) ** 2) - ((y - 24) / 10) ** 2) * front
    brows = np.stack([0 * x, 4.0 * brow, 0.4 * brow], 1)
    return np.stack([jaw, smile, pucker, brows]).astype(np.float32)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Float:
    """(3, 3) head rotation: roll, then pitch, then yaw, world axes; signs as in `Gesture`."""
    a, b, c = np.deg2rad([yaw_deg, -pitch_deg, -roll_deg])
    yaw = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    pitch = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    roll = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (yaw @ pitch @ roll).astype(np.float32)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _skin(points, follow, head, head_offset, body, body_offset, out):  # noqa: ANN001, ANN202
    """Blend two rigid movements by ``follow``."""
    for i in range(points.shape[0]):
        f = follow[i]
        for q in range(3):
            by_head = head_offset[q]
            by_body = body_offset[q]
            for r in range(3):
                by_head += head[q, r] * points[i, r]
                by_body += body[q, r] * points[i, r]
            out[i, q] = by_body + f * (by_head - by_body)


def pose_actor(actor: Actor, scene: Scene, pose: Pose, gesture: Gesture) -> Posed:
    """Put a person's surfaces and hair where pose and gesture say.

    Args:
        scene: from ``actor.scene``; only the actor's own points are moved.
    """
    strengths = np.array([gesture.jaw, gesture.smile, gesture.pucker, gesture.brows], np.float32)
    count = len(actor.head.rest)
    own = sum(len(s.points) for s in actor.surfaces)
    rest = scene.points[:own].copy()
    moved = np.tensordot(strengths, actor.shapes, 1)
    rest[:count] += moved
    turn = rotation(pose.yaw_deg + gesture.yaw_deg, pose.pitch_deg + gesture.pitch_deg,
                    pose.roll_deg + gesture.roll_deg)  # fmt: skip
    lean = rotation(0.45 * pose.yaw_deg + 0.3 * gesture.yaw_deg, 0.0, 0.3 * pose.roll_deg)
    place = np.array(pose.place_mm, np.float32) + np.array(gesture.shift_mm, np.float32)
    # The mean of the five landmarks is the pivot, for faces and carriers alike, so that the place
    # of a face in the picture tells nothing about what it is.
    center = actor.head.landmarks.mean(0).astype(np.float32)
    offset = place - turn @ center
    pivot = turn @ NECK_PIVOT + offset
    chest = pivot - lean @ NECK_PIVOT + np.array([0.0, 0.4 * gesture.chest_mm, 0.6 * gesture.chest_mm],
                                                 np.float32)  # fmt: skip
    points = np.empty_like(rest)
    _skin(rest, scene.follow[:own], turn, offset, lean, chest, points)
    fuzz = actor.fuzz.points + moved[actor.fuzz_on][:, None, :]
    face = actor.face.copy()
    face[CLOSURE : CLOSURE + 2] = gesture.closure
    face[GAZE : GAZE + 2] = np.sin(np.deg2rad(gesture.gaze_deg))
    face[MOUTH_OPEN] = max(gesture.jaw, 0.0) * 24.0
    face[HEAD_ROTATION : HEAD_ROTATION + 9] = turn.ravel()
    face[PULSE_LEVEL] = gesture.pulse
    return Posed(
        points,
        actor.hair.points.reshape(-1, 3) @ turn.T + offset,
        fuzz.reshape(-1, 3) @ turn.T + offset,
        face,
        _landmarks(actor, moved) @ turn.T.astype(np.float64) + offset,
        turn,
        offset,
    )


def _landmarks(actor: Actor, moved: Float) -> npt.NDArray[np.float64]:
    """The five landmarks with the expression's movement of the nearest vertices."""
    spots = actor.head.landmarks
    nearest = [int(np.argmin(((actor.head.rest - s) ** 2).sum(1))) for s in spots]
    return spots + moved[nearest]


def neutral(gesture: Gesture) -> Gesture:
    """The gesture without expression or movement, with its lids."""
    return replace(REST, closure=gesture.closure)
