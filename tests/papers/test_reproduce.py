"""A table is run, resumed, and written, on a miniature in CASIA-FASD's layout."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tests import verbs
from tests.device import DEVICE
from tests.papers.casia_miniature import write_miniature

from bonafide.evaluation.score_file import read_test
from bonafide.models.ms_fans import PAPER_GROUPS, PAPER_SCALES
from bonafide.papers import ms_fans_runs
from bonafide.papers.data import parse_roots, prepare_data
from bonafide.papers.measure import DONE, scores_path
from bonafide.papers.ms_fans_trial import MsFansTrial, with_scales
from bonafide.papers.plan import Request
from bonafide.papers.reproduce import plan_of
from bonafide.papers.twins import plan_stills
from bonafide.simulator.twins import plan_twin
from bonafide.training.crop_cache import CropCache
from bonafide.training.face_caches import Caches
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.types import BonafideError, Split

REQUEST = Request("small", (0, 1), None, "32-true")


def run(*words):
    return verbs.run("reproduce", *words).output


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory, astronaut, write_clip):
    """Table II with one seed and a few steps; (output, root, what the verb printed)."""
    folder = tmp_path_factory.mktemp("reproduce")
    root = write_miniature(folder / "casia", astronaut, write_clip, train=3, test=2)
    arguments = ["ms-fans/2", "-o", folder / "out", "--data", f"casia-fasd={root}"]
    arguments += ["--steps", 3, "--seeds", "0", "--device", DEVICE]
    return folder / "out", arguments, run(*arguments)


def test_the_table_holds_published_beside_measured_and_says_simulated(reproduced):
    output, _, printed = reproduced
    table = json.loads((output / "table.json").read_text())
    assert [row["name"] for row in table["rows"]] == [str(scale) for scale in PAPER_SCALES]
    for row in table["rows"]:
        assert set(row) == {"group", "name", "published", "measured"}
        assert row["published"]["section"] == "Table II, section IV-B"
        assert row["measured"]["simulated"] is True
        assert "(simulated)" in row["measured"]["dataset"]
        assert 0 <= row["measured"]["rates"]["eer"]["mean"] <= 1
        assert row["measured"]["cost"]["paper_gflops"] == pytest.approx(0.025397, abs=1e-6)
    assert table["rows"][0]["published"]["printed"] == {"EER %": "5.93"}
    assert printed.count("simulated") >= len(PAPER_SCALES)
    assert "no development part" in " ".join(
        table["notes"] + table["data"]["casia-fasd"]["remarks"]
    )


def test_the_page_is_one_file_and_every_measured_row_says_simulated(reproduced):
    page = (reproduced[0] / "index.html").read_text()
    assert not re.search(r"(src|href)=.https?:", page)
    assert page.count('<span class="simulated">simulated</span>') == len(PAPER_SCALES)
    assert "The data are simulated." in page


def test_thresholds_and_weights_come_from_development_people_alone(reproduced):
    output, _, _ = reproduced
    splits = json.loads((output / "table.json").read_text())["data"]["casia-fasd"]["splits"]
    people = {name: set(one["capture_subjects"]) for name, one in splits.items()}
    assert not people["development"] & (people["test"] | people["train"])
    for folder in (output / "runs" / "casia-fasd").glob("*/seed0"):
        point = json.loads((folder / "operating_point.json").read_text())
        assert point["development"]["subjects"] == len(people["development"])
        assert read_test(scores_path(folder, Split.TEST)).subjects() == people["test"]


def test_a_finished_row_is_not_run_again_and_a_broken_off_one_is(reproduced):
    output, arguments, _ = reproduced
    kept = output / "runs" / "casia-fasd" / "cnn_s-single-1.0" / "seed0"
    broken = output / "runs" / "casia-fasd" / "cnn_s-single-1.1" / "seed0"
    before = (kept / "model.safetensors").stat().st_mtime_ns
    scores = scores_path(broken, Split.TEST).read_text()
    (broken / DONE).unlink()
    scores_path(broken, Split.TEST).unlink()
    run(*arguments)
    assert (kept / "model.safetensors").stat().st_mtime_ns == before
    assert scores_path(broken, Split.TEST).read_text() == scores
    assert (broken / DONE).exists()


def test_other_steps_in_the_same_folder_are_refused(reproduced):
    _, arguments, _ = reproduced
    with pytest.raises(BonafideError, match="another number of steps"):
        run(*[4 if word == 3 else word for word in arguments])


def test_runs_on_clips_that_were_replaced_are_refused(reproduced):
    """As when a twin was drawn anew by another simulator: the same names, other pictures."""
    output, arguments, _ = reproduced
    clip = next((output.parent / "casia").rglob("*.avi"))
    before = clip.read_bytes()
    clip.write_bytes(before + b"\0")
    try:
        with pytest.raises(BonafideError, match="was run on other data"):
            run(*arguments, "--no-train")
    finally:
        clip.write_bytes(before)


def test_without_training_the_page_has_what_is_finished(reproduced, tmp_path):
    output, arguments, _ = reproduced
    part = [tmp_path if word == output else word for word in arguments]
    part = ["0,1" if word == "0" else word for word in part]
    crops = output / "data" / "casia-fasd" / "crops"
    aside = crops.rename(crops.with_name("aside"))
    run(*part, "--runs", output, "--no-train")
    assert not crops.exists()  # nothing is cut for a page alone
    aside.rename(crops)
    table = json.loads((tmp_path / "table.json").read_text())
    assert [list(row["measured"]["by_seed"]) for row in table["rows"]] == [["0"]] * 7
    assert "7 of 14 runs are not finished" in table["notes"][-1]
    with pytest.raises(BonafideError, match="no row is finished"):
        run(*["5" if word == "0" else word for word in arguments], "--runs", output, "--no-train")


@pytest.mark.slow
def test_processes_side_by_side_give_what_one_gives(reproduced, tmp_path):
    output, arguments, _ = reproduced
    beside = [tmp_path if word == output else word for word in arguments]
    run(*beside, "--workers", 2)
    tables = [json.loads((folder / "table.json").read_text()) for folder in (output, tmp_path)]
    rates = [[row["measured"]["by_seed"] for row in table["rows"]] for table in tables]
    assert rates[0] == rates[1]


@pytest.mark.parametrize("key", ms_fans_runs.TABLES)
def test_every_planned_row_has_its_trials_and_its_published_row(key):
    plan = plan_of(key, REQUEST)
    assert plan.published.key == key
    trials = {(trial.dataset, trial.model) for trial in plan.trials}
    ours = [trial for trial in plan.trials if isinstance(trial, MsFansTrial)]
    deep = [trial for trial in ours if trial.settings.cnn == "cnn_d"]
    assert [trial.seed for trial in deep] == [0] * (key in ("ms-fans/4", "ms-fans/5"))
    assert len(ours) - len(deep) == 2 * len({t.model for t in ours if t not in deep})
    published = {(row.group, row.name) for row in plan.published.rows}
    names = [(row.group, row.name) for row in plan.rows]
    assert len(set(names)) == len(names)
    for row in plan.rows:
        assert all((row.dataset, model) in trials for model in row.models)
        assert (row.group, row.name) in published or row.group.startswith("not in the paper")
    for claim in plan.claims:
        assert set(claim.first) | set(claim.second) <= set(names)
    assert set(plan.columns) <= set(plan.published.columns)


def test_table_three_has_all_groups_and_its_best_single_scale_is_chosen_among_the_group():
    plan = plan_of("ms-fans/3", REQUEST)
    singles = [row for row in plan.rows if row.name == "Best Single Scale"]
    assert [len(row.models) for row in singles] == [3] * len(PAPER_GROUPS)
    fused = {row.models[0] for row in plan.rows if row.name == "MS-FANS"}
    assert fused == {"-".join(["cnn_s", "lstm", *map(str, group)]) for group in PAPER_GROUPS}


def test_the_paper_settings_are_the_papers_and_the_small_size_says_what_is_not():
    full = ms_fans_runs.settings_of(replace(REQUEST, size="full"))
    assert (full.learning_rate, full.momentum, full.weight_decay) == (2e-4, 0.9, 5e-4)
    assert full.jitter == full.focus == full.border == 0  # the window is the only augmentation
    small = ms_fans_runs.settings_of(REQUEST)
    assert small.learning_rate != full.learning_rate
    assert "the paper's 0.0002 learns too slowly" in ms_fans_runs.notes_of(REQUEST)[0]


def test_a_row_takes_its_columns_of_the_shared_crops():
    crops = np.arange(2 * 7, dtype=np.uint8).reshape(2, 7, 1, 1, 1)
    caches = Caches({}, {Split.TRAIN: CropCache(crops, [], [])})
    part = with_scales(caches, (1.1, 1.2, 1.3)).crops[Split.TRAIN].crops
    assert part.ravel().tolist() == [2, 3, 4, 9, 10, 11]
    with pytest.raises(ValueError, match="not neighbours"):
        with_scales(caches, (0.9, 1.1))


def test_a_cost_is_the_papers_and_counts_what_is_deployed():
    cost = MsFansTrial("casia-fasd", MsFansSettings()).cost()
    assert cost.paper_gflops == pytest.approx(0.076191, abs=1e-6)
    cnn = 48 * 27 + 2 * 48 + 96 * 48 * 9 + 2 * 96 + 1024 * 6 * 6 * 96 + 1024
    assert cost.parameters == cnn + (4 * 1024 + 4 + 8) + (2 * 1024 + 2)
    assert cost.ms > 0


def test_the_twin_of_stills_has_every_clip_of_all_people():
    plan = plan_stills("replay-attack")
    assert [job.name for job in plan.jobs] == [
        job.name for job in plan_twin("replay-attack", "medium", 0).jobs
    ]
    assert len({job.group for job in plan.jobs}) == 50
    assert {job.form.frames for job in plan.jobs} == {(4, 4)}


@pytest.mark.parametrize("option", ["casia-fasd", "casia-fasd=", "nobody=/x"])
def test_faulty_roots_are_refused(option):
    with pytest.raises(BonafideError, match="NAME=ROOT"):
        parse_roots([option])


def test_faulty_requests_are_refused(tmp_path):
    with pytest.raises(BonafideError, match="Tables that can be run: ms-fans/2"):
        plan_of("ms-fans/9", REQUEST)
    for words, problem in (
        (["--size", "huge"], "unknown size"),
        (["--seeds", "0,0"], "different whole numbers"),
        (["--seeds", "a"], "different whole numbers"),
    ):
        with pytest.raises(BonafideError, match=problem):
            run("ms-fans/2", "-o", tmp_path, *words)


def test_a_root_without_the_layout_is_refused(tmp_path):
    with pytest.raises(BonafideError, match="no folder"):
        prepare_data(
            "casia-fasd", {"casia-fasd": tmp_path / "no"}, tmp_path, "small", 1,
            lambda done, total: None, stills=True,
        )  # fmt: skip
