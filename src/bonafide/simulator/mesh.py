"""Surfaces with their materials, and how several become one scene to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.hair import Strands

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int32]
OFF_FACE = 1e4
"""Face-plane coordinate of points that belong to no face."""


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface returns light.

    Attributes:
        texture: (h, w, skin.CHANNELS) float32; the channels are named in `skin`.
        shininess: exponent of the specular lobe; higher is smoother.
        specular: reflectance at normal incidence of the glossy layer, 0..1 (0.028 skin, 0.04
            plastics and glass), scaled by the texture's specular channel.
        wrap: (4,) how far light creeps beyond the terminator in R, G, B, NIR, 0..1; stands for
            light scattered below the surface.
        face: whether eyes and mouth are drawn into it.
        emission: share of the albedo that the surface emits itself instead of reflecting.
        cut: whether the texture's opacity cuts holes.
    """

    texture: Float
    shininess: float = 20.0
    specular: float = 0.028
    wrap: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    face: bool = False
    emission: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Surface:
    """A mesh of one material at rest.

    Attributes:
        points: (n, 3) mm; triangles: (m, 3) counter-clockwise seen from outside.
        uv: (n, 2) 0..1; face_xy: (n, 2) face-plane coordinates, mm, `OFF_FACE` where none.
        follow: (n,) 0 moves with the chest, 1 with the head.
        material: of the whole surface.
        two_sided: whether its back is drawn too.
    """

    points: Float
    triangles: Int
    uv: Float
    face_xy: Float
    follow: Float
    material: Material
    two_sided: bool = False


def surface(
    points: npt.ArrayLike,
    triangles: npt.ArrayLike,
    uv: npt.ArrayLike,
    material: Material,
    *,
    follow: float | Float = 1.0,
    two_sided: bool = False,
) -> Surface:
    """A surface that belongs to no face."""
    p = np.ascontiguousarray(points, np.float32)
    weights = np.broadcast_to(np.asarray(follow, np.float32), (len(p),)).copy()
    return Surface(
        p,
        np.ascontiguousarray(triangles, np.int32),
        np.ascontiguousarray(uv, np.float32),
        np.full((len(p), 2), OFF_FACE, np.float32),
        weights,
        material,
        two_sided,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn, in flat arrays for the compiled kernels.

    Attributes:
        points, triangles, uv, face_xy, follow, two_sided: of all surfaces, see `Surface`.
        material: (m,) int32 material of each triangle.
        table: (materials, 8) float32: shininess, specular, wrap R, G, B, NIR, emission, face.
        place: (materials, 3) int64 offset, width and height of each texture in ``pool``.
        cut: the same for materials with holes, zeros for others.
        pool: (texels, CHANNELS) float32.
        hair, fuzz: strands; parts: slices of ``points``, one a surface.
    """

    points: Float
    triangles: Int
    uv: Float
    face_xy: Float
    follow: Float
    two_sided: npt.NDArray[np.bool_]
    material: Int
    table: Float
    place: npt.NDArray[np.int64]
    cut: npt.NDArray[np.int64]
    pool: Float
    hair: Strands
    fuzz: Strands
    parts: tuple[slice, ...]


def assemble(surfaces: Sequence[Surface], hair: Strands, fuzz: Strands) -> Scene:
    """Put surfaces and strands into one scene; each surface keeps its own material."""
    starts = np.cumsum([0] + [len(s.points) for s in surfaces])
    texels = np.cumsum([0] + [s.material.texture[..., 0].size for s in surfaces])
    place = np.array(
        [[texels[i], s.material.texture.shape[1], s.material.texture.shape[0]]
         for i, s in enumerate(surfaces)], np.int64,
    )  # fmt: skip
    cut = place * np.array([[s.material.cut] for s in surfaces], np.int64)
    table = np.array(
        [[s.material.shininess, s.material.specular, *s.material.wrap, s.material.emission,
          float(s.material.face)] for s in surfaces], np.float32,
    )  # fmt: skip
    pool = np.concatenate([s.material.texture.reshape(-1, s.material.texture.shape[2])
                           for s in surfaces]).astype(np.float32)  # fmt: skip
    return Scene(
        points=np.concatenate([s.points for s in surfaces]),
        triangles=np.concatenate([s.triangles + np.int32(a)
                                  for s, a in zip(surfaces, starts, strict=False)]),
        uv=np.concatenate([s.uv for s in surfaces]),
        face_xy=np.concatenate([s.face_xy for s in surfaces]),
        follow=np.concatenate([s.follow for s in surfaces]),
        two_sided=np.concatenate([np.full(len(s.triangles), s.two_sided) for s in surfaces]),
        material=np.concatenate([np.full(len(s.triangles), i, np.int32)
                                 for i, s in enumerate(surfaces)]),
        table=table,
        place=place,
        cut=cut,
        pool=pool,
        hair=hair,
        fuzz=fuzz,
        parts=tuple(slice(int(a), int(b)) for a, b in pairwise(starts)),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def paint_over(texels, albedo):
    """Write (n, 4) albedo into the first channels of (n, channels) texels."""
    for i in range(albedo.shape[0]):
        for q in range(4):
            texels[i, q] = albedo[i, q]


def no_strands() -> Strands:
    """For scenes without hair."""
    return Strands(np.zeros((0, 2, 3), np.float32), np.zeros((0, 4), np.float32), 0.4)


def plain_texture(albedo: npt.ArrayLike, specular: float = 1.0, size: int = 4) -> Float:
    """(size, size, CHANNELS) one colour, (4,) R, G, B, NIR, everywhere opaque."""
    from bonafide.simulator.skin import CHANNELS, MOUTH, NO_MOUTH, OPACITY, SPECULAR

    out = np.zeros((size, size, CHANNELS), np.float32)
    out[..., :4] = np.asarray(albedo, np.float32)
    out[..., SPECULAR], out[..., MOUTH], out[..., OPACITY] = specular, NO_MOUTH, 1.0
    return out
