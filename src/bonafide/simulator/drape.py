"""A sheet pressed onto the face of who stands behind it, as cut photos are held.

Who looks through the holes of a photo holds it close: the sheet touches the tip of the nose and the
brow, leans back from one to the other, and bends around the face. Its eyes then lie 10 to 20 mm
behind it, so light reaches them; where it rests on the nose alone they lie 32 to 46 mm behind.
Carrier space, see `carrier`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import Actor
from bonafide.simulator.lighting import Bounce
from bonafide.simulator.mesh import Surface

Float = npt.NDArray[np.float32]
LEAN_REACH_MM, BEND_REACH_MM = 400.0, 150.0
"""Up and down it bends about as far as the head reaches, and leans nearly as a whole: a photo that
leans at the head alone is darker above it.
"""
DRAPE_CELLS = 72
"""Along either side of a draped sheet, as it bends more sharply than others."""
SOFT_MM = 5.0
"""How far the tip of the nose gives way to the sheet."""
UNDER_MM = 3.0
"""What lies behind the sheet stays so far from it: its cells are flat, and faces move."""
SHEET_BOUNCE: Bounce = (0.60, 0.52, 0.48, 0.60)
"""Light of the sheet's back over the surroundings'. Assumed, not measured: a tenth of their light
and of the lamps' comes through, the white back (0.86) gets light from its open sides, and skin
(0.5, 0.35, 0.28) and back mirror it to and fro; for an eye that sees the room over 0.45 of its view
that is 0.63, 0.51, 0.46.
"""


@dataclass(frozen=True, slots=True)
class Drape:
    """Shape of a sheet that is pressed onto a face.

    Attributes:
        lean: slope up the face, from the nose back to the brow.
        bend_mm: how far it goes back beside the nose, half of it at bend_reach_mm.
        wave_mm, wave_phase: a small undulation across, of 150 mm.
    """

    lean: float
    bend_mm: float
    bend_reach_mm: float
    wave_mm: float
    wave_phase: float

    def depth(self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> Float:
        """z in mm at plane positions; 0 where the face's centre lies."""
        leaning = -self.lean * LEAN_REACH_MM * np.tanh(y / LEAN_REACH_MM)
        beside = 1 - 1 / (1 + (x / self.bend_reach_mm) ** 2)
        bend = -self.bend_mm * beside / (1 + (y / BEND_REACH_MM) ** 2)
        wave = np.sin(2 * np.pi * (x + 0.4 * y) / 150.0 + self.wave_phase)
        waving = self.wave_mm * (wave - np.sin(self.wave_phase))
        return np.asarray(leaning + bend + waving, np.float32)


def draw_drape(rng: np.random.Generator, *, bent: bool) -> Drape:
    """How somebody presses a sheet onto the face; one that is not bent only leans."""
    lean, bend = float(rng.uniform(0.25, 0.40)), float(rng.uniform(18, 28))
    reach, wave, phase = (float(rng.uniform(*b)) for b in ((38, 48), (0, 0.5), (0, 2 * np.pi)))
    return Drape(lean, bend if bent else 0.0, reach, wave, phase)


def touching_z(actor: Actor, drape: Drape) -> float:
    """How far before the mean of the face's landmarks a sheet lies that is pressed onto it, mm."""
    head = actor.head.rest - actor.head.landmarks.mean(0)
    face = head[(head[:, 2] > -60) & (np.abs(head[:, 1]) < 110)]
    return float((face[:, 2] - drape.depth(face[:, 0], face[:, 1])).max()) - SOFT_MM


def press(actor: Actor, drape: Drape, z: float) -> Actor:
    """The wearer behind the sheet: nose and hair are flattened, and the chest leans back, further
    the further from the neck, as the head turns without it."""
    center = actor.head.landmarks.mean(0).astype(np.float32)
    head, torso, *rest = actor.surfaces

    def behind(points: Float, room_mm: float, room_share: float) -> Float:
        x, y = points[..., 0] - center[0], points[..., 1] - center[1]
        room = room_mm + room_share * np.hypot(x, np.minimum(y + 60.0, 0.0))
        out = points.copy()
        out[..., 2] = np.minimum(points[..., 2], center[2] + z + drape.depth(x, y) - room)
        return out

    body: Surface = replace(torso, points=behind(torso.points, 8.0, 0.25))
    face: Surface = replace(head, points=behind(head.points, UNDER_MM, 0.0))
    hair = replace(actor.hair, points=behind(actor.hair.points, UNDER_MM, 0.0))
    fuzz = replace(actor.fuzz, points=behind(actor.fuzz.points, UNDER_MM, 0.0))
    return replace(actor, surfaces=(face, body, *rest), hair=hair, fuzz=fuzz)
