"""Export a rival: its network, and the linear machine on it if it has one, as one graph.

Machines over hand-made features (LBP, LPQ, SIFT, HOOF) have `machine_export`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bonafide.deploy.export import write_checked
from bonafide.deploy.graph import GraphForm, graph_of
from bonafide.deploy.record import ModelRecord
from bonafide.deploy.rival_file import KIND_FAMILIES
from bonafide.deploy.rival_run import load_judge, views_of
from bonafide.deploy.runtime import OnnxModel
from bonafide.deploy.sample_face import sample_clips, sample_crops, sample_modalities
from bonafide.models.catalogue import NETWORKS
from bonafide.models.catalogue_entry import FRAMES, MODALITIES, Views
from bonafide.models.support_machine import SupportMachine
from bonafide.training import rival_machine
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.rival_task import load_network
from bonafide.training.run import RECORD
from bonafide.training.settings import load_settings
from bonafide.types import BonafideError

FORM = GraphForm("views", ("score", "alpha"), {0: "batch"})
BATCHES = (1, 3)
"""Sizes of a batch, besides all of the probe, at which a graph is held against torch."""

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LinearHead:
    """A linear machine with all that stands before and after it, as one weight and one bias.

    Attributes:
        weight: (D,) float64; bias: the score is logistic(features @ weight + bias).
    """

    weight: npt.NDArray[np.float64]
    bias: float


def linear_head(machine: SupportMachine, learned: rival_machine.Arrays) -> LinearHead:
    """Fold components, scaling, machine and Platt's sigmoid into one linear map.

    Raises:
        BonafideError: the machine has a kernel that is not linear.
    """
    if machine.gamma != 0:
        raise BonafideError(
            "stands on a network with a kernel that is not linear.",
            where="machine",
            remedy="Train it again: bonafide train rival NAME.",
        )
    weight = machine.support.T @ machine.weight / machine.scale
    bias = machine.intercept - float(machine.mean @ weight)
    if learned:
        weight = learned["pca_axes"].astype(np.float64).T @ weight
        bias -= float(learned["pca_mean"].astype(np.float64) @ weight)
    return LinearHead(-machine.platt_a * weight, -machine.platt_a * bias - machine.platt_b)


class RivalScorer(nn.Module):
    """A rival as it is deployed: uint8 views in, score and equal weights of the views out."""

    def __init__(self, network: nn.Module, head: LinearHead | None) -> None:
        super().__init__()
        self.network = network
        self.head: nn.Linear | None = None
        if head is not None:
            self.head = nn.Linear(len(head.weight), 1)
            with torch.no_grad():
                self.head.weight.copy_(torch.from_numpy(head.weight)[None])
                self.head.bias.fill_(head.bias)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n, side, side, 3) uint8 -> (batch,) score, (batch, n) weights."""
        if self.head is None:
            score = self.network(views).score
        else:
            score = self.head(self.network.features(views))[:, 0].sigmoid()  # type: ignore[operator]
        count = views.shape[1]
        return score, torch.ones_like(score)[:, None].expand(-1, count) / count


def rival_scorer(run: Path) -> RivalScorer:
    """The deployed form of a finished run's model."""
    network, settings = load_network(run)
    if NETWORKS[settings.model].machine is None:
        return RivalScorer(network, None).eval()
    learned, machine = rival_machine.load_machine_on_network(run)
    return RivalScorer(network, linear_head(machine, learned)).eval()


def export_rival(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[nn.Module, float]:
    """Write a finished run of a network of the catalogue; see `export.export_scorer`.

    Returns:
        the network, and the largest difference between the run's own scores and the graph's.
    """
    settings = load_settings(RivalSettings, run / RECORD)
    views = views_of(settings.model, settings.side_px)
    scorer, judge = rival_scorer(run), load_judge(run)
    pictures = sample_views(views) if probe is None else cached_views(probe, views)
    model = graph_of(scorer, pictures[:2], FORM)

    def difference_of(runtime: OnnxModel) -> float:
        return rival_difference(judge.scores, runtime, pictures)

    return scorer.network, write_checked(model, record, output, difference_of)


def rival_difference(
    scores: Callable[[Pictures], list[float]], runtime: OnnxModel, pictures: Pictures
) -> float:
    """Largest difference of a score over the probe, in batches of several sizes.

    Args:
        scores: of the run in torch, the way that it was evaluated.
        runtime: the exported file.
        pictures: (items, n, side, side, 3) uint8.
    """
    expected, worst = np.array(scores(pictures)), 0.0
    for size in (*BATCHES, len(pictures)):
        parts = [runtime.run(pictures[i : i + size])[0] for i in range(0, len(pictures), size)]
        worst = max(worst, float(np.abs(np.concatenate(parts) - expected).max()))
    return worst


PROBE_VIEWS = 8


def sample_views(views: Views, count: int = PROBE_VIEWS) -> Pictures:
    """What a model sees of the bundled face: (count, n, side, side, 3) uint8."""
    if views.kind == FRAMES:
        return sample_clips(views.frames, views.side_px, views.scales[0], count)
    if views.kind == MODALITIES:
        return sample_modalities(views.scales[0], views.side_px, count)
    return sample_crops(views.scales, views.side_px, count)


def cached_views(path: Path, views: Views, count: int = PROBE_VIEWS) -> Pictures:
    """The same of a crops.npy of the run's cache; frames of a clip model are taken in order.

    Raises:
        BonafideError: the file holds crops of another size, or too few.
    """
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    rows = views.frames if views.kind == FRAMES else 1
    shape = (views.count // rows, views.side_px, views.side_px, 3)
    most = min(len(values) // rows, count)
    if values.shape[1:] != shape or values.dtype != np.uint8 or most < 2:
        raise BonafideError(
            f"holds {values.dtype} of shape {values.shape}.",
            where=str(path),
            remedy=f"Name the crops.npy of the run's cache, {2 * rows} rows or more of {shape}.",
        )
    step = len(values) // rows // most * rows
    taken = [values[i * step : i * step + rows] for i in range(most)]
    return np.array(taken).reshape(most, views.count, *shape[1:])


def rival_family(run: Path) -> str:
    """The family of the exported record."""
    settings = load_settings(RivalSettings, run / RECORD)
    return KIND_FAMILIES[views_of(settings.model, settings.side_px).kind]
