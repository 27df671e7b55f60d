"""Training of the catalogue's models: batches, schedules, and that each learns what is there."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import FRAMES, MODALITIES, Views
from bonafide.models.support_machine import fit_machine
from bonafide.training.augmentation import jitter_geometry
from bonafide.training.checkpoint import load_tensors
from bonafide.training.crop_cache import CropCache
from bonafide.training.loop import BEST, LAST, train
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.rival_task import RivalTask, rival_data
from bonafide.training.settings import settings_from
from bonafide.training.view_set import ViewSet, ViewTable, view_set
from bonafide.types import BonafideError, Label, Presentation, Split

STEPS = {"cdcn": 30, "patch_depth_cnn": 24, "dpcnn": 14, "deep_pix_bis": 24, "face_bag_net": 20}
STEPS |= {"feather_net_a": 100, "feather_net_b": 60, "mobilenet_v3_small": 60}
"""Of those that are slow, or need more; the others take 40."""

LEARNING = sorted(set(NETWORKS) - {"vgg_face"})
"""VGG-Face is the network that DPCNN's machine stands on, and as slow."""

RATES = {"cdcn": 3e-3, "dpcnn": 1e-4, "alex_net_svm": 3e-4}


def face(rng, side, grid):
    """A smooth blob under noise; an attack's is dimmer and carries the stripes of a carrier."""
    base = cv2.GaussianBlur(rng.uniform(0, 255, (side, side, 3)), (0, 0), side / 8)
    base = 128 + (base - base.mean()) * 3
    if grid:
        base = 0.75 * base
        base[::4] += 40
    return np.clip(base + rng.normal(0, 4, base.shape), 0, 255).astype(np.uint8)


def synthetic(views, side, people, split, seed, shuffled=False):
    """A set of two presentations a person."""
    rng = np.random.default_rng(seed)
    kinds = [Label.BONA_FIDE, Label.ATTACK] * people
    said = list(rng.permutation([kind.value for kind in kinds])) if shuffled else kinds
    crops, samples = [], []
    for number, (kind, label) in enumerate(zip(kinds, said, strict=True)):
        stack = [face(rng, side, kind is Label.ATTACK) for _ in range(views.count)]
        crops.append(np.stack(stack))
        species = "bona_fide" if Label(label) is Label.BONA_FIDE else "stripes"
        person = f"{split.value}{number // 2}"
        samples.append(
            Presentation(
                f"{person}_{number}", "x.png", Label(label), species, person, split, "made"
            )
        )
    index = np.arange(len(samples))[:, None]
    return ViewSet(np.stack(crops), index, samples, [])


def table_of(views, side, shuffled=False, people=20):
    sets = {
        split: synthetic(views, side, people, split, seed, shuffled)
        for seed, split in enumerate((Split.TRAIN, Split.DEVELOPMENT))
    }
    return ViewTable({split: one.samples for split, one in sets.items()}, sets)


def area(scores, samples):
    """Share of (bona fide, attack) pairs in the right order."""
    live = np.array([sample.label is Label.BONA_FIDE for sample in samples])
    scores = np.asarray(scores)
    apart = scores[live][:, None] - scores[~live]
    return ((apart > 0) + 0.5 * (apart == 0)).mean()


def task_of(name, table, **changes):
    side = NETWORKS[name].small_px
    values = {"steps": 4, "batch": 8, "evaluate_every": 2, "side_px": side, "shift": 0.02}
    settings = settings_from(RivalSettings, {"model": name, **values, **changes}, where="test")
    return RivalTask(settings, rival_data(table))


def trained(name, folder, shuffled=False):
    one = NETWORKS[name]
    table = table_of(one.views, one.small_px, shuffled)
    steps = STEPS.get(name, 40)
    rate = {"learning_rate": RATES[name]} if name in RATES else {}
    task = task_of(name, table, steps=steps, evaluate_every=steps, jitter=0.3, **rate)
    train(task, folder, Fabric(accelerator="cpu", devices=1))
    network = task.build_network()
    network.load_state_dict(load_tensors(folder / BEST)[0])
    with torch.inference_mode():
        development = table.sets[Split.DEVELOPMENT]
        views = torch.from_numpy(development.take(np.arange(len(development))))
        parts = [network.eval()(part).score for part in views.split(20)]
    return area(torch.cat(parts).numpy(), development.samples)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_a_network_learns_in_a_few_steps_on_people_it_never_saw(name, tmp_path):
    """40 presentations of 20 people: chance is 0.5 with a deviation of 0.09; 0.8 is three away."""
    assert trained(name, tmp_path) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "feather_net_b", "lstm_cnn"])
def test_shuffled_labels_leave_a_network_at_chance(name, tmp_path):
    assert abs(trained(name, tmp_path, shuffled=True) - 0.5) < 0.25


def features_of(one, table):
    """Split -> (items, D) features of a machine, which never sees a label."""
    rows, learned = {}, {}
    for split in (Split.TRAIN, Split.DEVELOPMENT):
        chosen = table.sets[split]
        described = [one.describe(views) for views in chosen.take(np.arange(len(chosen)))]
        if one.learn is not None and split is Split.TRAIN:
            learned = one.learn(described, 0)
        if one.encode is not None:
            described = [one.encode(each, learned) for each in described]
        rows[split] = np.stack(described)
    return rows


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.slow] if name in ("fisher_texture", "videolet") else []
        )
        for name in sorted(MACHINES)
    ],
)
def test_a_machine_learns_and_shuffled_labels_leave_it_at_chance(name):
    one = MACHINES[name]
    rows = features_of(one, table_of(one.views, one.views.side_px))
    for shuffled in (False, True):
        sets = table_of(one.views, 8, shuffled).sets  # of tiny pictures: the labels are wanted
        training, development = sets[Split.TRAIN], sets[Split.DEVELOPMENT]
        live = np.array([sample.label is Label.BONA_FIDE for sample in training.samples])
        names = [sample.presentation for sample in training.samples]
        machine = fit_machine(rows[Split.TRAIN], live, names, seed=0, kernel=one.kernel)
        found = area(machine.probability(rows[Split.DEVELOPMENT]), development.samples)
        assert abs(found - 0.5) < 0.25 if shuffled else found > 0.9


NAME = "feather_net_b"


def test_a_batch_depends_on_seed_step_and_rank_alone_and_is_balanced():
    task = task_of(NAME, table_of(NETWORKS[NAME].views, 32, people=4))
    first, again = task.batch(3, 0, 1), task.batch(3, 0, 1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], task.batch(4, 0, 1)[0])
    assert first[0].shape == (8, 1, 32, 32, 3)
    assert first[1].sum() == 4
    shares = [task.batch(3, rank, 2) for rank in range(2)]
    assert torch.equal(torch.cat([target for _, target in shares]), first[1])


def test_an_interrupted_run_ends_as_an_undisturbed_one(tmp_path):
    task = task_of(NAME, table_of(NETWORKS[NAME].views, 32, people=4))

    class HaltError(Exception):
        pass

    def halt(progress, loss):
        if progress.step == 3:
            raise HaltError

    for name in ("straight", "halted"):
        (tmp_path / name).mkdir()
    fabric = Fabric(accelerator="cpu", devices=1)
    train(task, tmp_path / "straight", fabric)
    with pytest.raises(HaltError):
        train(task, tmp_path / "halted", fabric, on_step=halt)
    train(task, tmp_path / "halted", fabric, resume=True)
    straight, halted = (load_tensors(tmp_path / n / LAST)[0] for n in ("straight", "halted"))
    assert all(torch.equal(straight[key], halted[key]) for key in straight)


def test_the_schedule_warms_up_and_falls_to_nothing():
    table = table_of(NETWORKS[NAME].views, 32, people=2)
    task = task_of(NAME, table, steps=100, learning_rate=1.0)
    rates = [task.learning_rate_at(step) for step in range(100)]
    assert rates[0] < rates[3] < rates[5] == max(rates) == 1.0
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 1e-3


def test_development_loss_weighs_classes_alike():
    """Ten attacks more of the same kind change nothing but their own mean."""
    table = table_of(NETWORKS[NAME].views, 32, people=3)
    task = task_of(NAME, table)
    network = task.build_network()
    once = task.development_measure(network)
    data = task.data
    attacks = np.flatnonzero(data.development_targets == 0)
    twice = np.concatenate([np.arange(len(data.development_targets)), attacks, attacks])
    more = replace(data.development, index=data.development.index[twice])
    doubled = replace(
        task,
        data=replace(data, development=more, development_targets=data.development_targets[twice]),
    )
    assert doubled.development_measure(network) == pytest.approx(once, rel=1e-4)


def test_geometry_moves_all_views_alike_and_nothing_at_zero():
    view = face(np.random.default_rng(0), 48, False)
    pair = np.stack([view, view])
    for seed in range(4):
        moved = jitter_geometry(pair, 0.1, np.random.default_rng(seed))
        np.testing.assert_array_equal(moved[0], moved[1])
        still = jitter_geometry(pair, 0.0, np.random.default_rng(seed))
        assert np.array_equal(still, pair) or np.array_equal(still, pair[:, :, ::-1])
    assert not np.array_equal(moved, pair)


def test_depth_and_infrared_keep_their_values():
    views = NETWORKS["face_bag_net"].views
    assert views.kind == MODALITIES
    table = table_of(views, 64, people=2)
    flat = ViewSet(
        np.full_like(table.sets[Split.TRAIN].crops, 77),
        *list(vars(table.sets[Split.TRAIN]).values())[1:],
    )
    task = task_of("face_bag_net", ViewTable(table.rows, {**table.sets, Split.TRAIN: flat}))
    batch, _ = task.batch(0, 0, 1)
    assert (batch[:, 1:] == 77).all()
    assert (batch[:, 0] != 77).any()


def test_clip_models_get_evenly_spaced_frames_and_photos_stand_still():
    crops = np.arange(9, dtype=np.uint8)[:, None, None, None, None] * np.ones(
        (1, 1, 4, 4, 3), np.uint8
    )

    def sample(name):
        return Presentation(name, "x", Label.BONA_FIDE, "bona_fide", name, Split.TRAIN, "made")

    cache = CropCache(crops, [sample("clip")] * 7 + [sample("photo"), sample("short")], [])
    chosen = view_set(cache, Views(FRAMES, (1.2,), 4, 3))
    assert [one.presentation for one in chosen.samples] == ["clip", "photo", "short"]
    taken = chosen.take(np.arange(3))
    assert taken.shape == (3, 3, 4, 4, 3)
    assert taken[:, :, 0, 0, 0].tolist() == [[0, 3, 6], [7, 7, 7], [8, 8, 8]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "nothing"}, "model"),
        ({"model": NAME, "side_px": 8}, "side_px"),
        ({"model": "lstm_cnn", "weights": "x.pth"}, "weights"),
        ({"model": NAME, "shift": 0.5}, "shift"),
        ({"model": NAME, "colour": 1}, "unknown settings"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(BonafideError, match=message):
        settings_from(RivalSettings, values, where="test")


def test_settings_record_what_was_used():
    settings = RivalSettings(NAME)
    assert settings.side_px == NETWORKS[NAME].views.side_px
    assert settings.learning_rate == NETWORKS[NAME].learning_rate
