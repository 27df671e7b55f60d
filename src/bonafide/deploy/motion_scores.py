"""Score a finished run of the second paper on its own development and test clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.run_scores import SCORED, bona_fide_scores, score_rows, write_scores
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.models.texture_svm import TextureSvm
from bonafide.training.array_cache import ArrayCache
from bonafide.training.motion_task import ClipCaches, load_network, score_clips
from bonafide.training.texture_run import FeatureCaches, clip_scores, load_texture_run
from bonafide.types import Presentation


def motion_rows(
    network: MotionCnnLstm, samples: list[Presentation], clips: ArrayCache
) -> Iterator[ScoreRow]:
    """One row a clip, and one for each that gave no frames; of any table, also another data set's.

    Args:
        network: of `motion_task.load_network`.
        samples: the table's rows.
        clips: of `clip_cache` with the settings that the network was trained with.
    """
    logits, _ = score_clips(network, clips.values)
    return score_rows(samples, clips, bona_fide_scores(logits))


def texture_rows(
    machine: TextureSvm, samples: list[Presentation], features: ArrayCache
) -> Iterator[ScoreRow]:
    """As `motion_rows`, of a texture machine and the features that `open_features` gives."""
    scored = clip_scores(machine, features)
    return score_rows(samples, scored, scored.values.tolist())


def score_motion_run(
    run: Path, caches: ClipCaches, target: str, device: torch.device
) -> OperatingPoint:
    """Score with the kept network; choose the threshold on development.

    Always from the clips, as in use: a stored pool5 is rounded.

    Args:
        run: a finished run; gets scores_development.csv, scores_test.csv, operating_point.json.
        caches: of the table that it was trained on.
        target: see `decision.criteria.choose`.
        device: where the network runs.
    """
    network = load_network(run)[0].to(device)
    splits = [split for split in SCORED if split in caches.clips]
    rows = {
        split: motion_rows(network, caches.samples[split], caches.clips[split]) for split in splits
    }
    return write_scores(run, rows, target)


def score_texture_run(run: Path, caches: FeatureCaches, target: str) -> OperatingPoint:
    """As `score_motion_run`, with a texture machine."""
    machine = load_texture_run(run)
    splits = [split for split in SCORED if split in caches.features]
    rows = {
        split: texture_rows(machine, caches.samples[split], caches.features[split])
        for split in splits
    }
    return write_scores(run, rows, target)
