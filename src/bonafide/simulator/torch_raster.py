"""The rasteriser of `raster` in torch: many frames at once, on any device (CUDA or the CPU).

Every triangle and every piece of hair is spread over the px of its bounding box, all at the same
time, and each px keeps the nearest by a maximum over 64-bit keys: 32 bits of inverse depth, whose
order as whole numbers is that of the positive floats, then 32 bits that prefer what `raster` draws
first. Only additions of a maximum are scattered, so the result does not depend on the order in
which a device works. The same formulas as `raster`; at edges, rounding may decide otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_FRAGMENTS = 4_000_000
"""Candidates worked on at a time: bounds the memory to about 0.5 GB."""
_LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Mesh:
    """What does not change between frames.

    Attributes:
        triangles: (m, 3) int64; two_sided: (m,) bool.
        uv: (n, 2); material: (m,) int64; cut: (materials, 3) int64, see `raster.draw_triangles`.
        opacity: (texels,) of the textures.
    """

    triangles: Tensor
    two_sided: Tensor
    uv: Tensor
    material: Tensor
    cut: Tensor
    opacity: Tensor


@dataclass(frozen=True, slots=True)
class Hairs:
    """Projected strands of one kind.

    Attributes:
        screen: (frames, strands * steps, 3) x px, y px, 1/z; steps: points a strand.
        radius: half breadth in focal lengths * mm, see `raster.draw_strands`.
        first: number of the first point among all strands.
    """

    screen: Tensor
    steps: int
    radius: float
    first: int


def project(points: Tensor, focal: float, center: tuple[float, float], distance: float) -> Tensor:
    """(..., 3) x px, y px, 1/z of world points before a pinhole on the z axis."""
    inverse = 1.0 / (distance - points[..., 2])
    x = focal * points[..., 0] * inverse + center[0]
    y = -focal * points[..., 1] * inverse + center[1]
    return torch.stack([x, y, inverse], -1)


def rasterise(
    screen: Tensor, mesh: Mesh, hairs: tuple[Hairs, ...], height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Item (b, h, w) int64, bary (b, h, w, 2) and inverse_z (b, h, w), as in `raster.GBuffer`.

    Args:
        screen: (b, n, 3) from `project`.
    """
    frames = len(screen)
    keys = torch.zeros(frames * height * width, dtype=torch.int64, device=screen.device)
    _spread_triangles(screen, mesh, height, width, keys)
    count = len(mesh.triangles)
    for hair in hairs:
        _spread_strands(hair, count, height, width, keys)
    keys = keys.reshape(frames, height, width)
    order = _LAST - (keys & 0xFFFFFFFF)
    seen = keys > 0
    inverse_z = (keys >> 32).to(torch.int32).view(torch.float32)
    item = torch.where(order < count, order, count - 2 - order)
    item = torch.where(seen, item, -1)
    bary = torch.zeros((frames, height, width, 2), device=screen.device)
    _find_weights(screen, mesh, item, inverse_z, bary)
    for hair in hairs:
        _find_places(hair, item, bary)
    return item, bary, inverse_z


def _keep_nearest(keys: Tensor, px: Tensor, inverse_z: Tensor, order: Tensor) -> None:
    bits = inverse_z.contiguous().view(torch.int32).to(torch.int64)
    keys.scatter_reduce_(0, px, (bits << 32) | (_LAST - order), "amax")


def _pieces(counts: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """(which, number within it) of candidates, at most about `MOST_FRAGMENTS` at a time."""
    ends = torch.cumsum(counts, 0)
    total = int(ends[-1]) if len(ends) else 0
    start = 0
    while start < len(counts):
        before = int(ends[start - 1]) if start else 0
        if before == total:
            return
        limit = torch.tensor(before + MOST_FRAGMENTS, device=ends.device)
        stop = max(int(torch.searchsorted(ends, limit, right=True)), start + 1)
        part = counts[start:stop]
        which = torch.repeat_interleave(torch.arange(start, stop, device=ends.device), part)
        first = torch.repeat_interleave(ends[start:stop] - part, part)
        yield which, torch.arange(before, before + len(which), device=ends.device) - first
        start = stop


def _slopes(corners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(area, a (..., 2), b (..., 2)): weights of the second and third corner are linear in x, y."""
    (x0, y0), (x1, y1), (x2, y2) = (corners[..., k, :2].unbind(-1) for k in range(3))
    area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    inv = 1.0 / torch.where(area == 0, torch.ones_like(area), area)
    second = torch.stack([(y2 - y0) * inv, (x0 - x2) * inv], -1)
    third = torch.stack([(y0 - y1) * inv, (x1 - x0) * inv], -1)
    return area, second, third


def _spread_triangles(screen: Tensor, mesh: Mesh, height: int, width: int, keys: Tensor) -> None:
    frames, count = len(screen), len(mesh.triangles)
    corners = screen[:, mesh.triangles].reshape(frames * count, 3, 3)
    area, second, third = _slopes(corners)
    two_sided = mesh.two_sided.repeat(frames)
    drawn = (corners[..., 2] > 0).all(-1) & ((area < 0) | (two_sided & (area != 0)))
    low, high = corners[..., :2].amin(1), corners[..., :2].amax(1)
    last = torch.tensor([width - 1, height - 1], device=screen.device)
    left_top = torch.ceil(low).clamp(-1e6, 1e6).long().clamp(min=0)
    size = torch.minimum(torch.floor(high).clamp(-1e6, 1e6).long(), last) - left_top + 1
    size = size.clamp(min=0)
    for which, number in _pieces(torch.where(drawn, size[:, 0] * size[:, 1], 0)):
        across = size[which, 0]
        x = left_top[which, 0] + number % across
        y = left_top[which, 1] + torch.div(number, across, rounding_mode="floor")
        own = corners[which]
        dx, dy = x - own[:, 0, 0], y - own[:, 0, 1]
        b = second[which, 0] * dx + second[which, 1] * dy
        c = third[which, 0] * dx + third[which, 1] * dy
        z = _blend_inverse(own, b, c)
        keep = torch.nonzero((b >= 0) & (c >= 0) & (b + c <= 1) & (z > 0))[:, 0]
        triangle, own, z = (which % count)[keep], own[keep], z[keep]
        opaque = _is_opaque(mesh, triangle, b[keep] * own[:, 1, 2] / z, c[keep] * own[:, 2, 2] / z)
        frame = torch.div(which, count, rounding_mode="floor")
        px = ((frame * height + y) * width + x)[keep]
        _keep_nearest(keys, px[opaque], z[opaque], triangle[opaque])


def _blend_inverse(corners: Tensor, b: Tensor, c: Tensor) -> Tensor:
    w0, w1, w2 = corners[:, :, 2].unbind(-1)
    return w0 + b * (w1 - w0) + c * (w2 - w0)


def _is_opaque(mesh: Mesh, triangle: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Whether a texture with holes leaves a surface there."""
    start, wide, tall = mesh.cut[mesh.material[triangle]].unbind(-1)
    i, j, k = mesh.uv[mesh.triangles[triangle]].unbind(1)
    at = i + b[:, None] * (j - i) + c[:, None] * (k - i)
    size = torch.stack([wide, tall], -1)
    texel = torch.minimum((at * size).long().clamp(min=0), (size - 1).clamp(min=0))
    return (wide == 0) | (mesh.opacity[start + texel[:, 1] * wide + texel[:, 0]] >= 0.5)


def _find_weights(
    screen: Tensor, mesh: Mesh, item: Tensor, inverse_z: Tensor, bary: Tensor
) -> None:
    """Perspective-correct weights of what won, into ``bary``."""
    frame, y, x = torch.nonzero(item >= 0, as_tuple=True)
    corners = screen[frame[:, None], mesh.triangles[item[frame, y, x]]]
    _, second, third = _slopes(corners)
    dx, dy = x - corners[:, 0, 0], y - corners[:, 0, 1]
    z = inverse_z[frame, y, x]
    b = (second[:, 0] * dx + second[:, 1] * dy) * corners[:, 1, 2] / z
    c = (third[:, 0] * dx + third[:, 1] * dy) * corners[:, 2, 2] / z
    bary[frame, y, x] = torch.stack([b, c], -1)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Pieces of hair: start (., 3), run (., 3), steep (.,), half breadth in samples (.,)."""

    start: Tensor
    run: Tensor
    steep: Tensor
    wide: Tensor

    def pick(self, which: Tensor) -> _Lines:
        return _Lines(self.start[which], self.run[which], self.steep[which], self.wide[which])

    @property
    def axis(self) -> tuple[Tensor, Tensor]:
        """(start, run) along the longer axis of the picture."""
        return (torch.where(self.steep, self.start[:, 1], self.start[:, 0]),
                torch.where(self.steep, self.run[:, 1], self.run[:, 0]))  # fmt: skip

    def middle(self, share: Tensor) -> Tensor:
        """Place across, at a share 0..1 of the way."""
        start = torch.where(self.steep, self.start[:, 0], self.start[:, 1])
        run = torch.where(self.steep, self.run[:, 0], self.run[:, 1])
        return start + share * run


def _lines(hair: Hairs) -> _Lines:
    """All pieces of (frames, strands, steps - 1), flattened."""
    strands = hair.screen.shape[1] // hair.steps
    points = hair.screen.reshape(len(hair.screen), strands, hair.steps, 3)
    start = points[:, :, :-1]
    run = points[:, :, 1:] - start
    steep = run[..., 1].abs() > run[..., 0].abs()
    number = torch.arange(hair.steps - 1, device=points.device, dtype=torch.float32)
    taper = 1.0 - 0.45 * number / hair.steps
    wide = torch.clamp(hair.radius * start[..., 2] * taper, min=0.5)
    return _Lines(start.reshape(-1, 3), run.reshape(-1, 3), steep.reshape(-1), wide.reshape(-1))


def _spread_strands(hair: Hairs, count: int, height: int, width: int, keys: Tensor) -> None:
    lines = _lines(hair)
    start, run = lines.axis
    limit = torch.where(lines.steep, height, width)
    near = torch.ceil(torch.minimum(start, start + run)).clamp(-1e6, 1e6).long().clamp(min=0)
    far = torch.floor(torch.maximum(start, start + run)).clamp(-1e6, 1e6).long()
    length = run.abs()
    drawn = (length >= 1e-4) & (length <= 400.0)
    counts = torch.where(drawn, (torch.minimum(far, limit - 1) - near + 1).clamp(min=0), 0)
    pieces_a_strand = hair.steps - 1
    pieces_a_frame = len(counts) // max(len(hair.screen), 1)
    for which, number in _pieces(counts):
        own, major = lines.pick(which), near[which] + number
        share = (major - start[which]) / run[which]
        z = own.start[:, 2] + share * own.run[:, 2]
        middle = own.middle(share)
        low, high = torch.ceil(middle - own.wide).long(), torch.floor(middle + own.wide).long()
        frame = torch.div(which, pieces_a_frame, rounding_mode="floor")
        local = which % pieces_a_frame
        strand = torch.div(local, pieces_a_strand, rounding_mode="floor")
        point = strand * hair.steps + local % pieces_a_strand
        for step in range(int((high - low).amax()) + 1 if len(low) else 0):
            minor = low + step
            x, y = torch.where(own.steep, minor, major), torch.where(own.steep, major, minor)
            keep = (minor <= high) & (x >= 0) & (y >= 0) & (x < width) & (y < height) & (z > 0)
            px = ((frame * height + y) * width + x)[keep]
            _keep_nearest(keys, px, z[keep], (count + hair.first + point)[keep])


def _find_places(hair: Hairs, item: Tensor, bary: Tensor) -> None:
    """Place along and across the piece of hair that won, into ``bary``."""
    points = hair.screen.shape[1]
    number = -2 - item - hair.first
    frame, y, x = torch.nonzero((number >= 0) & (number < points) & (item < -1), as_tuple=True)
    point = number[frame, y, x]
    strand, step = torch.div(point, hair.steps, rounding_mode="floor"), point % hair.steps
    strands = points // hair.steps
    own = _lines(hair).pick((frame * strands + strand) * (hair.steps - 1) + step)
    start, run = own.axis
    share = (torch.where(own.steep, y, x) - start) / run
    across = (torch.where(own.steep, x, y) - own.middle(share)) / own.wide
    bary[frame, y, x] = torch.stack([share, across], -1)
