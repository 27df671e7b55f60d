"""A run folder: begun once, resumed with the same settings, and recorded whatever the family."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from lightning.fabric import Fabric

from bonafide.datasets.sample_table import check_protocol, digest_of, read_sample_table
from bonafide.source import source_commit
from bonafide.training.checkpoint import Progress
from bonafide.training.loop import train
from bonafide.training.settings import RunSettings, load_settings, read_toml
from bonafide.training.task import TrainingTask
from bonafide.training.toml import Value, format_toml
from bonafide.types import BONA_FIDE_SPECIES, BonafideError, Presentation, Split
from bonafide.version import __version__

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RECORD = "run.toml"
SPLITS = (Split.TRAIN, Split.DEVELOPMENT, Split.TEST)


@dataclass(frozen=True)
class RunData:
    """What a run was given, for its record.

    Attributes:
        samples: the table's rows by split.
        unusable: by split, how many presentations gave nothing to train or score on.
    """

    samples: dict[Split, list[Presentation]]
    unusable: dict[Split, int]


@dataclass(frozen=True)
class Reporter:
    """How a run tells of its progress; each call is cheap.

    Attributes:
        preparing: called with a split's name and number of presentations before its cache is cut;
            returns what to call after each of them.
        training: called after every step with the progress and the training loss.
    """

    preparing: Callable[[str, int], Callable[[], None]]
    training: Callable[[Progress, float], None]


def read_splits(table: Path) -> dict[Split, list[Presentation]]:
    """Read and check a sample table that is to be trained on.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing.
    """
    samples = read_sample_table(table)
    check_protocol(samples, where=str(table))
    by_split = {split: [s for s in samples if s.split is split] for split in SPLITS}
    for split in (Split.TRAIN, Split.DEVELOPMENT):
        if not by_split[split]:
            raise BonafideError(
                f"has no {split.value} rows.",
                where=str(table),
                remedy="Training needs both: thresholds and early stopping use development only.",
            )
    return by_split


def train_run(
    task: TrainingTask,
    data: RunData,
    run: Path,
    fabric: Fabric,
    *,
    resume: bool,
    report: Reporter,
) -> Progress:
    """Train and leave weights and record in the run folder.

    Raises:
        BonafideError: the folder holds a run and ``resume`` is not set, or was begun with other
            settings.
    """
    run.mkdir(parents=True, exist_ok=True)
    check_folder(task.family, task.settings, run, resume=resume)
    fabric.barrier()  # nobody writes the record before all have looked
    if fabric.is_global_zero:
        write_record(run, task, data, Progress())
    progress = train(task, run, fabric, resume=resume, on_step=report.training)
    if fabric.is_global_zero:
        write_record(run, task, data, progress)
    fabric.barrier()
    return progress


def check_folder(family: str, settings: RunSettings, run: Path, *, resume: bool) -> None:
    """Refuse to mix two runs in one folder.

    Raises:
        BonafideError: the folder holds a run and ``resume`` is not set, or was begun with another
            family or other settings.
    """
    record = run / RECORD
    if not record.exists():
        return
    if not resume:
        raise BonafideError(
            "holds a run already.",
            where=str(run),
            remedy="Go on with it by --resume, or name another folder with -o.",
        )
    if family_of(run) != family or load_settings(type(settings), record) != settings:
        raise BonafideError(
            "was begun with other settings.",
            where=str(record),
            remedy="Resume with the same settings, or begin in another folder.",
        )


def family_of(run: Path) -> str:
    """The model family of a run folder, such as "ms_fans".

    Raises:
        BonafideError: the folder holds no run.
    """
    record = read_toml(run / RECORD)
    if "family" not in record:
        raise BonafideError(
            "does not say of which family its model is.",
            where=str(run / RECORD),
            remedy='Add family = "ms_fans" at its top if an older version wrote it.',
        )
    return str(record["family"])


def write_record(run: Path, task: TrainingTask, data: RunData, progress: Progress) -> None:
    """Write the record of a run of the loop."""
    result: dict[str, Value] = {
        "steps": progress.step,
        "best_step": progress.best_step,
        "best_development_loss": float(progress.best_measure),
    }
    write_run_record(run, (task.family, task.name, task.settings.seed), task.settings, data, result)


def write_run_record(
    run: Path,
    who: tuple[str, str, int],
    settings: DataclassInstance,
    data: RunData,
    result: dict[str, Value],
) -> None:
    """Write run.toml: settings, data, who was trained on, provenance and result.

    Args:
        run: the folder.
        who: family, name and seed of the model.
        settings: a flat dataclass.
        data: what it was given.
        result: what came of it.
    """
    training = data.samples[Split.TRAIN]
    tables = {
        "": dict(zip(("family", "name", "seed"), who, strict=True)),
        "settings": asdict(settings),
        "data": describe_data(data),
        "training": {
            "datasets": sorted({row.dataset for row in training}),
            "species": sorted({row.pai_species for row in training} - {BONA_FIDE_SPECIES}),
            "subjects": sorted({row.capture_subject for row in training}),
        },
        "provenance": {
            "version": __version__,
            "commit": source_commit(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
        },
        "result": result,
    }
    (run / RECORD).write_text(format_toml(tables))


def describe_data(data: RunData) -> dict[str, str | int]:
    """Data sets, digest and counts by split and species."""
    everything = [sample for rows in data.samples.values() for sample in rows]
    described: dict[str, str | int] = {
        "dataset": ", ".join(sorted({sample.dataset for sample in everything})),
        "digest": digest_of(everything),
    }
    for split, rows in data.samples.items():
        species = Counter(row.pai_species for row in rows)
        described[f"{split.value}_subjects"] = len({row.capture_subject for row in rows})
        for name, count in sorted(species.items()):
            described[f"{split.value}_{name}"] = count
        if split in data.unusable:
            described[f"{split.value}_unusable"] = data.unusable[split]
    return described
