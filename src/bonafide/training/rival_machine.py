"""Support machines of the catalogue: on descriptors of the views, or on a network's features.

A machine's run folder is like any other: run.toml, model.safetensors (what was learned, and the
machine). For the two rivals that are a network first, model.safetensors is the network and
machine.safetensors what stands on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.support_machine import SupportMachine, fit_machine, machine_from
from bonafide.training.checkpoint import load_tensors, save_tensors
from bonafide.training.loop import BEST
from bonafide.training.rival_task import load_network
from bonafide.training.run import RECORD, check_folder, write_run_record
from bonafide.training.settings import load_settings, require
from bonafide.training.view_set import ViewSet, ViewTable
from bonafide.types import CLASSES, Label, Split

FAMILY = "rival_machine"
ON_NETWORK = "machine.safetensors"
JUDGED_AT_ONCE = 32

Arrays = dict[str, npt.NDArray[Any]]
Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class MachineSettings:
    """Settings of a run of a machine.

    Attributes:
        model: a name in `models.catalogue.MACHINES`.
        frames_per_clip: frames that a picture machine takes from each clip.
        penalty: C.
        seed: of what is learned before the machine, and of the folds of its probabilities.
    """

    model: str
    frames_per_clip: int = 8
    penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.model in MACHINES, "model", f"one of {', '.join(MACHINES)}")
        require(self.frames_per_clip > 0, "frames_per_clip", "a positive whole number")
        require(self.penalty > 0, "penalty", "positive")


@dataclass(frozen=True)
class Fitted:
    """A machine with the way to its features.

    Attributes:
        features: views (items, n, side, side, 3) uint8 -> (items, D).
        machine: gives the score.
    """

    features: Callable[[Pictures], npt.NDArray[np.floating]]
    machine: SupportMachine

    def scores(self, views: Pictures) -> list[float]:
        """The score of each item, 0..1."""
        return [float(each) for each in self.machine.probability(self.features(views))]


def fit_run(
    settings: MachineSettings, table: ViewTable, run: Path, *, resume: bool = False
) -> Fitted:
    """Fit a machine of the catalogue to the training split and write its run folder.

    Raises:
        BonafideError: the folder holds a run (with ``resume``: one of other settings), a class has
            fewer than two people, or scikit-learn is missing.
    """
    run.mkdir(parents=True, exist_ok=True)
    check_folder(FAMILY, settings, run, resume=resume)
    one, training = MACHINES[settings.model], table.sets[Split.TRAIN]
    described = [one.describe(views) for batch in _batches(training) for views in batch]
    learned: Arrays = {} if one.learn is None else one.learn(described, settings.seed)
    encode = one.encode
    vectors = described if encode is None else [encode(each, learned) for each in described]
    machine = fit_machine(
        np.stack(vectors),
        _bona_fide(training),
        groups_of(training),
        seed=settings.seed,
        kernel=one.kernel,
        penalty=settings.penalty,
    )
    _save(run / BEST, learned, machine)
    who = (FAMILY, settings.model, settings.seed)
    result = {"support_vectors": len(machine.support), "features": len(machine.mean)}
    write_run_record(run, who, settings, table.run_data(), dict(result))
    return load_machine(run)


def load_machine(run: Path) -> Fitted:
    """The machine of a run that `fit_run` wrote.

    Raises:
        BonafideError: the folder holds no such run.
    """
    settings = load_settings(MachineSettings, run / RECORD)
    one = MACHINES[settings.model]
    learned, machine = load_machine_parts(run)

    def features(views: Pictures) -> npt.NDArray[np.floating]:
        described = [one.describe(each) for each in views]
        if one.encode is not None:
            described = [one.encode(each, learned) for each in described]
        return np.stack(described)

    return Fitted(features, machine)


def load_machine_parts(run: Path) -> tuple[Arrays, SupportMachine]:
    """What such a run learned before its machine, or nothing; and the machine."""
    return _load(run / BEST)


def fit_on_network(run: Path, table: ViewTable) -> None:
    """Fit the machine of a rival that is a network first, on the kept weights' features.

    Principal components are those of the training features, scaled to unit variance.
    """
    network, settings = load_network(run)
    components = NETWORKS[settings.model].machine
    assert components is not None
    training = table.sets[Split.TRAIN]
    features = np.concatenate([_features(network, views) for views in _batches(training)])
    learned: Arrays = {}
    if components:
        mean = features.mean(0, dtype=np.float64)
        _, values, axes = np.linalg.svd(features - mean, full_matrices=False)
        kept = min(components, int((values > 1e-6 * values[0]).sum()))
        learned = {"pca_mean": mean, "pca_axes": axes[:kept]}
        features = (features - mean) @ axes[:kept].T
    machine = fit_machine(
        features,
        _bona_fide(training),
        groups_of(training),
        seed=settings.seed,
        kernel="linear",
        penalty=1e-2,  # far more features than faces
    )
    _save(run / ON_NETWORK, learned, machine)


def load_on_network(run: Path) -> Fitted:
    """The network and machine of a run that `fit_on_network` finished."""
    network, _ = load_network(run)
    learned, machine = load_machine_on_network(run)

    def features(views: Pictures) -> npt.NDArray[np.floating]:
        found = _features(network, views)
        return (found - learned["pca_mean"]) @ learned["pca_axes"].T if learned else found

    return Fitted(features, machine)


def load_machine_on_network(run: Path) -> tuple[Arrays, SupportMachine]:
    """The machine on a run's network, and what was learned before it: components, or nothing."""
    return _load(run / ON_NETWORK)


def groups_of(views: ViewSet) -> list[str]:
    """What stays together in a fold: the person, or the presentation if a class has one person."""
    for label in Label:
        people = {s.capture_subject for s in views.samples if s.label is label}
        if len(people) < 2:
            return [sample.presentation for sample in views.samples]
    return [sample.capture_subject for sample in views.samples]


def _bona_fide(views: ViewSet) -> npt.NDArray[np.bool_]:
    return np.array([sample.label is Label.BONA_FIDE for sample in views.samples])


def _batches(views: ViewSet) -> Iterator[Pictures]:
    for start in range(0, len(views), JUDGED_AT_ONCE):
        yield views.take(np.arange(start, min(start + JUDGED_AT_ONCE, len(views))))


def _features(network: nn.Module, views: Pictures) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        given = network.features(torch.from_numpy(views))  # type: ignore[operator]
    return np.asarray(given.float().numpy())


def _save(path: Path, learned: Arrays, machine: SupportMachine) -> None:
    arrays = {f"learned.{name}": value for name, value in learned.items()}
    arrays |= {f"machine.{name}": value for name, value in machine.arrays().items()}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in arrays.items()}
    save_tensors(path, tensors, {"classes": " ".join(CLASSES)})


def _load(path: Path) -> tuple[Arrays, SupportMachine]:
    arrays = {name: value.numpy() for name, value in load_tensors(path)[0].items()}

    def part(prefix: str) -> Arrays:
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    return part("learned."), machine_from(part("machine."), where=str(path))
