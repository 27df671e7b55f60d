"""What moves in a living face, as functions of continuous time.

A `Motion` holds only random phases and event times, so any frame rate samples the same movement.
Rates follow the literature in round numbers: 10 to 25 blinks a minute at rest (Bentivoglio et al.
1997 report a mean of 17), lids closing in 60 to 110 ms and opening about twice as slowly, 12 to 20
breaths and 50 to 100 heart beats a minute, saccades of 20 to 60 ms, syllables at 3 to 6 a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float64]
HORIZON_S = 120.0
"""Events (blinks, glances, words) are drawn for this long and then repeat."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """A face at one instant.

    Attributes:
        closure: (left, right) lids, 0 open to 1 closed, left in the picture first.
        gaze_deg: (to the picture's right, upwards).
        jaw: 0 closed to 1 wide open; smile, pucker, brows: -1..1 strengths of expressions.
        yaw_deg, pitch_deg, roll_deg: head angles on top of the pose; positive yaw turns the face
            to the picture's right, positive pitch upwards, positive roll clockwise.
        shift_mm: (x, y, z) of the whole person; chest_mm: rise of the chest by breath.
        pulse: relative change of green reflectance by the pulse, positive at systole.
    """

    closure: tuple[float, float]
    gaze_deg: tuple[float, float]
    jaw: float
    smile: float
    pucker: float
    brows: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    shift_mm: tuple[float, float, float]
    chest_mm: float
    pulse: float


REST = Gesture((0.0, 0.0), (0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Sway:
    """Band-limited random movement: a sum of sines with random phases.

    Attributes:
        frequency_hz, amplitude, phase: (terms,) each.
    """

    frequency_hz: Field
    amplitude: Field
    phase: Field

    def __call__(self, time_s: float) -> float:
        """The deviation at a time in seconds."""
        wave = np.sin(2 * np.pi * self.frequency_hz * time_s + self.phase)
        return float((self.amplitude * wave).sum())


def draw_sway(rng: np.random.Generator, rms: float, low_hz: float, high_hz: float) -> Sway:
    """Sway of a given rms whose amplitude falls with frequency, as posture's does."""
    frequency = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), 7))
    amplitude = frequency**-0.8
    amplitude *= rms * np.sqrt(2) / np.sqrt((amplitude**2).sum())
    return Sway(frequency, amplitude, rng.uniform(0, 2 * np.pi, 7))


@dataclass(frozen=True, slots=True)
class Motion:
    """One person's movement in one clip; see `draw_motion`.

    Attributes:
        blink_at_s: starts; blink_close_s, blink_open_s: durations of the two phases.
        glance_at_s: when the gaze jumps; glance_deg: (n, 2) where to.
        sways: yaw, pitch, roll (degrees), x, y, z (mm), smile, brows, drift of the heart's phase.
        talk_from_s, talk_to_s: when words are spoken; syllable_hz: their rate.
        breath_hz, breath_mm; pulse_hz, pulse_level: relative amplitude in green.
        smile, pucker: the resting expression.
    """

    blink_at_s: Field
    blink_close_s: Field
    blink_open_s: Field
    glance_at_s: Field
    glance_deg: Field
    sways: tuple[Sway, ...]
    talk_from_s: Field
    talk_to_s: Field
    syllable_hz: float
    breath_hz: float
    breath_mm: float
    pulse_hz: float
    pulse_level: float
    smile: float
    pucker: float

    def __call__(self, time_s: float) -> Gesture:
        """The gesture at a time in seconds; every value is a continuous function of it."""
        t = time_s % HORIZON_S
        yaw, pitch, roll, x, y, z, smile, brows, drift = (sway(time_s) for sway in self.sways)
        jaw = self._talk(t)
        breath = np.sin(2 * np.pi * self.breath_hz * time_s)
        blink = self._blink(t)
        gaze = self._gaze(t)
        return Gesture(
            closure=(blink, blink),
            # The eyes stay on their target while the head sways.
            gaze_deg=(gaze[0] - yaw, gaze[1] - pitch),
            jaw=jaw,
            smile=self.smile + smile,
            pucker=self.pucker - 0.4 * jaw * np.sin(7.1 * time_s),
            brows=brows,
            yaw_deg=yaw,
            pitch_deg=pitch + 0.5 * jaw,
            roll_deg=roll,
            shift_mm=(x, y + 0.3 * self.breath_mm * breath, z),
            chest_mm=self.breath_mm * breath,
            pulse=self._pulse(time_s, drift),
        )

    def _blink(self, t: float) -> float:
        since = t - self.blink_at_s
        down = np.clip(since / self.blink_close_s, 0, 1)
        up = np.clip((since - self.blink_close_s - 0.02) / self.blink_open_s, 0, 1)
        lids = _ease(down) * (1 - _ease(up))
        return float(lids.max(initial=0.0))

    def _gaze(self, t: float) -> tuple[float, float]:
        move = _ease(np.clip((t - self.glance_at_s) / 0.045, 0, 1))
        steps = np.diff(self.glance_deg, axis=0, prepend=np.zeros((1, 2)))
        x, y = (move[:, None] * steps).sum(0)
        return float(x), float(y)

    def _talk(self, t: float) -> float:
        gate = _ease(np.clip((t - self.talk_from_s) / 0.15, 0, 1)) * (
            1 - _ease(np.clip((t - self.talk_to_s) / 0.15, 0, 1))
        )
        w = 2 * np.pi * self.syllable_hz * t
        wave = 0.5 - 0.5 * np.cos(w + 0.9 * np.sin(0.37 * w))
        stress = 0.65 + 0.35 * np.sin(0.23 * w + 1.0)
        return float(0.42 * gate.max(initial=0.0) * wave * stress)

    def _pulse(self, time_s: float, drift: float) -> float:
        phase = 2 * np.pi * self.pulse_hz * time_s + drift
        return float(self.pulse_level * (np.sin(phase) + 0.3 * np.sin(2 * phase - 0.7)))


def _ease(u: Field) -> Field:
    """Smooth step from 0 to 1 with zero speed at both ends."""
    return u * u * (3 - 2 * u)


def draw_motion(
    rng: np.random.Generator, *, talking: bool | None = None, still: float = 1.0
) -> Motion:
    """Draw how a person moves during one clip.

    Args:
        talking: whether words are spoken; None draws it (a third of the clips).
        still: factor on the sway of head and body; 0 keeps them in place.
    """
    talking = bool(rng.random() < 0.33) if talking is None else talking
    interval = float(np.clip(rng.lognormal(np.log(3.6), 0.3), 2.0, 7.0))
    gaps = interval * rng.lognormal(-0.125, 0.5, int(3 * HORIZON_S / interval))
    blinks = np.cumsum(np.maximum(gaps, 0.6)) - rng.uniform(0, gaps[0])
    blinks = blinks[(blinks > 0) & (blinks < HORIZON_S - 1)]
    glances = np.cumsum(0.35 + rng.exponential(1.3, 120))
    glances = glances[glances < HORIZON_S - 1]
    target = rng.standard_normal((len(glances), 2)) * np.array([1.4, 0.9])
    away = rng.random(len(glances)) < 0.12
    target[away] += rng.normal(0, 7, (int(away.sum()), 2)) * np.array([1.0, 0.5])
    starts = np.cumsum(rng.uniform(1.2, 4.0, 40)) if talking else np.array([1e6])
    sways = [draw_sway(rng, rms * still, 0.08, 1.2) for rms in (1.3, 0.9, 0.6, 1.6, 0.9, 2.5)]
    sways += [draw_sway(rng, rms, 0.04, 0.5) for rms in (0.10, 0.12)]
    sways.append(draw_sway(rng, 0.35, 0.05, 0.3))
    return Motion(
        blink_at_s=blinks,
        blink_close_s=rng.uniform(0.06, 0.11, len(blinks)),
        blink_open_s=rng.uniform(0.13, 0.24, len(blinks)),
        glance_at_s=glances,
        glance_deg=target,
        sways=tuple(sways),
        talk_from_s=starts,
        talk_to_s=starts + rng.uniform(0.6, 1.1, len(starts)),
        syllable_hz=float(rng.uniform(3.0, 5.5)),
        breath_hz=float(rng.uniform(0.2, 0.33)),
        breath_mm=float(rng.uniform(0.8, 2.5)),
        pulse_hz=float(rng.uniform(0.85, 1.65)),
        pulse_level=float(rng.uniform(0.004, 0.010)),
        smile=float(np.clip(rng.normal(0.12, 0.28), -0.3, 0.9)),
        pucker=float(np.clip(rng.normal(0, 0.12), -0.3, 0.3)),
    )


def hold_still(motion: Motion, at_s: float) -> Gesture:
    """The gesture frozen at one instant, as a photo holds it."""
    return motion(at_s)
