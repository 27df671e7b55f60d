"""The head as a surface: from an `Identity` to a mesh in millimetres.

Head space: origin midway between the ears at eye height, x to the picture's right of a frontal
portrait, y up, z out of the face. The skull, face, jaw and chin are ellipsoids around
`RAY_CENTER`; their smooth union is star-shaped, so one ray per grid point meets it once and the
mesh is closed by construction. `features` then moves the points: nose, lips, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.simulator.features import displace
from bonafide.simulator.identity import Identity

Points = npt.NDArray[np.float64]

COLUMNS, ROWS = 193, 128
"""Grid of the head: longitudes (first and last column coincide at the back) and latitudes."""
RAY_CENTER = np.array([0.0, -30.0, 6.0])
EYE_RADIUS_MM = 12.2
_BLEND_MM = 5.0


@dataclass(frozen=True, slots=True)
class HeadMesh:
    """A head at rest.

    Attributes:
        rest: (ROWS * COLUMNS, 3) float32 points, mm, head space.
        triangles: (n, 3) int32 indices, counter-clockwise seen from outside.
        uv: (ROWS * COLUMNS, 2) float32 texture coordinates 0..1: column and row of the grid.
        eyes: (2, 3) centres of the eyeballs, left in the picture first, mm.
        landmarks: (5, 3) points of the surface: eyes, nose tip, mouth corners, picture order.
    """

    rest: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int32]
    uv: npt.NDArray[np.float32]
    eyes: Points
    landmarks: Points


def longitudes() -> Points:
    """(COLUMNS,) degrees from -180 to 180, 0 the face's middle, densest there."""
    s = np.linspace(-1, 1, COLUMNS)
    return 180 * (0.36 * s + 0.64 * s**3)


def latitudes() -> Points:
    """(ROWS,) degrees from 89 (top) to -89 (below the jaw), densest between eyes and chin."""
    t = np.linspace(1, -1, ROWS)
    return -12 + np.where(t > 0, 101.0, 77.0) * (0.44 * t + 0.56 * t**3)


def ray_directions() -> Points:
    """(ROWS, COLUMNS, 3) unit directions of the grid's rays."""
    lon, lat = np.deg2rad(longitudes())[None, :], np.deg2rad(latitudes())[:, None]
    return np.stack(
        [np.cos(lat) * np.sin(lon), np.sin(lat) + 0 * lon, np.cos(lat) * np.cos(lon)], axis=-1
    )


def exit_distance(directions: Points, center: npt.ArrayLike, radii: npt.ArrayLike) -> Points:
    """Where rays from `RAY_CENTER` leave an ellipsoid, mm; 0 where they miss it.

    Args:
        directions: (..., 3) unit vectors; center, radii: (3,) mm.
    """
    radii = np.asarray(radii, np.float64)
    start = (RAY_CENTER - np.asarray(center)) / radii
    along = directions / radii
    a = (along * along).sum(-1)
    b = (along * start).sum(-1)
    c = float(start @ start) - 1.0
    root = b * b - a * c
    far = (-b + np.sqrt(np.maximum(root, 0.0))) / a
    return np.where((root > 0) & (far > 0), far, 0.0)


def base_surface(person: Identity) -> Points:
    """(ROWS, COLUMNS, 3) the head without features: skull, face, jaw and chin."""
    d = ray_directions()
    half = person.head_breadth_mm / 2
    face = person.face_breadth_mm / 2
    tall = 90 + person.head_height_mm
    low = -118 - person.lower_face_mm
    gonial = face - 9 + 3.6 * person.jaw_breadth
    depth = person.head_length_mm / 2
    chin = person.chin_breadth_mm
    parts = [
        exit_distance(d, (0, 25, -12), (half, tall, depth)),
        exit_distance(d, (0, (42 + low) / 2, 4), (face, (42 - low) / 2, 80)),
        exit_distance(d, (0, -58 - 0.6 * person.lower_face_mm, 10), (gonial, 38, 54)),
        # The mandible's arch: does not hold the centre, but its limb lies inside the others.
        exit_distance(d, (0, low + 44, 33), (20 + chin, 44, 53)),
    ]
    stacked = np.stack(parts)
    peak = stacked.max(0)
    radius = peak + _BLEND_MM * np.log(np.exp((stacked - peak) / _BLEND_MM).sum(0))
    surface = RAY_CENTER + radius[..., None] * d
    # Faces taper from the cheekbones to the chin, the more the finer the jaw.
    t = np.clip((-12 - surface[..., 1]) / 100, 0, 1)
    surface[..., 0] *= 1 - (0.17 - 0.05 * person.jaw_breadth) * t**0.8
    # Both ends of the grid's rows are the same meridian.
    surface[:, -1] = surface[:, 0]
    return surface


def grid_triangles(rows: int, columns: int) -> npt.NDArray[np.int32]:
    """Two triangles a cell of a (rows, columns) grid; rows run down, columns to the right."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, :-1].ravel(), index[1:, 1:].ravel()
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])


def build_head(person: Identity) -> HeadMesh:
    """The head of a person, at rest: eyes open, mouth closed, looking straight ahead."""
    surface, eyes, landmarks = displace(base_surface(person), person)
    column, row = np.meshgrid(np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS))
    return HeadMesh(
        rest=surface.reshape(-1, 3).astype(np.float32),
        triangles=grid_triangles(ROWS, COLUMNS),
        uv=np.stack([column, row], -1).reshape(-1, 2).astype(np.float32),
        eyes=eyes,
        landmarks=landmarks,
    )
