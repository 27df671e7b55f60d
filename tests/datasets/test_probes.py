"""Probes find planted shortcuts, stay in their band where there is none, and know no face."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from bonafide.datasets import probes
from bonafide.datasets.media import MediaFacts, MediaLook
from bonafide.datasets.probes import (
    Probe,
    assign_folds,
    auc,
    feature_groups,
    probe,
    run_probes,
    shuffle_labels,
)
from bonafide.types import Box, Label, Presentation, Split


def make(people=12, clips=10, seed=0, size_of=None, **changes):
    """Rows and looks with both classes for everybody; sizes and borders are noise at first."""
    rng = np.random.default_rng(seed)
    rows, looks = [], []
    for person in range(people):
        for clip in range(clips):
            label = Label.BONA_FIDE if clip % 2 else Label.ATTACK
            rows.append(
                Presentation(
                    presentation=f"{person}-{clip}",
                    path="x",
                    label=label,
                    pai_species="bona_fide" if clip % 2 else "print",
                    capture_subject=f"d/{person}",
                    split=Split.TRAIN,
                    dataset="d",
                    **changes,
                )
            )
            size = size_of(label, rng) if size_of else rng.integers(5000, 9000)
            facts = MediaFacts(int(size), 10, 64, 48, 0.4, 25.0, "mjpeg", "avi", 0.0)
            noise = rng.uniform(0, 255, (12, 12, 3)).astype(np.float32)
            looks.append(MediaLook(facts, np.zeros((64, 64), np.float32), noise, 0.0))
    return rows, looks


def test_a_planted_file_size_is_found_and_named_first():
    def size_of(label, rng):
        return rng.integers(5000, 9000) + (3000 if label is Label.ATTACK else 0)

    found = run_probes(*make(size_of=size_of), seed=0)
    assert found[0].name in ("file size per frame", "all of these")
    by_name = {one.name: one for one in found}
    assert by_name["file size per frame"].is_outside
    assert by_name["file size per frame"].auc > 0.8
    assert by_name["file size per frame"].p_value < 0.01
    assert not by_name["picture border"].is_outside
    assert by_name["codec and container"].auc is None


def test_a_rule_that_is_no_line_is_found_through_the_bins():
    def size_of(label, rng):
        return rng.integers(6000, 7000) if label is Label.ATTACK else rng.choice([5000, 8000])

    found = {one.name: one for one in run_probes(*make(size_of=size_of), seed=0)}
    assert found["file size per frame"].auc > 0.95


@pytest.mark.parametrize("pure", [False, True], ids=["both classes each", "one class each"])
def test_without_a_shortcut_the_band_is_left_as_often_as_it_says(pure):
    outside = below = 0
    people = [f"p{n // 6}" for n in range(72)]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        # Sizes differ from person to person, as real ones do.
        features = rng.normal(size=(72, 2)) + np.repeat(rng.normal(size=(12, 2)), 6, axis=0)
        labels = np.repeat(rng.permuted([1.0, -1.0] * 6), 6) if pure else np.tile([1.0, -1.0], 36)
        targets = np.column_stack([labels, shuffle_labels(labels, people, 199, rng)])
        one = probe("x", features, targets, assign_folds(people, seed))
        outside += one.is_outside
        below += one.auc < one.low
    # 2.5 % a side: 5 of 200 expected, 14 or more in one of 2,000 such tests (binomial).
    assert outside < 14
    assert below < 14


def test_whole_people_go_into_one_fold():
    people = [f"p{n // 5}" for n in range(200)]
    fold_of = assign_folds(people, 3)
    assert set(fold_of.tolist()) == set(range(5))
    assert len(set(zip(people, fold_of.tolist(), strict=True))) == len(set(people))


def test_auc_is_that_of_another_library():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 7, (60, 4)).astype(float)
    targets = np.where(rng.random((60, 4)) < 0.4, 1.0, -1.0)
    expected = [roc_auc_score(targets[:, k], scores[:, k]) for k in range(4)]
    assert np.allclose(auc(scores, targets), expected)
    assert auc(scores[:, :1], np.ones((60, 1)))[0] == 0.5


def test_scores_are_those_of_another_librarys_ridge():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(80, 6)), np.sign(rng.normal(size=(80, 3)))
    middle, spread = features[:60].mean(axis=0), features[:60].std(axis=0)
    model = Ridge(alpha=probes.RIDGE * 60).fit((features[:60] - middle) / spread, targets[:60])
    expected = model.predict((features[60:] - middle) / spread) - model.intercept_
    found = probes.ridge_scores(features[:60], targets[:60], features[60:])
    assert np.allclose(found, expected)


def test_shuffles_keep_every_persons_numbers():
    labels = np.array([1, 1, -1, -1, -1, 1, 1, -1, -1, -1], dtype=float)
    people = ["a"] * 5 + ["b", "b"] + ["c", "c"] + ["d"]
    shuffled = shuffle_labels(labels, people, 300, np.random.default_rng(0))
    assert np.all(shuffled[:5].sum(axis=0) == labels[:5].sum())
    assert np.all(shuffled[5] == shuffled[6])
    assert np.all(shuffled[7] == shuffled[8])
    pure = shuffled[[5, 7, 9]]
    assert np.all(np.sort(pure, axis=0) == np.array([-1, -1, 1])[:, None])
    assert np.allclose(pure.mean(axis=1), -1 / 3, atol=0.2)


def test_groups_hold_conditions_and_boxes_where_stated():
    rows, looks = make(people=2, clips=2, light="dim", box=Box(1, 2, 3, 4))
    groups = feature_groups(rows, looks)
    assert "face box" in groups
    assert "face box" not in feature_groups(*make(people=2, clips=2))
    assert groups["picture border"].shape == (4, (12 * 12 - 8 * 8) * 3)
    together = [groups[name].shape[1] for name in list(groups)[:6]]
    assert groups["all of these"].shape[1] == sum(together)


def test_the_border_leaves_the_middle_of_the_picture_out():
    rows, looks = make(people=2, clips=2)
    changed = [
        MediaLook(look.facts, look.grey, look.colour.copy(), look.black_share) for look in looks
    ]
    for look in changed:
        look.colour[2:10, 2:10] = 7
    same = feature_groups(rows, looks)["picture border"]
    assert np.array_equal(feature_groups(rows, changed)["picture border"], same)


def test_one_person_or_one_class_cannot_be_probed():
    rows, looks = make(people=1)
    assert run_probes(rows, looks, seed=0) == []
    rows, looks = make()
    live = [n for n, row in enumerate(rows) if row.label is Label.BONA_FIDE]
    assert run_probes([rows[n] for n in live], [looks[n] for n in live], seed=0) == []


def test_many_rows_are_thinned_out_by_the_seed(monkeypatch):
    monkeypatch.setattr(probes, "MAX_ROWS", 60)
    monkeypatch.setattr(probes, "SHUFFLES", 99)
    rows, looks = make()
    assert run_probes(rows, looks, seed=1) == run_probes(rows, looks, seed=1)
    assert run_probes(rows, looks, seed=1) != run_probes(rows, looks, seed=2)


def test_features_without_variation_teach_nothing():
    targets = np.ones((4, 3))
    assert probe("x", np.full((4, 2), 0.4), targets, np.array([0, 0, 1, 1])) == Probe("x", None)
    rows, looks = make()
    assert {one.name: one.auc for one in run_probes(rows, looks, seed=0)}["length"] is None
    assert not Probe("x", None).is_outside
    assert Probe("x", 0.9, 0.4, 0.6).is_outside
    assert not Probe("x", 0.5, 0.4, 0.6).is_outside
