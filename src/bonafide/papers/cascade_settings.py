"""How the runs of the cascade's tables are set: sizes, data, and what differs from the paper."""

from __future__ import annotations

from dataclasses import replace

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers.plan import Request
from bonafide.training.cascade_settings import CascadeSettings, paper_settings, with_branches
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings

MIP_2D, MIP_3D, MIPD, SURF = "mip-2d", "mip-3d", "mipd", "casia-surf"
FUSED = ("stack", "summation", "difference")
MAPS = ("f1", "f2", "f3")
ADDED = "not in the paper's table"
SMALL_SIDE_PX = 96
"""Of all pictures at the small size: at 64 px the grain of skin and of masks is lost."""
PLAIN = {"se_resnext50": "resnext50", "small": "small_plain"}
"""Backbone -> the same without squeeze and excitation."""

_RGB = "sees RGB alone"
_DEPTH = "sees depth as an 8-bit picture, a level a millimetre, its holes left"
_THREE = "sees RGB, depth and IR; the paper's RGB and IR"
RIVAL_REMARKS = {
    "patch_depth_cnn": _RGB,
    "ml_lpq": _RGB,
    "live_net": _RGB,
    "feather_net_b": f"FeatherNet B, {_RGB}; the paper gives it other modalities too",
    "cdcn": f"{_RGB}; the paper's CDCN sees IR",
    "feather_net_depth": _DEPTH,
    "face_bag_net_depth": _DEPTH,
    "casia_surf_fusion": _THREE,
    "face_bag_net": _THREE,
}
"""Model -> how its input differs from what the paper gave it."""


def _small(stage: str) -> CascadeSettings:
    """One to three minutes on a CPU: a narrow backbone, small pictures, few steps, few rounds."""
    form = replace(
        paper_settings(stage), backbone="small", crop_px=SMALL_SIDE_PX, cycles=1, dropout=0.3
    )
    if stage == "d_net":
        return replace(form, batch=16, steps=120, learning_rate=0.02, evaluate_every=60)
    if stage == "m_net":
        return replace(form, batch=64, steps=300, learning_rate=0.05, evaluate_every=100)
    # At a rate of 0.005 fine-tuning undoes what M-Net learned; at 0.001 it keeps it.
    return replace(
        form, batch=8, rounds=12, steps=24, round_samples=32, learning_rate=0.001,
        evaluate_every=24,
    )  # fmt: skip


def stage_settings(
    request: Request,
    stage: str,
    branches: tuple[str, ...],
    fmix: bool,
    se: bool,
    patches: bool,
    raw: bool,
) -> CascadeSettings:
    """The settings of a stage's runs, but for the seed; see `cascade_runs.Runs.stage`."""
    base = _small(stage) if request.size == "small" else paper_settings(stage)
    settings = with_branches(base, branches)
    settings = replace(
        settings,
        fmix=settings.fmix if fmix else 0.0,
        backbone=settings.backbone if se else PLAIN[settings.backbone],
        precision=request.precision,
    )
    if not patches and settings.patch_sizes:
        settings = replace(settings, patch_sizes=(settings.patch_px,))
    if raw:
        settings = replace(settings, estimate_attenuation=False, attenuation_per_m=0.0)
    return settings if request.steps is None else with_steps(settings, request.steps)


def with_steps(settings: CascadeSettings, steps: int) -> CascadeSettings:
    """The same run with other steps; fine-tuning has at most one round a step, all of one length.

    >>> with_steps(CascadeSettings("fine_tune", steps=72), 40).steps
    36
    """
    rounds = min(settings.rounds, steps)
    if settings.stage == "fine_tune":
        steps = steps // rounds * rounds
    every = min(settings.evaluate_every, steps)
    return replace(settings, steps=steps, rounds=rounds, evaluate_every=every)


def rival_settings(request: Request, model: str, seed: int) -> RivalSettings | MachineSettings:
    """The one recipe of all rivals, at the request's size."""
    if model in MACHINES:
        return MachineSettings(model, frames_per_clip=1, seed=seed)
    settings = RivalSettings(model, frames_per_clip=1, seed=seed, precision=request.precision)
    if request.size == "small":
        side = max(SMALL_SIDE_PX, NETWORKS[model].small_px)
        # As many pixels as M-Net sees: its 64 patches of 48 px are 16 pictures of 96 px.
        settings = replace(settings, side_px=side, batch=16, steps=300, evaluate_every=100)
    if request.steps is not None:
        every = min(settings.evaluate_every, request.steps)
        settings = replace(settings, steps=request.steps, evaluate_every=every)
    return settings


def notes_of(request: Request) -> tuple[str, ...]:
    """How the rows were trained, for the page."""
    d_net, m_net, tuned = (
        stage_settings(request, stage, branches, True, True, True, False)
        for stage, branches in (("d_net", MAPS), ("m_net", FUSED), ("fine_tune", FUSED))
    )
    small = (
        "The small size is ours: a narrow backbone, small pictures, few steps; the paper trains a "
        "ResNeXt-50 for 200 epochs at batch 256."
    )
    return (
        f"Ours: {d_net.backbone}, pictures of {d_net.crop_px} px; D-Net {d_net.steps} steps of "
        f"{d_net.batch}, M-Net {m_net.steps} of {m_net.batch} patches; fine-tuning {tuned.rounds} "
        f"rounds in {tuned.steps} steps of {tuned.batch} captures.",
        *([small] if request.size == "small" else []),
        "c is estimated from training people; CASIA-SURF tells no distance, so its c is 0.",
        "Rivals: one recipe for all, from random weights; what each sees is in its remark.",
        "D-Net's threshold rejects 1 % of the bona fide of its development people, M-Net's and the "
        "rivals' is the EER of theirs. A test on other data keeps the threshold of where it was "
        "trained. HTER at it is the paper's ACER.",
    )
