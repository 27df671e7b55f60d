"""Find faces and their five landmarks in one picture.

`MtcnnDetector` is the default. It runs the three networks of Zhang et al. 2016 (see `weights`)
through ONNX Runtime: P-Net proposes boxes on a pyramid of the picture, R-Net weeds them out, O-Net
decides and places the landmarks. The cascade is this project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bonafide.face.boxes import FloatArray, shift, square, suppress
from bonafide.face.patches import HalvingPyramid, resize_area
from bonafide.types import BonafideError, Box, Face, RgbImage

WINDOW_PX = 12
"""The side of P-Net's window: the smallest face it sees."""

STRIDE_PX = 2
SMALLEST_PX = 20.0
"""In a picture that had to be shrunk, no smaller face is looked for (px of the shrunk one)."""

PYRAMID_STEP = 0.709
"""About the square root of one half, as in the published detector: each level half the area."""


class FaceDetector(Protocol):
    """Whatever finds faces."""

    def detect(self, rgb: RgbImage) -> list[Face]:
        """Every face of the picture, the largest box first; an empty list when there is none."""
        ...


@runtime_checkable
class FaceRefiner(Protocol):
    """A detector that can also look again at places where a face is expected, which is cheap."""

    def refine(self, rgb: RgbImage, boxes: list[Box]) -> list[Face | None]:
        """For each expected box the face there, or None."""
        ...


@dataclass(frozen=True, slots=True)
class MtcnnThresholds:
    """The least probability of a face that passes each network, 0..1, and the overlaps allowed.

    The three probabilities are the published ones (0.6, 0.7, 0.7).
    """

    proposal: float = 0.6
    refinement: float = 0.7
    output: float = 0.7
    overlap_in_level: float = 0.5
    overlap: float = 0.7


class MtcnnDetector:
    """The default detector: no download, no TensorFlow, no torch.

    Safe to call from several threads, and picklable (a copy loads the weights anew).

    Args:
        min_face_px: the smallest face looked for, px of the picture as given; the cost of the
            first network grows with 1 / min_face_px squared.
        thresholds: see `MtcnnThresholds`.
        settle: look at every face found six more times (2 ms a face), for steadier landmarks and
            fewer false faces: the mean of the six confidences must pass the threshold too.
        threads: of ONNX Runtime; 1 is the fastest choice when several pictures run side by side.
        max_side_px: a larger picture is shrunk to this before anything else, so that memory and
            time stay bounded; the smallest face grows in proportion.
        max_proposals: at most this many of P-Net's best boxes reach R-Net.
        batch: at most this many patches go through R-Net or O-Net at once.
        cache: folder of the weights' cache, see `weights.cache_folder`.

    Raises:
        DetectorWeightsError: the weights are missing or not the published ones.
    """

    def __init__(
        self,
        min_face_px: float = 40.0,
        thresholds: MtcnnThresholds | None = None,
        *,
        settle: bool = True,
        threads: int = 1,
        max_side_px: int = 1280,
        max_proposals: int = 400,
        batch: int = 64,
        cache: Path | None = None,
    ) -> None:
        if min_face_px < WINDOW_PX:
            raise BonafideError(
                f"{min_face_px} px is below the {WINDOW_PX} px that the detector can see.",
                where="min_face_px",
                remedy=f"Ask for {WINDOW_PX} px or more, or enlarge the picture.",
            )
        self.min_face_px = min_face_px
        self.thresholds = thresholds or MtcnnThresholds()
        self.settle = settle
        self.threads = threads
        self.max_side_px = max_side_px
        self.max_proposals = max_proposals
        self.batch = batch
        self.cache = cache
        self._proposal, self._refinement, self._output = _sessions(threads, cache)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for session in ("_proposal", "_refinement", "_output"):
            del state[session]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._proposal, self._refinement, self._output = _sessions(self.threads, self.cache)

    def detect(self, rgb: RgbImage) -> list[Face]:
        """Every face of the picture, the largest box first.

        Args:
            rgb: (height, width, 3) uint8, upright; any size from 1x1 px.

        Returns:
            Faces in px of ``rgb``. A box or landmark may lie outside the picture when the face is
            cut off.
        """
        pyramid, across, down = self._shrunk(rgb)
        smallest = self.min_face_px * min(across, down)
        boxes = self._propose(pyramid, max(smallest, SMALLEST_PX) if across < 1 else smallest)
        boxes = self._refine_boxes(pyramid, boxes)
        boxes, points, scores = self._decide(pyramid, boxes)
        if self.settle:
            boxes, points, scores = self._settle(pyramid, square(boxes))
        faces = [
            _face(box, five, float(score), across, down)
            for box, five, score in zip(boxes, points, scores, strict=True)
            if score > self.thresholds.output
        ]
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)

    def refine(self, rgb: RgbImage, boxes: list[Box]) -> list[Face | None]:
        """Look again where faces are expected, with O-Net alone: 2 to 3 ms a face.

        Args:
            rgb: see `detect`.
            boxes: expected boxes, px of ``rgb``; right to about a fifth of their size.

        Returns:
            For each box the face found there, or None where O-Net sees none.
        """
        pyramid, across, down = self._shrunk(rgb)
        scale = np.array([across, down, across, down])
        edges = [(b.left + 0.5, b.top + 0.5, b.right + 0.5, b.bottom + 0.5) for b in boxes]
        expected = square((np.array(edges).reshape(-1, 4) * scale).astype(np.float32))
        found, points, scores = self._look(pyramid, expected)
        if self.settle:
            found, points, scores = self._settle(pyramid, square(found))
        return [
            _face(found[i], points[i], float(scores[i]), across, down)
            if scores[i] > self.thresholds.output
            else None
            for i in range(len(boxes))
        ]

    def _shrunk(self, rgb: RgbImage) -> tuple[HalvingPyramid, float, float]:
        """The picture to work on, and its size as a share of the original across and down."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self.max_side_px / max(height, width))
        if scale == 1.0:
            return HalvingPyramid(rgb), 1.0, 1.0
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        return HalvingPyramid(resize_area(rgb, size)), size[0] / width, size[1] / height

    def _propose(self, pyramid: HalvingPyramid, min_face_px: float) -> FloatArray:
        """P-Net on every level; boxes that survive suppression, best first, square."""
        found = [
            self._propose_on_level(level, across, down)
            for level, across, down in _levels(pyramid, min_face_px)
        ]
        if not found:
            return np.empty((0, 4), dtype=np.float32)
        boxes = np.concatenate([boxes for boxes, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        kept = suppress(boxes, scores, self.thresholds.overlap, smaller=False)
        return square(boxes[kept[: self.max_proposals]])

    def _propose_on_level(
        self, level: RgbImage, across: float, down: float
    ) -> tuple[FloatArray, FloatArray]:
        offsets, face = self._proposal.run(["offsets", "face"], {"rgb": level[None]})
        rows, columns = np.nonzero(face[0, 0] > self.thresholds.proposal)
        scores = face[0, 0, rows, columns]
        corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE_PX
        windows = np.concatenate([corner, corner + WINDOW_PX], axis=1)
        kept = suppress(windows, scores, self.thresholds.overlap_in_level, smaller=False)
        kept = kept[: self.max_proposals]
        boxes = shift(windows[kept], offsets[0][:, rows[kept], columns[kept]].T)
        scale = np.array([across, down, across, down], dtype=np.float32)
        return boxes / scale, scores[kept]

    def _refine_boxes(self, pyramid: HalvingPyramid, boxes: FloatArray) -> FloatArray:
        """R-Net: the boxes that it takes for faces, corrected and square."""
        refined, all_scores = [boxes[:0]], [np.empty(0, dtype=np.float32)]
        for start in range(0, len(boxes), self.batch):
            part = boxes[start : start + self.batch]
            patches = pyramid.patches(part, 24)
            offsets, face = self._refinement.run(["offsets", "face"], {"rgb": patches})
            passed = face[:, 0] > self.thresholds.refinement
            refined.append(shift(part, offsets)[passed])
            all_scores.append(face[passed, 0])
        boxes, scores = np.concatenate(refined), np.concatenate(all_scores)
        return square(boxes[suppress(boxes, scores, self.thresholds.overlap, smaller=False)])

    def _decide(
        self, pyramid: HalvingPyramid, boxes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """O-Net: boxes (n, 4), points (n, 5, 2) and scores (n,) of what it takes for faces."""
        boxes, points, scores = self._look(pyramid, boxes)
        passed = scores > self.thresholds.output
        boxes, points, scores = boxes[passed], points[passed], scores[passed]
        kept = suppress(boxes, scores, self.thresholds.overlap, smaller=True)
        return boxes[kept], points[kept], scores[kept]

    def _settle(
        self, pyramid: HalvingPyramid, boxes: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """O-Net again on every box at three zooms, each also mirrored; the mean of the six.

        O-Net's points move with the box that it is shown. On portraits this mean moves a third as
        much under mirroring or shrinking the picture as one look does (docs/face.md).
        """
        side = (boxes[:, 2:3] - boxes[:, :1])[:, None]
        looks = (boxes[:, None] + side * _ZOOMS).reshape(-1, 4)
        plain = self._look(pyramid, looks)
        mirrored = self._look(pyramid, looks, mirrored=True)
        shapes: tuple[tuple[int, ...], ...] = ((-1, 3, 4), (-1, 3, 5, 2), (-1, 3))
        found, points, scores = (
            (one.reshape(shape).mean(axis=1) + other.reshape(shape).mean(axis=1)) / 2
            for one, other, shape in zip(plain, mirrored, shapes, strict=True)
        )
        return found, points, scores

    def _look(
        self, pyramid: HalvingPyramid, boxes: FloatArray, *, mirrored: bool = False
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """O-Net on square boxes: corrected boxes (n, 4), points (n, 5, 2), scores (n,)."""
        found, all_points, all_scores = [boxes[:0]], [_NO_POINTS], [np.empty(0, dtype=np.float32)]
        for start in range(0, len(boxes), self.batch):
            part = boxes[start : start + self.batch]
            patches = pyramid.patches(part, 48)
            if mirrored:
                patches = np.ascontiguousarray(patches[:, :, ::-1])
            offsets, flat, face = self._output.run(["offsets", "points", "face"], {"rgb": patches})
            points = flat.reshape(-1, 2, 5).transpose(0, 2, 1)
            if mirrored:
                offsets = offsets[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], dtype=np.float32)
                points = points[:, MIRROR_ORDER] * _MIRROR_X + (1 - _MIRROR_X) / 2
            size = (part[:, 2:] - part[:, :2])[:, None]
            found.append(shift(part, offsets))
            all_points.append(part[:, None, :2] + points * size)
            all_scores.append(face[:, 0])
        return np.concatenate(found), np.concatenate(all_points), np.concatenate(all_scores)


MIRROR_ORDER = [1, 0, 2, 4, 3]
"""The order of five landmarks after the picture was mirrored left to right."""

_MIRROR_X = np.array([-1, 1], dtype=np.float32)
_ZOOMS = np.array([[-k, -k, k, k] for k in (-0.06, 0.0, 0.06)], dtype=np.float32)
_NO_POINTS = np.empty((0, 5, 2), dtype=np.float32)


def _sessions(threads: int, cache: Path | None) -> tuple[Any, Any, Any]:
    """Sessions of P-, R- and O-Net. Imported here: `bonafide --help` must not pay for it."""
    import onnxruntime

    from bonafide.face.mtcnn_graph import output_network, proposal_network, refinement_network
    from bonafide.face.weights import load_tensors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    tensors = load_tensors(cache)
    proposal, refinement, output = (
        onnxruntime.InferenceSession(build(tensors), options, providers=["CPUExecutionProvider"])
        for build in (proposal_network, refinement_network, output_network)
    )
    return proposal, refinement, output


def _levels(pyramid: HalvingPyramid, min_face_px: float) -> Iterator[tuple[RgbImage, float, float]]:
    """P-Net's pictures from large to small, and their size as shares of the picture's."""
    height, width = pyramid.level(0).shape[:2]
    scale = WINDOW_PX / min_face_px
    while min(height, width) * scale >= WINDOW_PX:
        size = round(width * scale), round(height * scale)
        yield pyramid.resized(*size), size[0] / width, size[1] / height
        scale *= PYRAMID_STEP


def _face(box: FloatArray, points: FloatArray, score: float, across: float, down: float) -> Face:
    """From px from the edge of the shrunk picture to px of the original, pixel centres whole."""
    left, top, right, bottom = (box / np.array([across, down, across, down]) - 0.5).tolist()
    landmarks = (points / np.array([across, down]) - 0.5).astype(np.float32)
    return Face(Box(left, top, right - left, bottom - top), landmarks, score)
