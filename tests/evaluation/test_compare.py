"""Comparing report folders: pairing, seeds, and what is refused."""

import json

import numpy as np
import pytest

from bonafide.decision.criteria import choose
from bonafide.evaluation.assessment import assess
from bonafide.evaluation.compare import compare
from bonafide.evaluation.compare_report import write_comparison
from bonafide.evaluation.record import ModelRecord
from bonafide.evaluation.report import Heading, write_report
from bonafide.types import BonafideError
from tests.decision.tables import judged, scores_of

POINT = choose("threshold=0.5", scores_of([0.9], print=[0.1]))


def report(folder, rows, name="", seed=""):
    record = ModelRecord(name, seed) if name else None
    assessment = assess(judged(rows), POINT, record=record, rounds=0)
    write_report(folder, assessment, Heading("t", "2026-11-23", None))
    return folder


def rows(shift, seed=0, people=30, silent=()):
    rng = np.random.default_rng(seed)
    found = []
    for i in range(people * 4):
        hard = rng.normal(0, 0.2)
        found.append(("bona_fide", f"p{i % people}", float(0.8 + hard - shift), f"live{i}"))
        found.append(("print", f"p{i % people}", float(0.2 + hard + shift), f"print{i}"))
    return [(s, w, None if n in silent else x, n) for s, w, x, n in found]


def test_a_clear_difference_is_shown_and_counted_by_hand(tmp_path):
    good, bad = rows(0.0), rows(0.25)
    folders = [report(tmp_path / "good", good), report(tmp_path / "bad", bad)]
    result = compare(folders, rounds=300)
    assert [model.name for model in result.models] == ["good", "bad"]
    pair = result.pairs[0]
    assert (pair.common, pair.left_out) == (240, 0)
    refused = [np.mean([x < 0.5 for s, _, x, _ in r if s == "bona_fide"]) for r in (good, bad)]
    one = pair.differences["bpcer"]
    assert (one.first, one.second) == pytest.approx(refused)
    assert one.interval.high < 0
    assert one.p_value <= pair.adjusted["bpcer"] < 0.05
    assert pair.mcnemar < 1e-3
    write_comparison(tmp_path / "out", result, "2026-11-23")
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "good errs less" in page
    record = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert record["models"][0]["measures"]["bpcer"]["mean"] == pytest.approx(refused[0])


def test_order_does_not_matter_and_the_unanswered_are_left_out(tmp_path):
    first = rows(0.0, silent={"live3", "print5"})
    second = rows(0.1, silent={"live3", "live4"})[::-1]
    pair = compare([report(tmp_path / "a", first), report(tmp_path / "b", second)]).pairs[0]
    assert (pair.common, pair.left_out) == (237, 3)
    kept = [x for s, _, x, n in first if s == "bona_fide" and n not in ("live3", "live4")]
    assert pair.differences["bpcer"].first == pytest.approx(np.mean(np.array(kept) < 0.5))


def test_seeds_of_one_model_are_a_mean_and_a_spread(tmp_path):
    folders = [report(tmp_path / f"a{s}", rows(0.1, s), "net", str(s)) for s in range(3)]
    folders.append(report(tmp_path / "b", rows(0.1, 9), "other", "0"))
    result = compare(folders, rounds=100)
    net = result.models[0]
    values = [run.rates.bpcer.value for run in net.runs]
    assert net.spread("bpcer").mean == pytest.approx(np.mean(values))
    assert net.spread("bpcer").deviation == pytest.approx(np.std(values, ddof=1))
    pair = result.pairs[0]
    assert pair.differences["bpcer"].first == pytest.approx(np.mean(values))
    assert pair.mcnemar is None
    write_comparison(tmp_path / "out", result, "2026-11-23")
    assert "±" in (tmp_path / "out" / "comparison.html").read_text()


def test_what_cannot_be_compared_is_said(tmp_path):
    one = report(tmp_path / "one", rows(0.0), "net", "1")
    with pytest.raises(BonafideError, match="needs two"):
        compare([one])
    with pytest.raises(BonafideError, match="same seed"):
        compare([one, report(tmp_path / "again", rows(0.1), "net", "1")])
    with pytest.raises(BonafideError, match="not a report folder"):
        compare([one, tmp_path])
    other = [(s, w, x, f"x{n}") for s, w, x, n in rows(0.0)]
    pair = compare([one, report(tmp_path / "other", other)]).pairs[0]
    assert pair.refused == "no presentation was answered by both"
    changed = [("mask" if s == "print" else s, w, x, n) for s, w, x, n in rows(0.0)]
    with pytest.raises(BonafideError, match="another species"):
        compare([one, report(tmp_path / "changed", changed)])
    frames = [(*row, 0) for row in rows(0.0)]
    assessment = assess(judged(frames), POINT, unit="frame", rounds=0)
    write_report(tmp_path / "frames", assessment, Heading("t", "2026-11-23", None))
    pair = compare([one, tmp_path / "frames"]).pairs[0]
    assert "frames" in pair.refused
