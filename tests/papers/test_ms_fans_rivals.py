"""The rivals of paper 1's Tables IV and V are trained rows, each beside its published figure."""

import json

import pytest
from tests.device import DEVICE
from tests.papers.casia_miniature import write_miniature
from tests.verbs import run

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers import ms_fans_rivals, ms_fans_runs
from bonafide.papers.cascade_rivals import RivalTrial
from bonafide.papers.ms_fans_rivals import DEVIATIONS, RIVALS, MsFansRival
from bonafide.papers.ms_fans_tables import TABLE_IV
from bonafide.papers.plan import Cost, Request
from bonafide.papers.reproduce import plan_of
from bonafide.training.rival_machine import MachineSettings

REQUEST = Request("small", (0, 1), None, "32-true")
TWO = {"Boulkenafet et al. [6]": "colour_texture", "†Atoum et al.": "patch_depth_cnn"}


def run_table(folder, root, seeds):
    arguments = ["reproduce", "ms-fans/4", "-o", folder, "--data", f"casia-fasd={root}"]
    arguments += ["--steps", 2, "--seeds", seeds, "--device", DEVICE]
    run(*arguments)
    return json.loads((folder / "table.json").read_text())


def rows_of(table):
    return {row["name"]: row for row in table["rows"]}


@pytest.fixture(scope="module")
def miniature(tmp_path_factory, astronaut, write_clip):
    return write_miniature(tmp_path_factory.mktemp("casia"), astronaut, write_clip, test=2)


@pytest.mark.slow
def test_a_trained_rival_stands_beside_its_published_figure(miniature, tmp_path, monkeypatch):
    monkeypatch.setattr(ms_fans_runs, "RIVALS", TWO)
    monkeypatch.setattr(ms_fans_rivals, "SMALL_BATCH", 4)
    monkeypatch.setattr(ms_fans_runs, "both_networks", lambda *_: [])  # test_reproduce trains ours
    rows = rows_of(run_table(tmp_path, miniature, "0,1"))
    assert list(rows) == [row.name for row in TABLE_IV.rows]
    texture, depth = rows["Boulkenafet et al. [6]"], rows["†Atoum et al. [11]"]
    assert texture["published"]["printed"]["EER %"] == "6.20"
    for row in (texture, depth):
        assert row["measured"]["simulated"] is True
        assert row["measured"]["presentations"] == 2 * 4
        assert 0 <= row["measured"]["rates"]["eer"]["mean"] <= 1
        assert 0 <= row["measured"]["rates"]["hter"]["mean"] <= 1
    assert list(texture["measured"]["by_seed"]) == ["0", "1"]
    assert list(depth["measured"]["by_seed"]) == ["0"]  # minutes each: one seed at the small size
    cost = texture["measured"]["cost"]
    assert (cost["paper_gflops"], cost["parameters"]) == (None, None)  # features, no layers
    assert cost["ms"] > 0
    page = (tmp_path / "index.html").read_text()
    assert f'<td class="n">–</td><td class="n">–</td><td class="n">{cost["ms"]:.1f}</td>' in page
    assert depth["measured"]["cost"]["paper_gflops"] > 0
    assert "2 steps of 4 of 96 px for 256" in depth["measured"]["remark"]
    assert not any(rows[name]["measured"] for name in rows if not name.startswith(tuple(TWO)))


@pytest.mark.slow
def test_every_rival_can_be_run(miniature, tmp_path):
    rows = rows_of(run_table(tmp_path, miniature, "0"))
    assert all(row["measured"] for row in rows.values())


@pytest.mark.parametrize(("key", "rivals"), [("ms-fans/4", 8), ("ms-fans/5", 6)])
def test_every_printed_rival_is_planned_on_the_tables_people(key, rivals):
    plan = plan_of(key, REQUEST)
    theirs = [row for row in plan.rows if row.models[0] in RIVALS.values()]
    assert len(theirs) == rivals
    assert {row.dataset for row in theirs} == {trial.dataset for trial in plan.trials}
    assert all(row.remark for row in theirs)
    printed = {row.name for row in plan.published.rows}
    assert printed == {row.name for row in plan.rows if not row.group}
    assert "from random weights" in plan.notes[-1]


def test_a_rival_says_that_it_stands_in_the_table():
    for name, model in RIVALS.items():
        assert "ms-fans/4" in {**NETWORKS, **MACHINES}[model].tables, name
    assert set(DEVIATIONS) == set(RIVALS.values())


def test_the_cost_counts_as_the_paper_does():
    settings = ms_fans_rivals._settings(REQUEST, "alex_net_svm", 4, 0)
    cost = MsFansRival("casia-fasd", settings).cost()
    assert settings.side_px == max(64, NETWORKS["alex_net_svm"].small_px) < 128
    assert 0 < cost.paper_gflops < TABLE_IV.row("†Yang et al. [9]").value("FLOPS")


@pytest.mark.parametrize("kind", [RivalTrial, MsFansRival])
def test_a_machine_has_a_time_but_no_layers_to_count(kind):
    cost = kind("casia-fasd", MachineSettings("colour_texture")).cost()
    assert (cost.paper_gflops, cost.parameters) == (None, None)
    assert cost.ms > 0
    network = Cost(0.5, 1000, 2.0)
    assert network + network == Cost(1.0, 2000, 4.0)
    assert network + cost == Cost(None, None, 2.0 + cost.ms)


def test_at_the_full_size_a_rival_sees_its_own_side_and_has_every_seed():
    request = Request("full", (0, 1), None, "32-true")
    trials = ms_fans_rivals.rivals_of(request, "casia-fasd", "vgg_face", 8)
    assert [trial.seed for trial in trials] == [0, 1]
    assert trials[0].settings.side_px == NETWORKS["vgg_face"].views.side_px
    assert "px for" not in ms_fans_rivals.remark_of(trials[0])
