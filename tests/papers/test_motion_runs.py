"""Tables 1 and 2 of paper 2 are run, broken off and gone on with, on a miniature of the data."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests import verbs
from tests.device import DEVICE
from tests.papers.motion_miniature import PEOPLE, write_msu_mfsd, write_replay_attack
from typer.testing import CliRunner

import bonafide.cli
from bonafide.evaluation.score_file import read_test
from bonafide.papers import motion_runs, page, runner
from bonafide.papers.data import prepare_data
from bonafide.papers.measure import DONE, scores_path
from bonafide.papers.motion_runs import ADDED, SHUFFLED, STILL
from bonafide.papers.motion_tables import ADVERSE, CONTROLLED, MSU_MFSD, TABLE_1, TABLE_2, crossing
from bonafide.papers.motion_trial import NetworkTrial, cache_name, model_name
from bonafide.papers.plan import MotionRequest, PlannedRow, Request
from bonafide.papers.reproduce import plan_of
from bonafide.training.motion_columns import COLUMNS
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.texture_run import TextureSettings
from bonafide.types import BonafideError, Split

REQUEST = Request("small", (0, 1, 2), None, "32-true")
PAIRS = ((ADVERSE, CONTROLLED), (ADVERSE, MSU_MFSD), (MSU_MFSD, CONTROLLED))


def run(*words):
    return verbs.run("reproduce", *words).output


@pytest.fixture(scope="module")
def miniature(tmp_path_factory, astronaut, write_clip):
    """(folder, options of the verb) of two columns, with networks of a few units."""
    folder = tmp_path_factory.mktemp("motion")
    replay = write_replay_attack(folder / "replay", astronaut, write_clip)
    msu = write_msu_mfsd(folder / "msu", astronaut, write_clip)
    options = ["--data", f"replay-attack={replay}", "--data", f"msu-mfsd={msu}"]
    options += ["--variants", "LBP,CNN-LSTM", "--seeds", "0", "--steps", 3, "--device", DEVICE]
    looks = {"window_s": 0.6, "look_hz": 3.0}
    network = MotionSettings(cnn="small", hidden=4, frames=3, batch=2, evaluate_every=1, **looks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(motion_runs.NETWORKS, "small", network)
        patch.setitem(motion_runs.TEXTURES, "small", TextureSettings(rows_per_clip=3, **looks))
        yield folder, [*options, "--runs", folder / "runs"]


def finished(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "runs" / "runs").rglob(DONE)}


@pytest.fixture(scope="module")
def reproduced(miniature):
    """Table 1, broken off amid its second network and gone on with, then Table 2."""
    folder, options = miniature
    told, seen = runner._Shown.told, []

    def killed(self, message):
        name, step = message
        if "cnn-lstm" in name and name not in seen:
            seen.append(name)
        if len(seen) == 2 and step == 2:
            raise KeyboardInterrupt
        told(self, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner._Shown, "told", killed)
        broken = CliRunner().invoke(
            bonafide.cli.app,
            ["reproduce", "motion/1", "-o", str(folder / "1"), *map(str, options)],
        )
    assert broken.exit_code != 0
    before = finished(folder)
    printed = run("motion/1", "-o", folder / "1", *options)
    after = finished(folder)
    run("motion/2", "-o", folder / "2", *options)
    return folder, before, after, printed


def table(folder, number):
    return json.loads((folder / str(number) / "table.json").read_text())


def measured(folder, number):
    rows = table(folder, number)["rows"]
    return {(row["group"], row["name"]): row["measured"] for row in rows if row["measured"]}


def test_a_run_broken_off_goes_on_and_what_was_finished_is_not_run_again(reproduced):
    folder, before, after, _ = reproduced
    assert 2 <= len(before) < len(after) == 6
    assert {path: after[path] for path in before} == before
    assert finished(folder) == after  # Table 2 trains nothing: it reads the same runs


def test_table_one_has_the_asked_columns_on_every_data_set(reproduced):
    folder, _, _, printed = reproduced
    rows = measured(folder, 1)
    assert set(rows) == {
        (group, name) for group in (CONTROLLED, ADVERSE, MSU_MFSD) for name in ("LBP", "CNN-LSTM")
    }
    for row in rows.values():
        assert row["simulated"] is True
        assert row["cost"] is None
        assert 0 <= row["rates"]["hter"]["mean"] <= 1
        assert 0 <= row["rates"]["accuracy"]["mean"] <= 1
    assert rows[CONTROLLED, "LBP"]["presentations"] == PEOPLE["test"] * 2
    assert rows[MSU_MFSD, "LBP"]["presentations"] == 2 * 2  # half of four people
    assert rows[ADVERSE, "LBP"]["dataset"] == "replay_attack (simulated), adverse"
    assert len(table(folder, 1)["rows"]) == len(TABLE_1.rows)
    assert printed.count("simulated") >= 6


def test_table_two_tests_on_the_other_set_at_the_first_ones_threshold(reproduced):
    folder, _, _, _ = reproduced
    rows = measured(folder, 2)
    assert set(rows) == {(crossing(*pair), name) for pair in PAIRS for name in ("LBP", "CNN-LSTM")}
    own = folder / "runs" / "runs" / "replay-attack-adverse"
    [run_folder] = own.glob("lbp-*/seed0")
    other = read_test(scores_path(run_folder, Split.TEST, "msu-mfsd"))
    assert {name.split("/")[0] for name in other.subjects()} == {"msu_mfsd_simulated"}
    point = json.loads((run_folder / "operating_point.json").read_text())
    right = [
        (score >= point["threshold"]) != attack
        for score, attack in zip(other.score, other.attack, strict=True)
    ]
    told = rows[crossing(ADVERSE, MSU_MFSD), "LBP"]["rates"]["accuracy"]["mean"]
    assert told == pytest.approx(sum(right) / len(right))


def test_the_page_says_simulated_on_every_measured_row_and_shows_hter_and_accuracy(reproduced):
    text = (reproduced[0] / "2" / "index.html").read_text()
    assert text.count('<span class="simulated">simulated</span>') == 6
    assert "HTER %, measured" in text
    assert "ACC %, measured" in text
    assert "EER %, measured" not in text
    assert "G FLOPs" not in text
    assert not re.search(r"(src|href)=.https?:", text)


def test_clips_are_cached_once_for_a_data_set(reproduced):
    data = reproduced[0] / "runs" / "data"
    for name in ("replay-attack-controlled", "replay-attack-adverse", "msu-mfsd"):
        caches = {path.name for path in (data / name).iterdir() if path.is_dir()}
        assert caches == {"clips-112-plain", "lbp-112-plain", "faces-0.6s-3hz"}


def test_frozen_networks_share_their_stored_pool5_and_claims_are_tested_on_hter(
    reproduced, miniature
):
    folder, options = miniature
    columns = ["CNN,CNN-LSTM" if word == "LBP,CNN-LSTM" else word for word in options]
    run("motion/2", "-o", folder / "frozen", *columns, "--freeze-cnn")
    stores = {
        path.parent.name: len(list(path.glob("pool5_*/pool5.npy")))
        for path in (folder / "runs" / "data").glob("*/clips-112-plain-pool5-small-seed0")
    }
    found = table(folder, "frozen")
    assert "not trained further" in found["notes"][0]
    assert [claim["rate"] for claim in found["claims"]] == ["hter"] * 3
    for claim, pair in zip(found["claims"], PAIRS, strict=True):
        assert claim["claim"].endswith(crossing(*pair))
        rows = measured(folder, "frozen")
        rates = [
            rows[crossing(*pair), name]["rates"]["hter"]["mean"] for name in ("CNN-LSTM", "CNN")
        ]
        assert claim["difference"] == pytest.approx(rates[0] - rates[1])
    assert "Do the claims hold here?" in (folder / "frozen" / "index.html").read_text()
    # Development and test are scored from what was stored, by runs of other data sets too.
    assert stores == {
        "replay-attack-adverse": 3,
        "msu-mfsd": 3,
        "replay-attack-controlled": 1,
    }


@pytest.mark.slow
def test_processes_side_by_side_give_what_one_gives(reproduced, miniature, tmp_path):
    folder, options = miniature
    run("motion/2", "-o", tmp_path, *options[:-2], "--runs", tmp_path, "--workers", 2)
    tables = [measured(folder, 2), measured(tmp_path.parent, tmp_path.name)]
    rates = [{key: row["by_seed"] for key, row in rows.items()} for rows in tables]
    assert rates[0] == rates[1]
    frozen = ["CNN,CNN-LSTM" if word == "LBP,CNN-LSTM" else word for word in options[:-2]]
    where = ["-o", tmp_path / "frozen", "--runs", tmp_path, "--workers", 2, "--freeze-cnn"]
    run("motion/2", *frozen, *where)  # two processes want one pool5 at once
    assert len(list((tmp_path / "data").rglob("pool5.npy"))) == 3 + 3 + 1


@pytest.mark.parametrize("simulated", [("a",), ("b",), ("a", "b")])
def test_a_row_with_one_twin_is_simulated_whichever_it_is(simulated):
    data = {name: SimpleNamespace(simulated=name in simulated) for name in ("a", "b")}
    row = SimpleNamespace(planned=PlannedRow("", "", "a", ("m",), "", "b"), model="m")
    line = page._line("", "", None, row, SimpleNamespace(data=data, costs={"m": None}))
    assert line.data.simulated


@pytest.mark.parametrize(("light", "other"), [("controlled", "adverse"), ("adverse", "controlled")])
def test_a_part_of_replay_attack_has_its_light_alone(light, other, miniature, tmp_path):
    folder, _ = miniature
    name = f"replay-attack-{light}"
    data = prepare_data(
        name, {"replay-attack": folder / "replay"}, tmp_path / name, "small", 1,
        lambda done, total: None, stills=False,
    )  # fmt: skip
    assert {row.light for row in data.rows} == {light}
    assert data.title == f"replay_attack (simulated), {light}"
    assert not any(other in row.presentation for row in data.rows)


def test_the_halves_of_msu_mfsd_are_equal_and_by_person(miniature, tmp_path):
    folder, _ = miniature
    data = prepare_data(
        "msu-mfsd", {"msu-mfsd": folder / "msu"}, tmp_path / "msu-mfsd", "small", 1,
        lambda done, total: None, stills=False,
    )  # fmt: skip
    halves = [set(data.subjects(split)) for split in (Split.DEVELOPMENT, Split.TEST)]
    assert [len(half) for half in halves] == [2, 2]
    assert not halves[0] & halves[1]
    assert data.counts()[Split.TEST] == data.counts()[Split.DEVELOPMENT] == (2, 2)


def test_both_tables_ask_for_the_same_runs_and_all_ten_columns():
    first, second = plan_of("motion/1", REQUEST), plan_of("motion/2", REQUEST)
    columns = [*COLUMNS, SHUFFLED, STILL]
    assert len(columns) == 12
    assert len(first.rows) == len(second.rows) == 3 * 12
    assert len(first.trials) == 3 * 12 * 3  # data sets, columns, seeds
    assert len(second.trials) == 2 * 12 * 3  # nothing is trained on the controlled set
    assert set(second.trials) < set(first.trials)
    assert [trial.seed for trial in first.trials] == sorted(trial.seed for trial in first.trials)
    crossed = {trial.dataset: trial.tests for trial in first.trials}
    assert crossed == {
        "replay-attack-controlled": (),
        "replay-attack-adverse": ("replay-attack-controlled", "msu-mfsd"),
        "msu-mfsd": ("replay-attack-controlled",),
    }


@pytest.mark.parametrize(("key", "printed"), [("motion/1", TABLE_1), ("motion/2", TABLE_2)])
def test_every_published_row_is_measured_and_others_say_that_they_are_ours(key, printed):
    plan = plan_of(key, REQUEST)
    published = {(row.group, row.name) for row in printed.rows}
    names = {(row.group, row.name) for row in plan.rows}
    assert published <= names
    assert all(group.startswith(ADDED) for group, _ in names - published)
    trials = {(trial.dataset, trial.model) for trial in plan.trials}
    assert all((row.dataset, model) in trials for row in plan.rows for model in row.models)
    assert set(plan.columns) == set(printed.columns)


def test_the_claims_compare_rows_on_the_same_people():
    first, second = plan_of("motion/1", REQUEST), plan_of("motion/2", REQUEST)
    assert len(first.claims) == 3 * (3 + 2)  # data sets; (a) and the controls
    assert len(second.claims) == 3 * (4 + 2 + 2)  # pairs; (b), (c) and the controls
    for plan in (first, second):
        people = {(row.group, row.name): row.people for row in plan.rows}
        for claim in plan.claims:
            assert people[claim.first[0]] == people[claim.second[0]]
    hurts = next(claim for claim in first.claims if "hurts LBP" in claim.words)
    assert (hurts.first, hurts.second) == (((CONTROLLED, "LBP"),), ((CONTROLLED, "LBP^M"),))


def test_a_control_differs_from_its_column_in_the_order_of_frames_alone():
    trials = {t.column: t for t in plan_of("motion/1", REQUEST).trials if t.dataset == "msu-mfsd"}
    plain, shuffled = trials["CNN-LSTM"].settings, trials[SHUFFLED].settings
    assert replace(shuffled, order="in_order") == plain
    assert trials[STILL].settings.order == "still"
    magnified = trials["CNN-LSTM^AM"].settings
    assert (magnified.variant, magnified.preset) == ("cnn-lstm-a", "face-motion")
    assert cache_name("clips", shuffled) == "clips-112-plain-shuffled"
    assert trials["CNN"].cache == trials["CNN-LSTM^A"].cache != trials["CNN^M"].cache


def test_runs_of_other_settings_have_folders_of_their_own_and_seeds_do_not():
    settings = MotionSettings(cnn="small")
    name = model_name("CNN", settings)
    assert name == model_name("CNN", replace(settings, seed=4, steps=7))
    for change in ({"cnn": "vgg16"}, {"freeze_cnn": True}, {"window_s": 2.0}):
        assert model_name("CNN", replace(settings, **change)) != name


def test_the_full_size_is_the_papers_where_it_states_something():
    [trial, *_] = plan_of(
        "motion/2",
        replace(REQUEST, size="full", motion=MotionRequest(("cnn-lstm^am",))),
    ).trials
    assert isinstance(trial, NetworkTrial)
    assert (trial.settings.cnn, trial.settings.learning_rate) == ("vgg16", 1e-5)


def test_faulty_requests_are_refused(tmp_path):
    with pytest.raises(BonafideError, match="no such column"):
        plan_of("motion/1", replace(REQUEST, motion=MotionRequest(("GAN",))))
    with pytest.raises(BonafideError, match="takes no --variants"):
        plan_of("ms-fans/2", replace(REQUEST, motion=MotionRequest(("LBP",))))
    with pytest.raises(BonafideError, match="holds no imported weights"):
        plan_of("motion/1", replace(REQUEST, motion=MotionRequest(weights=Path("none"))))
