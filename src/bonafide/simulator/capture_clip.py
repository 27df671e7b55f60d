"""From a subject and a kind of presentation to the frames of three registered sensors.

`plan_capture` draws everything that live and attack share (place and pose of the face, room, light,
rig) before it looks at the kind. `capture_clip` then yields frames; memory is bounded by one frame
and one scene. A writer of data sets calls these two and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import (
    Actor,
    Pose,
    Posed,
    build_actor,
    pose_actor,
    rotation,
)
from bonafide.simulator.carrier import Source, Staging, sample_structure
from bonafide.simulator.display import DisplaySettings, draw_display
from bonafide.simulator.eyes import HEAD_ROTATION, LENGTH
from bonafide.simulator.identity import Identity
from bonafide.simulator.lighting import Baked, Lighting, bake, draw_lighting
from bonafide.simulator.masks import MATERIALS, stage_mask, worn_by
from bonafide.simulator.mesh import Scene, assemble, no_strands
from bonafide.simulator.motion import REST, Gesture, Sway, draw_motion, draw_sway
from bonafide.simulator.picture import Backdrop, Painter, Radiance, View, vertex_normals
from bonafide.simulator.printer import PrinterSettings, draw_printer
from bonafide.simulator.prints import REGIONS, stage_cut_print, stage_print
from bonafide.simulator.rig import Rig, draw_rig, take_color, take_depth, take_infrared
from bonafide.simulator.room import draw_room
from bonafide.simulator.screens import PANELS_MM, family_of, stage_screen
from bonafide.types import BONA_FIDE_SPECIES, BonafideError, RgbImage

Float = npt.NDArray[np.float32]
FACE_MM = 140.0
SOURCE_SIZE = (288, 352)
SOURCE_RATE_HZ = 25.0


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What a capture shares with every other, drawn before the kind is looked at.

    Attributes:
        width, height: px; face_share: breadth of the face over the picture's width.
        at: (x, y) of the face in shares of the picture, from its middle.
        distance_mm: of a life-size face; yaw_deg, pitch_deg, roll_deg: its mean pose.
        lighting, rig: of the session; room_seed, noise_seed: for the rest.
        tremor: six sways (yaw, pitch, roll in degrees; x, y, z in mm) of a held carrier.
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


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One instant of a capture.

    Attributes:
        rgb: (h, w, 3) uint8 R, G, B.
        infrared: (h, w) uint8, or None; depth_mm: (h, w) uint16, 0 unknown, or None.
        landmarks: (5, 2) float32 px, see `types.Landmarks`: of the face that is shown.
        time_s: from the clip's start.
    """

    rgb: RgbImage
    infrared: npt.NDArray[np.uint8] | None
    depth_mm: npt.NDArray[np.uint16] | None
    landmarks: npt.NDArray[np.float32]
    time_s: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A staged presentation, ready to be filmed; see `stage_clip`."""

    plan: CapturePlan
    staging: Staging


def plan_capture(
    rng: np.random.Generator, width: int = 224, height: int = 224, *, adverse: bool | None = None,
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
    )  # fmt: skip


def stage_clip(
    subject: Identity, species: str, rng: np.random.Generator, plan: CapturePlan, *,
    holder: Identity | None = None, printer: PrinterSettings | None = None,
    display: DisplaySettings | None = None,
) -> Clip:
    """Put a presentation together.

    Args:
        subject: whose face is shown; species: a key of `SPECIES`.
        rng: decides the carrier, never the session; holder: who holds or wears it, drawn if None.
        printer, display: devices, drawn if None.

    Raises:
        BonafideError: an unknown species.
    """  # fmt: skip
    if species not in SPECIES:
        raise BonafideError(
            f"unknown species {species!r}.", where="stage_clip",
            remedy=f"Choose one of {sorted(SPECIES)}.",
        )  # fmt: skip
    devices = _Devices(holder or subject, printer or draw_printer(rng), display)
    return Clip(plan, SPECIES[species](subject, devices, rng, plan))


@dataclass(frozen=True, slots=True)
class _Devices:
    """What an attacker has at hand."""

    holder: Identity
    printer: PrinterSettings
    display: DisplaySettings | None


def capture_clip(
    clip: Clip, frames: int, frame_rate_hz: float = 25.0, *, modalities: bool = True,
    start_s: float = 0.0, jitter_s: float = 0.0,
) -> Iterator[CapturedFrame]:
    """Film a staged presentation.

    Args:
        frames: how many; frame_rate_hz: their nominal rate.
        modalities: infrared and depth too, or colour alone.
        start_s: when in the motion the clip begins; jitter_s: deviation of frame times, as of a
            camera whose rate wanders.
    """  # fmt: skip
    noise = np.random.default_rng(clip.plan.noise_seed)
    stage = Stage(clip)
    for number in range(frames):
        time_s = number / frame_rate_hz + float(jitter_s * noise.standard_normal())
        radiance, landmarks = stage.radiance(start_s + max(time_s, 0.0))
        structure = stage.structure(radiance, start_s + time_s)
        rig = clip.plan.rig
        yield CapturedFrame(
            rgb=take_color(radiance, clip.plan.lighting.white, rig, noise, structure),
            infrared=take_infrared(radiance, rig, noise) if modalities else None,
            depth_mm=take_depth(radiance, rig, noise) if modalities else None,
            landmarks=landmarks.astype(np.float32),
            time_s=max(time_s, 0.0),
        )


class Stage:
    """A clip's scene with its baked light and room, drawn at any time."""

    def __init__(self, clip: Clip) -> None:
        plan, staging = clip.plan, clip.staging
        focal = plan.face_share * plan.width * plan.distance_mm / FACE_MM
        distance = plan.distance_mm * staging.life
        self.clip = clip
        self.view = View(plan.width, plan.height, focal, distance)
        self.scene = _scene(staging)
        scale = plan.width / focal * distance
        place = (plan.at[0] * scale, -plan.at[1] * scale * plan.height / plan.width, 0.0)
        self.pose = Pose(plan.yaw_deg, plan.pitch_deg, plan.roll_deg, place)
        self._painter = Painter(self.view)
        # Light is baked in the mean pose, eyes open.
        points, strands, _, _ = self._pose(REST, 0.0)
        normals = np.empty_like(points)
        vertex_normals(points, self.scene.triangles, normals)
        self._baked: tuple[Baked, Baked, Baked] = bake(
            self.scene, points, normals, strands, plan.lighting
        )
        room = np.random.default_rng(plan.room_seed)
        self._room: Backdrop = draw_room(room, self.view, plan.lighting, plan.rig.infrared.flash)

    def radiance(self, time_s: float) -> tuple[Radiance, npt.NDArray[np.float64]]:
        """Light before the sensors, and (5, 2) landmarks in px."""
        staging, plan = self.clip.staging, self.clip.plan
        points, strands, face, marks = self._pose(staging.gesture(time_s), time_s)
        if staging.refresh is not None:
            part, content = staging.refresh
            self._repaint(self._first_extra() + part, content(time_s))
        radiance = self._painter.draw(self.scene, points, strands, face, self._baked, plan.lighting,
                                      plan.rig.infrared.flash, self._room)  # fmt: skip
        return radiance, self.view.to_picture(marks)

    def structure(self, radiance: Radiance, time_s: float) -> Float | None:
        """Gain of a carrier's fine structure, or None."""
        plane = self.clip.staging.plane
        if plane is None:
            return None
        px_per_mm = self.view.focal_px / self.view.distance_mm
        part = self._first_extra() + plane.part
        return sample_structure(plane, self.scene, part, radiance, px_per_mm, time_s)

    def _first_extra(self) -> int:
        actor = self.clip.staging.actor
        return 0 if actor is None else len(actor.surfaces)

    def _repaint(self, part: int, albedo: Float) -> None:
        start, width, height = (int(v) for v in self.scene.place[part])
        self.scene.pool[start : start + width * height, :4] = albedo.reshape(-1, 4)

    def _pose(
        self, gesture: Gesture, time_s: float
    ) -> tuple[Float, tuple[Float, Float], Float, npt.NDArray[np.float64]]:
        """Points, strands, face parameters and landmarks (5, 3) in world space."""
        staging = self.clip.staging
        rest = self.scene.points[self.scene.parts[self._first_extra()].start :] if (
            staging.extras) else self.scene.points[:0]  # fmt: skip
        if staging.actor is None:
            turn, offset = self._carrier_movement(time_s)
            face = np.zeros(LENGTH, np.float32)
            face[HEAD_ROTATION : HEAD_ROTATION + 9] = np.eye(3).ravel()
            nothing = np.zeros((0, 3), np.float32)
            return (rest @ turn.T + offset, (nothing, nothing), face,
                    staging.landmarks @ turn.T.astype(float) + offset)  # fmt: skip
        posed = pose_actor(staging.actor, self.scene, self.pose, gesture)
        moved = self._worn(staging, posed, rest)
        points = np.concatenate([posed.points, moved]) if len(rest) else posed.points
        marks = posed.landmarks
        if staging.landmarks is not None:
            marks = staging.landmarks @ posed.rotation.T.astype(float) + _worn_offset(staging, posed)
        return points, (posed.hair, posed.fuzz), posed.face, marks

    def _worn(self, staging: Staging, posed: Posed, rest: Float) -> Float:
        return rest @ posed.rotation.T + _worn_offset(staging, posed).astype(np.float32)

    def _carrier_movement(self, time_s: float) -> tuple[Float, Float]:
        held, sways = self.clip.staging.held, self.clip.plan.tremor
        yaw, pitch, roll, x, y, z = (held * sway(time_s) for sway in sways)
        # What is small is held near the camera: the same shake in px for every carrier.
        life = self.clip.staging.life
        turn = rotation(self.pose.yaw_deg + yaw, self.pose.pitch_deg + pitch,
                        self.pose.roll_deg + roll)  # fmt: skip
        shift = np.array([x, y, z]) * life
        return turn, (np.array(self.pose.place_mm) + shift).astype(np.float32)


def _worn_offset(staging: Staging, posed: Posed) -> npt.NDArray[np.float64]:
    """Masks live in head space; sheets before a face live around the face's landmark mean."""
    if staging.species.startswith("mask_"):
        return posed.offset.astype(float)
    return posed.landmarks.mean(0)


def _scene(staging: Staging) -> Scene:
    if staging.actor is None:
        return assemble(staging.extras, no_strands(), no_strands())
    return staging.actor.scene(staging.extras)


def film_source(
    actor: Actor, rng: np.random.Generator, *, video: bool
) -> Source:
    """An earlier capture of a live subject by an earlier camera, as an attacker would have it."""
    plan = plan_capture(rng, *SOURCE_SIZE, adverse=False, face_share=(0.36, 0.48))
    plan = replace(plan, yaw_deg=0.6 * plan.yaw_deg, pitch_deg=0.6 * plan.pitch_deg)
    staging = Staging(BONA_FIDE_SPECIES, "live", actor, (), draw_motion(rng))
    stage = Stage(Clip(plan, staging))
    noise = np.random.default_rng(plan.noise_seed)
    moment = float(rng.uniform(0, 20))
    radiance, marks = stage.radiance(moment)
    first = take_color(radiance, plan.lighting.white, plan.rig, noise)
    scale = stage.view.distance_mm / stage.view.focal_px
    kept: dict[int, RgbImage] = {0: first}

    def frame(time_s: float) -> RgbImage:
        number = max(int(time_s * SOURCE_RATE_HZ + 1e-6), 0) if video else 0
        if number not in kept:
            light, _ = stage.radiance(moment + number / SOURCE_RATE_HZ)
            # Noise belongs to the frame, so that asking twice gives the same picture.
            own = np.random.default_rng((plan.noise_seed, number))
            picture = take_color(light, plan.lighting.white, plan.rig, own)
            kept.clear()
            kept[number] = picture
        return kept[number]

    return Source(frame, marks, scale)


def _live(subject: Identity, devices: _Devices, rng: np.random.Generator, plan: CapturePlan) -> Staging:
    del devices, plan
    return Staging(BONA_FIDE_SPECIES, "live", build_actor(subject), (), draw_motion(rng))


def _flat(warped: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        source = film_source(build_actor(subject), rng, video=False)
        return stage_print(source, devices.printer, devices.holder, rng, warped=warped,
                           fill=plan.rig.camera.sensor_fill)  # fmt: skip

    return stage


def _cut(eyes_only: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        source = film_source(build_actor(subject), rng, video=False)
        regions = "eyes" if eyes_only else str(rng.choice([r for r in REGIONS if r != "eyes"]))
        return stage_cut_print(
            source, devices.printer, devices.holder, rng, regions=regions,
            fill=plan.rig.camera.sensor_fill, eyes_of=lambda who: worn_by(who, subject),
        )  # fmt: skip

    return stage


def _screen(family: str, video: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        display = devices.display
        while display is None or family_of(display) != family:
            display = draw_display(rng)
        source = film_source(build_actor(subject), rng, video=video)
        ambient = plan.lighting.walls[1] + 0.6 * plan.lighting.lamps[0].power[1]
        return stage_screen(source, display, devices.holder, rng, video=video,
                            fill=plan.rig.camera.sensor_fill, ambient=ambient)  # fmt: skip

    return stage


def _mask(name: str) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        del plan
        return stage_mask(name, subject, devices.holder, rng)

    return stage


SPECIES: dict[str, Callable[..., Staging]] = {
    BONA_FIDE_SPECIES: _live,
    "print_flat": _flat(False),
    "print_warped": _flat(True),
    "print_eye_cut": _cut(True),
    "print_region_cut": _cut(False),
    **{f"photo_{family}": _screen(family, False) for family in PANELS_MM},
    **{f"replay_{family}": _screen(family, True) for family in PANELS_MM},
    **{f"mask_{name}": _mask(name) for name, m in MATERIALS.items() if m.worn},
    **{f"head_{name}": _mask(name) for name, m in MATERIALS.items() if not m.worn},
}
"""PAI species (or bona fide) -> how it is staged."""
