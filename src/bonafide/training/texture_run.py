"""Training of the texture machines (section 4.2): features of every clip once, then the SVM."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.cues.clip_frames import ClipSettings
from bonafide.models.descriptors import CLIP_DESCRIPTORS
from bonafide.models.texture_svm import FOLDS, VARIANTS, TextureSvm, load_texture_svm, train
from bonafide.training.array_cache import ArrayCache, Made, Recipe, array_cache
from bonafide.training.clip_cache import frames_of_sample
from bonafide.training.clip_faces import Faces
from bonafide.training.loop import BEST
from bonafide.training.run import Reporter, RunData, read_splits, write_run_record
from bonafide.training.settings import require
from bonafide.types import Presentation, ReasonCode, Split

FAMILY = "texture_svm"
FEATURES = "features.npy"


@dataclass(frozen=True)
class TextureSettings:
    """Settings of a run of a texture machine. Defaults marked (paper) are the paper's.

    Attributes:
        cue: of `texture_svm.VARIANTS`; lbp and lbp_top (paper: Tables 1 and 2).
        rows_per_clip: how many frames of a clip the machine is trained on, evenly spaced; 0 takes
            them all (paper). Scores always use all.
        penalty: C of the machine.
        side_px, window_s, extend, look_hz, preset, alpha, low_hz, high_hz, order: which frames of
            a clip, magnified or not; see `cues.clip_frames.ClipSettings`. Every frame of the window
            is taken (paper), of the face alone, so that its texture is not mixed with the wall's.
        seed: draws the folds that probabilities are fitted on.
    """

    cue: str = "lbp"
    rows_per_clip: int = 0
    penalty: float = 1.0
    side_px: int = 112
    window_s: float = 4.0
    extend: float = 1.0
    look_hz: float = 5.0
    preset: str = ""
    alpha: float = 0.0
    low_hz: float = 0.0
    high_hz: float = 0.0
    order: str = "in_order"
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.cue in VARIANTS, "cue", f"one of {tuple(VARIANTS)}")
        require(self.rows_per_clip >= 0, "rows_per_clip", "0 or a positive whole number")
        require(self.penalty > 0, "penalty", "positive")
        self.clip()

    def clip(self) -> ClipSettings:
        """Which frames of a clip the features are computed on."""
        return ClipSettings(
            frames=0,
            window_s=self.window_s,
            side_px=self.side_px,
            extend=self.extend,
            look_hz=self.look_hz,
            preset=self.preset,
            alpha=self.alpha,
            low_hz=self.low_hz,
            high_hz=self.high_hz,
            order=self.order,
        )

    @property
    def name(self) -> str:
        """Such as "lbp_top magnified"; the same for runs that differ in seed alone."""
        order = "" if self.order == "in_order" else self.order
        parts = [self.cue, "magnified" if self.preset else "", order]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class FeatureCaches:
    """The features of one sample table, by split: one row a frame, or a clip for LBP-TOP."""

    samples: dict[Split, list[Presentation]]
    features: dict[Split, ArrayCache]

    def run_data(self) -> RunData:
        """What the run's record tells of them."""
        return RunData(self.samples, {s: len(c.missed) for s, c in self.features.items()})


def open_features(
    table: Path,
    folder: Path,
    settings: TextureSettings,
    workers: int,
    report: Reporter,
    faces: Mapping[Split, Faces] | None = None,
) -> FeatureCaches:
    """Read and check a sample table, and compute or open the features of each of its splits.

    Args:
        table, folder, workers, report, faces: as for `motion_task.open_clips`.
        settings: which features of which frames.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing.
    """
    by_split = read_splits(table)
    caches = {}
    for split, rows in by_split.items():
        if rows:
            recipe = _recipe(settings, None if faces is None else faces[split])
            on_sample = report.preparing(split.value, len(rows))
            caches[split] = array_cache(
                rows, folder / split.value, recipe, workers=workers, on_sample=on_sample
            )
    return FeatureCaches(by_split, caches)


def _recipe(settings: TextureSettings, faces: Faces | None) -> Recipe:
    return Recipe(
        name=FEATURES,
        settings={"cue": settings.cue, **asdict(settings.clip())},
        make=functools.partial(_features_of, settings=settings, faces=faces),
        nothing="no clip gives the frames asked for.",
    )


def _features_of(sample: Presentation, settings: TextureSettings, faces: Faces | None) -> Made:
    frames, reason, advice = frames_of_sample(sample, settings.clip(), faces)
    if frames is None:
        return Made([], reason, advice)
    least = CLIP_DESCRIPTORS[settings.cue].least_frames
    if len(frames) < least:
        advice = f"The clip has {len(frames)} frames in its window; {least} are needed."
        return Made([], ReasonCode.CLIP_TOO_SHORT.value, advice)
    return Made([*VARIANTS[settings.cue](frames)])


def train_texture_run(settings: TextureSettings, caches: FeatureCaches, run: Path) -> TextureSvm:
    """Train on the training split and leave machine and record in the run folder.

    Training takes seconds to minutes, so an interrupted run is begun anew.

    Raises:
        BonafideError: a class is missing, or scikit-learn is.
    """
    training = caches.features[Split.TRAIN]
    kept = _kept_rows(training.samples, settings.rows_per_clip)
    samples = [training.samples[row] for row in kept]
    machine = train(
        settings.cue,
        np.asarray(training.values[kept], np.float32),
        [sample.label for sample in samples],
        _held_together(samples),
        seed=settings.seed,
        penalty=settings.penalty,
    )
    run.mkdir(parents=True, exist_ok=True)
    machine.save(run / BEST)
    result = {"rows": len(kept), "support_vectors": len(machine.support)}
    who = FAMILY, settings.name, settings.seed
    write_run_record(run, who, settings, caches.run_data(), dict(result))
    return machine


def _kept_rows(samples: list[Presentation], per_clip: int) -> npt.NDArray[np.intp]:
    """Row numbers to train on: all, or so many of each presentation, evenly spaced."""
    names = np.array([sample.presentation for sample in samples])
    if per_clip == 0:
        return np.arange(len(names))
    of_clip = [np.flatnonzero(names == name) for name in dict.fromkeys(names)]
    return np.concatenate(
        [rows[np.unique(np.linspace(0, len(rows) - 1, per_clip).astype(int))] for rows in of_clip]
    )


def _held_together(samples: list[Presentation]) -> list[str]:
    """Which rows stay in one fold: those of a person if there are enough people, or of a clip."""
    by_class: dict[str, set[str]] = {}
    for sample in samples:
        by_class.setdefault(sample.label.value, set()).add(sample.capture_subject)
    if min(len(people) for people in by_class.values()) >= FOLDS:
        return [sample.capture_subject for sample in samples]
    return [sample.presentation for sample in samples]


def load_texture_run(run: Path) -> TextureSvm:
    """The machine of a run.

    Raises:
        BonafideError: the folder holds none.
    """
    return load_texture_svm(run / BEST)


def clip_scores(machine: TextureSvm, cache: ArrayCache) -> ArrayCache:
    """The mean probability of bona fide of every clip's rows (section 4.2).

    Returns:
        values (clips,), one row a presentation; the same presentations are missed.
    """
    probability = machine.probability(np.asarray(cache.values, np.float32))
    rows: dict[str, list[float]] = {}
    by_id = {sample.presentation: sample for sample in cache.samples}
    for sample, value in zip(cache.samples, probability, strict=True):
        rows.setdefault(sample.presentation, []).append(float(value))
    means = np.array([np.mean(values) for values in rows.values()])
    return ArrayCache(means, [by_id[name] for name in rows], cache.missed)
