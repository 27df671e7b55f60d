"""The ten columns of the second paper's tables, each trained and scored by one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lightning.fabric import Fabric

from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.motion_scores import score_motion_run, score_texture_run
from bonafide.models.texture_svm import TextureSvm
from bonafide.training.checkpoint import Progress
from bonafide.training.motion_columns import COLUMNS
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.motion_task import InitialWeights, MotionTask, motion_data, open_clips
from bonafide.training.run import Reporter, train_run
from bonafide.training.texture_run import TextureSettings, open_features, train_texture_run


@dataclass(frozen=True)
class TableSettings:
    """What the columns of one table have in common.

    Attributes:
        network: of every network; its variant and preset are the column's.
        texture: of every texture machine; its cue and preset are the column's.
        preset: of the magnified columns.
        initial: weights that every network's CNN begins with; empty for random ones.
    """

    network: MotionSettings
    texture: TextureSettings
    preset: str
    initial: InitialWeights


def train_column(
    column: str,
    table: Path,
    run: Path,
    settings: TableSettings,
    fabric: Fabric,
    *,
    caches: Path,
    workers: int,
    report: Reporter,
    target: str = "eer",
) -> OperatingPoint | None:
    """Train one column on a sample table and score its development and test parts.

    A run folder that is there already is gone on with; a finished one is only scored again.

    Args:
        column: of `COLUMNS`.
        table: a samples.csv of clips.
        run: the folder; see docs/training.md for what it gets.
        settings: of the whole table.
        fabric: launched.
        caches: a folder for clips and features, shared by all columns of this table.
        workers: processes that read clips.
        report: of progress.
        target: see `decision.criteria.choose`.

    Returns:
        the operating point; None in all processes but the first.
    """
    which = COLUMNS[column]
    preset = settings.preset if which.magnified else ""
    folder = "magnified" if which.magnified else "plain"
    if which.cue:
        texture = replace(settings.texture, cue=which.cue, preset=preset)
        where = caches / f"{which.cue}_{folder}"
        _, point = finish_texture(
            texture, table, run, where, workers=workers, report=report, target=target
        )
        return point
    network = replace(settings.network, variant=which.variant, preset=preset)
    finished = finish_motion(
        network,
        table,
        run,
        caches / f"clips_{folder}",
        fabric,
        initial=settings.initial,
        resume=True,
        workers=workers,
        report=report,
        target=target,
    )
    return finished[1] if finished is not None else None


def finish_motion(
    settings: MotionSettings,
    table: Path,
    run: Path,
    clips: Path,
    fabric: Fabric,
    *,
    initial: InitialWeights,
    resume: bool,
    workers: int,
    report: Reporter,
    target: str,
) -> tuple[Progress, OperatingPoint] | None:
    """From a sample table to a scored run of the network; None in all processes but the first.

    Args:
        settings: of the run.
        table: a samples.csv of clips.
        run: the folder.
        clips: the clip cache's folder; a frozen CNN's pool5 is kept there too.
        fabric: launched.
        initial: weights of the CNN; empty for random ones.
        resume: go on with an interrupted run.
        workers: processes that read clips.
        report: of progress.
        target: see `decision.criteria.choose`.
    """
    with fabric.rank_zero_first():  # the others find the caches made
        caches = open_clips(table, clips, settings, workers, report)
        data = motion_data(caches, settings, clips, initial, fabric.device)
    task = MotionTask(settings, data, initial)
    progress = train_run(task, caches.run_data(), run, fabric, resume=resume, report=report)
    if not fabric.is_global_zero:
        return None
    return progress, score_motion_run(run, caches, target, fabric.device)


def finish_texture(
    settings: TextureSettings,
    table: Path,
    run: Path,
    features: Path,
    *,
    workers: int,
    report: Reporter,
    target: str,
) -> tuple[TextureSvm, OperatingPoint]:
    """From a sample table to a scored run of a texture machine; see `finish_motion`."""
    caches = open_features(table, features, settings, workers, report)
    machine = train_texture_run(settings, caches, run)
    return machine, score_texture_run(run, caches, target)
