"""Tables of the cascade paper are planned, run, resumed and written, on a miniature of MIPD."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests import verbs
from tests.device import DEVICE
from tests.papers.mipd_miniature import drawn_capture, drawn_crops, write_miniature

from bonafide.decision.scores import TestScores
from bonafide.evaluation.score_file import read_test
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers import cascade_runs
from bonafide.papers.cascade_measures import SILENT_ATTACKS, SILENT_BONA_FIDE, measure
from bonafide.papers.cascade_rivals import RivalTransfer, RivalTrial
from bonafide.papers.cascade_settings import ADDED, MIP_3D, MIPD, rival_settings
from bonafide.papers.cascade_tables import FN, FP, TABLE_XI, TPR_2
from bonafide.papers.cascade_trial import CascadeTrial, StageTransfer, StageTrial, in_units_of
from bonafide.papers.data import prepare_data
from bonafide.papers.measure import read_run, scores_path
from bonafide.papers.plan import Claim, Request
from bonafide.papers.reproduce import plan_of
from bonafide.papers.runner import folder_of, run_one
from bonafide.training import capture_cache, crop_cache
from bonafide.training.cascade_data import align_settings
from bonafide.training.rival_settings import RivalSettings
from bonafide.types import Split

REQUEST = Request("small", (0, 1), None, "32-true")


def run(*words):
    return verbs.run("reproduce", *words).output


def put_in_place(patch):
    """Captures without cameras, and no rivals: those cut their own pictures from files."""
    patch.setattr(capture_cache, "align_sample", drawn_capture)
    patch.setattr(cascade_runs.Runs, "rival_rows", lambda *_: None)


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """Table III, then the cascade's, from the same runs: (folder, arguments, time of a D-Net)."""
    folder = tmp_path_factory.mktemp("cascade")
    root = write_miniature(folder / "mipd")
    arguments = ["--data", f"mipd={root}", "--steps", 2, "--seeds", "0", "--device", DEVICE]
    arguments += ["--runs", folder / "shared"]
    with pytest.MonkeyPatch.context() as patch:
        put_in_place(patch)
        run("cascade/3", "-o", folder / "3", *arguments)
        stamp = (folder / "shared/runs/mip-2d/d_net-f1-f2-f3/seed0/trial.json").stat().st_mtime_ns
        run("cascade/11", "-o", folder / "11", *arguments)
    return folder, arguments, stamp


def table(folder):
    return json.loads((folder / "table.json").read_text())


@pytest.mark.slow
def test_table_three_has_its_rows_beside_the_published_ones(reproduced):
    """But for the rivals', which `put_in_place` leaves out."""
    told = table(reproduced[0] / "3")
    measured = [row for row in told["rows"] if row["measured"]]
    assert [row["name"] for row in measured] == ["F1", "F1&F2", "F2&F3", "F1&F3", "F1&F2&F3"]
    assert [row["name"] for row in told["rows"] if not row["measured"]] == [
        "FaceBagNet [29]", "FeatherNet [47]"
    ]  # fmt: skip
    for row in measured:
        assert row["measured"]["simulated"] is True
        assert row["measured"]["presentations"] == 12
    half, chosen = told["sheets"]
    assert [row["name"] for row in half["rows"]] == [row["name"] for row in measured]
    assert half["rows"][4]["published"] == {"ACER %": "0.5", "Accuracy": "0.994"}
    assert all(row["simulated"] for sheet in told["sheets"] for row in sheet["rows"])
    for row in (*half["rows"], *chosen["rows"]):
        values = row["measured"]
        assert values[TPR_2] is None  # six attacks cannot tell 1 %
        wrong = values[FP]["mean"] + values[FN]["mean"]
        assert values["Accuracy"]["mean"] == pytest.approx(1 - wrong / 12)
        assert values["ACER %"]["mean"] == pytest.approx(wrong / 12)
    page = (reproduced[0] / "3" / "index.html").read_text()
    assert "refused" in page
    assert page.count('<span class="simulated">simulated</span>') == 3 * 5 + 2


@pytest.mark.slow
def test_the_cascade_takes_the_trained_d_net_and_joins_both_stages(reproduced):
    folder, _, stamp = reproduced
    runs = folder / "shared" / "runs"
    done = runs / "mip-2d/d_net-f1-f2-f3/seed0/trial.json"
    assert done.stat().st_mtime_ns == stamp  # not trained again
    told = table(folder / "11")
    names = [(row["group"], row["name"]) for row in told["rows"] if row["measured"]]
    assert names == [("", "Ours+"), (ADDED, "D-Net"), (ADDED, "M-Net, fine-tuned")]
    flaws = {row["name"]: row["published"]["flaw"] for row in told["rows"] if row["published"]}
    assert flaws["Ours+"] == TABLE_XI.row("Ours+").flaw != ""
    assert {claim["claim"] for claim in told["claims"]} == {
        "The cascade beats D-Net alone", "The cascade beats M-Net alone"
    }  # fmt: skip
    [first] = (runs / "mipd").glob("d_net*from-mip-2d/seed0")
    [second] = (runs / "mipd").glob("fine_tune*from-mip-3d/seed0")
    d_net, m_net, whole = (
        read_test(scores_path(one, Split.TEST))
        for one in (first, second, runs / "mipd/cascade/seed0")
    )
    stop = json.loads((first / "operating_point.json").read_text())["threshold"]
    assert len(whole) == 24
    for i in range(24):
        if d_net.score[i] >= stop:
            assert whole.score[i] == m_net.score[i]
        else:
            assert whole.score[i] == pytest.approx(d_net.score[i] - 1)


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_and_what_is_broken_off_is(reproduced, monkeypatch):
    put_in_place(monkeypatch)
    folder, arguments, _ = reproduced
    runs = folder / "shared" / "runs"
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("model.safetensors")}
    broken = runs / "mipd/cascade/seed0"
    scores = scores_path(broken, Split.TEST).read_text()
    (broken / "trial.json").unlink()
    scores_path(broken, Split.TEST).unlink()
    run("cascade/11", "-o", folder / "11", *arguments)
    assert scores_path(broken, Split.TEST).read_text() == scores
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("model.safetensors")} == before


@pytest.mark.parametrize("key", cascade_runs.TABLES)
def test_plans_are_whole(key):
    """Every row has its trials, every claim its rows, every later trial what it reads."""
    plan = plan_of(key, REQUEST)
    assert plan.published.key == key
    trials = [(trial.dataset, trial.model, trial.seed) for trial in plan.trials]
    assert len(set(trials)) == len(trials)
    names = [(row.group, row.name) for row in plan.rows]
    assert len(set(names)) == len(names)
    for row in plan.rows:
        one_seed = row.models[0].split("-from-")[0] in {*NETWORKS, *MACHINES}
        seeds = (0,) if one_seed else (0, 1)
        assert all((row.dataset, row.models[0], seed) in trials for seed in seeds)
    for claim in plan.claims:
        assert isinstance(claim, Claim)
        assert set(claim.first) | set(claim.second) <= set(names)
    printed = {row.name for row in plan.published.rows}
    left_out = printed - {row.name for row in plan.rows}
    assert not left_out or any(note.startswith("Not run") for note in plan.notes)
    done: set = set()
    for wave in plan.waves:
        for trial in wave:
            needed = []
            if isinstance(trial, StageTrial) and trial.before:
                needed = [(trial.dataset, trial.before, trial.seed)]
            elif isinstance(trial, StageTransfer | RivalTransfer):
                needed = [(trial.trained.dataset, trial.trained.model, trial.seed)]
            elif isinstance(trial, CascadeTrial):
                needed = [(t.dataset, t.model, t.seed) for t in (trial.first, trial.second)]
            assert done.issuperset(needed)
        done |= {(trial.dataset, trial.model, trial.seed) for trial in wave}


@pytest.mark.parametrize("size", ["small", "full"])
def test_one_name_is_one_setting_in_all_tables(size):
    """Tables share runs by dataset, model and seed: those must mean the same everywhere."""
    request = Request(size, (0,), None, "32-true")
    seen: dict = {}
    for key in cascade_runs.TABLES:
        for trial in plan_of(key, request).trials:
            assert seen.setdefault((trial.dataset, trial.model), trial) == trial


def test_what_a_data_set_states_travels_with_the_run():
    """CASIA-SURF has its own depth levels, tells no distance, and is one view of two sizes."""
    trials = plan_of("cascade/6", REQUEST).trials
    trial = next(t for t in trials if t.model.startswith("fine_tune"))
    stated = in_units_of(trial.settings, "casia-surf")
    assert stated.one_view
    assert not stated.estimate_attenuation
    assert align_settings(stated).unit().offset_mm == 500
    other = in_units_of(stated, MIP_3D)
    assert not other.one_view
    assert align_settings(other).unit() is None


def test_measures_count_as_the_paper_does(tmp_path):
    """100 bona fide and 1000 attacks by hand: five accepted, two rejected, TPR at 1e-2 and 1e-3."""
    live = np.r_[np.full(2, 0.3), np.full(98, 0.9)]
    attack = np.r_[np.full(995, 0.1), np.full(4, 0.6), 0.95]
    path = tmp_path / "scores.csv"
    rows = [f"l{n},bona_fide,bona_fide,{s}" for n, s in enumerate(live)]
    rows += [f"a{n},attack,print,{s}" for n, s in enumerate(attack)]
    rows = [f"{row}," for row in rows]
    silent = ("l100,bona_fide,bona_fide", "a1000,attack,print", "a1001,attack,print")
    rows += [f"{row},,no_depth" for row in silent]
    path.write_text("presentation,label,pai_species,score,reason\n" + "\n".join(rows) + "\n")
    test = read_test(path)
    assert isinstance(test, TestScores)
    found = measure(test, test.score >= 0.5, np.ones(1103))
    assert (found[FP], found[FN]) == (5, 2)
    assert (found[SILENT_ATTACKS], found[SILENT_BONA_FIDE]) == (2, 1)
    assert found["APCER %"] == 0.005
    assert found["NPCER %"] == 0.02
    assert found["ACER %"] == pytest.approx(0.0125)
    assert found["Accuracy"] == pytest.approx(1 - 7 / 1100)
    assert found[TPR_2] == 1.0  # ten attacks may pass: the bar lies at 0.1, below all bona fide
    assert found["TPR % @FPR 1e-3"] == 0.98  # one may pass: the bar lies at 0.6
    assert found["TPR % @FPR 1e-4"] is None
    twice = measure(test, test.score >= 0.5, np.full(1103, 2.0))
    assert twice["ACER %"] == found["ACER %"]
    assert twice[TPR_2] == found[TPR_2]


@pytest.mark.parametrize(
    "model",
    ["feather_net_b", pytest.param("casia_surf_fusion", marks=pytest.mark.slow), "ml_lpq"],
)
def test_rivals_are_trained_and_tested_on_other_data(model, tmp_path, monkeypatch):
    monkeypatch.setattr(crop_cache, "_cut_sample", drawn_crops)
    roots = {"mipd": write_miniature(tmp_path / "mipd")}
    data = {
        name: prepare_data(name, roots, tmp_path / "data" / name, "small", 1,
                           lambda done, total: None, stills=False)
        for name in (MIP_3D, MIPD)
    }  # fmt: skip
    request = Request("small", (0,), 2, "32-true")
    settings = rival_settings(request, model, 0)
    if isinstance(settings, RivalSettings):
        settings = replace(settings, batch=4)
    trained = RivalTrial(MIP_3D, settings)
    trials = (trained, RivalTransfer(trained, MIPD))
    for trial in trials:
        trial.prepare(data[trial.dataset], 1, lambda _split, _count: lambda: None)
        folder = folder_of(trial, tmp_path / "runs")
        run_one(trial, data, folder, "cpu", lambda _message: None)
    own, moved = (read_run(folder_of(trial, tmp_path / "runs")) for trial in trials)
    assert (len(own.judged.test), len(moved.judged.test)) == (12, 24)
    by_name = {one.presentation.at(i): one.score[i] for one in [own.judged.test] for i in range(12)}
    other = moved.judged.test
    shared = {other.presentation.at(i): other.score[i] for i in range(24)}
    # the same presentations of MIP-3D have the same scores in both
    assert all(shared[name] == pytest.approx(score, abs=1e-6) for name, score in by_name.items())
