"""One training run of a column of paper 2's tables: from shared clips to scores of every test.

A model is trained once on a data set, and judges the test clips of that set and of all others that
Table 2 crosses it with: both tables read the same runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.sweep import eer_index, sweep
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import rows_of_pictures, write_score_rows
from bonafide.models.initial_weights import load_initial_weights
from bonafide.papers.data import PreparedData
from bonafide.papers.measure import OPERATING_POINT, scores_path
from bonafide.papers.plan import OnStep
from bonafide.training.array_cache import ArrayCache
from bonafide.training.clip_faces import Faces, clip_faces
from bonafide.training.motion_settings import RANDOM, MotionSettings
from bonafide.training.motion_task import (
    ClipCaches,
    InitialWeights,
    MotionTask,
    frozen_pool5,
    load_network,
    motion_data,
    open_clips,
    score_clips,
)
from bonafide.training.run import Reporter, train_run
from bonafide.training.texture_run import (
    FeatureCaches,
    TextureSettings,
    clip_scores,
    open_features,
    train_texture_run,
)
from bonafide.types import CLASSES, Presentation, Split

Settings = MotionSettings | TextureSettings
LOOSE = ("seed", "steps", "evaluate_every")
"""Settings that a model's folder name says nothing of: seed and steps are checked by themselves."""

QUIET = Reporter(lambda _split, _count: lambda: None, lambda _progress, _loss: None)


def model_name(column: str, settings: Settings) -> str:
    """A folder name for the runs of a column that differ in seed alone.

    It ends with a digest of the settings, so that runs of another size, or begun with other
    weights, never count for these.

    >>> model_name("CNN-LSTM^AM", MotionSettings()).rpartition("-")[0]
    'cnn-lstm-am'
    """
    told = {name: value for name, value in asdict(settings).items() if name not in LOOSE}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return f"{column.lower().replace('^', '-').replace(' ', '-')}-{digest[:8]}"


def cache_name(kind: str, settings: Settings) -> str:
    """The folder of the clips or features that these settings look at.

    >>> cache_name("clips", MotionSettings(cnn="small", preset="face-motion"))
    'clips-112-magnified'
    """
    parts = [kind, str(settings.clip().side_px), "magnified" if settings.preset else "plain"]
    return "-".join(parts + ([] if settings.order == "in_order" else [settings.order]))


def faces_of(
    data: PreparedData, settings: Settings, workers: int, report: Reporter
) -> dict[Split, Faces]:
    """Where the faces of a data set's clips move, which all its caches share."""
    clip, faces = settings.clip(), {}
    name = f"faces-{clip.window_s:g}s-{clip.look_hz:g}hz"
    for split in Split:
        rows = [row for row in data.rows if row.split is split]
        if rows:
            folder = data.folder / name / split.value
            on_sample = report.preparing(f"faces of {split.value}", len(rows))
            faces[split] = clip_faces(rows, folder, clip, workers=workers, on_sample=on_sample)
    return faces


@dataclass(frozen=True)
class TextureTrial:
    """LBP or LBP-TOP with a support vector machine; implements `plan.Trial`."""

    dataset: str
    column: str
    settings: TextureSettings
    tests: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """See `model_name`."""
        return model_name(self.column, self.settings)

    @property
    def seed(self) -> int:
        """Of the folds that probabilities are fitted on."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """One: it is trained in one go."""
        return 1

    @property
    def cache(self) -> str:
        """See `cache_name`."""
        return cache_name(self.settings.cue, self.settings)

    def prepare(
        self, data: PreparedData, workers: int, preparing: Callable[[str, int], Callable[[], None]]
    ) -> None:
        """Compute the features of a data set's clips."""
        self._open(data, workers, Reporter(preparing, lambda _progress, _loss: None))

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """See `plan.Trial.run`; the machine is trained on the CPU, whatever the device."""
        del device, on_step
        caches = self._open(data[self.dataset], 1, QUIET)
        machine = train_texture_run(self.settings, caches, folder)

        def write(caches: FeatureCaches, split: Split, test: str = "") -> None:
            scored = clip_scores(machine, caches.features[split])
            path = scores_path(folder, split, test)
            write_scores(path, caches.samples[split], scored, scored.values.tolist())

        for split in (Split.DEVELOPMENT, Split.TEST):
            write(caches, split)
        for name in self.tests:
            write(self._open(data[name], 1, QUIET), Split.TEST, name)
        return choose_threshold(folder)

    def cost(self) -> None:
        """Not measured: the paper's tables compare no costs."""

    def _open(self, data: PreparedData, workers: int, report: Reporter) -> FeatureCaches:
        faces = faces_of(data, self.settings, workers, report)
        folder = data.folder / self.cache
        return open_features(data.table, folder, self.settings, workers, report, faces)


@dataclass(frozen=True)
class NetworkTrial:
    """CNN or CNN-LSTM; implements `plan.Trial`.

    Attributes:
        dataset, tests: see `plan.Trial`.
        column: of `motion_columns.COLUMNS`, or a control's name.
        settings: of the run.
        weights: file of the CNN's initial weights; None for random ones.
    """

    dataset: str
    column: str
    settings: MotionSettings
    tests: tuple[str, ...] = ()
    weights: Path | None = None

    @property
    def model(self) -> str:
        """See `model_name`."""
        return model_name(self.column, self.settings)

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """Of the run."""
        return self.settings.steps

    @property
    def cache(self) -> str:
        """See `cache_name`."""
        return cache_name("clips", self.settings)

    def prepare(
        self, data: PreparedData, workers: int, preparing: Callable[[str, int], Callable[[], None]]
    ) -> None:
        """Read, and magnify if asked for, the clips of a data set."""
        self._open(data, workers, Reporter(preparing, lambda _progress, _loss: None))

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """See `plan.Trial.run`."""
        report = Reporter(QUIET.preparing, lambda progress, _loss: on_step(progress.step))
        own = data[self.dataset]
        caches = self._open(own, 1, report)
        initial: InitialWeights = {}
        if self.weights is not None:
            initial, _ = load_initial_weights(self.weights, self.settings.cnn)
        fabric = Fabric(accelerator=device, devices=1, precision=self.settings.precision)  # type: ignore[arg-type]
        pool5 = self._pool5_folder(own)
        training = motion_data(caches, self.settings, pool5, initial, fabric.device)
        task = MotionTask(self.settings, training, initial)
        progress = train_run(task, caches.run_data(), folder, fabric, resume=True, report=report)
        network = load_network(folder)[0].to(fabric.device)

        def write(tested: PreparedData, caches: ClipCaches, split: Split, test: str = "") -> None:
            clips = caches.clips[split].values
            if self.settings.freeze_cnn:
                place = self._pool5_folder(tested)
                clips = frozen_pool5(caches.clips[split], place, split, network, self.settings)
            logits, _ = score_clips(network, clips)
            score = torch.from_numpy(logits).softmax(1)[:, CLASSES.index("bona_fide")]
            path = scores_path(folder, split, test)
            write_scores(path, caches.samples[split], caches.clips[split], score.tolist())

        for split in (Split.DEVELOPMENT, Split.TEST):
            write(own, caches, split)
        for name in self.tests:
            write(data[name], self._open(data[name], 1, report), Split.TEST, name)
        choose_threshold(folder)
        return float(progress.best_measure)

    def cost(self) -> None:
        """Not measured: the paper's tables compare no costs."""

    def _open(self, data: PreparedData, workers: int, report: Reporter) -> ClipCaches:
        faces = faces_of(data, self.settings, workers, report)
        folder = data.folder / self.cache
        return open_clips(data.table, folder, self.settings, workers, report, faces)

    def _pool5_folder(self, data: PreparedData) -> Path:
        """Of a frozen CNN's pool5, which all runs that begin with its weights share."""
        s = self.settings
        begin = f"seed{s.seed}" if s.initial == RANDOM else s.initial_sha256[:8]
        return data.folder / f"{self.cache}-pool5-{s.cnn}-{begin}"


def write_scores(
    path: Path, samples: Sequence[Presentation], cache: ArrayCache, scores: Sequence[float]
) -> None:
    """One row a cached clip, and one for each that gave none."""
    path.parent.mkdir(exist_ok=True)
    write_score_rows(path, rows_of_pictures(samples, cache.samples, scores, cache.missed))


def choose_threshold(folder: Path) -> float:
    """Write a scored run's operating point at the development clips' EER; returns that EER."""
    development = to_presentations(read_development(scores_path(folder, Split.DEVELOPMENT)))
    choose("eer", development).save(folder / OPERATING_POINT)
    bona_fide, attacks = np.sort(development.bona_fide_scores), np.sort(development.attack_scores)
    counts = sweep(bona_fide, attacks)
    index = eer_index(counts.apcer, counts.bpcer)
    return float(counts.apcer[index] + counts.bpcer[index]) / 2
