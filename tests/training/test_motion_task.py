"""The motion task learns, resumes bit for bit, and learns the same from stored pool5."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from bonafide.models.motion_cnn_lstm import CNNS, ConvolutionalPart
from bonafide.training.array_cache import ArrayCache
from bonafide.training.checkpoint import load_tensors
from bonafide.training.clip_cache import pool5_cache
from bonafide.training.loop import BEST, LAST, train
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.motion_task import (
    MotionData,
    MotionTask,
    build_network,
    frozen_pool5,
    load_network,
    score_clips,
)
from bonafide.training.sampler import balanced_sampler
from bonafide.training.settings import format_settings
from bonafide.types import BonafideError, Label, Presentation, Split

SETTINGS = MotionSettings(
    cnn="small", frames=4, hidden=8, batch=4, steps=6, evaluate_every=2, learning_rate=1e-3, seed=3
)


def easy_data(rows=12):
    """Bona fide clips move; in attacks one frame stands still, and is darker."""
    rng = np.random.default_rng(0)
    labels = [Label.BONA_FIDE if i % 2 else Label.ATTACK for i in range(rows)]
    clips = np.empty((rows, 4, 112, 112, 3), np.uint8)
    for i, label in enumerate(labels):
        still = rng.integers(60, 200, (112, 112, 3), dtype=np.uint8)
        step = 7 if label is Label.BONA_FIDE else 0
        clips[i] = [np.roll(still, step * k, axis=0) for k in range(4)]
        if label is Label.ATTACK:
            clips[i] //= 2
    people = [
        Presentation(
            str(i),
            "x.mp4",
            label,
            "bona_fide" if label is Label.BONA_FIDE else "print",
            f"p{i}",
            Split.TRAIN,
            "made up",
        )
        for i, label in enumerate(labels)
    ]
    targets = np.array([0 if label is Label.ATTACK else 1 for label in labels])
    return MotionData(clips, targets, balanced_sampler(people), clips, targets)


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def run(folder, settings, **how):
    folder.mkdir(exist_ok=True)
    return train(MotionTask(settings, easy_data(), {}), folder, fabric(), **how)


@pytest.mark.parametrize("variant", ["cnn", "cnn-lstm", "cnn-lstm-a"])
def test_it_learns_an_easy_difference(variant, tmp_path):
    settings = replace(SETTINGS, variant=variant, steps=30, evaluate_every=30, learning_rate=3e-3)
    assert run(tmp_path / variant, settings).best_measure < 0.4


AUGMENTED = replace(SETTINGS, shift=0.05, jitter=0.3)


def test_augmentation_is_alike_in_all_frames_and_differs_from_clip_to_clip():
    task = MotionTask(replace(AUGMENTED, order="still"), easy_data(), {})
    task.data.clips[:] = task.data.clips[:1, :1]  # one frame, in every place of every clip
    clips, _ = task.batch(0, 0, 1)
    assert (clips == clips[:, :1]).all()
    assert len({bytes(clip[0].numpy().tobytes()) for clip in clips}) == len(clips)
    assert not (clips[0, 0].numpy() == task.data.clips[0, 0]).all()


def test_a_batch_is_augmented_by_seed_and_step_alone():
    first, second, later, other = (
        MotionTask(replace(AUGMENTED, seed=seed), easy_data(), {}).batch(step, 0, 1)[0]
        for seed, step in ((3, 0), (3, 0), (3, 1), (4, 0))
    )
    assert (first == second).all()
    assert not (first == later).all()
    assert not (first == other).all()


def test_development_clips_are_not_augmented(tmp_path):
    network = MotionTask(AUGMENTED, easy_data(), {}).build_network()
    plain, augmented = (
        MotionTask(each, easy_data(), {}).development_measure(network)
        for each in (SETTINGS, AUGMENTED)
    )
    assert plain == augmented


def test_stored_pool5_cannot_be_augmented():
    for change in ({"shift": 0.05}, {"jitter": 0.3}):
        with pytest.raises(BonafideError, match="pool5 is stored"):
            replace(SETTINGS, freeze_cnn=True, **change)


@pytest.mark.parametrize("settings", [SETTINGS, AUGMENTED], ids=["plain", "augmented"])
def test_a_stopped_and_resumed_run_ends_bit_for_bit_like_an_undisturbed_one(settings, tmp_path):
    def stop(progress, _loss):
        if progress.step == 3:  # one step after the last checkpoint
            raise KeyboardInterrupt

    run(tmp_path / "straight", settings)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", settings, on_step=stop)
    run(tmp_path / "stopped", settings, resume=True)
    for name in (LAST, BEST):
        straight, stopped = (
            load_tensors(tmp_path / each / name)[0] for each in ("straight", "stopped")
        )
        assert straight.keys() == stopped.keys()
        assert all(torch.equal(straight[key], stopped[key]) for key in straight)


@pytest.mark.parametrize("variant", ["cnn", "cnn-lstm", "cnn-lstm-a"])
def test_stored_pool5_gives_the_loss_and_gradients_of_the_clips(variant, tmp_path):
    settings = replace(SETTINGS, variant=variant, freeze_cnn=True)
    data = easy_data()
    network = build_network(settings, {})
    pool5 = pool5_cache(ArrayCache(data.clips, [], []), tmp_path / "pool5", network)
    stored = replace(data, clips=pool5, development_clips=pool5)
    losses, gradients, measures = [], [], []
    for each in (data, stored):
        task = MotionTask(settings, each, {})
        network = task.build_network().train()
        loss = task.loss(network, task.batch(5, 0, 1), 5)
        loss.backward()
        losses.append(loss.item())
        gradients.append(network.frame_classifier.weight.grad)
        measures.append(task.development_measure(network))
        assert all(parameter.grad is None for parameter in network.cnn.parameters())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert measures[0] == pytest.approx(measures[1], rel=1e-3)
    torch.testing.assert_close(*gradients, rtol=1e-2, atol=1e-4)


def test_stored_pool5_is_the_same_before_training_and_of_the_saved_network(tmp_path):
    settings = replace(SETTINGS, freeze_cnn=True)
    run(tmp_path / "run", settings)
    (tmp_path / "run" / "run.toml").write_text(format_settings(settings))
    clips, folder = ArrayCache(easy_data().clips, [], []), tmp_path / "stored"
    before = build_network(settings, {})
    stored = frozen_pool5(clips, folder, Split.TEST, before, settings)
    stamp = (folder / "pool5_test" / "pool5.npy").stat().st_mtime_ns
    network, _ = load_network(tmp_path / "run")
    frozen_pool5(clips, folder, Split.TEST, network, settings)
    assert (folder / "pool5_test" / "pool5.npy").stat().st_mtime_ns == stamp
    from_clips, from_stored = (score_clips(network, each)[0] for each in (clips.values, stored))
    np.testing.assert_allclose(from_stored, from_clips, atol=2e-3)


def test_a_frozen_cnn_does_not_change_and_the_rest_does(tmp_path):
    settings = replace(SETTINGS, freeze_cnn=True)
    run(tmp_path / "run", settings)
    before = build_network(settings, {}).state_dict()
    after = load_tensors(tmp_path / "run" / LAST)[0]
    for name, value in before.items():
        same = torch.equal(value, after[f"network.{name}"])
        if name.startswith("cnn."):
            assert same, name
        elif name == "classifier.weight":
            assert not same


def test_the_cnn_begins_with_the_imported_weights():
    torch.manual_seed(9)
    part = ConvolutionalPart(CNNS["vgg16"])
    initial = {name: value.numpy() for name, value in part.state_dict().items()}
    initial["mean"] = np.float32([1, 2, 3])
    settings = MotionSettings(initial="vgg-face", initial_sha256="00", hidden=2)
    network = MotionTask(settings, None, initial).build_network()
    torch.testing.assert_close(network.cnn.conv5_3.weight, part.conv5_3.weight)
    torch.testing.assert_close(network.cnn.mean, torch.tensor([1.0, 2.0, 3.0]))


def test_a_batch_is_shared_out_and_depends_on_seed_and_step_alone():
    task = MotionTask(SETTINGS, easy_data(), {})
    clips, targets = task.batch(4, 0, 1)
    again, _ = MotionTask(SETTINGS, easy_data(), {}).batch(4, 0, 1)
    assert torch.equal(clips, again)
    assert not torch.equal(clips, task.batch(5, 0, 1)[0])
    shares = [task.batch(4, rank, 2) for rank in (0, 1)]
    assert torch.equal(torch.cat([share[0] for share in shares]), clips)
    assert torch.equal(torch.cat([share[1] for share in shares]), targets)


def test_the_optimiser_is_adam_at_the_papers_rate():
    task = MotionTask(MotionSettings(cnn="small"), easy_data(), {})
    optimizer = task.build_optimizer(task.build_network())
    assert isinstance(optimizer, torch.optim.Adam)
    assert task.learning_rate_at(0) == task.learning_rate_at(1999) == 1e-5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"variant": "rnn"}, "variant"),
        ({"cnn": "vgg19"}, "cnn"),
        ({"initial": "vgg-face"}, "initial_sha256"),
        ({"initial": "imagenet", "cnn": "small", "initial_sha256": "0"}, "initial"),
        ({"initial": "transfer", "cnn": "small"}, "initial_sha256"),
        ({"frames": 0}, "frames"),
        ({"window_s": -1.0}, "window_s"),
        ({"preset": "unknown"}, "preset"),
    ],
)
def test_settings_out_of_range_are_named(changes, field):
    with pytest.raises(BonafideError, match=field):
        MotionSettings(**changes)


def test_names_tell_variants_apart_but_not_seeds():
    def name(**changes):
        return MotionTask(replace(SETTINGS, **changes), None, {}).name

    assert name() == name(seed=9) == "cnn-lstm-a small"
    assert name(preset="face-motion") == "cnn-lstm-a magnified small"
    assert name(freeze_cnn=True) == "cnn-lstm-a small frozen"
    weights = {"cnn": "vgg16", "initial": "vgg-face", "initial_sha256": "0"}
    assert name(**weights) == "cnn-lstm-a vgg16 vgg-face"
    assert name(order="shuffled") == "cnn-lstm-a small shuffled"
