"""The light of `shade` and `shade_hair` in torch: the same formulas, many samples side by side."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bonafide.simulator.eyes import CENTERS, HALF, HEAD_ROTATION, PULSE_LEVEL
from bonafide.simulator.shade import (
    DULL,
    EMISSION,
    FACE,
    FLASH_REFERENCE_MM,
    GLOSS,
    SHININESS,
    WRAP,
)
from bonafide.simulator.skin import INFRARED, MOUTH, PULSE, SLOPE_X, SLOPE_Y, SPECULAR
from bonafide.simulator.torch_eyes import draw_eyes, draw_mouths

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What shading needs besides the frame; see `mesh.Scene` and `lighting.Baked`.

    Attributes:
        triangles: (m, 3) int64; material: (m,) int64; uv, face_xy: (n, 2).
        table: (materials, 8); place: (materials, 3) int64; pool: (texels, channels).
        sky: (n, 4); lit: (n, lamps).
    """

    triangles: Tensor
    material: Tensor
    uv: Tensor
    face_xy: Tensor
    table: Tensor
    place: Tensor
    pool: Tensor
    sky: Tensor
    lit: Tensor


@dataclass(frozen=True, slots=True)
class Light:
    """Lamps (k, 3) unit, powers (k, 4), illuminator (5,) and camera (3,); see `shade`."""

    lamps: Tensor
    powers: Tensor
    flash: Tensor
    eye: Tensor
    infrared: bool


def unit(v: Tensor) -> Tensor:
    """(..., 3) vectors of length 1."""
    return v / (v.pow(2).sum(-1, keepdim=True).sqrt() + _TINY)


def shared_px(item: Tensor, s: Surfaces, face: Tensor) -> Tensor:
    """(b, h / 2, w / 2) bool: whether one sample speaks for a px; see `shade.list_samples`.

    Args:
        item: (b, h, w) of the G-buffer; face: (b, eyes.LENGTH).
    """
    corners = torch.stack([item[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])
    on = (corners >= 0).all(0)
    material = s.material[corners.clamp(min=0)]
    alike = on & (material == material[0]).all(0)
    at = s.face_xy[s.triangles[corners[0].clamp(min=0), 0]]
    across, up = face[:, HALF, None, None] + 4.0, 10.0
    near = torch.zeros_like(on)
    for k in (CENTERS, CENTERS + 2):
        away = (at - face[:, None, None, k : k + 2]).abs()
        near |= (away[..., 0] < across) & (away[..., 1] < up)
    return alike & ~((s.table[material[0], FACE] > 0) & near)


def fetch(s: Surfaces, material: Tensor, uv: Tensor) -> Tensor:
    """(n, channels) bilinear samples of textures; pulse and mouth are not blended."""
    start, wide, tall = s.place[material].unbind(-1)
    x = torch.minimum((uv[:, 0] * wide - 0.5).clamp(min=0), wide - 1.001)
    y = torch.minimum((uv[:, 1] * tall - 0.5).clamp(min=0), tall - 1.001)
    col, row = x.long(), y.long()
    fx, fy = (x - col)[:, None], (y - row)[:, None]
    a = start + row * wide + col
    b = a + wide
    out = ((1 - fx) * (1 - fy) * s.pool[a] + fx * (1 - fy) * s.pool[a + 1]
           + (1 - fx) * fy * s.pool[b] + fx * fy * s.pool[b + 1])  # fmt: skip
    near = torch.where(fy[:, 0] > 0.5, b, a) + (fx[:, 0] > 0.5).long()
    out[:, PULSE], out[:, MOUTH] = s.pool[near, PULSE], s.pool[near, MOUTH]
    return out


def shade_surfaces(
    s: Surfaces,
    light: Light,
    triangle: Tensor,
    bary: Tensor,
    points: Tensor,
    normals: Tensor,
    face: Tensor,
) -> Tensor:
    """(n, 4) light in R, G, B and NIR of samples of triangles.

    Args:
        triangle: (n,); bary: (n, 2); points, normals: (n, 3, 3) world, of the three corners.
        face: (n, eyes.LENGTH), of each sample's frame.
    """
    weights = torch.stack([1 - bary[:, 0] - bary[:, 1], bary[:, 0], bary[:, 1]], -1)[..., None]
    corners, material = s.triangles[triangle], s.material[triangle]

    def blend(values: Tensor) -> Tensor:
        return (weights * values).sum(1)

    texel = fetch(s, material, blend(s.uv[corners]))
    table = s.table[material]
    at = blend(points)
    to = unit(light.eye - at)
    n = unit(blend(normals))
    turn = face[:, HEAD_ROTATION : HEAD_ROTATION + 9].reshape(-1, 3, 3)
    tilt = texel[:, SLOPE_X, None] * turn[..., 0] + texel[:, SLOPE_Y, None] * turn[..., 1]
    n = unit(n - tilt)
    on_face = table[:, FACE] > 0
    behind = ((n * to).sum(-1) < 0) & ~on_face
    n = torch.where(behind[:, None], -n, n)
    albedo, gloss = texel[:, :4], table[:, GLOSS] * texel[:, SPECULAR]
    shine, dim = table[:, SHININESS], torch.ones_like(gloss)
    k = torch.nonzero(on_face)[:, 0]
    if len(k):
        xy = blend(s.face_xy[corners])[k]
        eyes = draw_eyes(xy[:, 0], xy[:, 1], face[k], albedo[k], n[k], gloss[k], shine[k])
        skin, within = draw_mouths(texel[k, MOUTH], xy[:, 0], face[k], eyes[0])
        albedo = albedo.index_copy(0, k, skin)
        n, gloss, shine = (old.index_copy(0, k, new) for old, new in
                           zip((n, gloss, shine), eyes[1:4], strict=True))  # fmt: skip
        dim = dim.index_copy(0, k, eyes[4] * within)
    # The pulse: weights of `skin.BLOOD`.
    level = texel[:, PULSE] * face[:, PULSE_LEVEL]
    albedo = albedo * (1 - level[:, None] * torch.tensor([0.09, 1.0, 0.72, 0.05], device=n.device))
    surface = _Surface(n, to, albedo, gloss, shine, table[:, WRAP : WRAP + 4])
    sky, seen = blend(s.sky[corners]) * dim[:, None], blend(s.lit[corners]) * dim[:, None]
    return _lit(surface, light, at, sky, seen, table[:, EMISSION])


@dataclass(frozen=True, slots=True)
class _Surface:
    """Samples: normal, to the camera (n, 3); albedo (n, 4); gloss, shine (n,); wrap (n, 4)."""

    normal: Tensor
    to: Tensor
    albedo: Tensor
    gloss: Tensor
    shine: Tensor
    wrap: Tensor

    def returned(self, lamp: Tensor, share: Tensor | float) -> Tensor:
        """(n, 4) share of a lamp's irradiance that comes back, from direction (n or 1, 3)."""
        cos = (self.normal * lamp).sum(-1)
        half = lamp + self.to
        half = half / (half.pow(2).sum(-1, keepdim=True) + _TINY).sqrt()
        facing = (self.normal * half).sum(-1).clamp(min=0)
        grazing = 1 - (self.to * half).sum(-1).clamp(min=0)
        fresnel = self.gloss * share * (1 + 24.0 * grazing**5)
        wide = 0.5 * self.shine
        peak = facing / (wide - wide * facing + facing)
        lobe = fresnel * (self.shine + 8.0) * 0.10 * peak * peak * cos.clamp(min=0)
        soft = ((cos[:, None] + self.wrap) / (1 + self.wrap) ** 2).clamp(min=0)
        return self.albedo * soft + lobe[:, None]


def _lit(
    surface: _Surface, light: Light, at: Tensor, sky: Tensor, seen: Tensor, emitted: Tensor
) -> Tensor:
    """Surroundings, glow, lamps and illuminator together, (n, 4)."""
    away = 1 - (surface.normal * surface.to).sum(-1).clamp(min=0)
    rim = (surface.gloss * (1 + 14.0 * away**4))[:, None]
    glows = (emitted > 0)[:, None]
    glow = emitted[:, None] * surface.albedo
    glow[:, INFRARED] = 0.0
    out = sky * (torch.where(glows, 0.0, surface.albedo) + rim) + glow
    dull = torch.where(glows, DULL, surface.albedo)
    surface = _Surface(surface.normal, surface.to, dull, surface.gloss, surface.shine, surface.wrap)
    for number in range(len(light.lamps)):
        back = surface.returned(light.lamps[number : number + 1], 1.0)
        out = out + seen[:, number, None] * light.powers[number] * back
    if light.infrared:
        beam = light.flash[:3] - at
        distance = beam.pow(2).sum(-1, keepdim=True).sqrt() + _TINY
        back = surface.returned(beam / distance, light.flash[4])[:, INFRARED]
        power = light.flash[3] * (FLASH_REFERENCE_MM / distance[:, 0]) ** 2
        out[:, INFRARED] = out[:, INFRARED] + power * back
    return out


def shade_strands(
    light: Light,
    start: Tensor,
    end: Tensor,
    place: Tensor,
    albedo: Tensor,
    sky: Tensor,
    lit: Tensor,
) -> Tensor:
    """(n, 4) light of samples of hair; see `shade_hair`.

    Args:
        start, end: (n, 3) of the piece that is seen; place: (n, 2) along and across it.
        albedo: (n, 4) of the strand; sky: (n, 2, 4), lit: (n, 2, lamps) at both ends.
    """
    tangent, to = unit(end - start), unit(light.eye - start)
    along = place[:, :1]
    round_ = 1.0 - 0.35 * place[:, 1:] ** 2
    out = albedo * round_ * (sky[:, 0] + along * (sky[:, 1] - sky[:, 0]))
    seen = (lit[:, 0] + along * (lit[:, 1] - lit[:, 0])) * round_
    for number in range(len(light.lamps)):
        diffuse, shine = _kajiya(tangent, to, light.lamps[number : number + 1])
        back = albedo * (diffuse + 0.9 * shine) + 0.014 * shine
        out = out + seen[:, number, None] * light.powers[number] * back
    if light.infrared:
        beam = light.flash[:3] - start
        distance = beam.pow(2).sum(-1, keepdim=True).sqrt() + _TINY
        diffuse, shine = _kajiya(tangent, to, beam / distance)
        power = round_ * light.flash[3] * (FLASH_REFERENCE_MM / distance) ** 2
        back = power * (albedo[:, INFRARED, None] * diffuse + 0.012 * shine)
        out[:, INFRARED] = out[:, INFRARED] + back[:, 0]
    return out


def _kajiya(tangent: Tensor, to: Tensor, lamp: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 1) diffuse and highlight of hairs with these tangents."""
    along = (tangent * lamp).sum(-1, keepdim=True)
    view = (tangent * to).sum(-1, keepdim=True)
    sin_l, sin_v = (1 - along**2).clamp(min=0).sqrt(), (1 - view**2).clamp(min=0).sqrt()
    return 0.62 * sin_l, (sin_l * sin_v - along * view).clamp(min=0) ** 24
