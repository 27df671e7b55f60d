"""One capture of three registered sensors: colour, depth in mm, infrared.

The three are files of one size, px upon px; or, where it is stated that they show one view, of one
form at several resolutions. Depth is a 16-bit PNG in millimetres, or any levels with a stated
`DepthUnit` (CASIA-SURF has 8-bit JPEGs without a unit); level 0 is "not measured".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.capture.errors import (
    CaptureError,
    DepthUnitError,
    MissingModalityError,
    SizeMismatchError,
    UnmatchedClipsError,
)
from bonafide.capture.image import decode_image, decode_levels, read_image, read_levels
from bonafide.capture.limits import Limits
from bonafide.types import Presentation, ReasonCode, RgbImage

NAMES: dict[str, tuple[str, ...]] = {
    "rgb": ("rgb", "color", "colour"),
    "depth": ("depth",),
    "infrared": ("infrared", "ir", "nir"),
}
"""Modality -> the names (without suffix) that its file may have in a folder."""

NEAREST_MM, FARTHEST_MM = 100.0, 10_000.0
"""Between these lies the middle of what a sensor sees that has a face before it."""

ASPECT_LIMIT = 0.02
"""Largest relative difference of width / height between pictures of one view: a px lost to rounding
at each end of a cut-out face of 100 px."""


@dataclass(frozen=True, slots=True)
class DepthUnit:
    """What a level of a depth file means: mm_per_level * level + offset_mm; level 0 is unknown.

    ``mm_per_level`` is negative where near points are bright.
    """

    mm_per_level: float
    offset_mm: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.mm_per_level, self.offset_mm]).all() and self.mm_per_level):
            raise DepthUnitError(
                f"{self.mm_per_level} mm per level and {self.offset_mm} mm are no unit.",
                where="depth unit",
                remedy="State what one level is in millimetres; it is not 0.",
            )


MILLIMETRES = DepthUnit(1.0)


@dataclass(frozen=True, slots=True)
class MultimodalCapture:
    """One capture, registered: px (y, x) is the same point in all three.

    Attributes:
        rgb: (h, w, 3) uint8, see `types.RgbImage`.
        depth_mm: (h, w) float32, mm along the axis; NaN where nothing was measured.
        infrared: (h, w) uint8.
        source: the colour file, for messages.
    """

    rgb: RgbImage
    depth_mm: npt.NDArray[np.float32]
    infrared: npt.NDArray[np.uint8]
    source: str

    def __post_init__(self) -> None:
        sizes = {
            "rgb": self.rgb.shape[:2],
            "depth": self.depth_mm.shape,
            "infrared": self.infrared.shape,
        }
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size[1]} x {size[0]}" for name, size in sizes.items())
            raise SizeMismatchError(
                f"its pictures differ in size: {told} px.",
                where=self.source,
                remedy="Register the three to one size; resizing alone does not register them. "
                "If they are one view at several resolutions, as in CASIA-SURF, say --one-view.",
            )


def read_multimodal(
    rgb: Path,
    depth: Path | None,
    infrared: Path | None,
    unit: DepthUnit | None = None,
    limits: Limits | None = None,
    *,
    one_view: bool = False,
) -> MultimodalCapture:
    """Read three registered files.

    Args:
        rgb: photo, see `read_image`.
        depth, infrared: see `read_levels`; None stands for a sample that has none.
        unit: of the depth; None takes 16-bit levels for millimetres and refuses 8-bit ones.
        limits: on bytes and pixels of each.
        one_view: the three differ in resolution alone, see `to_one_size`; a file cannot tell.

    Raises:
        MissingModalityError, SizeMismatchError, DepthUnitError: as they say.
        CaptureError: a file cannot be read.
    """
    if depth is None or infrared is None:
        missing = [n for n, p in (("depth", depth), ("infrared", infrared)) if p is None]
        raise MissingModalityError(
            f"comes without {' and '.join(missing)}.",
            where=str(rgb),
            remedy="Name all three files; a missing one is never made up.",
        )
    colour = read_image(rgb, limits).rgb
    levels = read_levels(depth, limits)
    light = eight_bits(read_levels(infrared, limits))
    depth_mm = depth_in_mm(levels, unit, str(depth))
    if one_view:
        depth_mm, light = to_one_size(colour, depth_mm, light, str(rgb))
    return MultimodalCapture(colour, depth_mm, light, str(rgb))


def decode_multimodal(
    rgb: bytes,
    depth: bytes,
    infrared: bytes,
    unit: DepthUnit | None = None,
    limits: Limits | None = None,
    *,
    one_view: bool = False,
) -> MultimodalCapture:
    """As `read_multimodal`, from memory; errors name the modality (``rgb``, ``depth``...)."""
    colour = decode_image(rgb, "rgb", limits).rgb
    levels = decode_levels(depth, "depth", limits)
    light = eight_bits(decode_levels(infrared, "infrared", limits))
    depth_mm = depth_in_mm(levels, unit, "depth")
    if one_view:
        depth_mm, light = to_one_size(colour, depth_mm, light, "rgb")
    return MultimodalCapture(colour, depth_mm, light, "rgb")


def eight_bits(levels: npt.NDArray[np.uint8 | np.uint16]) -> npt.NDArray[np.uint8]:
    """Levels of 16 bits by their high byte; those of 8 as they are."""
    return (levels >> 8 if levels.dtype == np.uint16 else levels).astype(np.uint8)


def to_one_size(
    rgb: RgbImage,
    depth_mm: npt.NDArray[np.float32],
    infrared: npt.NDArray[np.uint8],
    source: str,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Depth and infrared at the size of colour, for pictures that share their borders.

    Depth takes the nearest px, because a mean of face and background is neither.

    Args:
        rgb, depth_mm, infrared: as `MultimodalCapture` has them, but of any size.
        source: for messages.

    Raises:
        SizeMismatchError: their forms differ by more than `ASPECT_LIMIT`: not one view.
    """
    height, width = rgb.shape[:2]
    for name, picture in (("depth", depth_mm), ("infrared", infrared)):
        rows, columns = picture.shape
        if abs(np.log(width * rows / (height * columns))) > ASPECT_LIMIT:
            raise SizeMismatchError(
                f"its pictures are no one view: colour {width} x {height}, {name} "
                f"{columns} x {rows} px.",
                where=source,
                remedy="Cut the three from the same part of the scene, or register them.",
            )
    size = width, height
    known = cv2.resize(depth_mm, size, interpolation=cv2.INTER_NEAREST_EXACT)
    smaller = width < infrared.shape[1]
    light = cv2.resize(
        infrared, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    return np.asarray(known, np.float32), np.asarray(light, np.uint8)


def depth_in_mm(
    levels: npt.NDArray[np.uint8 | np.uint16], unit: DepthUnit | None, source: str
) -> npt.NDArray[np.float32]:
    """(h, w) float32 mm, NaN at level 0.

    Raises:
        DepthUnitError: 8-bit levels without a unit, or a unit that puts the middle of all that was
            measured outside `NEAREST_MM`..`FARTHEST_MM`.
    """
    if unit is None:
        if levels.dtype != np.uint16:
            raise DepthUnitError(
                "8-bit depth has no unit of its own.",
                where=source,
                remedy="State the millimetres of one level, such as --depth-scale 4.",
            )
        unit = MILLIMETRES
    known = levels > 0
    depth = levels.astype(np.float32) * np.float32(unit.mm_per_level) + np.float32(unit.offset_mm)
    middle = float(np.median(depth[known])) if known.any() else NEAREST_MM
    if not NEAREST_MM <= middle <= FARTHEST_MM:
        raise DepthUnitError(
            f"its middle is {middle:.4g} mm at {unit.mm_per_level:g} mm per level.",
            where=source,
            remedy="State the true unit: is one level 1 mm, 0.1 mm, 1 m?",
        )
    return np.where(known & (depth > 0), depth, np.float32(np.nan))


def read_presentation(
    sample: Presentation,
    unit: DepthUnit | None = None,
    limits: Limits | None = None,
    *,
    one_view: bool = False,
) -> MultimodalCapture:
    """The capture of a row of a sample table, turned upright; see `read_multimodal`."""
    depth, infrared = (
        Path(path) if path else None for path in (sample.depth_path, sample.infrared_path)
    )
    capture = read_multimodal(Path(sample.path), depth, infrared, unit, limits, one_view=one_view)
    turns = -sample.rotation_deg // 90
    if not turns:
        return capture
    rgb, depth_mm, light = (
        np.ascontiguousarray(np.rot90(picture, turns))
        for picture in (capture.rgb, capture.depth_mm, capture.infrared)
    )
    return MultimodalCapture(rgb, depth_mm, light, capture.source)


def reason_of(error: CaptureError) -> ReasonCode:
    """The code under which a capture that could not be read is counted."""
    for kind, code in REASONS.items():
        if isinstance(error, kind):
            return code
    return ReasonCode.UNREADABLE


REASONS: dict[type[CaptureError], ReasonCode] = {
    MissingModalityError: ReasonCode.MISSING_MODALITY,
    SizeMismatchError: ReasonCode.MISREGISTERED,
    UnmatchedClipsError: ReasonCode.MISREGISTERED,
    DepthUnitError: ReasonCode.DEPTH_UNIT,
}


def find_modalities(folder: Path) -> tuple[Path, Path, Path]:
    """The colour, depth and infrared file of a folder, by the names of `NAMES`.

    Raises:
        MissingModalityError: one is missing, or has several files.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {
        modality: [f for f in files if f.is_file() and f.stem.lower() in names]
        for modality, names in NAMES.items()
    }
    faults = [
        f"{modality}: {len(paths)} files" for modality, paths in found.items() if len(paths) != 1
    ]
    if faults:
        wanted = "; ".join(f"{key}: {' or '.join(names)}" for key, names in NAMES.items())
        raise MissingModalityError(
            f"needs one file of each modality; {', '.join(faults)}.",
            where=str(folder),
            remedy=f"Name the files so (before the suffix): {wanted}.",
        )
    rgb, depth, infrared = (paths[0] for paths in found.values())
    return rgb, depth, infrared
