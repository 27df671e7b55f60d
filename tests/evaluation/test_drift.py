"""Drift: quiet without a change, loud with one that matters, and nothing taken for granted."""

import csv
import json

import numpy as np
import pytest

from bonafide.decision.scores import Category
from bonafide.deploy.answer import SCORES_HEADER
from bonafide.evaluation.drift import DriftSettings, compare_periods
from bonafide.evaluation.drift_report import lines, write_drift
from bonafide.evaluation.period import QUALITY, Period, read_period
from bonafide.types import BonafideError


def records(rng, count, *, shift=0.0, silent=0.02, brightness=130.0):
    """Imaginary answers of a day."""
    for _ in range(count):
        quality = {name: rng.normal(brightness if name == "brightness" else 0, 20)
                   for name in QUALITY}  # fmt: skip
        if rng.random() < silent:
            yield {"decision": "not_evaluated", "score": None, "reasons": "too_dark blurred"}
            continue
        score = float(1 / (1 + np.exp(-rng.normal(1.0 - shift, 1.0))))
        decision = "bona_fide" if score >= 0.5 else "attack"
        yield {"decision": decision, "score": score, "threshold": 0.5, **quality}


def period(seed, count, **change):
    return Period.from_records(records(np.random.default_rng(seed), count, **change), f"day {seed}")


def scores_only(rng, count, shift=0.0):
    """The same made at once, for simulations of many days."""
    score = rng.normal(1.0 - shift, 1.0, count)
    score[rng.random(count) < 0.1] = np.nan
    words = np.array(["not_evaluated", "attack", "bona_fide"])
    decision = np.where(np.isnan(score), 0, 1 + (score >= 0.5))
    return Period(
        "day",
        Category.of(words[decision].tolist()),
        score,
        Category.of(np.where(decision == 0, "no_face", "").tolist()),
        {"sharpness": rng.normal(0, 1, count), "dark_share": rng.integers(0, 9, count) / 9},
    )


def test_what_drifted_is_named_and_nothing_else():
    drift = compare_periods(period(1, 1500), period(2, 1000, silent=0.08, brightness=118))
    assert drift.alarms == ("brightness", "not_evaluated", "reason:too_dark")
    change = next(one for one in drift.changes if one.name == "reason:too_dark")
    assert change.interval.low < change.difference < change.interval.high
    assert change.difference == pytest.approx(0.06, abs=0.02)
    assert "brightness" in " ".join(lines(drift))


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_said():
    """At alpha 5 % and with effects of any size, at most that share of quiet pairs alarm."""
    settings = DriftSettings(alpha=0.05, min_stability_index=1e-9, min_rate_change=1e-9)
    tried = 100
    rng = np.random.default_rng(3)
    pairs = (
        [Period.from_records(records(rng, 120), "day") for _ in range(2)] for _ in range(tried)
    )
    alarms = sum(bool(compare_periods(*pair, settings).alarms) for pair in pairs)
    assert alarms <= 11  # the 99 % quantile of Binomial(100, 0.05)


def test_a_shift_of_half_a_deviation_is_seen():
    """Scores lower by half a deviation (an index of about 0.25), 500 a day: power above 95 %."""
    rng = np.random.default_rng(5)
    before = scores_only(rng, 500)
    after = (scores_only(rng, 500, shift=0.5) for _ in range(30))
    assert sum("score" in compare_periods(before, one).alarms for one in after) >= 28


def test_a_change_too_small_to_matter_raises_no_alarm_however_sure_it_is():
    rng = np.random.default_rng(7)

    def many(mean):
        nothing, attack = Category.constant("", 40_000), Category.constant("attack", 40_000)
        return Period("many", attack, rng.normal(mean, 1, 40_000), nothing, {})  # fmt: skip

    drift = compare_periods(many(0), many(0.1))
    [score] = drift.shifts
    assert score.adjusted < 1e-6
    assert not drift.alarms
    assert compare_periods(many(0), many(0.1), DriftSettings(min_stability_index=0.005)).alarms


def test_few_rows_missing_measures_and_other_models_are_cautions():
    few = Period.from_records([{"decision": "attack", "score": 0.1, "model_sha256": "a"}] * 20, "f")
    full = Period.from_records(
        [{"decision": "attack", "score": 0.1, "sharpness": 3, "model_sha256": "b"}] * 60, "full"
    )
    drift = compare_periods(few, full)
    assert not drift.shifts
    said = " ".join(drift.cautions)
    assert "20 and 60 values" in said
    assert "Only full tells sharpness" in said
    assert "different models" in said


def test_nobody_answered_is_an_alarm_not_an_error():
    silent = Period.from_records([{"decision": "not_evaluated", "reasons": "no_face"}] * 80, "dead")
    drift = compare_periods(period(1, 300), silent)
    assert {"not_evaluated", "reason:no_face"} <= set(drift.alarms)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"decision": "live", "score": 1}, "decision is 'live'"),
        ({"decision": "attack", "score": None}, "contradict"),
        ({"decision": "not_evaluated", "score": 0.2}, "contradict"),
        ({"decision": "attack", "score": "nan"}, "score is 'nan'"),
        ({"decision": "attack", "score": 0.5, "yaw_deg": "left"}, "yaw_deg is 'left'"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(row, said):
    with pytest.raises(BonafideError, match=f"record 1: .*{said}"):
        Period.from_records([row], "rows")


@pytest.fixture
def answers():
    return list(records(np.random.default_rng(9), 80, silent=0.2))


def test_every_form_of_the_same_answers_reads_the_same(tmp_path, answers):
    from bonafide.deploy.batch_rows import encode_rows

    with (tmp_path / "check.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(SCORES_HEADER)
        for row in answers:
            reason = row.get("reasons", "")
            writer.writerow(("a.jpg", row["score"], row["decision"], reason))
    with (tmp_path / "check.jsonl").open("w") as stream:
        for row in answers:
            reasons = [{"code": code, "blocking": True} for code in row.get("reasons", "").split()]
            reasons += [{"code": "padded_surroundings", "blocking": False}]
            quality = {name: row[name] for name in QUALITY if name in row}
            faces = [{"quality": quality}] if quality else []
            stream.write(json.dumps({**row, "reasons": reasons, "faces": faces}) + "\n\n")
    (tmp_path / "batch" / "parts").mkdir(parents=True)
    for index, form in enumerate(("csv", "parquet")):
        half = answers[40 * index : 40 * index + 40]
        (tmp_path / f"batch/parts/part-000000{index}.{form}").write_bytes(encode_rows(half, form))
    expected = Period.from_records(answers, "rows")
    for name in ("check.csv", "check.jsonl", "batch"):
        found = read_period(tmp_path / name)
        np.testing.assert_array_equal(found.score, expected.score)
        assert found.decision.counts() == expected.decision.counts()
        assert found.reason.counts() == expected.reason.counts() == {"": 64, "too_dark": 16}
        if name != "check.csv":
            np.testing.assert_array_equal(found.quality["yaw_deg"], expected.quality["yaw_deg"])


@pytest.mark.parametrize(
    "name", ["none.csv", "folder", "a.txt", "bad.csv", "bad.jsonl", "bad.parquet", "empty.jsonl"]
)
def test_what_is_no_period_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "bad.csv").write_text("path,score\na,1\n")
    (tmp_path / "bad.jsonl").write_text("[1]\n")
    (tmp_path / "bad.parquet").write_text("x")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(BonafideError, match=name):
        read_period(tmp_path / name)


def test_the_page_is_whole_and_the_json_says_the_same(tmp_path):
    drift = compare_periods(period(1, 400), period(2, 400, brightness=90))
    write_drift(tmp_path / "report", drift, "today")
    page = (tmp_path / "report" / "drift.html").read_text()
    assert "Drift in 1 of" in page
    assert page.count("<svg viewBox") > len(drift.shifts)
    assert "http" not in page.replace("http://www.w3.org", "")
    record = json.loads((tmp_path / "report" / "drift.json").read_text())
    assert record["alarms"] == ["brightness"]
    assert record["shifts"]["brightness"]["alarm"]
    assert record["changes"]["accepted"]["baseline"]["trials"] == drift.changes[0].baseline.trials


def test_the_verb_answers_by_its_exit_code(tmp_path, monkeypatch, capsys):
    import sys

    from bonafide.cli import main

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bonafide", "monitor", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return stopped.value.code or 0, " ".join((printed.out + printed.err).split())

    for name, silent in (("a", 0.02), ("b", 0.02), ("c", 0.3)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["decision", "score", "reasons"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(records(np.random.default_rng(ord(name)), 300, silent=silent))
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    assert call(a, b)[0] == 0
    code, said = call(a, c, "-o", tmp_path / "out")
    assert code == 1
    assert "without an answer" in said
    assert (tmp_path / "out" / "drift.html").exists()
    assert call(a, tmp_path / "none.csv")[0] == 2
    assert call(a, b, "--alpha", 2)[0] == 2
