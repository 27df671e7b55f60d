"""Run folders of rivals that were never trained, but whose scores differ from view to view."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.deploy.rival_export import sample_views
from bonafide.deploy.rival_run import views_of
from bonafide.deploy.sample_face import sample_clips
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.support_machine import SupportMachine, fit_machine
from bonafide.models.texture_svm import VARIANTS, TextureSvm
from bonafide.training import rival_machine, texture_run
from bonafide.training.checkpoint import save_tensors
from bonafide.training.loop import BEST
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.rival_task import build_network
from bonafide.training.run import RECORD
from bonafide.training.toml import format_toml


def untrained(name: str, side_px: int = 0):
    """(network in evaluation mode, views): batch norm knows the views, the last layers tell."""
    one = NETWORKS[name]
    views = views_of(name, side_px or one.small_px)
    network = build_network(RivalSettings(model=name, side_px=views.side_px))
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # statistics of what it sees now, not a tenth of them
    last = [m for m in network.modules() if isinstance(m, nn.Linear)][-1:]
    with torch.no_grad():
        network.train()(torch.from_numpy(sample_views(views, 4)))
        for layer in last:
            layer.weight.mul_(10)
    return network.eval(), views


def write_rival(folder: Path, name: str, side_px: int = 0) -> Path:
    """A finished run of a network of the catalogue, with a machine on it where it has one."""
    network, views = untrained(name, side_px)
    settings = RivalSettings(model=name, side_px=views.side_px)
    folder.mkdir(parents=True)
    save_tensors(folder / BEST, network.state_dict(), {})
    components = NETWORKS[name].machine
    if components is not None:
        _write_machine(folder, network, views, components)
    write_about(folder, "rival", settings)
    return folder


def write_about(folder: Path, family: str, settings) -> None:
    """The record and the operating point of a run."""
    tables = {
        "": {"family": family, "name": "made up", "seed": 0},
        "settings": {k: getattr(settings, k) for k in settings.__dataclass_fields__},
        "data": {"dataset": "made up (simulated)"},
        "provenance": {"commit": "none"},
    }
    (folder / RECORD).write_text(format_toml(tables))
    evidence = DevelopmentEvidence("made up", "photo", 2, 2, 4)
    OperatingPoint("eer", "equal error rate", 0.5, evidence).save(folder / "operating_point.json")


def _write_machine(folder, network, views, components):
    rng = np.random.default_rng(0)
    with torch.inference_mode():
        features = network.features(torch.from_numpy(sample_views(views, 6))).numpy()
    learned = {}
    if components:
        mean = features.mean(0)
        axes = np.linalg.svd(features - mean, full_matrices=False)[2][:4]
        learned = {"pca_mean": mean, "pca_axes": axes}
        features = (features - mean) @ axes.T
    scale = features.std(0).astype(np.float64) + 1e-3
    support = rng.normal(size=(1, features.shape[1])) / features.shape[1] ** 0.5
    machine = SupportMachine(
        features.mean(0).astype(np.float64), scale, support, np.ones(1), 0.1, 0.0, -1.5, 0.2
    )
    rival_machine._save(folder / rival_machine.ON_NETWORK, learned, machine)


@cache
def faces(name):
    """What a machine sees of one face: (8, n, side, side, 3) uint8."""
    return sample_views(MACHINES[name].views, 8)


@cache
def frames_of(side_px):
    """Clips of one face: (8, 5, side, side, 3) uint8."""
    return sample_clips(5, side_px, 1.0, 8)


def write_machine(folder: Path, name: str) -> Path:
    """A finished run of a machine over hand-made features, fitted to views of one face."""
    one = MACHINES[name]
    described = [one.describe(each) for each in faces(name)]
    learned = {} if one.learn is None else one.learn(described, 0)
    features = described if one.encode is None else [one.encode(d, learned) for d in described]
    machine = _spread(np.stack(features), one.kernel)
    folder.mkdir(parents=True)
    rival_machine._save(folder / BEST, learned, machine)
    write_about(folder, rival_machine.FAMILY, rival_machine.MachineSettings(model=name))
    return folder


def write_texture(folder: Path, settings: texture_run.TextureSettings) -> Path:
    """A finished run of a texture machine, fitted to clips of one face."""
    clips = frames_of(settings.side_px)
    rows = np.concatenate([VARIANTS[settings.cue](frames) for frames in clips])
    machine = _spread(rows, "rbf")
    numbers = {name: getattr(machine, name) for name in machine.__dataclass_fields__}
    folder.mkdir(parents=True)
    TextureSvm(settings.cue, **numbers).save(folder / BEST)
    write_about(folder, texture_run.FAMILY, settings)
    return folder


def _spread(features, kernel):
    """Fitted to every other row, with probabilities that tell the rows apart."""
    live = np.arange(len(features)) % 2 == 0
    groups = [str(i) for i in range(len(features))]
    machine = fit_machine(features, live, groups, seed=0, kernel=kernel)
    return replace(machine, platt_a=-1.7, platt_b=0.3)
