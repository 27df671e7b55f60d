"""One run of any model of the catalogue: cut, train, score, choose the operating point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lightning.fabric import Fabric
from torch import nn

from bonafide.decision.operating_point import OperatingPoint, load_operating_point
from bonafide.deploy.run_scores import OPERATING_POINT, SCORED, score_rows, write_scores
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.depth_picture import FORM
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import MODALITIES, Views
from bonafide.models.descriptors import VIEW_DESCRIPTORS
from bonafide.training import rival_machine, rival_task
from bonafide.training.crop_cache import CropCache
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.rival_task import RivalTask, rival_data
from bonafide.training.run import RECORD, Reporter, family_of, train_run
from bonafide.training.settings import load_settings
from bonafide.training.view_set import ViewSet, ViewTable, open_views
from bonafide.types import BonafideError, Split

JUDGED_AT_ONCE = 32
Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Judge:
    """A finished run's model.

    Attributes:
        name: in the catalogue.
        views: what it sees, at the side that it was trained with.
        scores: (items, n, side, side, 3) uint8 -> the score of each item, 0..1.
    """

    name: str
    views: Views
    scores: Callable[[Pictures], list[float]]

    def of_set(self, views: ViewSet) -> list[float]:
        """The score of every item of a set."""
        starts = range(0, len(views), JUDGED_AT_ONCE)
        parts = [np.arange(s, min(s + JUDGED_AT_ONCE, len(views))) for s in starts]
        return [score for items in parts for score in self.scores(views.take(items))]


@dataclass(frozen=True)
class Place:
    """Where a run's files lie and how it is cut.

    Attributes:
        table: samples.csv.
        output: the run's folder.
        crops: folder of the crop caches; models that see the same share one.
        workers: processes that cut.
    """

    table: Path
    output: Path
    crops: Path
    workers: int


def run_network(
    settings: RivalSettings,
    place: Place,
    fabric: Fabric,
    *,
    resume: bool,
    target: str,
    report: Reporter,
) -> OperatingPoint:
    """Train a network, fit the machine on it if it has one, score, and choose the threshold.

    Raises:
        BonafideError: the table is faulty, or the folder holds another run.
    """
    views = views_of(settings.model, settings.side_px)
    table = open_views(
        place.table, place.crops, views, settings.frames_per_clip, place.workers, report
    )
    task = RivalTask(settings, rival_data(table))
    train_run(task, table.run_data(), place.output, fabric, resume=resume, report=report)
    if NETWORKS[settings.model].machine is not None and fabric.is_global_zero:
        rival_machine.fit_on_network(place.output, table)
    if fabric.is_global_zero:
        write_scores(place.output, _rows(place.output, table), target)
    fabric.barrier()
    return load_operating_point(place.output / OPERATING_POINT)


def run_machine(
    settings: MachineSettings, place: Place, *, resume: bool, target: str, report: Reporter
) -> OperatingPoint:
    """Fit a machine, score, and choose the threshold.

    Raises:
        BonafideError: as for `run_network`.
    """
    views = MACHINES[settings.model].views
    table = open_views(
        place.table, place.crops, views, settings.frames_per_clip, place.workers, report
    )
    rival_machine.fit_run(settings, table, place.output, resume=resume)
    return write_scores(place.output, _rows(place.output, table), target)


def load_judge(run: Path) -> Judge:
    """The model of a finished run of a rival.

    Raises:
        BonafideError: the folder holds no such run.
    """
    family = family_of(run)
    if family == rival_machine.FAMILY:
        machine = load_settings(MachineSettings, run / RECORD)
        return Judge(
            machine.model,
            MACHINES[machine.model].views,
            rival_machine.load_machine(run).scores,
        )
    if family != rival_task.FAMILY:
        raise BonafideError(
            f"is a run of {family}, not of a rival.", where=str(run), remedy="Name another run."
        )
    settings = load_settings(RivalSettings, run / RECORD)
    views = views_of(settings.model, settings.side_px)
    if NETWORKS[settings.model].machine is not None:
        return Judge(settings.model, views, rival_machine.load_on_network(run).scores)
    network, _ = rival_task.load_network(run)
    return Judge(settings.model, views, lambda pictures: network_scores(network, pictures))


def network_scores(network: nn.Module, pictures: Pictures) -> list[float]:
    """Scores of a network that is in evaluation mode on the CPU."""
    with torch.inference_mode():
        return [float(each) for each in network(torch.from_numpy(pictures)).score]


def views_of(model: str, side_px: int) -> Views:
    """What a network sees at another side than its own."""
    own = NETWORKS[model].views
    return Views(own.kind, own.scales, side_px, own.frames)


def view_preprocessing(views: Views, model: str) -> dict[str, object]:
    """What the record says of the views, and of a machine's features."""
    described = VIEW_DESCRIPTORS.get(model)
    return {
        "model": model,
        "kind": views.kind,
        "scales": list(views.scales),
        "crop_px": views.side_px,
        "frames": views.frames,
        **({"depth": FORM} if views.kind == MODALITIES else {}),
        **({"descriptor": described.settings} if described is not None else {}),
    }


def _rows(run: Path, table: ViewTable) -> dict[Split, Iterator[ScoreRow]]:
    judge = load_judge(run)
    rows = {}
    for split in SCORED:
        if split in table.sets:
            one = table.sets[split]
            cache = CropCache(one.crops, one.samples, one.missed)
            rows[split] = score_rows(table.rows[split], cache, judge.of_set(one))
    return rows
