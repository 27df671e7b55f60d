"""Run folders of rivals that were never trained, but whose scores differ from view to view."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.deploy.rival_export import sample_views
from bonafide.deploy.rival_run import views_of
from bonafide.models.catalogue import NETWORKS
from bonafide.models.support_machine import SupportMachine
from bonafide.training import rival_machine
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
    tables = {
        "": {"family": "rival", "name": name, "seed": 0},
        "settings": {k: getattr(settings, k) for k in settings.__dataclass_fields__},
        "data": {"dataset": "made up (simulated)"},
        "provenance": {"commit": "none"},
    }
    (folder / RECORD).write_text(format_toml(tables))
    evidence = DevelopmentEvidence("made up", "photo", 2, 2, 4)
    OperatingPoint("eer", "equal error rate", 0.5, evidence).save(folder / "operating_point.json")
    return folder


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
