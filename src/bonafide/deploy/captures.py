"""From a model on disk to the detector that judges colour, depth and infrared with it."""

from __future__ import annotations

from pathlib import Path

from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.cascade import CascadeDetector, is_cascade
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.deploy.rival_file import CAPTURE_FAMILY, OnnxViewScorer, ViewScorer
from bonafide.deploy.view_captures import ViewCaptureDetector
from bonafide.face.depth_picture import FORM
from bonafide.face.detect import MtcnnDetector
from bonafide.types import BonafideError

CaptureDetector = CascadeDetector | ViewCaptureDetector


def is_capture_model(model: Path) -> bool:
    """Whether a file or run folder judges three modalities: a cascade, or a multimodal rival.

    Raises:
        BonafideError: it is a file, and no model of ours.
    """
    if model.is_file():
        return family_of_file(model) in (CAPTURE_FAMILY, "cascade")
    return is_cascade(model) or _is_rival_run(model)


def _is_rival_run(model: Path) -> bool:
    from bonafide.training.cascade_settings import RECORD
    from bonafide.training.settings import read_toml

    if not (model / RECORD).exists():
        return False
    told = read_toml(model / RECORD)
    if told.get("family") != "rival":
        return False
    from bonafide.models.catalogue import NETWORKS
    from bonafide.models.catalogue_entry import MODALITIES

    return NETWORKS[told["settings"]["model"]].views.kind == MODALITIES


def load_capture_detector(
    model: Path,
    *,
    min_face_px: float = 40,
    threads: int = 1,
    operating_point: OperatingPoint | None = None,
) -> CaptureDetector:
    """Load a model of three modalities; arguments and errors as for `CascadeDetector.load`."""
    if is_cascade(model):
        return CascadeDetector.load(
            model, min_face_px=min_face_px, threads=threads, operating_point=operating_point
        )
    scorer: ViewScorer
    if model.is_dir():
        from bonafide.deploy.rival_scorer import RivalScorer

        scorer = RivalScorer(model)
    else:
        scorer = OnnxViewScorer(model, threads=threads)
    if scorer.record.preprocessing.get("depth") != FORM:
        raise BonafideError(
            "was trained on depth in another form than this version makes.",
            where=str(model),
            remedy="Train it again with this version, and export it again.",
        )
    return ViewCaptureDetector(scorer, MtcnnDetector(min_face_px, threads=threads), operating_point)
