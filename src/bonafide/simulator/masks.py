"""Attacks by masks and heads: folded paper, resin, silicone, latex, wax.

A mask has the subject's shape, smoothed by how it is made, and the subject's colours as far as its
maker matched them in visible light. In near infrared every material has its own albedo: real skin
returns 0.45 to 0.7 whatever its tone, while paints and fillers follow other rules. The numbers in
`MATERIALS` are settings of the simulator, chosen within what reflectance measurements of polymers
and paper allow; they are knobs of difficulty and no measurements of particular products.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from bonafide.simulator.actor import Actor, build_actor, rest_normals
from bonafide.simulator.carrier import Staging
from bonafide.simulator.features import Plan, eye_coordinates, lip_curves, plan_face
from bonafide.simulator.head import COLUMNS, RAY_CENTER, ROWS, grid_triangles
from bonafide.simulator.identity import BeardStyle, Glasses, Identity
from bonafide.simulator.mesh import Material, Surface, surface
from bonafide.simulator.motion import REST, Gesture, Motion, draw_motion
from bonafide.simulator.skin import (
    CHANNELS,
    INFRARED,
    OPACITY,
    PULSE,
    SLOPE_X,
    SLOPE_Y,
    SPECULAR,
    position_map,
)

Float = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MaskMaterial:
    """One way of making a face.

    Attributes:
        smooth_cells: Gaussian smoothing of the shape, grid cells; facet_cells: size of flat facets,
            0 for none.
        thick_mm: distance from the wearer's skin to the mask's outside.
        infrared: NIR albedo of the ground; keep: share of the visible contrast that NIR shows.
        specular, shininess: of the surface; wrap: how far light creeps, red strongest.
        detail: how much of the skin's fine relief and mottle is kept, 0..1.
        tint: deviation of the colour match in R, G, B.
        worn: over a face with holes for eyes (and nostrils), or a whole head on a stand.
        mouth_hole: whether the lips are cut open.
    """

    smooth_cells: float
    facet_cells: int
    thick_mm: float
    infrared: tuple[float, float]
    keep: float
    specular: float
    shininess: float
    wrap: tuple[float, float, float, float]
    detail: float
    tint: float
    worn: bool
    mouth_hole: bool


MATERIALS = {
    "paper": MaskMaterial(2.0, 7, 4.0, (0.72, 0.88), 0.15, 0.014, 14.0, (0.0,) * 4, 0.8, 0.08, True,
                          False),
    "resin": MaskMaterial(0.6, 0, 4.0, (0.30, 0.60), 0.55, 0.050, 60.0, (0.0,) * 4, 0.35, 0.10,
                          True, False),
    "silicone": MaskMaterial(0.5, 0, 2.5, (0.55, 0.78), 0.35, 0.032, 26.0, (0.30, 0.2, 0.15, 0.4),
                             0.75, 0.05, True, True),
    "latex": MaskMaterial(1.3, 0, 3.0, (0.62, 0.85), 0.25, 0.024, 16.0, (0.12, 0.1, 0.08, 0.2), 0.5,
                          0.12, True, True),
    "wax": MaskMaterial(0.5, 0, 0.0, (0.60, 0.85), 0.30, 0.036, 34.0, (0.45, 0.33, 0.24, 0.5), 0.55,
                        0.06, False, False),
}  # fmt: skip
"""Material -> how it is made."""


def mask_shape(actor: Actor, material: MaskMaterial) -> Float:
    """(ROWS * COLUMNS, 3) the subject's head as the mask's outside, mm."""
    away = actor.head.rest.reshape(ROWS, COLUMNS, 3) - RAY_CENTER
    radius = np.linalg.norm(away, axis=-1)
    direction = away / radius[..., None]
    shape = gaussian_filter(radius, material.smooth_cells, mode=("nearest", "wrap"))
    if material.facet_cells:
        step = material.facet_cells
        coarse = shape[::step, ::step]
        row, col = np.arange(ROWS) / step, np.arange(COLUMNS) / step
        x, y = np.meshgrid(col.astype(np.float32), row.astype(np.float32))
        shape = cv2.remap(coarse.astype(np.float32), x, y, cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    points = RAY_CENTER + direction * (shape + material.thick_mm)[..., None]
    return points.reshape(-1, 3).astype(np.float32)


def mask_paint(
    actor: Actor, name: str, rng: np.random.Generator
) -> tuple[Float, dict[str, object]]:
    """Texture of the mask, opaque everywhere, and what was drawn."""
    material = MATERIALS[name]
    out = actor.surfaces[0].material.texture.copy()
    color = out[..., :3]
    flat = cv2.GaussianBlur(color, (0, 0), 6.0)
    painted = flat + (color - flat) * np.float32(0.4 + 0.6 * material.detail)
    tint = np.exp(rng.normal(0, material.tint, 3)).astype(np.float32)
    out[..., :3] = np.clip(painted * tint, 0.006, 0.9)
    grey = out[..., :3].mean(-1)
    ground = float(rng.uniform(*material.infrared))
    bright = float(np.percentile(grey, 75))
    contrast = np.clip(grey / max(bright, 1e-3), 0.02, 1.3) ** np.float32(material.keep)
    out[..., INFRARED] = np.clip(ground * contrast, 0.02, 0.92)
    for channel in (SLOPE_X, SLOPE_Y):
        out[..., channel] *= material.detail
    out[..., SPECULAR] = 1.0 + material.detail * 0.5 * (out[..., SPECULAR] - 0.4)
    out[..., PULSE] = 0.0
    return out, {"infrared": ground, "tint": [float(t) for t in tint]}


def cut_mask(
    texture: Float, person: Identity, where: npt.NDArray[np.float64], *, mouth: bool, outline: float
) -> None:
    """Cut the outline and the holes into a mask's opacity, in the face's own coordinates.

    Args:
        where: (h, w, 3) the surface at each texel, mm; outline: 0 a face only, 1 down the throat.
    """
    plan = plan_face(person)
    x, y, z = where[..., 0], where[..., 1], where[..., 2]
    low = -112 - 14 * outline
    middle, half = (person.hairline_mm + low) / 2, (person.hairline_mm - low) / 2 + 2
    oval = (x / (0.53 * person.face_breadth_mm)) ** 4 + ((y - middle) / half) ** 4
    opacity = (oval < 1) & (z > 6)
    for side in (0, 1):
        opacity &= ~_eye_hole(x, y, person, plan, side)
    slit = np.hypot((np.abs(x) - person.nose_breadth_mm / 2 + 8.6) / 2.6,
                    (y - plan.subnasale_y - 2.2) / 1.2)  # fmt: skip
    opacity &= slit > 1
    if mouth:
        _, line, _ = lip_curves(x, person, plan)
        opacity &= ~((np.abs(y - line) < 1.1) & (np.abs(x) < 0.8 * plan.mouth_half))
    texture[..., OPACITY] = opacity


def _eye_hole(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], person: Identity, plan: Plan, side: int
) -> npt.NDArray[np.bool_]:
    """A little larger than the opening between the lids."""
    along, up = eye_coordinates(x, y, person, plan, side)
    half = person.eye_breadth_mm / 2 + 1.4
    tall = 0.5 * person.eye_opening_mm + 2.0
    return (np.abs(along) / half) ** 2.4 + (np.abs(up + 0.4) / tall) ** 2.2 < 1


def worn_by(holder: Identity, subject: Identity) -> Identity:
    """The wearer with eyes where the mask's holes are: masks are fitted to their wearer."""
    return replace(
        holder,
        eye_distance_mm=subject.eye_distance_mm,
        eye_breadth_mm=subject.eye_breadth_mm,
        eye_slant_deg=subject.eye_slant_deg,
        asymmetry=subject.asymmetry,
        glasses=Glasses.NONE,
        beard=holder.beard if holder.beard is BeardStyle.STUBBLE else BeardStyle.NONE,
    )


def stage_mask(name: str, subject: Identity, holder: Identity, rng: np.random.Generator) -> Staging:
    """A mask or head of a material.

    Args:
        name: a key of `MATERIALS`; subject: whose face it shows; holder: who wears it.
    """
    if not MATERIALS[name].worn:
        return _stage_head(name, subject, rng)
    material = MATERIALS[name]
    model = build_actor(replace(subject, glasses=Glasses.NONE))
    shape = mask_shape(model, material)
    paint, drawn = mask_paint(model, name, rng)
    where = position_map(model.head.rest, ROWS, COLUMNS).astype(np.float64)
    cut_mask(paint, subject, where, mouth=material.mouth_hole, outline=float(rng.uniform(0, 1)))
    wearer = _under_mask(build_actor(worn_by(holder, subject)), shape, paint)
    skin = Material(paint, material.shininess, material.specular, material.wrap, cut=True)
    u, v = np.meshgrid(np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS))
    mask = surface(shape, grid_triangles(ROWS, COLUMNS), np.stack([u, v], -1).reshape(-1, 2), skin,
                   two_sided=True)  # fmt: skip
    own = model.head.landmarks - RAY_CENTER
    marks = own * (1 + material.thick_mm / np.linalg.norm(own, axis=1, keepdims=True))
    motion = draw_motion(rng, talking=False)
    return Staging(
        species=f"mask_{name}",
        detail=f"{name} mask, worn",
        actor=wearer,
        extras=(mask,),
        gesture=_Stiff(motion),
        # Who wears a mask stands further away, as far as its face is larger than the one below: a
        # camera is framed by what it sees, so the size of a face tells nothing.
        life=float(np.ptp(marks, axis=0)[:2].sum() / np.ptp(own, axis=0)[:2].sum()),
        landmarks=marks + RAY_CENTER,
        follows=True,
        parameters={"material": asdict(material), **drawn},
    )


@dataclass(frozen=True, slots=True)
class _Stiff:
    """Movement below a mask: lids, gaze and head, but no expression reaches the outside."""

    motion: Motion

    def __call__(self, time_s: float) -> Gesture:
        return replace(self.motion(time_s), smile=0.0, pucker=0.0, brows=0.0, jaw=0.0)


def _under_mask(actor: Actor, shape: Float, paint: Float) -> Actor:
    """The wearer with the face pressed back below the mask, and no hair through it."""
    away = actor.head.rest - RAY_CENTER
    limit = np.linalg.norm(shape - RAY_CENTER, axis=1) - 2.5
    radius = np.linalg.norm(away, axis=1)
    rows = np.clip((actor.head.uv[:, 1] * paint.shape[0]).astype(int), 0, paint.shape[0] - 1)
    cols = np.clip((actor.head.uv[:, 0] * paint.shape[1]).astype(int), 0, paint.shape[1] - 1)
    covered = gaussian_filter(paint[..., OPACITY], 6)[rows, cols] > 0.05
    pressed = np.where(covered, np.minimum(radius, limit), radius)
    rest = (RAY_CENTER + away * (pressed / radius)[:, None]).astype(np.float32)
    head = replace(actor.head, rest=rest)
    front: Surface = replace(actor.surfaces[0], points=rest)
    fuzz = replace(actor.fuzz, points=actor.fuzz.points[:0], albedo=actor.fuzz.albedo[:0])
    surfaces = (front, *actor.surfaces[1:])
    return replace(actor, head=head, surfaces=surfaces, fuzz=fuzz, fuzz_on=actor.fuzz_on[:0],
                   normals=rest_normals(surfaces))  # fmt: skip


def _stage_head(name: str, subject: Identity, rng: np.random.Generator) -> Staging:
    """A whole head on a stand: glass eyes, a wig, clothes, and no life."""
    material = MATERIALS[name]
    model = build_actor(subject)
    paint, drawn = mask_paint(model, name, rng)
    assert paint.shape[2] == CHANNELS
    shape = mask_shape(model, replace(material, thick_mm=0.0))
    skin = Material(paint, material.shininess, material.specular, material.wrap, face=True)
    surfaces = [replace(model.surfaces[0], points=shape, material=skin)]
    for part in model.surfaces[1:]:
        surfaces.append(part)
    stare = tuple(float(v) for v in rng.normal(0, 1.5, 2))
    still = replace(REST, gaze_deg=(stare[0], stare[1]), smile=float(rng.normal(0.1, 0.1)))
    return Staging(
        species=f"head_{name}",
        detail=f"{name} head on a stand",
        actor=replace(
            model,
            head=replace(model.head, rest=shape),
            surfaces=tuple(surfaces),
            normals=rest_normals(tuple(surfaces)),
        ),
        extras=(),
        gesture=lambda _: still,
        held=0.0,
        parameters={"material": asdict(material), **drawn},
    )
