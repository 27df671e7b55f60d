"""D-Net, M-Net and fine-tuning in the loop: they learn, resume, and draw as they are told."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from bonafide.cues.aligned_capture import M_PLANES
from bonafide.models.cascade import POSITIONS, patch_positions
from bonafide.training.capture_cache import CaptureCache
from bonafide.training.cascade_data import CascadeData, augment
from bonafide.training.cascade_settings import (
    BRANCH_CHOICES,
    CascadeSettings,
    paper_settings,
    with_branches,
)
from bonafide.training.cascade_task import (
    CascadeTask,
    build_network,
    go_on_from,
    imagenet_start,
    load_network,
    score_planes,
    score_positions,
)
from bonafide.training.checkpoint import load_tensors, save_tensors
from bonafide.training.loop import BEST, LAST, train
from bonafide.training.run import RECORD
from bonafide.training.sampler import balanced_sampler
from bonafide.training.settings import format_settings
from bonafide.types import BonafideError, Label, Presentation, Split

SIDE = 32
COMMON = {
    "backbone": "small",
    "crop_px": SIDE,
    "steps": 6,
    "batch": 4,
    "evaluate_every": 3,
    "learning_rate": 0.02,
    "cycles": 1,
    "estimate_attenuation": False,
    "dropout": 0.0,
}
M_NET = replace(paper_settings("m_net"), patch_sizes=(12, 16), patch_px=16, **COMMON)
D_NET = replace(paper_settings("d_net"), scale_low=0.01, scale_high=0.1, **COMMON)
FINE = replace(paper_settings("fine_tune"), patch_px=16, rounds=3, round_samples=6, **COMMON)


def sample(number, label):
    species = "bona_fide" if label is Label.BONA_FIDE else "mask"
    return Presentation(str(number), "x.png", label, species, f"p{number}", Split.TRAIN, "made up")


def easy_data(channels, rows=16, seed=0):
    """Attacks carry a fine grid in every channel."""
    rng = np.random.default_rng(seed)
    labels = [Label.BONA_FIDE if i % 2 else Label.ATTACK for i in range(rows)]
    planes = rng.integers(90, 160, (rows, SIDE, SIDE, channels), dtype=np.uint8)
    planes[::2, ::3] = 255
    targets = np.array([0 if label is Label.ATTACK else 1 for label in labels])
    sampler = balanced_sampler([sample(i, label) for i, label in enumerate(labels)])
    return CascadeData(planes, targets, sampler, planes[:4], targets[:4])


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def run_in(folder, task, **options):
    folder.mkdir(exist_ok=True)
    (folder / RECORD).write_text(format_settings(task.settings))
    return train(task, folder, fabric(), **options)


class HaltError(Exception):
    pass


def halt_at(step):
    def on_step(progress, loss):
        if progress.step == step:
            raise HaltError

    return on_step


def test_d_net_learns_whole_pictures(tmp_path):
    task = CascadeTask(replace(D_NET, steps=30, evaluate_every=30), easy_data(3))
    assert task.batch(0, 0, 1)[0].shape == (4, SIDE, SIDE, 3)
    assert run_in(tmp_path, task).best_measure < 0.2
    network, settings = load_network(tmp_path)
    assert settings == task.settings
    scores = score_planes(network, task.data.planes, settings.patch_px)
    assert scores[1::2].min() > scores[::2].max()


def test_m_net_sees_patches_of_several_sizes_and_votes_over_36(tmp_path):
    task = CascadeTask(M_NET, easy_data(14))
    sizes = {task.batch(step, 0, 1)[0].shape[1] for step in range(12)}
    assert sizes == {12, 16}
    run_in(tmp_path, task)
    network, settings = load_network(tmp_path)
    votes = score_positions(network, task.data.planes, settings.patch_px)
    assert votes.shape == (16, 36)
    assert score_planes(network, task.data.planes, 16) == pytest.approx(votes.mean(1), abs=1e-5)


def test_a_batch_depends_on_seed_step_and_rank_alone():
    task, again = CascadeTask(M_NET, easy_data(14)), CascadeTask(M_NET, easy_data(14))
    assert torch.equal(task.batch(5, 0, 1)[0], again.batch(5, 0, 1)[0])
    assert not torch.equal(task.batch(5, 0, 1)[0], task.batch(6, 0, 1)[0])
    halves = [task.batch(5, rank, 2) for rank in (0, 1)]
    assert [len(half[0]) for half in halves] == [2, 2]
    assert halves[0][0].shape[1:] == halves[1][0].shape[1:]


@pytest.mark.slow
def test_fine_tuning_goes_on_and_resumes_bit_for_bit(tmp_path):
    data = easy_data(14)
    run_in(tmp_path / "m_net", CascadeTask(M_NET, data))
    settings, start = go_on_from(tmp_path / "m_net", replace(FINE, evaluate_every=1))
    assert settings.branches == M_NET.branches
    straight = CascadeTask(settings, data, start)
    run_in(tmp_path / "straight", straight)
    with pytest.raises(HaltError):  # after the second of two steps of round 2 of 3
        run_in(tmp_path / "halted", CascadeTask(settings, data, start), on_step=halt_at(4))
    run_in(tmp_path / "halted", CascadeTask(settings, data, start), resume=True)
    a, b = (load_tensors(tmp_path / name / LAST)[0] for name in ("straight", "halted"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    alpha = a["network.alpha"]
    assert 1 <= int((alpha > 0).sum()) <= 3  # three rounds
    omega = a["network.position_weight"]
    assert float(omega.sum()) == pytest.approx(1, abs=1e-5)
    assert not torch.allclose(omega, torch.full((36,), 1 / 36))


def test_a_round_is_algorithm_1_written_out(tmp_path):
    """The first round of the task against loops over samples and positions."""
    data = easy_data(14)
    settings = replace(FINE, round_samples=0)
    task = CascadeTask(settings, data, build_network(settings).state_dict())
    network = task.build_network()
    network.train()(torch.randn(8, 14, 16, 16))  # so that the answers differ
    votes = score_positions(network, data.planes, 16).astype(float)
    planes, target = task.batch(0, 0, 1)
    task.loss(network.train(), (planes, target), 0)
    losses = []
    for n in range(POSITIONS):
        right = [p if t == 1 else 1 - p for p, t in zip(votes[:, n], data.targets, strict=True)]
        losses.append(-sum(np.log(right)) / len(right) / 36)
    best = int(np.argmin(losses))
    alpha = 0.5 * np.log((1 - losses[best]) / losses[best])
    raw = []
    for n in range(POSITIONS):
        y = [1 if t == 1 else -1 for t in data.targets]
        exps = [np.exp(-yi * alpha * (2 * p - 1)) for yi, p in zip(y, votes[:, n], strict=True)]
        raw.append(sum(exps) / len(exps) / 36)
    assert network.alpha.nonzero().flatten().tolist() == [best]
    assert float(network.alpha[best]) == pytest.approx(alpha, rel=1e-4)
    expected = np.array(raw) / sum(raw)
    assert network.position_weight.numpy() == pytest.approx(expected, rel=1e-3)
    before = network.alpha.clone()
    task.loss(network, (planes, target), 0)  # another part of the same step: no second round
    assert torch.equal(before, network.alpha)


def test_positions_may_be_picked_once_each(tmp_path):
    data = easy_data(14)
    settings = replace(FINE, repeat_positions=False, rounds=6, steps=6, learning_rate=1e-6)
    task = CascadeTask(settings, data, build_network(settings).state_dict())
    run_in(tmp_path, task)
    assert int((load_tensors(tmp_path / LAST)[0]["network.alpha"] > 0).sum()) == 6


def test_eq_20_mixes_the_summation_picture_alone():
    rng = np.random.default_rng(0)
    planes = rng.integers(0, 256, (20, 20, 14), dtype=np.uint8)
    seen = {"mixed": 0, "flipped": 0}
    for seed in range(40):
        out = augment(planes, 0.5, 0, np.random.default_rng(seed))
        if not np.array_equal(out[..., :8], planes[..., :8]):
            out = out[:, ::-1]
            seen["flipped"] += 1
        total, apart = (planes[..., M_PLANES[n]] for n in ("summation", "difference"))
        mixed = out[..., M_PLANES["summation"]]
        kept = (mixed == total).all(2)
        assert (mixed[~kept] == apart[~kept]).all()
        others = [i for i in range(14) if i not in (8, 9, 10)]
        assert np.array_equal(out[..., others], planes[..., others])
        if not kept.all():
            seen["mixed"] += 1
            assert kept.mean() == pytest.approx(0.8, abs=1 / 400 + 1e-9)
    assert 8 < seen["mixed"] < 32
    assert 8 < seen["flipped"] < 32


def test_what_follows_from_a_whole_cache_is_found_once(tmp_path):
    found = []

    def find():
        found.append(1)
        return [1 / 3, 2.0]

    for _ in range(2):
        assert CaptureCache(tmp_path, {}, [], []).constants("scale_range", find) == [1 / 3, 2.0]
    assert len(found) == 1


def test_a_random_patch_lies_inside():
    planes = np.arange(20 * 20, dtype=np.uint16).reshape(20, 20, 1)
    for seed in range(20):
        patch = augment(planes, 0.0, 7, np.random.default_rng(seed))
        assert patch.shape == (7, 7, 1)
        top, left = divmod(int(patch.min()), 20)
        assert np.array_equal(
            np.sort(patch.ravel()), np.sort(planes[top : top + 7, left : left + 7].ravel())
        )
    assert len(patch_positions(20, 7)) == 36


def test_timm_weights_start_every_branch(tmp_path):
    donor = build_network(with_branches(M_NET, ("rgb",))).backbones[0].state_dict()
    save_tensors(tmp_path / "timm.safetensors", donor, {})
    settings = with_branches(M_NET, ("rgb", "infrared"))
    start = imagenet_start(settings, tmp_path / "timm.safetensors")
    for branch in (0, 1):
        key = f"backbones.{branch}.layer3.0.conv2.weight"
        assert torch.equal(start[key], donor["layer3.0.conv2.weight"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stage": "x"}, "stage"),
        ({"branches": ("f1",)}, "branches"),
        ({"branches": ("rgb", "rgb")}, "branches"),
        ({"branches": ("rgb",)}, "fmix"),
        ({"backbone": "vgg"}, "backbone"),
        ({"patch_sizes": (400,)}, "patch_sizes"),
        ({"attenuation_per_m": float("nan")}, "attenuation_per_m"),
        ({"stage": "fine_tune", "steps": 37}, "steps"),
        ({"stage": "fine_tune", "steps": 36, "patch_px": 0}, "patch_px"),
    ],
)
def test_settings_out_of_range_are_named(change, field):
    with pytest.raises(BonafideError, match=f"training setting '{field}'"):
        CascadeSettings(**change)


def test_every_row_of_the_papers_tables_is_one_setting():
    for stage in ("d_net", "m_net", "fine_tune"):
        paper = paper_settings(stage)
        assert (paper.batch, paper.learning_rate in (0.1, 0.01)) == (256, True)
        assert paper.branches == BRANCH_CHOICES[stage][:3]
    assert with_branches(paper_settings("m_net"), ("infrared",)).fmix == 0
    assert with_branches(paper_settings("d_net"), ("f1", "f3")).branches == ("f1", "f3")


def test_going_on_from_nothing_is_an_error(tmp_path):
    with pytest.raises(BonafideError):
        go_on_from(tmp_path, FINE)
    assert not (tmp_path / BEST).exists()
