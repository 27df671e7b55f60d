"""What can go wrong between a path and its pixels: one type each, so that a caller can tell.

Every error names the file in ``where`` and what the user can do in ``remedy``.
"""

from __future__ import annotations

from bonafide.types import BonafideError


class CaptureError(BonafideError):
    """A photo, clip or camera could not be turned into pixels."""


class MissingFileError(CaptureError):
    """Nothing lies at the path."""


class UnreadableFileError(CaptureError):
    """Something lies at the path, but it cannot be read: permission, a folder, a device."""


class EmptyFileError(CaptureError):
    """The file has no bytes."""


class TruncatedFileError(CaptureError):
    """The file starts well and ends too early, as after a broken copy or download."""


class DamagedFileError(CaptureError):
    """The file has the right type, but its content breaks the format's own rules."""


class WrongTypeError(CaptureError):
    """The content is neither a photo nor a clip of a format that is read, whatever its name."""


class TooLargeError(CaptureError):
    """A limit of `bonafide.capture.limits.Limits` is exceeded."""


class NoVideoStreamError(CaptureError):
    """A container without pictures in it, such as a sound recording."""


class NoFramesError(CaptureError):
    """A video stream of which not one frame could be decoded."""


class NothingFoundError(CaptureError):
    """A folder or a pattern that leads to no file at all."""


class CameraUnavailableError(CaptureError):
    """The camera cannot be opened, or stopped delivering."""


class MissingModalityError(CaptureError):
    """Colour, depth or infrared of a capture is not there, or stands twice."""


class SizeMismatchError(CaptureError):
    """Pictures of one capture differ in size, so they cannot be registered."""


class DepthUnitError(CaptureError):
    """Depth without a stated unit, or with one in which no face could have been taken."""


class UnmatchedClipsError(CaptureError):
    """The three clips of a capture differ in rate or length, so their frames cannot be paired."""
