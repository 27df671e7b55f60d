"""From a model on disk to the detector that runs it, whatever its family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.captures import is_capture_model
from bonafide.deploy.clip_detector import ClipDetector, ClipScorer
from bonafide.deploy.clip_scorers import OnnxClipScorer, TextureScorer, TorchClipScorer
from bonafide.deploy.detector import Detector, Scorer
from bonafide.deploy.machine_file import KIND_FAMILIES as MACHINE_FAMILIES
from bonafide.deploy.machine_file import (
    MACHINE_CLIP_FAMILY,
    TEXTURE_FAMILY,
    OnnxMachineScorer,
    OnnxTextureScorer,
)
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.deploy.rival_file import CLIP_FAMILY, OnnxViewScorer
from bonafide.deploy.runtime import FACE_FAMILIES, SHIPPED_MODEL, OnnxScorer, model_path
from bonafide.deploy.view_clips import ViewClipDetector
from bonafide.face.detect import FaceDetector, MtcnnDetector
from bonafide.types import BonafideError

AnyDetector = Detector | ClipDetector | ViewClipDetector

VIEW_CLIP_FAMILIES = (CLIP_FAMILY, MACHINE_CLIP_FAMILY)
"""Families whose views are a clip's frames."""


def _torch_scorer(run: Path, threads: int) -> Scorer:
    from bonafide.deploy.torch_scorer import TorchScorer

    del threads  # one face at a time: torch's own choice
    return TorchScorer(run)


def _onnx_scorer(path: Path, threads: int) -> Scorer:
    return OnnxScorer(path, threads=threads)


def _rival_scorer(run: Path, threads: int) -> Scorer:
    from bonafide.deploy.rival_scorer import RivalScorer

    del threads
    return RivalScorer(run)


def _machine_scorer(path: Path, threads: int) -> Scorer:
    return OnnxMachineScorer(path, threads=threads)


FACE_EXPORTS: dict[str, Callable[[Path, int], Scorer]] = {
    **dict.fromkeys(FACE_FAMILIES, _onnx_scorer),
    CLIP_FAMILY: lambda path, threads: OnnxViewScorer(path, threads=threads),
    **dict.fromkeys(MACHINE_FAMILIES.values(), _machine_scorer),
}
FACE_RUNS: dict[str, Callable[[Path, int], Scorer]] = {
    **dict.fromkeys(FACE_FAMILIES, _torch_scorer),
    "rival": _rival_scorer,
    "rival_machine": _rival_scorer,
}
CLIP_EXPORTS: dict[str, Callable[[Path, int], ClipScorer]] = {
    "motion_cnn_lstm": lambda path, threads: OnnxClipScorer(path, threads=threads),
    TEXTURE_FAMILY: lambda path, threads: OnnxTextureScorer(path, threads=threads),
}
CLIP_RUNS: dict[str, Callable[[Path, int], ClipScorer]] = {
    "motion_cnn_lstm": lambda run, threads: TorchClipScorer(run, threads=threads),
    "texture_svm": lambda run, threads: TextureScorer(run, threads=threads),
}
"""Family -> its scorer: of models that judge aligned crops (of a picture, or of a clip's frames),
and of those that judge a clip; from an exported file, and from a run folder."""


def load_detector(
    model: Path | str = SHIPPED_MODEL,
    *,
    operating_point: OperatingPoint | None = None,
    min_face_px: float = 40,
    yunet: Path | None = None,
    threads: int = 1,
) -> AnyDetector:
    """Load a model of any family, and the face detector.

    Args:
        model: an ONNX file that `bonafide export` wrote, a run folder (needs the [train] extra), or
            the name of a shipped model (see `runtime.SHIPPED`).
        operating_point: replaces the model's own threshold.
        min_face_px: smallest face to look for; larger is faster. YuNet has a limit of its own.
        yunet: a YuNet file of the user's, to find faces with instead of the default detector.
        threads: of each network.

    Raises:
        BonafideError: the model or the detector's weights are missing or damaged, or the model's
            family is unknown.
    """
    path = model_path(model)
    if is_capture_model(path):
        raise BonafideError(
            "judges colour, depth and infrared together.",
            where=str(path),
            remedy="Name the three by --rgb, --depth and --infrared.",
        )
    family, faces_of, clips_of = _scorers(path)
    faces: FaceDetector
    if yunet is not None:
        from bonafide.face.yunet import YunetDetector

        faces = YunetDetector(yunet)
    else:
        faces = MtcnnDetector(min_face_px, threads=threads)
    if family in faces_of:
        scorer = faces_of[family](path, threads)
        if scorer.record.family in VIEW_CLIP_FAMILIES:
            return ViewClipDetector(scorer, faces, operating_point)
        return Detector(scorer, faces, operating_point)
    if family in clips_of:
        return ClipDetector(clips_of[family](path, threads), faces, operating_point)
    raise BonafideError(
        f"holds a model of family {family!r}, which this version cannot run.",
        where=str(path),
        remedy=f"It runs {', '.join([*faces_of, *clips_of])}.",
    )


def _scorers(
    path: Path,
) -> tuple[
    str, dict[str, Callable[[Path, int], Scorer]], dict[str, Callable[[Path, int], ClipScorer]]
]:
    """The model's family, and the scorers of its form."""
    if path.is_dir():
        from bonafide.training.run import family_of

        return family_of(path), FACE_RUNS, CLIP_RUNS
    return family_of_file(path), FACE_EXPORTS, CLIP_EXPORTS
