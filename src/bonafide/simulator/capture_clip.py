"""From a subject and a kind of presentation to the frames of three registered sensors.

`session.plan_capture` draws what live and attack share; `stage_clip` puts the presentation before
the rig; `capture_clip` yields its frames. Memory is bounded by one frame and one scene. A writer of
data sets calls these three and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import Actor, build_actor
from bonafide.simulator.carrier import Manner, Source, Staging
from bonafide.simulator.display import DisplaySettings, draw_display
from bonafide.simulator.identity import Identity
from bonafide.simulator.masks import MATERIALS, stage_mask, worn_by
from bonafide.simulator.motion import draw_motion
from bonafide.simulator.printer import PrinterSettings, draw_printer
from bonafide.simulator.prints import REGIONS, stage_cut_print, stage_print
from bonafide.simulator.rig import take_color, take_depth, take_infrared
from bonafide.simulator.screens import PANELS_MM, family_of, stage_screen
from bonafide.simulator.session import CapturePlan, Clip, Stage, plan_capture
from bonafide.types import BONA_FIDE_SPECIES, BonafideError, RgbImage

SOURCE_SIZE = (248, 304)
SOURCE_RATE_HZ = 25.0
KEPT_FRAMES = 80
"""Of 226 kB each."""


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


def stage_clip(
    subject: Identity,
    species: str,
    rng: np.random.Generator,
    plan: CapturePlan,
    *,
    holder: Identity | None = None,
    printer: PrinterSettings | None = None,
    display: DisplaySettings | None = None,
    source: Source | None = None,
    manner: Manner | None = None,
) -> Clip:
    """Put a presentation together.

    Args:
        subject: whose face is shown; species: a key of `SPECIES`.
        rng: decides the carrier, never the session; holder: who holds or wears it, drawn if None.
        printer, display: devices, drawn if None.
        source: the photo or video that a print or screen shows, of `film_source`; drawn if None.
        manner: how it is presented, drawn if None.

    Raises:
        BonafideError: an unknown species.
    """  # fmt: skip
    if species not in SPECIES:
        raise BonafideError(
            f"unknown species {species!r}.", where="stage_clip",
            remedy=f"Choose one of {sorted(SPECIES)}.",
        )  # fmt: skip
    devices = _Devices(
        holder or subject, printer or draw_printer(rng), display, source, manner or Manner()
    )
    return Clip(plan, SPECIES[species](subject, devices, rng, plan))


@dataclass(frozen=True, slots=True)
class _Devices:
    """What an attacker has at hand."""

    holder: Identity
    printer: PrinterSettings
    display: DisplaySettings | None
    source: Source | None
    manner: Manner


def capture_clip(
    clip: Clip,
    frames: int,
    frame_rate_hz: float = 25.0,
    *,
    modalities: bool = True,
    start_s: float = 0.0,
    jitter_s: float = 0.0,
    device: str | None = None,
) -> Iterator[CapturedFrame]:
    """Film a staged presentation.

    Args:
        frames: how many; frame_rate_hz: their nominal rate.
        modalities: infrared and depth too, or colour alone.
        start_s: when in the motion the clip begins; jitter_s: deviation of frame times, as of a
            camera whose rate wanders.
        device: where the light is drawn, see `Stage`; the sensors always run on the CPU.
    """  # fmt: skip
    noise = np.random.default_rng(clip.plan.noise_seed)
    stage = Stage(clip, device)
    steady = stage.film([start_s + n / frame_rate_hz for n in range(frames)], infrared=modalities)
    white: npt.NDArray[np.float32] | None = None
    for number in range(frames):
        time_s = number / frame_rate_hz + float(jitter_s * noise.standard_normal())
        # Where the rate wanders, the next moment is known only after this frame's noise.
        radiance, landmarks = next(steady) if jitter_s == 0 else stage.radiance(
            start_s + max(time_s, 0.0), infrared=modalities)  # fmt: skip
        structure = stage.structure(radiance, start_s + time_s)
        # The balance is found once and held, as video cameras do: no flicker of colour.
        white = stage.white(radiance) if white is None else white
        rig = clip.plan.rig
        yield CapturedFrame(
            rgb=take_color(radiance, white, rig, noise, structure),
            infrared=take_infrared(radiance, rig, noise) if modalities else None,
            depth_mm=take_depth(radiance, rig, noise) if modalities else None,
            landmarks=landmarks.astype(np.float32),
            time_s=max(time_s, 0.0),
        )


def film_source(
    actor: Actor,
    rng: np.random.Generator,
    *,
    video: bool,
    plan: CapturePlan | None = None,
    whole: bool = False,
) -> Source:
    """An earlier capture of a live subject by an earlier camera, as an attacker would have it.

    The first `KEPT_FRAMES` of a video are kept, for the next attack that shows it.

    Args:
        video: it moves; plan: of that session, drawn if None; whole: see `Source`. A smaller face
            in the plan puts the edges of paper and screen further out of the attack's picture.
    """  # fmt: skip
    if plan is None:
        plan = plan_capture(rng, *SOURCE_SIZE, adverse=False, face_share=(0.36, 0.48))
    plan = replace(plan, yaw_deg=0.6 * plan.yaw_deg, pitch_deg=0.6 * plan.pitch_deg)
    staging = Staging(BONA_FIDE_SPECIES, "live", actor, (), draw_motion(rng))
    stage = Stage(Clip(plan, staging))
    noise = np.random.default_rng(plan.noise_seed)
    moment = float(rng.uniform(0, 20))
    radiance, marks = stage.radiance(moment, infrared=False)
    first = take_color(radiance, plan.lighting.white, plan.rig, noise)
    scale = stage.view.distance_mm / stage.view.focal_px
    kept: dict[int, RgbImage] = {0: first}

    def frame(time_s: float) -> RgbImage:
        number = max(int(time_s * SOURCE_RATE_HZ + 1e-6), 0) if video else 0
        if number not in kept:
            light, _ = stage.radiance(moment + number / SOURCE_RATE_HZ, infrared=False)
            # Noise belongs to the frame, so that asking twice gives the same picture.
            own = np.random.default_rng((plan.noise_seed, number))
            picture = take_color(light, plan.lighting.white, plan.rig, own)
            if len(kept) >= KEPT_FRAMES:
                kept.popitem()
            kept[number] = picture
        return kept[number]

    return Source(frame, marks, scale, whole)


def _live(
    subject: Identity, devices: _Devices, rng: np.random.Generator, plan: CapturePlan
) -> Staging:
    del devices, plan
    return Staging(BONA_FIDE_SPECIES, "live", build_actor(subject), (), draw_motion(rng))


def _flat(warped: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        source = devices.source or film_source(build_actor(subject), rng, video=False)
        return stage_print(source, devices.printer, devices.holder, rng, warped=warped,
                           fill=plan.rig.camera.sensor_fill, held=devices.manner.held)  # fmt: skip

    return stage


def _cut(eyes_only: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        source = devices.source or film_source(build_actor(subject), rng, video=False)
        drawn = "eyes" if eyes_only else str(rng.choice([r for r in REGIONS if r != "eyes"]))
        return stage_cut_print(
            source, devices.printer, devices.holder, rng,
            regions=devices.manner.regions or drawn, bent=devices.manner.bent is not False,
            pressed=eyes_only, fill=plan.rig.camera.sensor_fill,
            eyes_of=lambda who: worn_by(who, subject),
            distance_mm=plan.distance_mm,
        )  # fmt: skip

    return stage


def _screen(family: str, video: bool) -> Callable[..., Staging]:
    def stage(subject: Identity, devices: _Devices, rng: np.random.Generator,
              plan: CapturePlan) -> Staging:  # fmt: skip
        display = devices.display
        while display is None or family_of(display) != family:
            display = draw_display(rng)
        source = devices.source or film_source(build_actor(subject), rng, video=video)
        ambient = plan.lighting.walls[1] + 0.6 * plan.lighting.lamps[0].power[1]
        return stage_screen(source, display, devices.holder, rng, video=video,
                            fill=plan.rig.camera.sensor_fill, ambient=ambient,
                            held=devices.manner.held)  # fmt: skip

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
