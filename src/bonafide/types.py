"""The nouns of the toolkit, shared by every room.

Nothing here computes a decision or reads a file. The words are those of ISO/IEC 30107-3:
a *presentation* is what a *capture subject* shows to the camera; it is *bona fide* or an
*attack*, and an attack belongs to one *PAI species* (presentation attack instrument species).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

RgbImage = npt.NDArray[np.uint8]
"""(height, width, 3), uint8, 0..255, colour order R, G, B."""

Landmarks = npt.NDArray[np.float32]
"""(5, 2), float32, (x, y) in px of the picture: the eye on the picture's left, the eye on its
right, nose tip, mouth corner on the left, mouth corner on the right. Pixel centres lie at whole
numbers: (0, 0) is the centre of the top left pixel."""


class BonafideError(Exception):
    """An expected failure: what is wrong, where, and how to mend it.

    Args:
        problem: one sentence, what is wrong.
        where: the file, field or option it concerns.
        remedy: one sentence, what the user can do.
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.where = where
        self.remedy = remedy
        text = f"{where}: {problem}" if where else problem
        super().__init__(f"{text} {remedy}".rstrip())

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip between processes, which keyword arguments alone would not."""
        return _rebuild_error, (type(self), self.problem, self.where, self.remedy)


def _rebuild_error(
    kind: type[BonafideError], problem: str, where: str, remedy: str
) -> BonafideError:
    return kind(problem, where=where, remedy=remedy)


class Label(StrEnum):
    """Ground truth of a presentation. Never an integer: polarities differ between data sets."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"


class Decision(StrEnum):
    """What the toolkit answers. NOT_EVALUATED is no answer, and never counts as bona fide."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    NOT_EVALUATED = "not_evaluated"


class Split(StrEnum):
    """The part of a protocol that a presentation belongs to."""

    TRAIN = "train"
    DEVELOPMENT = "development"
    TEST = "test"


class ReasonCode(StrEnum):
    """Why a presentation was not evaluated, or what to know about a verdict."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    EXTREME_POSE = "extreme_pose"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    FACE_CUT_OFF = "face_cut_off"
    PADDED_SURROUNDINGS = "padded_surroundings"
    UNREADABLE = "unreadable"
    CLIP_TOO_SHORT = "clip_too_short"
    DAMAGED_CLIP = "damaged_clip"
    MISSING_MODALITY = "missing_modality"
    MISREGISTERED = "misregistered"
    DEPTH_UNIT = "depth_unit"
    NO_DEPTH = "no_depth"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with what to do about it.

    Attributes:
        code: the machine-readable code.
        advice: one sentence for the person in front of the camera or the caller.
        blocking: True when it makes the presentation not evaluated; False for a remark.
    """

    code: ReasonCode
    advice: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in px of the picture; it may reach beyond the picture's border.

    ``left`` and ``top`` are the coordinates of its edge, ``width`` and ``height`` its extent.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x coordinate of the right edge, px."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The y coordinate of the bottom edge, px."""
        return self.top + self.height

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the centre, px."""
        return self.left + self.width / 2, self.top + self.height / 2

    def intersection_over_union(self, other: Box) -> float:
        """Overlap of two boxes, 0..1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(width, 0.0) * max(height, 0.0)
        union = self.width * self.height + other.width * other.height - common
        return common / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Head angles in degrees, estimated from five landmarks; 0 is frontal and upright.

    Positive yaw turns the face towards the picture's right, positive pitch upwards, positive roll
    clockwise as seen in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be measured of a face before any network judges it.

    Attributes:
        size_px: distance-independent face size, the side of the scale-1.0 crop in px.
        pose: head angles.
        sharpness: variance of the Laplacian of the aligned 128 px grey face (grey levels²).
        brightness: mean grey level of the aligned face, 0..255.
        dark_share: share of the aligned face below 20 grey levels, 0..1.
        bright_share: share of the aligned face above 235 grey levels, 0..1.
        inside_share: share of the scale-1.0 crop that lies inside the picture, 0..1.
    """

    size_px: float
    pose: Pose
    sharpness: float
    brightness: float
    dark_share: float
    bright_share: float
    inside_share: float


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    Attributes:
        box: the detector's box, px.
        landmarks: see `Landmarks`.
        confidence: the detector's own, 0..1.
    """

    box: Box
    landmarks: Landmarks
    confidence: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture with its provenance.

    Attributes:
        rgb: see `RgbImage`; upright, rotation and EXIF orientation already applied.
        index: its position among the decoded frames, from 0; 0 for a photo.
        time_s: presentation time from the container, seconds from the clip's start; 0 for a photo.
        source: the file or camera it came from.
    """

    rgb: RgbImage
    index: int
    time_s: float
    source: str


@dataclass(frozen=True, slots=True)
class FaceReport:
    """One face as a verdict lists it."""

    box: Box
    confidence: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """One stage of a cascade.

    Attributes:
        score: higher is more bona fide; None when an earlier stage had already rejected.
        threshold: passed if and only if score >= threshold.
    """

    score: float | None
    threshold: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one presentation.

    Attributes:
        decision: bona_fide, attack or not_evaluated.
        score: higher is more bona fide; None exactly when not evaluated.
        threshold: accepted if and only if score >= threshold.
        operating_point: the name of the rule that set the threshold.
        reasons: blocking ones first.
        faces: every face found; in a clip, those of the first evaluated frame.
        scale_weights: crop scale -> alpha of the LSTM, mean over evaluated frames.
        frames_evaluated: how many frames the score is a mean of; 1 for a photo.
        frames_seen: how many frames were decoded.
        timing_ms: stage -> milliseconds.
        stages: stage of a cascade -> its own answer, in order; empty for a single network.
    """

    decision: Decision
    score: float | None
    threshold: float
    operating_point: str
    reasons: tuple[Reason, ...] = ()
    faces: tuple[FaceReport, ...] = ()
    scale_weights: dict[float, float] = field(default_factory=dict)
    frames_evaluated: int = 0
    frames_seen: int = 0
    timing_ms: dict[str, float] = field(default_factory=dict)
    stages: dict[str, StageAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.score is None) != (self.decision is Decision.NOT_EVALUATED):
            raise ValueError("a verdict has a score exactly when it was evaluated")


@dataclass(frozen=True, slots=True)
class Presentation:
    """One row of a sample table: what was shown to the camera, and where its capture lies.

    ``path`` may be a photo or a clip. Fields that a data set does not state are empty strings
    (or 0.0 and None), never guessed.

    Attributes:
        presentation: unique id within the table.
        path: the RGB file, absolute or relative to the table.
        label: ground truth.
        pai_species: the mapped species, "bona_fide" for bona fide presentations.
        pai_detail: the data set's own raw name of the instrument or artefact.
        capture_subject: id unique across data sets, such as "replay_attack/client009".
        split: train, development or test.
        dataset: the data set's name; a simulated one says so, such as "recapture (simulated)".
        session, device, light, quality: conditions as the data set names them.
        depth_path, infrared_path: the other modalities, registered to ``path``.
        rotation_deg: clockwise turn to apply after decoding, 0, 90, 180 or 270.
        frame_rate_hz: as the data set states it; 0.0 for photos. Time stamps come from the file.
        box: a face box that came with the data, or None.
        sha256: of the file at ``path``; empty when not computed.
        depth_sha256, infrared_sha256: of the other modalities' files, likewise.
    """

    presentation: str
    path: str
    label: Label
    pai_species: str
    capture_subject: str
    split: Split
    dataset: str
    pai_detail: str = ""
    session: str = ""
    device: str = ""
    light: str = ""
    quality: str = ""
    depth_path: str = ""
    infrared_path: str = ""
    rotation_deg: int = 0
    frame_rate_hz: float = 0.0
    box: Box | None = None
    sha256: str = ""
    depth_sha256: str = ""
    infrared_sha256: str = ""

    def __post_init__(self) -> None:
        if (self.pai_species == BONA_FIDE_SPECIES) != (self.label is Label.BONA_FIDE):
            raise BonafideError(
                f"label {self.label.value} and PAI species {self.pai_species!r} disagree.",
                where=self.presentation,
                remedy=f"Bona fide rows carry species {BONA_FIDE_SPECIES!r}, attacks their own.",
            )
        if not self.pai_species or not self.capture_subject or not self.path:
            raise BonafideError(
                "path, pai_species and capture_subject must not be empty.",
                where=self.presentation,
                remedy="Fill them in; an unknown species or subject is never guessed.",
            )


CLASSES = ("attack", "bona_fide")
"""Order of a network's two logits everywhere; the score is the probability of the last."""

BONA_FIDE_SPECIES = "bona_fide"

SAMPLE_COLUMNS: tuple[str, ...] = (
    "presentation",
    "path",
    "label",
    "pai_species",
    "capture_subject",
    "split",
    "dataset",
    "pai_detail",
    "session",
    "device",
    "light",
    "quality",
    "depth_path",
    "infrared_path",
    "rotation_deg",
    "frame_rate_hz",
    "box",
    "sha256",
    "depth_sha256",
    "infrared_sha256",
)
"""Columns of samples.csv, in order; ``box`` is "left top width height" or empty."""

SCORE_COLUMNS: tuple[str, ...] = (
    "presentation",
    "frame",
    "label",
    "pai_species",
    "capture_subject",
    "score",
    "reason",
    "split",
    "dataset",
    "pai_detail",
    "session",
    "device",
    "light",
    "quality",
    "path",
)
"""Columns of scores.csv, in order. ``score`` is empty exactly for a non-response, whose code then
stands in ``reason``. ``frame`` is empty when the row is a whole presentation. Only label,
pai_species and score are required of files that other tools wrote."""
