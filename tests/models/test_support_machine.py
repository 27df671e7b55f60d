"""The machine in numbers gives scikit-learn's answers, and its probabilities are honest."""

import numpy as np
import pytest
from sklearn.svm import SVC

from bonafide.models.support_machine import MachineError, fit_machine, held_out, machine_from


def cloud(rows, seed, apart=1.5):
    rng = np.random.default_rng(seed)
    live = np.arange(rows) % 2 == 0
    features = rng.normal(size=(rows, 6)) * [1, 5, 1, 1, 1, 1] + apart * live[:, None]
    return features, live, [f"p{i // 2}" for i in range(rows)]


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_decision_values_are_those_of_scikit_learn(kernel):
    features, live, groups = cloud(60, 0)
    machine = fit_machine(features, live, groups, seed=0, kernel=kernel, penalty=0.5)
    scaled = (features - features.mean(0)) / features.std(0)
    theirs = SVC(C=0.5, kernel=kernel, gamma=1 / 6, class_weight="balanced").fit(scaled, live)
    fresh, _, _ = cloud(40, 1)
    expected = theirs.decision_function((fresh - features.mean(0)) / features.std(0))
    np.testing.assert_allclose(machine.decision(fresh), expected, atol=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_higher_is_bona_fide_and_shuffled_labels_are_chance(kernel):
    features, live, groups = cloud(120, 0)
    fresh, truth, _ = cloud(200, 1)
    machine = fit_machine(features, live, groups, seed=0, kernel=kernel)
    probability = machine.probability(fresh)
    assert ((probability >= 0.5) == truth).mean() > 0.9
    assert probability.min() >= 0
    assert probability.max() <= 1
    said = np.random.default_rng(3).permutation(live)
    shuffled = fit_machine(features, said, [f"q{i}" for i in range(120)], seed=0, kernel=kernel)
    assert abs(((shuffled.probability(fresh) >= 0.5) == truth).mean() - 0.5) < 0.25


def test_arrays_bring_it_back():
    machine = fit_machine(*cloud(40, 0), seed=0)
    back = machine_from(machine.arrays(), where="memory")
    fresh, _, _ = cloud(10, 1)
    np.testing.assert_array_equal(machine.probability(fresh), back.probability(fresh))
    with pytest.raises(MachineError, match="memory"):
        machine_from({"mean": np.zeros(2)}, where="memory")


def test_groups_are_never_split_between_fit_and_hold_out():
    _, live, groups = cloud(60, 0)
    names = np.array(groups)
    for fit, held in held_out(live, groups, seed=1):
        assert not set(names[fit]) & set(names[held])
        assert set(live[fit]) == set(live[held]) == {True, False}


def test_what_cannot_be_fitted_is_refused():
    features, live, groups = cloud(20, 0)
    for change, message in (
        ({"kernel": "cubic"}, "cubic"),
        ({"groups": ["one"] * 20}, "1 groups"),
        ({"features": features * np.nan}, "not finite"),
        ({"features": features[:5]}, "do not match"),
    ):
        values = {"features": features, "groups": groups, "kernel": "rbf"} | change
        with pytest.raises(MachineError, match=message):
            fit_machine(values["features"], live, values["groups"], seed=0, kernel=values["kernel"])
    machine = fit_machine(features, live, groups, seed=0)
    with pytest.raises(MachineError, match="do not fit"):
        machine.probability(features[:, :3])


def test_a_slope_of_the_wrong_sign_does_not_turn_the_answers_round():
    """People left out scored below chance: every fold's held-out person is the odd one out."""
    rng = np.random.default_rng(1)
    features = np.repeat(np.eye(12), 2, axis=0) * 3 + 0.01 * rng.standard_normal((24, 12))
    live = np.tile([True, False], 12)
    features[live, 0] += 0.05
    groups = [f"p{i // 2}" for i in range(24)]
    for seed in range(6):
        machine = fit_machine(features, live, groups, seed=seed, kernel="linear")
        assert machine.platt_a < 0
        order = np.argsort(machine.decision(features))
        assert (np.diff(machine.probability(features)[order]) >= 0).all()
