"""Each warning appears for its cause, and only then."""

import pytest

from bonafide.decision.criteria import choose
from bonafide.evaluation.assessment import assess
from bonafide.evaluation.record import ModelRecord
from bonafide.types import BonafideError
from tests.decision.tables import development, judged


def rows(people, species=("print",), each=4, accepted=0, prefix="s", silent=0):
    """Live score 0.9 each, attacks 0.1 and the first ``accepted`` of each species 0.95."""
    found = []
    for i in range(people):
        found += [("bona_fide", f"{prefix}{i}", 0.9 - i / 10000)] * each
        for name in species:
            found += [(name, f"{prefix}{i}", 0.1 + i / 10000)] * each
    for name in species:
        at = [i for i, row in enumerate(found) if row[0] == name][:accepted]
        for i in at:
            found[i] = (name, found[i][1], 0.95)
    live = [i for i, row in enumerate(found) if row[0] == "bona_fide"][:silent]
    for i in live:
        found[i] = ("bona_fide", found[i][1], None)
    return [(*row, f"{prefix}-{i}") for i, row in enumerate(found)]


def cautions(dev_rows, test_rows, target="threshold=0.5", dataset="real", record=None):
    dev = development(dev_rows, dataset=["real"] * len(dev_rows))
    test = judged(test_rows, dataset=[dataset] * len(test_rows))
    found = assess(test, choose(target, dev), development=dev, record=record, rounds=0)
    return "\n".join(found.cautions)


MANY = rows(60, prefix="d")


def test_a_sound_evaluation_has_no_caution():
    assert cautions(MANY, rows(60)) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((rows(20, prefix="d"), rows(60)), "threshold comes from 20 people"),
        ((MANY, rows(60), "eer"), "EER threshold rests on 0 refused"),
        ((MANY, rows(60), "bpcer=0.001"), "finer than 240 development"),
        ((MANY, rows(60), "apcer=0.001"), "development attacks of print"),
        ((MANY, rows(60, ("print", "mask"))), "unseen when the threshold was chosen: mask"),
        ((MANY, rows(5)), "Only 20 attacks of species print: with 0 accepted"),
        ((MANY, rows(60, accepted=100)), "Accuracy hides it"),
        ((MANY, rows(60, silent=30)), "12.5\u00a0% of bona fide presentations got no answer"),
        ((MANY, rows(60), "threshold=0.5", "twin (simulated)"), "Simulated data"),
        ((MANY, rows(60), "threshold=0.5", "other"), "chosen on real, the figures are for other"),
    ],
)
def test_each_cause_has_its_sentence(arguments, message):
    assert message in cautions(*arguments)


def test_a_threshold_that_fits_development_only_is_noticed():
    harder = [(s, who, None if x is None else x - 0.45, name) for s, who, x, name in rows(60)]
    assert "does not carry over: BPCER was 0" in cautions(MANY, harder)


def test_species_the_model_was_not_trained_on():
    record = ModelRecord(training_species=frozenset({"replay"}))
    assert "unseen in training: print" in cautions(MANY, rows(60), record=record)
    record = ModelRecord(training_species=frozenset({"print"}))
    assert cautions(MANY, rows(60), record=record) == ""


def test_a_species_without_any_answer():
    silent = [*rows(60), *[("mask", f"s{i}", None, f"m{i}") for i in range(9)]]
    text = cautions(MANY, silent)
    assert "No attack of species mask got an answer" in text
    assert "100\u00a0% of mask attacks got no answer" in text


def test_nobody_knows_who_is_in_the_test():
    nameless = [(s, "", x, name) for s, _, x, name in rows(60)]
    assert "does not say who is in it" in cautions(MANY, nameless)
    test = judged(nameless)
    found = assess(test, choose("eer", development(MANY)), rounds=0).cautions
    assert any("development scores were not given" in text for text in found)


def test_half_a_test_is_noticed():
    live = [row for row in rows(60) if row[0] == "bona_fide"]
    attacks = [row for row in rows(60) if row[0] == "print"]
    assert "a system that accepts everybody would pass" in cautions(MANY, live)
    assert "a system that refuses everybody would pass" in cautions(MANY, attacks)


def test_a_threshold_of_frames_on_presentations_is_noticed():
    frames = [(*row, 0) for row in MANY]
    assert "chosen on frames and applied to presentations" in cautions(frames, rows(60))


def test_people_trained_on_are_an_error():
    record = ModelRecord(training_subjects=frozenset({"s3"}))
    with pytest.raises(BonafideError, match="1 capture subjects were trained on: s3"):
        cautions(MANY, rows(60), record=record)


def test_people_of_the_development_set_are_an_error():
    with pytest.raises(BonafideError, match="also in the development data"):
        cautions(MANY, rows(60, prefix="d"))
