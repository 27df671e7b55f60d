"""Eyes and the inside of the mouth for `torch_shade`: the formulas of `eyes`, many samples at once.

Every function takes samples side by side: ``face`` is (n, eyes.LENGTH), one row a sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bonafide.simulator.eyes import (
    CENTERS,
    CLOSURE,
    EYE_RADIUS_MM,
    GAZE,
    HALF,
    HEAD_ROTATION,
    IRIS,
    IRIS_RADIUS,
    LASHES,
    MOUTH_HALF,
    MOUTH_OPEN,
    OPENING,
    PUPIL_RADIUS,
    SCLERA,
    SEED,
    SLANT,
)


def margins(along: Tensor, face: Tensor, closure: Tensor) -> tuple[Tensor, Tensor]:
    """(upper, lower) lid margins, mm; see `eyes.margins`."""
    q = (along / face[:, HALF]).clamp(-1.0, 1.0)
    bow = 1 - q * q
    opening = face[:, OPENING]
    upper = (0.45 * opening
             * (1 - (q + 0.10 * bow).abs() ** 2.3).clamp(min=0) ** 0.85)  # fmt: skip
    lower = -0.55 * opening * (1 - (q - 0.12 * bow).abs() ** 2.2).clamp(min=0)
    rise = lower * (1 - 0.22 * closure)
    return upper + closure * (rise - upper), rise


def draw_eyes(
    x: Tensor, y: Tensor, face: Tensor, albedo: Tensor, n: Tensor, gloss: Tensor, shine: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(albedo, n, gloss, shine, dim) with eyeball, lashes and rims; see `eyes.draw_eye`.

    Args:
        x, y: (n,) face-plane position, mm; albedo: (n, 4); n: (n, 3) world; gloss, shine: (n,).
    """
    one = torch.ones_like(gloss)
    # The eyes lie further apart than an eye reaches: the nearer one decides.
    left = (x - face[:, CENTERS]).abs() < (x - face[:, CENTERS + 2]).abs()
    dx = x - torch.where(left, face[:, CENTERS], face[:, CENTERS + 2])
    dy = y - torch.where(left, face[:, CENTERS + 1], face[:, CENTERS + 3])
    sign = torch.where(left, -1.0, 1.0)
    along = sign * dx * face[:, SLANT] + dy * face[:, SLANT + 1]
    up = dy * face[:, SLANT] - sign * dx * face[:, SLANT + 1]
    reach = face[:, HALF] * 1.12
    near = (dx.abs() <= 24) & (dy.abs() <= 14) & (along.abs() <= reach)
    closure = torch.where(left, face[:, CLOSURE], face[:, CLOSURE + 1])
    top, low = margins(along, face, closure)
    ball = near & (low < up) & (up < top)
    lid = near & ~ball
    edge = 1.0 - (along.abs() / reach).clamp(max=1.0)
    above = up - top + 0.5 * closure
    thick = face[:, LASHES] * (0.75 + 0.55 * along / face[:, HALF])
    dark = (1 - above / (thick + 0.35).clamp(min=0.3)).clamp(min=0)
    lash = 1 - 0.86 * (dark * 2).clamp(max=1) * (edge * 6).clamp(max=1)
    lashed = lid & (above >= 0) & (above < 1.6)
    albedo = torch.where(lashed[:, None], albedo * lash[:, None], albedo)
    below = low - up
    rimmed = lid & (below >= 0) & (below < 1.3) & (closure < 0.5)
    rim = 0.5 * (1 - below / 1.3) * (edge * 4).clamp(max=1)
    pink = torch.stack([1 + 0.10 * rim, 1 - 0.30 * rim, 1 - 0.26 * rim, one], -1)
    albedo = torch.where(rimmed[:, None], albedo * pink, albedo)
    gloss = torch.where(rimmed, gloss * (1 + rim), gloss)
    color, normal, wet, sharp, dim = _eyeball(dx, dy, along, top - up, up - low, face)
    return (
        torch.where(ball[:, None], color, albedo),
        torch.where(ball[:, None], normal, n),
        torch.where(ball, wet, gloss),
        torch.where(ball, sharp, shine),
        torch.where(ball, dim, one),
    )


def _eyeball(
    dx: Tensor, dy: Tensor, along: Tensor, from_top: Tensor, from_low: Tensor, face: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(albedo, normal, gloss, shine, dim) of sclera, iris and pupil; see `eyes`."""
    px, py = dx / EYE_RADIUS_MM, dy / EYE_RADIUS_MM
    pz = (1 - px * px - py * py).clamp(min=0.04).sqrt()
    gx, gy = face[:, GAZE], face[:, GAZE + 1]
    gz = (1 - gx * gx - gy * gy).clamp(min=0.04).sqrt()
    away = EYE_RADIUS_MM * torch.acos((px * gx + py * gy + pz * gz).clamp(-1.0, 1.0))
    red = (along.abs() / face[:, HALF]).clamp(max=1.0) ** 3
    pale = torch.stack([1 - 0.10 * red, 1 - 0.42 * red, 1 - 0.42 * red, torch.ones_like(red)], -1)
    albedo = face[:, SCLERA : SCLERA + 4] * pale
    inside = ((face[:, IRIS_RADIUS] - away) * 1.6 + 0.5).clamp(0.0, 1.0)
    albedo = albedo + inside[:, None] * (_iris(px - gx, py - gy, away, face) - albedo)
    bulge = 0.42 * inside
    ball = torch.stack([px - bulge * gx, py - bulge * gy, pz - bulge * gz], -1)
    turn = face[:, HEAD_ROTATION : HEAD_ROTATION + 9].reshape(-1, 3, 3)
    normal = (turn * ball[:, None]).sum(-1) / ball.pow(2).sum(-1, keepdim=True).sqrt()
    dim = 0.42 + 0.58 * (from_top / 3.6).clamp(max=1.0)
    dim = dim * (0.70 + 0.30 * (from_low / 1.6).clamp(max=1.0)) * (1 - 0.30 * red)
    sharp = torch.where(inside > 0.5, 260.0, 70.0)
    return albedo, normal, torch.where(inside < 0.5, 0.016, 0.022), sharp, dim


def _iris(dx: Tensor, dy: Tensor, away: Tensor, face: Tensor) -> Tensor:
    """(n, 4) albedo of iris and pupil."""
    angle, seed = torch.atan2(dy, dx), face[:, SEED]
    fibre = torch.sin(angle * 19 + seed) * torch.sin(angle * 7 + 2 * seed + away * 0.8)
    ring = ((away - face[:, IRIS_RADIUS] + 1.5) / 1.5).clamp(min=0)
    shade = (1 + 0.28 * fibre) * (1 - 0.62 * ring * ring)
    shade = shade * (1 + 0.35 * (1 - (away - 3).abs() / 1.5).clamp(min=0))
    pupil = ((face[:, PUPIL_RADIUS] - away) * 2 + 0.5).clamp(0.0, 1.0)
    return face[:, IRIS : IRIS + 4] * (shade * (1 - pupil))[:, None] + 0.006 * pupil[:, None]


def draw_mouths(strip: Tensor, x: Tensor, face: Tensor, albedo: Tensor) -> tuple[Tensor, Tensor]:
    """(albedo, dim) of the gap between the lips where ``strip`` is below 1.5; see `eyes`."""
    gap = face[:, MOUTH_OPEN]
    shown = (strip < 1.5) & (gap >= 0.6)
    grown = ((gap - 0.6) / 2).clamp(max=1.0)
    half = face[:, MOUTH_HALF] * 0.80
    down = (1 - strip) * 0.5 * gap
    teeth = (down < 1.5 + 0.28 * gap) & (x.abs() < half * 0.9)
    side = (x.abs() / half).clamp(max=1.0)
    line = torch.where(torch.sin(x * 0.385).abs() > 0.10, 0.85, 0.6)
    tone = 0.50 * line * (1 - 0.75 * side * side)
    tongue = torch.tensor([0.14, 0.035, 0.03, 0.16], device=x.device)
    white = tone[:, None] * torch.tensor([1.0, 0.90, 0.74, 0.8], device=x.device)
    color = torch.where(teeth[:, None], white, tongue)
    albedo = torch.where(shown[:, None], albedo + grown[:, None] * (color - albedo), albedo)
    dim = torch.where(shown, 1 - grown * torch.where(teeth, 0.35, 0.65), 1.0)
    return albedo, dim
