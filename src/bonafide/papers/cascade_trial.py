"""Trials of the cascade's tables: train a stage, test it on other data, put two stages together.

Later trials read what earlier ones left: fine-tuning goes on from an M-Net, a test on other data
takes a trained stage, the cascade takes both. `plan.Plan.waves` keeps that order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric

from bonafide.cues.aligned_capture import D_PLANES, M_PLANES
from bonafide.decision.operating_point import OperatingPoint, load_operating_point
from bonafide.decision.two_stages import cascade_score
from bonafide.deploy.cascade_scores import score_stage
from bonafide.evaluation.score_file import read_test
from bonafide.evaluation.score_writer import ScoreRow, write_score_rows
from bonafide.models.cascade import CascadeScorer
from bonafide.models.cost import cost_of, milliseconds
from bonafide.papers.data import PreparedData
from bonafide.papers.measure import DONE, OPERATING_POINT, scores_path
from bonafide.papers.plan import Cost, OnStep
from bonafide.papers.transfer import OneDataSet, Transfer
from bonafide.training.capture_cache import CaptureCache, capture_cache
from bonafide.training.cascade_data import (
    align_settings,
    cached_planes,
    open_captures,
    resolve,
    training_data,
)
from bonafide.training.cascade_settings import CascadeSettings
from bonafide.training.cascade_task import (
    CascadeTask,
    build_network,
    go_on_from,
    load_network,
    score_planes,
)
from bonafide.training.run import Reporter, train_run
from bonafide.types import Presentation, ReasonCode, Split

CAPTURES = "captures"
HALF = "scores_test_half.csv"
"""The cascade's test scores where D-Net stops at the paper's 0.5 and not at its own threshold."""

UNITS: dict[str, tuple[float, float]] = {"casia-surf": (1.0, 500.0)}
"""Data set -> mm of a depth level and of level 0, where depth is not 16-bit millimetres.

CASIA-SURF states no unit; its twin's levels are mm beyond a plane before the face. The plane's
distance is not known, so an arm's length is put in its place: it moves no depth map, only a factor.
"""

Preparing = Callable[[str, int], Callable[[], None]]


def in_units_of(settings: CascadeSettings, dataset: str) -> CascadeSettings:
    """The settings with a data set's depth unit and resolutions; without known distance, c is 0."""
    scale, offset = UNITS.get(dataset, (0.0, 0.0))
    known = dataset not in UNITS
    return replace(
        settings,
        depth_scale=scale,
        depth_offset_mm=offset,
        one_view=not known,
        estimate_attenuation=settings.estimate_attenuation and known,
    )


def earlier_run(folder: Path, dataset: str, model: str, seed: int) -> Path:
    """Where another trial of the same table lies, seen from a trial's folder."""
    return folder.parents[2] / dataset / model / f"seed{seed}"


def development_measure(run: Path) -> float:
    """Of a finished trial."""
    return float(json.loads((run / DONE).read_text())["development_measure"])


@dataclass(frozen=True)
class StageTrial(OneDataSet):
    """Trains one stage and scores it on its own data. Implements `plan.Trial`.

    Attributes:
        dataset: trained and tested on.
        model: a folder name.
        settings: of the stage; the depth unit is put in.
        before: model of the M-Net that fine-tuning goes on from; "" for the other stages.
    """

    dataset: str
    model: str
    settings: CascadeSettings
    before: str = ""

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """Of the run."""
        return self.settings.steps

    def prepare(self, data: PreparedData, workers: int, preparing: Preparing) -> None:
        """Align the captures of all splits, once for every stage on this data."""
        report = Reporter(preparing, lambda _progress, _loss: None)
        settings = self._settings()
        caches = open_captures(data.table, data.folder / CAPTURES, settings, workers, report)
        settings = resolve(settings, caches.captures[Split.TRAIN])
        for cache in caches.captures.values():  # or runs side by side would make them at once
            cached_planes(cache, settings)

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """See `plan.Trial.run`."""
        shown = data[self.dataset]
        settings, start = self._settings(), None
        report = Reporter(lambda _split, _count: lambda: None, lambda p, _loss: on_step(p.step))
        if self.before:
            run = earlier_run(folder, self.dataset, self.before, self.seed)
            settings, start = go_on_from(run, settings)
        caches = open_captures(shown.table, shown.folder / CAPTURES, settings, 1, report)
        settings = resolve(settings, caches.captures[Split.TRAIN])
        fabric = Fabric(accelerator=device, devices=1, precision=settings.precision)  # type: ignore[arg-type]
        task = CascadeTask(settings, training_data(caches, settings), start)
        progress = train_run(task, caches.run_data(), folder, fabric, resume=True, report=report)
        score_stage(folder, caches)
        return float(progress.best_measure)

    def _settings(self) -> CascadeSettings:
        return in_units_of(self.settings, self.dataset)

    def cost(self) -> Cost:
        """Counted and timed on an untrained net of the same form: one capture, all its patches."""
        return stage_cost(self.settings)


def stage_cost(settings: CascadeSettings) -> Cost:
    """Multiply-adds, parameters and milliseconds of one stage's answer on one thread."""
    network = build_network(settings).eval()
    scorer = CascadeScorer(network, settings.patch_px).eval()
    groups = D_PLANES if settings.stage == "d_net" else M_PLANES
    channels = max(planes.stop for planes in groups.values())
    planes = torch.zeros(1, settings.crop_px, settings.crop_px, channels, dtype=torch.uint8)
    counted = cost_of(scorer, planes)
    ms = milliseconds(scorer, planes, 3)
    return Cost(counted.multiply_adds / 1e9, counted.parameters, ms)


def test_cache(data: PreparedData, settings: CascadeSettings, workers: int, on_sample: Preparing
               ) -> tuple[list[Presentation], CaptureCache]:  # fmt: skip
    """The test rows of some data, aligned as a stage's settings ask, in that data's own unit."""
    rows = [row for row in data.rows if row.split is Split.TEST]
    cache = capture_cache(
        rows,
        data.folder / CAPTURES / Split.TEST.value,
        align_settings(in_units_of(settings, data.name)),
        workers=workers,
        on_sample=on_sample("test", len(rows)),
    )
    return rows, cache


def rows_of_cache(
    samples: Iterable[Presentation], cache: CaptureCache, scores: Iterable[float]
) -> list[ScoreRow]:
    """One row a presentation, in the cache's order, then those that gave nothing."""
    by_id = {sample.presentation: sample for sample in samples}
    answered = zip(cache.samples, scores, strict=True)
    return [
        *(ScoreRow(sample, None, float(score)) for sample, score in answered),
        *(ScoreRow(by_id[name], None, None, ReasonCode(why)) for name, why in cache.missed),
    ]


class StageTransfer(Transfer[StageTrial]):
    """Tests a trained stage on other data. Implements `plan.Trial`."""

    def prepare(self, data: PreparedData, workers: int, preparing: Preparing) -> None:
        """Align the test part."""
        test_cache(data, self.trained.settings, workers, preparing)

    def run(
        self,
        data: Mapping[str, PreparedData],
        folder: Path,
        device: str,  # noqa: ARG002 (nothing is trained)
        on_step: OnStep,
    ) -> float:
        """See `plan.Trial.run`; there is no development part to score."""
        shown = data[self.dataset]
        run = earlier_run(folder, self.trained.dataset, self.trained.model, self.seed)
        folder.mkdir(parents=True, exist_ok=True)
        rows, cache = test_cache(shown, self.trained.settings, 1, lambda _s, _n: lambda: None)
        network, settings = load_network(run)
        # Planes of this run's c and range: made in its own folder, for trials run side by side.
        own = replace(cache, folder=folder)
        scores = score_planes(network, cached_planes(own, settings), settings.patch_px)
        for planes in folder.glob("*.npy"):
            planes.unlink()
        write_score_rows(scores_path(folder, Split.TEST), rows_of_cache(rows, cache, scores))
        load_operating_point(run / OPERATING_POINT).save(folder / OPERATING_POINT)
        on_step(1)
        return development_measure(run)


@dataclass(frozen=True)
class CascadeTrial(OneDataSet):
    """Both stages on one test part: M-Net is asked where D-Net does not stop.

    Attributes:
        first, second: the tests of D-Net and M-Net on the data, run before.
        model: a folder name.
    """

    first: StageTransfer
    second: StageTransfer
    model: str = "cascade"

    @property
    def dataset(self) -> str:
        """Tested on."""
        return self.first.dataset

    @property
    def seed(self) -> int:
        """Of both stages."""
        return self.first.seed

    @property
    def steps(self) -> int:
        """Nothing is trained."""
        return 1

    def prepare(self, data: PreparedData, workers: int, preparing: Preparing) -> None:
        """Nothing: both stages' tests were."""

    def run(
        self,
        data: Mapping[str, PreparedData],
        folder: Path,
        device: str,  # noqa: ARG002 (nothing is trained)
        on_step: OnStep,
    ) -> float:
        """See `plan.Trial.run`; the operating point is M-Net's, whose score decides at last."""
        shown = data[self.dataset]
        folder.mkdir(parents=True, exist_ok=True)
        runs = [earlier_run(folder, shown.name, t.model, self.seed) for t in self._tests()]
        points = [load_operating_point(run / OPERATING_POINT) for run in runs]
        rows = {row.presentation: row for row in shown.rows if row.split is Split.TEST}
        for path, stop in ((scores_path(folder, Split.TEST), points[0].threshold),
                           (folder / HALF, 0.5)):  # fmt: skip
            write_score_rows(path, joined_rows(runs, rows, stop))
        points[1].save(folder / OPERATING_POINT)
        record_stopped(folder, runs[0], points[0])
        on_step(1)
        return float(np.mean([development_measure(run) for run in runs]))

    def _tests(self) -> tuple[StageTransfer, StageTransfer]:
        return self.first, self.second

    def cost(self) -> Cost:
        """Of a presentation that D-Net lets pass: the dearest."""
        one, two = (test.cost() for test in self._tests())
        return one + two


def joined_rows(runs: list[Path], rows: dict[str, Presentation], stop: float) -> Iterable[ScoreRow]:
    """The cascade's score of every presentation that both stages were shown.

    Args:
        runs: of D-Net's and M-Net's test.
        rows: presentation -> its row.
        stop: D-Net's threshold: what scores below it is stopped.
    """
    first, second = (read_test(scores_path(run, Split.TEST)) for run in runs)
    later = {second.presentation.at(i): float(second.score[i]) for i in range(len(second))}
    for i in range(len(first)):
        name, score = first.presentation.at(i), float(first.score[i])
        if np.isnan(score):
            yield ScoreRow(rows[name], None, None, ReasonCode(first.reason.at(i)))
            continue
        asked = later[name] if score >= stop else None
        yield ScoreRow(rows[name], None, cascade_score(score, asked))


STOPPED = "stopped.json"


def record_stopped(folder: Path, run: Path, point: OperatingPoint) -> None:
    """Write how often D-Net stopped a bona fide and an attack: what M-Net is spared."""
    test = read_test(scores_path(run, Split.TEST))
    answered = test.answered
    stopped = answered & ~(test.score >= point.threshold)
    record = {
        name: {"stopped": int((stopped & rows).sum()), "answered": int((answered & rows).sum())}
        for name, rows in (("attack", test.attack), ("bona_fide", ~test.attack))
    }
    (folder / STOPPED).write_text(json.dumps(record, indent=1))
