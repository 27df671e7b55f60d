"""What a worker does with one upload: decode, judge, and put the answer into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import cv2

from bonafide.capture.errors import (
    CaptureError,
    DepthUnitError,
    EmptyFileError,
    MissingModalityError,
    SizeMismatchError,
    TooLargeError,
    WrongTypeError,
)
from bonafide.capture.multimodal import DepthUnit
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.detector import Stopwatch
from bonafide.service.answers import KEPT_QUALITY, answer_to_json, evidence_to_json, jpeg_of
from bonafide.service.load import load_served
from bonafide.service.served import UPLOAD, Media, Served, Upload
from bonafide.service.settings import ServiceSettings
from bonafide.service.wire import PARTS, Wish
from bonafide.types import BonafideError

_CODES: tuple[tuple[type[CaptureError], str], ...] = (
    (WrongTypeError, "unsupported_media"),
    (TooLargeError, "media_too_large"),
    (EmptyFileError, "empty_upload"),
    (MissingModalityError, "missing_modality"),
    (SizeMismatchError, "misregistered"),
    (DepthUnitError, "depth_unit"),
    (CaptureError, "damaged_media"),
)


class Judge:
    """A loaded model with its operating points.

    Attributes:
        served: name of the operating point -> the model that decides by it; the model's own comes
            first.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        """Load the model.

        Raises:
            BonafideError: the model or a point cannot be read, or two points share a name.
        """
        cv2.setNumThreads(1)
        first = load_served(settings)
        self.served: dict[str, Served] = {first.point.name: first}
        for path in settings.operating_points:
            point = load_operating_point(path)
            if point.name in self.served:
                raise BonafideError(
                    f"a second operating point is called {point.name!r}.",
                    where=str(path),
                    remedy="Give it a name of its own.",
                )
            self.served[point.name] = first.with_point(point)

    @property
    def _first(self) -> Served:
        return next(iter(self.served.values()))

    def describe(self) -> dict[str, Any]:
        """The model, its operating points, what it wants, and whether it guides."""
        first = self._first
        points = {
            name: {"criterion": one.point.criterion, "threshold": one.point.threshold,
                   "development": asdict(one.point.development)}
            for name, one in self.served.items()
        }  # fmt: skip
        unit = first.depth_unit
        return {
            "model": asdict(first.model_id),
            "operating_points": points,
            "takes": list(first.takes),
            "window_s": first.window_s,
            "depth_unit": None if unit is None else asdict(unit),
            "guides": first.guidance is not None,
        }

    def warm_up(self) -> None:
        """Run everything once: the first run of everything costs most."""
        self._first.warm_up()

    def answer(self, wish: Wish, parts: Mapping[str, Media]) -> dict[str, Any]:
        """Judge an upload.

        Args:
            wish: what is asked; its kind is one that the model takes, or guidance.
            parts: the files by their names in `wire.PARTS`.

        Returns:
            ``answer``: what the client gets; ``kept``: a JPEG in base64 or None. Or, when it cannot
            be decoded, ``code``, ``problem`` and ``remedy`` of a refusal.
        """
        try:
            if wish.kind == "guidance":
                guidance = self._first.guidance
                assert guidance is not None, "sessions ask only where `describe` says guides"
                return {"answer": guidance.look(parts["file"]), "kept": None}
            return self._verdict(wish, parts)
        except CaptureError as error:
            code = next(code for kind, code in _CODES if isinstance(error, kind))
            named = error.where if error.where in PARTS["multimodal"] else UPLOAD
            return {"code": code, "problem": f"the {named} {error.problem}",
                    "remedy": error.remedy}  # fmt: skip

    def _verdict(self, wish: Wish, parts: Mapping[str, Media]) -> dict[str, Any]:
        served = self.served[wish.point] if wish.point else self._first
        stated = wish.mm_per_level
        unit = None if stated is None else DepthUnit(stated, wish.offset_mm)
        examination = served.examine(Upload(wish.kind, parts, unit), Stopwatch())
        answer = answer_to_json(examination, served.model_id, served.modalities)
        if wish.evidence:
            answer["evidence"] = evidence_to_json(examination)
        kept = None
        if wish.keep and examination.picture is not None:
            kept = jpeg_of(examination.picture, KEPT_QUALITY)
        return {"answer": answer, "kept": kept}
