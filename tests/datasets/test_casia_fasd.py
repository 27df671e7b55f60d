"""CASIA-FASD: labels by video number, seven scenarios, people counted across folders."""

import pytest
from miniature import casia_fasd_names, touch

from bonafide.datasets.casia_fasd import (
    SCENARIOS,
    VIDEOS,
    casia_fasd,
    complete_names,
)
from bonafide.datasets.errors import LayoutError, MissingFilesError, UnknownNameError
from bonafide.datasets.protocol import count_rows
from bonafide.types import Label, Split


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return touch(tmp_path_factory.mktemp("casia"), casia_fasd_names())


def test_the_loader_knows_the_600_names():
    assert complete_names() == sorted(casia_fasd_names())
    assert len(casia_fasd_names()) == 600


def test_overall_has_the_published_numbers(full):
    counts = count_rows(casia_fasd(full))
    assert counts[Split.TEST] == (90, 270)
    train = [sum(pair) for pair in zip(*(counts[s] for s in ("train", "development")), strict=True)]
    assert train == [60, 180]
    assert sum(map(sum, counts.values())) == 600


# Per person: 1 bona fide and 3 attack clips of a quality; 3 and 3 of one attack over qualities.
@pytest.mark.parametrize(
    ("scenario", "bona_fide", "attacks"),
    [
        ("low", 1, 3),
        ("normal", 1, 3),
        ("high", 1, 3),
        ("warped", 3, 3),
        ("cut", 3, 3),
        ("video", 3, 3),
        ("overall", 3, 9),
    ],
)
def test_the_seven_scenarios(full, scenario, bona_fide, attacks):
    counts = count_rows(casia_fasd(full, scenario=scenario))
    assert counts == {
        Split.TRAIN: (15 * bona_fide, 15 * attacks),
        Split.DEVELOPMENT: (5 * bona_fide, 5 * attacks),
        Split.TEST: (30 * bona_fide, 30 * attacks),
    }


def test_scenarios_take_the_documented_video_numbers():
    assert SCENARIOS["low"] == {"2", "4", "6", "8"}
    assert SCENARIOS["high"] == {"HR_1", "HR_2", "HR_3", "HR_4"}
    assert SCENARIOS["warped"] == {"1", "2", "HR_1", "3", "4", "HR_2"}
    assert SCENARIOS["video"] == {"1", "2", "HR_1", "7", "8", "HR_4"}


def test_trap_hr_1_is_bona_fide_and_the_label_comes_from_the_video_number(full):
    rows = casia_fasd(full)
    bona_fide = {row.path.rpartition("/")[2] for row in rows if row.label is Label.BONA_FIDE}
    assert bona_fide == {"1.avi", "2.avi", "HR_1.avi"}
    species = {number: video.species for number, video in VIDEOS.items()}
    assert species["HR_2"] == species["3"] == "print_warped"
    assert species["HR_3"] == species["5"] == "print_cut"
    assert species["HR_4"] == species["7"] == "replay"


def test_trap_a_label_folder_in_the_tree_is_refused_and_not_believed(tmp_path):
    touch(tmp_path, casia_fasd_names(4, 3))
    touch(tmp_path, ["train_release/1/spoof/HR_1.avi", "spoof/s1vHR_1f1.png"])
    with pytest.raises(UnknownNameError, match="2 file"):
        casia_fasd(tmp_path, partial=True)


def test_trap_folder_1_of_test_is_person_21(full):
    rows = casia_fasd(full)
    people = {row.capture_subject for row in rows}
    assert people == {f"casia_fasd/{n:02d}" for n in range(1, 51)}
    assert {row.capture_subject for row in rows if "/test_release/1/" in row.path} == {
        "casia_fasd/21"
    }


def test_trap_no_development_part_so_one_is_made_of_whole_train_people(full):
    def held_out(seed, scenario="overall"):
        rows = casia_fasd(full, scenario=scenario, seed=seed)
        return {row.capture_subject for row in rows if row.split is Split.DEVELOPMENT}

    assert len(held_out(0)) == 5
    assert held_out(0) == held_out(0, "low")
    assert held_out(0) != held_out(1)
    assert all(int(name[-2:]) <= 20 for name in held_out(0))


def test_missing_and_unknown_files_are_all_listed(tmp_path):
    names = casia_fasd_names()
    touch(tmp_path, names[:-3])
    with pytest.raises(MissingFilesError) as caught:
        casia_fasd(tmp_path)
    assert all(name in str(caught.value) for name in names[-3:])
    strange = ["train_release/21/1.avi", "test_release/1/9.avi", "train_release/01/1.avi"]
    touch(tmp_path, strange)
    with pytest.raises(UnknownNameError) as caught:
        casia_fasd(tmp_path, partial=True)
    assert all(name in str(caught.value) for name in strange)


def test_an_unknown_scenario_and_one_person_are_refused(tmp_path):
    with pytest.raises(LayoutError, match="no scenario"):
        casia_fasd(tmp_path, scenario="mobile")
    touch(tmp_path, casia_fasd_names(1, 1))
    with pytest.raises(LayoutError, match="at least two"):
        casia_fasd(tmp_path, partial=True)
