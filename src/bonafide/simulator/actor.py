"""A person that can be posed: identity, surfaces, expressions and hair brought together."""

from __future__ import annotations

import functools
from dataclasses import dataclass

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
from bonafide.simulator.motion import Gesture
from bonafide.simulator.picture import vertex_normals
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
        normals: (n, 3) of all own points at rest.
        shapes, bends: (4, head vertices, 3) displacements of points and of normals at full
            strength of `SHAPES`.
        fuzz_on, landmarks_on: nearest head vertex of each fuzz strand and of each landmark.
        face: see `eyes`.
    """

    person: Identity
    head: HeadMesh
    surfaces: tuple[Surface, ...]
    hair: Strands
    fuzz: Strands
    normals: Float
    shapes: Float
    bends: Float
    fuzz_on: npt.NDArray[np.int64]
    landmarks_on: npt.NDArray[np.int64]
    face: Float

    def scene(self, more: tuple[Surface, ...] = ()) -> Scene:
        """The person, and whatever else is there, as arrays to draw."""
        return assemble((*self.surfaces, *more), self.hair, self.fuzz)


@dataclass(frozen=True, slots=True)
class Posed:
    """A person at one instant, in world space.

    Attributes:
        points, normals: (n, 3) of the actor's surfaces, normals about unit.
        hair, fuzz: (strands * steps, 3).
        face: the face's parameters for the shader; landmarks: (5, 3) world mm.
        rotation: (3, 3) of the head; offset: (3,): world = rotation @ rest + offset.
    """

    points: Float
    normals: Float
    hair: Float
    fuzz: Float
    face: Float
    landmarks: npt.NDArray[np.float64]
    rotation: Float
    offset: Float


@functools.lru_cache(maxsize=5)
def build_actor(person: Identity) -> Actor:
    """Build a person; about half a second of work, and 20 MB, so the last few are kept.

    Nobody may write into the arrays: a scene and a mask take copies.
    """
    head = build_head(person)
    paint = paint_head(person, head.rest, ROWS, COLUMNS)
    face_xy = np.where(head.rest[:, 2:] > 12, head.rest[:, :2], np.float32(OFF_FACE))
    skin = Material(paint, 14.0 + 10.0 * person.oiliness, 0.028, SKIN_WRAP, face=True)
    front = Surface(head.rest, head.triangles, head.uv, np.ascontiguousarray(face_xy),
                    np.ones(len(head.rest), np.float32), skin)  # fmt: skip
    ears = [build_ear(person, head, side) for side in (-1.0, 1.0)]
    surfaces = (front, build_torso(person), *ears, *build_glasses(person, head))
    fuzz = grow_fuzz(head, person)
    vertices = cKDTree(head.rest)
    shapes = expression_shapes(head, person)
    return Actor(
        person, head, surfaces, grow_hair(head, person), fuzz, rest_normals(surfaces), shapes,
        expression_bends(head, shapes), vertices.query(fuzz.points[:, 0])[1],
        vertices.query(head.landmarks)[1], face_vector(person),
    )  # fmt: skip


def rest_normals(surfaces: tuple[Surface, ...]) -> Float:
    """(n, 3) unit normals of surfaces at rest, one after the other."""
    out = [np.empty_like(s.points) for s in surfaces]
    for normals, part in zip(out, surfaces, strict=True):
        vertex_normals(part.points, part.triangles, normals)
    return np.concatenate(out)


def expression_bends(head: HeadMesh, shapes: Float) -> Float:
    """(4, n, 3) change of the normals at full strength of each shape."""
    still, bent = np.empty_like(head.rest), np.empty_like(head.rest)
    vertex_normals(head.rest, head.triangles, still)
    out = np.empty_like(shapes)
    for number, shape in enumerate(shapes):
        vertex_normals(head.rest + shape, head.triangles, bent)
        out[number] = bent - still
    return out


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
def _skin(
    points, normals, shapes, bends, strengths, follow, head, offset, body, shift, out, tilted
):
    """Add expressions to the first points, then blend two rigid movements by ``follow``.

    Args:
        points, normals: (n, 3) at rest; shapes, bends: (k, m, 3) displacements of the first m
            points and normals at full strength; strengths: (k,).
        head, offset: rotation and shift of points that follow the head; body, shift: the others.
        out, tilted: (n, 3) posed points and normals.
    """
    p, v = np.empty(3, np.float32), np.empty(3, np.float32)
    for i in range(points.shape[0]):
        for q in range(3):
            p[q], v[q] = points[i, q], normals[i, q]
            if i < shapes.shape[1]:
                for k in range(shapes.shape[0]):
                    if strengths[k] == 0:
                        continue
                    p[q] += strengths[k] * shapes[k, i, q]
                    v[q] += strengths[k] * bends[k, i, q]
        f = follow[i]
        rest = np.float32(1.0) - f
        for q in range(3):
            place, lean = f * offset[q] + rest * shift[q], np.float32(0.0)
            for r in range(3):
                turn = f * head[q, r] + rest * body[q, r]
                place += turn * p[r]
                lean += turn * v[r]
            out[i, q], tilted[i, q] = place, lean


@numba.njit(cache=True, fastmath=True, nogil=True)
def _turn(points, turn, offset, out):
    for i in range(points.shape[0]):
        for q in range(3):
            out[i, q] = (offset[q] + turn[q, 0] * points[i, 0] + turn[q, 1] * points[i, 1]
                         + turn[q, 2] * points[i, 2])  # fmt: skip


def turned(points: Float, turn: Float, offset: npt.ArrayLike) -> Float:
    """(n, 3) float32 points rotated and shifted; a matrix product would wake all BLAS threads."""
    out = np.empty(points.shape, np.float32)
    _turn(np.ascontiguousarray(points, np.float32), turn, np.asarray(offset, np.float32), out)
    return out


def pose_actor(actor: Actor, scene: Scene, pose: Pose, gesture: Gesture) -> Posed:
    """Put a person's surfaces and hair where pose and gesture say.

    Args:
        scene: from ``actor.scene``; only the actor's own points are moved.
    """
    strengths = np.array([gesture.jaw, gesture.smile, gesture.pucker, gesture.brows], np.float32)
    own = sum(len(s.points) for s in actor.surfaces)
    turn = rotation(pose.yaw_deg + gesture.yaw_deg, pose.pitch_deg + gesture.pitch_deg,
                    pose.roll_deg + gesture.roll_deg)  # fmt: skip
    lean = rotation(0.45 * pose.yaw_deg + 0.3 * gesture.yaw_deg, 0.0, 0.3 * pose.roll_deg)
    place = np.array(pose.place_mm, np.float32) + np.array(gesture.shift_mm, np.float32)
    # The mean of the five landmarks is the pivot, for faces and carriers alike, so that the place
    # of a face in the picture tells nothing about what it is.
    center = actor.head.landmarks.mean(0).astype(np.float32)
    offset = place - turn @ center
    pivot = turn @ NECK_PIVOT + offset
    breath = gesture.chest_mm * np.array([0.0, 0.4, 0.6], np.float32)
    chest = pivot - lean @ NECK_PIVOT + breath
    points, normals = np.empty((2, own, 3), np.float32)
    _skin(scene.points[:own], actor.normals, actor.shapes, actor.bends, strengths,
          scene.follow[:own], turn, offset.astype(np.float32), lean, chest.astype(np.float32),
          points, normals)  # fmt: skip
    on = actor.shapes[:, actor.fuzz_on]
    fuzz = actor.fuzz.points + np.einsum("k,kmq->mq", strengths, on)[:, None, :]
    face = actor.face.copy()
    face[CLOSURE : CLOSURE + 2] = gesture.closure
    face[GAZE : GAZE + 2] = np.sin(np.deg2rad(gesture.gaze_deg))
    face[MOUTH_OPEN] = max(gesture.jaw, 0.0) * 24.0
    face[HEAD_ROTATION : HEAD_ROTATION + 9] = turn.ravel()
    face[PULSE_LEVEL] = gesture.pulse
    return Posed(
        points,
        normals,
        turned(actor.hair.points.reshape(-1, 3), turn, offset),
        turned(fuzz.reshape(-1, 3), turn, offset),
        face,
        _landmarks(actor, strengths) @ turn.T.astype(np.float64) + offset,
        turn,
        offset,
    )


def _landmarks(actor: Actor, strengths: Float) -> npt.NDArray[np.float64]:
    """The five landmarks with the expression's movement of the nearest vertices."""
    moved = np.einsum("k,kmq->mq", strengths, actor.shapes[:, actor.landmarks_on])
    return actor.head.landmarks + moved
