"""A session: what live and attack captures share, and the stage that draws them.

`plan_capture` draws everything about a capture (place and pose of the face, room, light, rig)
before anyone looks at what is presented. `Stage` poses, lights and draws it at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import Pose, Posed, pose_actor, rest_normals, rotation, turned
from bonafide.simulator.carrier import Staging, sample_structure, shows_part
from bonafide.simulator.develop import meter_weights
from bonafide.simulator.device import check_device
from bonafide.simulator.eyes import HEAD_ROTATION, LENGTH
from bonafide.simulator.lighting import Baked, Lighting, bake, draw_lighting
from bonafide.simulator.mesh import Scene, assemble, no_strands, paint_over
from bonafide.simulator.motion import REST, Gesture, Sway, draw_sway
from bonafide.simulator.picture import Backdrop, Painter, Radiance, View
from bonafide.simulator.rig import Rig, draw_rig
from bonafide.simulator.room import draw_room, place_window
from bonafide.simulator.shade import DULL

if TYPE_CHECKING:
    from bonafide.simulator.torch_picture import TorchPainter

Float = npt.NDArray[np.float32]
FACE_MM = 140.0
"""Breadth that a life-size face has in words; distances follow from it."""
TOGETHER = 8
"""Frames that a torch device draws at once; bounds its memory."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What a capture shares with every other, drawn before the kind is looked at.

    Attributes:
        width, height: px; face_share: breadth of the face over the picture's width.
        at: (x, y) of the face in shares of the picture, from its middle.
        distance_mm: of a life-size face; yaw_deg, pitch_deg, roll_deg: its mean pose.
        lighting, rig: of the session; room_seed, noise_seed: for the rest.
        tremor: six sways (yaw, pitch, roll in degrees; x, y, z in mm) of a held carrier.
        plain_room: a wall without furniture, as behind a controlled session.
        room_at: where in the room the camera points, see `room.place_window`.
    """

    width: int
    height: int
    face_share: float
    at: tuple[float, float]
    distance_mm: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    lighting: Lighting
    rig: Rig
    room_seed: int
    noise_seed: int
    tremor: tuple[Sway, ...]
    plain_room: bool = False
    room_at: tuple[float, float] = (0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Clip:
    """A staged presentation, ready to be filmed; see `stage_clip`."""

    plan: CapturePlan
    staging: Staging


def plan_capture(
    rng: np.random.Generator,
    width: int = 224,
    height: int = 224,
    *,
    adverse: bool | None = None,
    face_share: tuple[float, float] = (0.36, 0.56),
) -> CapturePlan:
    """Draw a session.

    Args:
        width, height: of the pictures, px; adverse: kind of light, None draws it.
        face_share: smallest and largest breadth of the face over the width.
    """  # fmt: skip
    light_rng, rig_rng, rest = rng.spawn(3)
    return CapturePlan(
        width=width,
        height=height,
        face_share=float(rest.uniform(*face_share)),
        at=(float(np.clip(rest.normal(0, 0.035), -0.08, 0.08)),
            float(np.clip(rest.normal(0.01, 0.03), -0.07, 0.07))),
        distance_mm=float(np.exp(rest.uniform(np.log(430), np.log(800)))),
        yaw_deg=float(np.clip(rest.normal(0, 9), -24, 24)),
        pitch_deg=float(np.clip(rest.normal(0, 5), -13, 13)),
        roll_deg=float(np.clip(rest.normal(0, 4), -10, 10)),
        lighting=draw_lighting(light_rng, adverse=adverse),
        rig=draw_rig(rig_rng, width),
        room_seed=int(rest.integers(2**31)),
        noise_seed=int(rest.integers(2**31)),
        tremor=tuple(draw_sway(rest, rms, 0.15, 6.0) for rms in (0.7, 0.7, 0.45, 1.2, 1.2, 2.0)),
        room_at=(float(rest.uniform()), float(rest.uniform())),
    )  # fmt: skip


class Stage:
    """A clip's scene with its baked light and room, drawn at any time.

    Args:
        clip: what is staged; device: None draws by numba on the CPU; a name of torch's, as "cuda",
            draws there (see `torch_picture`), `TOGETHER` frames at once.
    """

    def __init__(self, clip: Clip, device: str | None = None) -> None:
        plan, staging = clip.plan, clip.staging
        focal = plan.face_share * plan.width * plan.distance_mm / FACE_MM
        distance = plan.distance_mm * staging.life
        self.clip = clip
        self.view = View(plan.width, plan.height, focal, distance)
        self.scene = _scene(staging)
        scale = plan.width / focal * distance
        place = (plan.at[0] * scale, -plan.at[1] * scale * plan.height / plan.width, 0.0)
        self.pose = Pose(plan.yaw_deg, plan.pitch_deg, plan.roll_deg, place)
        self._painter = _painter(self.view, device)
        # Light is baked in the mean pose, eyes open.
        self._extra_normals = _extra_normals(staging)
        points, normals, strands, _, _ = self._pose(REST, 0.0)
        self._baked: tuple[Baked, Baked, Baked] = bake(
            self.scene, points, normals, strands, plan.lighting, staging.bounce
        )
        room = np.random.default_rng(plan.room_seed)
        infrared = plan.rig.infrared
        torch = (*infrared.beside_mm, distance, infrared.flash, infrared.mirrored)
        self._flash = np.array(torch, np.float32)
        self._room: Backdrop = draw_room(
            room,
            self.view,
            plan.lighting,
            infrared.flash,
            furnished=not plan.plain_room,
            window=place_window(plan.face_share, plan.room_at),
        )

    def radiance(
        self, time_s: float, *, infrared: bool = True
    ) -> tuple[Radiance, npt.NDArray[np.float64]]:
        """Light before the sensors, and (5, 2) landmarks in px."""
        staging, plan = self.clip.staging, self.clip.plan
        points, normals, strands, face, marks = self._pose(staging.gesture(time_s), time_s)
        if staging.refresh is not None:
            part, content = staging.refresh
            self._repaint(self._first_extra() + part, content(time_s))
        radiance = self._painter.draw(
            self.scene, points, normals, strands, face, self._baked, plan.lighting,
            self._flash, self._room, infrared=infrared,
        )  # fmt: skip
        return radiance, self.view.to_picture(marks)

    def film(
        self, times_s: Sequence[float], *, infrared: bool = True
    ) -> Iterator[tuple[Radiance, npt.NDArray[np.float64]]]:
        """`radiance` of one moment after the other; drawn ahead where a device draws many at once.

        A carrier whose picture moves has another texture at every moment, so it is drawn alone.
        """
        if isinstance(self._painter, Painter) or self.clip.staging.refresh is not None:
            for time_s in times_s:
                yield self.radiance(time_s, infrared=infrared)
            return
        gesture, lighting = self.clip.staging.gesture, self.clip.plan.lighting
        for start in range(0, len(times_s), TOGETHER):
            moments = times_s[start : start + TOGETHER]
            posed = [self._pose(gesture(time_s), time_s) for time_s in moments]
            drawn = self._painter.draw_many(
                self.scene, [pose[:4] for pose in posed], self._baked, lighting, self._flash,
                self._room, infrared=infrared,
            )  # fmt: skip
            for radiance, pose in zip(drawn, posed, strict=True):
                yield radiance, self.view.to_picture(pose[4])

    def structure(self, radiance: Radiance, time_s: float) -> Float | None:
        """Gain of a carrier's fine structure, or None."""
        plane = self.clip.staging.plane
        if plane is None:
            return None
        px_per_mm = self.view.focal_px / self.view.distance_mm
        part = self._first_extra() + plane.part
        return sample_structure(plane, self.scene, part, radiance, px_per_mm, time_s)

    def white(self, radiance: Radiance) -> Float:
        """(3,) colour that the camera's white balance finds, green = 1.

        A camera balances what fills its picture: the room's light, or the white of a screen by its
        share of what the camera meters. Balanced for the room alone, screens would look blue.
        """
        staging, plan = self.clip.staging, self.clip.plan
        room = np.asarray(plan.lighting.white, np.float32)
        if staging.glow is None or staging.plane is None:
            return room
        shown = shows_part(self.scene, self._first_extra() + staging.plane.part, radiance)
        seen = meter_weights(radiance.light[..., :3])
        share = np.float32(seen[shown].sum() / seen.sum())
        return (
            room ** (1 - share) * self._screen_white(staging.glow, radiance.light[shown]) ** share
        )

    def _screen_white(self, glow: tuple[float, float, float], light: Float) -> Float:
        """(3,) white of a screen with what it returns of the room's light, green = 1.

        A camera cannot tell that veil from the panel's own light, so it balances both.

        Args:
            light: (n, 4) of the screen's px.
        """
        panel = np.asarray(glow, np.float32)
        staging, plan = self.clip.staging, self.clip.plan
        assert staging.plane is not None
        points = self.scene.parts[self._first_extra() + staging.plane.part]
        glass = np.float32(staging.extras[staging.plane.part].material.specular)
        veil = glass * self._baked[0].sky[points, :3].mean(0)
        facing = rotation(plan.yaw_deg, plan.pitch_deg, plan.roll_deg)[:, 2]
        lit = self._baked[0].lamps[points].mean(0)
        for share, lamp in zip(lit, plan.lighting.lamps, strict=True):
            cos = max(float(facing @ np.array(lamp.toward, np.float32)), 0.0)
            veil = veil + np.float32(DULL * cos * share) * np.array(lamp.power[:3], np.float32)
        seen = max(float(light[:, 1].mean()) if len(light) else 0.0, float(veil[1]), 1e-6)
        return np.asarray(panel * (1 - veil[1] / seen) + veil / seen, np.float32)

    def _first_extra(self) -> int:
        actor = self.clip.staging.actor
        return 0 if actor is None else len(actor.surfaces)

    def _repaint(self, part: int, albedo: Float) -> None:
        start, width, height = (int(v) for v in self.scene.place[part])
        paint_over(self.scene.pool[start : start + width * height], albedo.reshape(-1, 4))

    def _pose(
        self, gesture: Gesture, time_s: float
    ) -> tuple[Float, Float, tuple[Float, Float], Float, npt.NDArray[np.float64]]:
        """Points, normals, strands, face parameters and landmarks (5, 3) in world space."""
        staging = self.clip.staging
        rest = self.scene.points[self.scene.parts[self._first_extra()].start :] if (
            staging.extras) else self.scene.points[:0]  # fmt: skip
        if staging.actor is None:
            turn, offset = self._carrier_movement(time_s)
            face = np.zeros(LENGTH, np.float32)
            face[HEAD_ROTATION : HEAD_ROTATION + 9] = np.eye(3).ravel()
            nothing = np.zeros((0, 3), np.float32)
            normals = turned(self._extra_normals, turn, np.zeros(3))
            return (turned(rest, turn, offset), normals, (nothing, nothing), face,
                    staging.landmarks @ turn.T.astype(float) + offset)  # fmt: skip
        posed = pose_actor(staging.actor, self.scene, self.pose, gesture)
        points, normals = posed.points, posed.normals
        if len(rest):
            moved = turned(rest, posed.rotation, _worn_offset(staging, posed))
            tilted = turned(self._extra_normals, posed.rotation, np.zeros(3))
            points = np.concatenate([points, moved])
            normals = np.concatenate([normals, tilted])
        marks = posed.landmarks
        if staging.landmarks is not None:
            marks = staging.landmarks @ posed.rotation.T.astype(float) + _worn_offset(
                staging, posed
            )
        return points, normals, (posed.hair, posed.fuzz), posed.face, marks

    def _carrier_movement(self, time_s: float) -> tuple[Float, Float]:
        held, sways = self.clip.staging.held, self.clip.plan.tremor
        yaw, pitch, roll, x, y, z = (held * sway(time_s) for sway in sways)
        # What is small is held near the camera: the same shake in px for every carrier.
        life = self.clip.staging.life
        turn = rotation(self.pose.yaw_deg + yaw, self.pose.pitch_deg + pitch,
                        self.pose.roll_deg + roll)  # fmt: skip
        shift = np.array([x, y, z]) * life
        return turn, (np.array(self.pose.place_mm) + shift).astype(np.float32)


def _painter(view: View, device: str | None) -> Painter | TorchPainter:
    if device is None:
        return Painter(view)
    check_device(device)
    from bonafide.simulator.torch_picture import TorchPainter

    return TorchPainter(view, device)


def _worn_offset(staging: Staging, posed: Posed) -> npt.NDArray[np.float64]:
    """Masks live in head space; sheets before a face live around the face's landmark mean."""
    if staging.species.startswith("mask_"):
        return posed.offset.astype(float)
    return posed.landmarks.mean(0)


def _extra_normals(staging: Staging) -> Float:
    return rest_normals(staging.extras) if staging.extras else np.zeros((0, 3), np.float32)


def _scene(staging: Staging) -> Scene:
    if staging.actor is None:
        return assemble(staging.extras, no_strands(), no_strands())
    return staging.actor.scene(staging.extras)
