"""From the model file that the settings name to what the service runs."""

from __future__ import annotations

from pathlib import Path

from bonafide.deploy.captures import load_capture_detector
from bonafide.deploy.cascade import CascadeDetector
from bonafide.deploy.cascade_model import FAMILY as CASCADE_FAMILY
from bonafide.deploy.clip_detector import ClipDetector
from bonafide.deploy.load import load_detector
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.deploy.rival_file import CAPTURE_FAMILY
from bonafide.deploy.view_clips import ViewClipDetector
from bonafide.service.served import Served
from bonafide.service.served_captures import ServedCascade, ServedViewCaptures
from bonafide.service.served_clips import ServedClips
from bonafide.service.served_pictures import ServedFaces, ServedViewClips
from bonafide.service.settings import ServiceSettings


def load_served(settings: ServiceSettings) -> Served:
    """The model that the settings name.

    Raises:
        BonafideError: it cannot be read, or is of a family that this version does not know.
    """
    model = Path(settings.model)
    if family_of_file(model) in (CASCADE_FAMILY, CAPTURE_FAMILY):
        captures = load_capture_detector(model, min_face_px=settings.min_face_px)
        if isinstance(captures, CascadeDetector):
            return ServedCascade(captures, settings)
        return ServedViewCaptures(captures, settings)
    detector = load_detector(model, min_face_px=settings.min_face_px)
    if isinstance(detector, ClipDetector):
        return ServedClips(detector, settings)
    if isinstance(detector, ViewClipDetector):
        return ServedViewClips(detector, settings)
    return ServedFaces(detector, settings)
