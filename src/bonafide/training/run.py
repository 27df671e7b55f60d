"""A whole run: samples.csv -> crop cache -> trained network -> scores -> operating point."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric

import bonafide
from bonafide.datasets.sample_table import check_protocol, digest_of, read_sample_table
from bonafide.models.ms_fans import MsFans
from bonafide.training.batches import balanced_sampler, class_index
from bonafide.training.checkpoint import Progress, load_tensors
from bonafide.training.config import TrainingConfig, load_config
from bonafide.training.crop_cache import CropCache, CropSettings, crop_cache
from bonafide.training.loop import BEST, TrainingData, build_network, train
from bonafide.training.toml import format_toml
from bonafide.types import BONA_FIDE_SPECIES, BonafideError, Presentation, Split

RECORD = "run.toml"
SPLITS = (Split.TRAIN, Split.DEVELOPMENT, Split.TEST)


@dataclass(frozen=True)
class Caches:
    """The crop caches of one sample table, by split; a split without rows has none."""

    samples: dict[Split, list[Presentation]]
    crops: dict[Split, CropCache]


@dataclass(frozen=True)
class Reporter:
    """How a run tells of its progress; each call is cheap.

    Attributes:
        cutting: called with the number of presentations to cut; returns the per-sample callback.
        training: called after every step with the progress and the training loss.
    """

    cutting: Callable[[str, int], Callable[[], None]]
    training: Callable[[Progress, float], None]


def open_caches(
    table: Path, folder: Path, config: TrainingConfig, workers: int, report: Reporter
) -> Caches:
    """Read and check a sample table, and cut or open the crop cache of each of its splits.

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
    settings = CropSettings(config.scales, config.crop_px, config.frames_per_clip)
    crops = {}
    for split, rows in by_split.items():
        if rows:
            on_sample = report.cutting(split.value, len(rows))
            crops[split] = crop_cache(
                rows, folder / split.value, settings, workers=workers, on_sample=on_sample
            )
    return Caches(by_split, crops)


def targets_of(rows: Sequence[Presentation]) -> np.ndarray:
    """(rows,) int64 indices into `ms_fans.CLASSES`."""
    return np.array([class_index(row.label) for row in rows], np.int64)


def train_run(
    config: TrainingConfig,
    caches: Caches,
    run: Path,
    fabric: Fabric,
    *,
    resume: bool,
    report: Reporter,
) -> Progress:
    """Train on the caches' training split and leave weights and record in the run folder.

    Raises:
        BonafideError: the folder holds a run and ``resume`` is not set, or was begun with other
            settings.
    """
    run.mkdir(parents=True, exist_ok=True)
    _check_folder(config, run, resume)
    training, development = caches.crops[Split.TRAIN], caches.crops[Split.DEVELOPMENT]
    data = TrainingData(
        training.crops,
        targets_of(training.samples),
        balanced_sampler(training.samples),
        development.crops,
        targets_of(development.samples),
    )
    if fabric.is_global_zero:
        write_record(run, config, caches, Progress())
    progress = train(config, data, run, fabric, resume=resume, on_step=report.training)
    if fabric.is_global_zero:
        write_record(run, config, caches, progress)
    return progress


def _check_folder(config: TrainingConfig, run: Path, resume: bool) -> None:
    record = run / RECORD
    if not record.exists():
        return
    if not resume:
        raise BonafideError(
            "holds a run already.",
            where=str(run),
            remedy="Go on with it by --resume, or name another folder with -o.",
        )
    if load_config(record) != config:
        raise BonafideError(
            "was begun with other settings.",
            where=str(record),
            remedy="Resume with the same settings, or begin in another folder.",
        )


def load_network(run: Path) -> tuple[MsFans, TrainingConfig]:
    """The kept (best on development) network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    config = load_config(run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = build_network(config)
    network.load_state_dict(tensors)
    return network.eval(), config


def write_record(run: Path, config: TrainingConfig, caches: Caches, progress: Progress) -> None:
    """Write run.toml: settings, data, who was trained on, provenance and result."""
    training = caches.samples[Split.TRAIN]
    tables = {
        "": {"name": f"ms-fans {config.cnn} {config.fusion}", "seed": config.seed},
        "settings": asdict(config),
        "data": _describe_data(caches),
        "training": {
            "datasets": sorted({row.dataset for row in training}),
            "species": sorted({row.pai_species for row in training} - {BONA_FIDE_SPECIES}),
            "subjects": sorted({row.capture_subject for row in training}),
        },
        "provenance": {
            "version": bonafide.__version__,
            "commit": source_commit(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
        },
        "result": {
            "steps": progress.step,
            "best_step": progress.best_step,
            "best_development_loss": float(progress.best_measure),
        },
    }
    (run / RECORD).write_text(format_toml(tables))


def _describe_data(caches: Caches) -> dict[str, str | int]:
    everything = [sample for rows in caches.samples.values() for sample in rows]
    described: dict[str, str | int] = {
        "dataset": ", ".join(sorted({sample.dataset for sample in everything})),
        "digest": digest_of(everything),
    }
    for split, rows in caches.samples.items():
        species = Counter(row.pai_species for row in rows)
        described[f"{split.value}_subjects"] = len({row.capture_subject for row in rows})
        for name, count in sorted(species.items()):
            described[f"{split.value}_{name}"] = count
        if split in caches.crops:
            described[f"{split.value}_without_usable_face"] = len(caches.crops[split].missed)
    return described


def source_commit() -> str:
    """The commit of the source tree this package runs from; empty for an installed package."""
    folder = Path(bonafide.__file__).parent
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
