"""The nets of a cascade's run folder, in torch; needs the [train] extra."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bonafide.cues.aligned_capture import Planes
from bonafide.decision.operating_point import OperatingPoint, load_operating_point
from bonafide.deploy.answer import ModelId
from bonafide.deploy.cascade_model import FIRST, SECOND, CascadeModel, Stage
from bonafide.deploy.run_scores import OPERATING_POINT
from bonafide.models.cascade import CascadeScorer
from bonafide.training.cascade_data import align_settings, plane_form
from bonafide.training.cascade_settings import RECORD, CascadeSettings
from bonafide.training.cascade_task import load_network
from bonafide.training.loop import BEST
from bonafide.training.settings import read_toml
from bonafide.types import BonafideError

TUNED = "fine_tune"


@dataclass(frozen=True)
class StageRun:
    """A finished run of one stage.

    Attributes:
        name: d_net or m_net.
        folder: of the run.
        settings: resolved.
        scorer: planes -> probability of bona fide; on the CPU, in evaluation mode.
        point: its operating point.
        sha256: of its weights.
        trained_on: its data's name.
    """

    name: str
    folder: Path
    settings: CascadeSettings
    scorer: CascadeScorer
    point: OperatingPoint
    sha256: str
    trained_on: str

    def scores(self, planes: Planes) -> npt.NDArray[np.float32]:
        """See `cascade.Stage.scores`."""
        with torch.inference_mode():
            return np.asarray(self.scorer(torch.from_numpy(planes)).numpy())

    def stage(self) -> Stage:
        """As the detector takes it."""
        return Stage(self.name, plane_form(self.settings), self.scores, self.point)


def load_stage(run: Path) -> StageRun:
    """A finished run of one stage.

    Raises:
        BonafideError: the folder holds no finished run, or no operating point.
    """
    network, settings = load_network(run)
    return StageRun(
        name=FIRST if settings.stage == FIRST else SECOND,
        folder=run,
        settings=settings,
        scorer=CascadeScorer(network, settings.patch_px).eval(),
        point=load_operating_point(run / OPERATING_POINT),
        sha256=hashlib.sha256((run / BEST).read_bytes()).hexdigest(),
        trained_on=str(read_toml(run / RECORD)["data"]["dataset"]),
    )


def stages_of(model: Path) -> tuple[StageRun, ...]:
    """D-Net and the fine-tuned M-Net (M-Net, where nothing is fine-tuned), or one stage alone.

    Raises:
        BonafideError: a run is missing or not finished, or they align captures differently.
    """
    if (model / RECORD).exists():
        return (load_stage(model),)
    second = TUNED if (model / TUNED / OPERATING_POINT).exists() else SECOND
    for name in (FIRST, second):
        if not (model / name / RECORD).exists():
            raise BonafideError(
                f"holds no run of {name}.",
                where=str(model),
                remedy=f"Train it: bonafide train cascade --stage {name} -o {model} --data ...",
            )
    stages = load_stage(model / FIRST), load_stage(model / second)
    if len({align_settings(stage.settings) for stage in stages}) != 1:
        raise BonafideError(
            "D-Net and M-Net were trained on differently aligned captures.",
            where=str(model),
            remedy="Train both with the same crop, focal length and depth unit.",
        )
    return stages


def cascade_of_run(model: Path) -> CascadeModel:
    """The cascade of a folder; its sha256 is over those of all its nets. Errors as `stages_of`."""
    runs = stages_of(model)
    joined = hashlib.sha256("".join(run.sha256 for run in runs).encode())
    names = " + ".join(run.name for run in runs)
    trained = ", ".join(dict.fromkeys(run.trained_on for run in runs))
    identity = ModelId(f"cascade {names}", "run", joined.hexdigest(), trained)
    align = align_settings(runs[0].settings)
    return CascadeModel(tuple(run.stage() for run in runs), align, identity)
