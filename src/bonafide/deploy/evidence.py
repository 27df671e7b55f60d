"""The evidence page: what the detector saw, how it weighed it, and what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import jinja2
import numpy as np

from bonafide.deploy.answer import Answer
from bonafide.deploy.detector import Examination
from bonafide.types import Box, RgbImage

PICTURE_PX = 420
JPEG_QUALITY = 88
STRIP_PX = 112
STRIP_FRAMES = 32
"""Side of a judged clip's frames on the page, and how many are shown."""

CHART = (320.0, 90.0)
"""Width and height of a clip's chart of scores, px."""

WORDS = {
    "bona_fide": ("Bona fide", "accepted as a live face"),
    "attack": ("Attack", "rejected: looks like a print, a screen or a mask"),
    "not_evaluated": ("Not evaluated", "no answer, which is never an acceptance"),
}


@dataclass(frozen=True)
class _Crop:
    """One crop as the page shows it."""

    source: str
    scale: float
    weight: float
    share: float
    inside: float


@dataclass(frozen=True)
class _ClipFrame:
    """One frame of a judged clip as the page shows it.

    Attributes:
        source: its picture.
        time_s: its time stamp.
        weight: of the frame, or None where the model weighs none.
        share: of the largest weight, 0..1.
    """

    source: str
    time_s: float
    weight: float | None
    share: float


class EvidencePage:
    """Writes DIR/index.html card by card, so that memory does not grow with the number of inputs.

    Use as a context manager; pictures go to DIR/media.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "media").mkdir(parents=True, exist_ok=True)
        loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
        environment = jinja2.Environment(loader=loader, autoescape=True)
        self._card = environment.get_template("evidence_card.html")
        self._head = environment.get_template("evidence_head.html")
        self._count = 0

    @property
    def path(self) -> Path:
        """The page."""
        return self.folder / "index.html"

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8")
        self._file.write(self._head.render())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.write("</main></body></html>\n")
        self._file.close()

    def add(self, answer: Answer, examination: Examination | None) -> None:
        """Append one input; ``examination`` is None for a file that could not be read."""
        self._count += 1
        verdict = answer.verdict
        title, meaning = WORDS[verdict.decision.value]
        picture, crops, strip = "", [], []
        panels: dict[str, str] = {}
        if examination is not None and examination.picture is not None:
            picture = self._save(_with_box(examination), "picture")
            crops = self._crops(examination)
            strip = self._strip(examination)
            panels = {
                caption: self._save(panel, f"panel{number}")
                for number, (caption, panel) in enumerate(examination.panels.items())
            }
        self._file.write(
            self._card.render(
                answer=answer,
                verdict=verdict,
                title=title,
                meaning=meaning,
                picture=picture,
                crops=crops,
                panels=panels,
                strip=strip,
                face=verdict.faces[0] if verdict.faces else None,
                chart=_chart(examination, verdict.threshold),
            )
        )
        self._file.flush()

    def _crops(self, examination: Examination) -> list[_Crop]:
        if examination.crops is None:
            return []
        stack, weights = examination.crops, examination.verdict.scale_weights
        largest = max((abs(w) for w in weights.values()), default=0.0) or 1.0
        return [
            _Crop(
                self._save(stack.crops[i], f"crop{i}"),
                scale,
                weights.get(scale, 0.0),
                abs(weights.get(scale, 0.0)) / largest,
                float(stack.inside_share[i]),
            )
            for i, scale in enumerate(stack.scales)
        ]

    def _strip(self, examination: Examination) -> list[_ClipFrame]:
        """The frames that a clip model judged, at most `STRIP_FRAMES` of them, evenly chosen."""
        clip = examination.clip
        if clip is None:
            return []
        count = len(clip.frames)
        shown = np.unique(np.linspace(0, count - 1, min(count, STRIP_FRAMES)).round().astype(int))
        largest = float(clip.weights.max()) if clip.weights is not None else 0.0
        frames = []
        for i in shown.tolist():
            small = np.asarray(
                cv2.resize(clip.frames[i], (STRIP_PX, STRIP_PX), interpolation=cv2.INTER_AREA),
                np.uint8,
            )
            weight = float(clip.weights[i]) if clip.weights is not None else None
            share = weight / largest if weight is not None and largest > 0 else 0.0
            source = self._save(small, f"frame{i}")
            frames.append(_ClipFrame(source, float(clip.times_s[i]), weight, share))
        return frames

    def _save(self, rgb: RgbImage, name: str) -> str:
        relative = f"media/{self._count:05d}_{name}.jpg"
        done, jpeg = cv2.imencode(
            ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        assert done, "OpenCV encodes any uint8 picture as JPEG"
        (self.folder / relative).write_bytes(jpeg.tobytes())
        return relative


def _with_box(examination: Examination) -> RgbImage:
    """The picture at page size, with the chosen face's box and landmarks drawn."""
    rgb = examination.picture
    assert rgb is not None
    zoom = min(PICTURE_PX / max(rgb.shape[:2]), 4.0)
    size = max(round(rgb.shape[1] * zoom), 1), max(round(rgb.shape[0] * zoom), 1)
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST
    shown = np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8)
    if examination.face is not None:
        _draw_box(shown, examination.face.box, zoom)
        for x, y in examination.face.landmarks:
            point = round(float(x) * zoom), round(float(y) * zoom)
            cv2.circle(shown, point, 3, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(shown, point, 2, (20, 90, 220), -1, cv2.LINE_AA)
    return shown


def _draw_box(shown: RgbImage, box: Box, zoom: float) -> None:
    first = round(box.left * zoom), round(box.top * zoom)
    last = round(box.right * zoom), round(box.bottom * zoom)
    cv2.rectangle(shown, first, last, (255, 255, 255), 3, cv2.LINE_AA)
    cv2.rectangle(shown, first, last, (20, 90, 220), 1, cv2.LINE_AA)


def _chart(examination: Examination | None, threshold: float) -> dict[str, object] | None:
    """Points of a clip's score over time, in the chart's px; None for photos."""
    if examination is None or len(examination.frames) < 2:
        return None
    width, height = CHART
    times = [frame.time_s for frame in examination.frames]
    span = (times[-1] - times[0]) or 1.0
    points = [
        ((frame.time_s - times[0]) / span * width, (1 - frame.score) * height)
        for frame in examination.frames
        if frame.score is not None
    ]
    missing = [
        (frame.time_s - times[0]) / span * width
        for frame in examination.frames
        if frame.score is None
    ]
    return {
        "width": width,
        "height": height,
        "points": points,
        "missing": missing,
        "threshold": (1 - min(max(threshold, 0.0), 1.0)) * height,
        "first": times[0],
        "last": times[-1],
    }
