"""OULU-NPU: four protocols, all folds, labels of lists against labels of names."""

import pytest
from miniature import oulu_clips, oulu_label, oulu_lists, oulu_tree, touch, write_lists

from bonafide.datasets import oulu_npu as oulu_module
from bonafide.datasets.errors import (
    CountError,
    LayoutError,
    MissingFilesError,
    PolarityError,
    UnknownNameError,
)
from bonafide.datasets.loaders import resolution_remarks
from bonafide.datasets.oulu_npu import oulu_npu, part_names
from bonafide.datasets.protocol import count_rows
from bonafide.types import Split

TRAIN, DEVELOPMENT, TEST = Split.TRAIN, Split.DEVELOPMENT, Split.TEST
ALL_FOLDS = [(1, 0), (2, 0)] + [(protocol, fold) for protocol in (3, 4) for fold in range(1, 7)]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return oulu_tree(tmp_path_factory.mktemp("oulu"))


def test_the_release_has_1800_1350_and_1800_clips():
    assert [len(names) for names in oulu_clips().values()] == [1800, 1350, 1800]


@pytest.mark.parametrize(("protocol", "fold"), ALL_FOLDS)
def test_every_protocol_and_fold_has_the_published_numbers(full, protocol, fold):
    published = {
        1: {TRAIN: (240, 960), DEVELOPMENT: (180, 720), TEST: (120, 480)},
        2: {TRAIN: (360, 720), DEVELOPMENT: (270, 540), TEST: (360, 720)},
        3: {TRAIN: (300, 1200), DEVELOPMENT: (225, 900), TEST: (60, 240)},
        4: {TRAIN: (200, 400), DEVELOPMENT: (150, 300), TEST: (20, 40)},
    }
    rows = oulu_npu(full, protocol=protocol, fold=fold)
    assert count_rows(rows) == published[protocol]
    if fold:
        assert {row.device for row in rows if row.split is TEST} == {f"phone{fold}"}
        assert f"phone{fold}" not in {row.device for row in rows if row.split is not TEST}
    if protocol == 1:
        assert {row.session for row in rows if row.split is TEST} == {"session3"}


@pytest.mark.parametrize(("protocol", "fold"), ALL_FOLDS)
def test_the_rule_and_the_lists_name_the_same_clips(protocol, fold):
    for path, lines in oulu_lists(oulu_clips(), protocol, fold).items():
        part = path.rpartition("/")[2].removesuffix(".txt").split("_")[0]
        assert part_names(protocol, fold, part) == sorted(line.split(",")[1] for line in lines)


def test_details_name_the_printer_and_the_screen(full):
    rows = oulu_npu(full, protocol=2)
    test = {(row.pai_species, row.pai_detail) for row in rows if row.split is TEST}
    assert test == {("bona_fide", ""), ("print", "print2"), ("replay", "replay2")}
    train = {row.pai_detail for row in rows if row.split is TRAIN}
    assert train == {"", "print1", "replay1"}


def test_trap_protocol_4_has_20_bona_fide_test_clips_and_the_record_says_so(full):
    remarks = resolution_remarks(oulu_npu(full, protocol=4, fold=1))
    assert "BPCER moves in steps of 5 %" in remarks[-1]


def test_trap_early_releases_hide_the_test_names(tmp_path):
    oulu_tree(tmp_path, users=1)
    lines = [f"{oulu_label(n)},{number:05X}" for number, n in enumerate(oulu_clips(1)["Test"])]
    hidden = [line for line, n in zip(lines, oulu_clips(1)["Test"], strict=True) if "_3_36" in n]
    touch(tmp_path, (f"Test_files/{line.split(',')[1]}.avi" for line in hidden))
    write_lists(tmp_path, {"Protocols/Protocol_1/Test.txt": hidden})
    rows = [row for row in oulu_npu(tmp_path, protocol=1, partial=True) if row.split is TEST]
    assert len(rows) == len(hidden) == 30
    assert {row.capture_subject for row in rows} == {"oulu_npu/unstated_test"}
    assert {(row.device, row.session, row.pai_detail) for row in rows} == {("", "", "")}
    assert [row.pai_species for row in rows].count("bona_fide") == 6


def test_trap_polarity_every_label_that_contradicts_its_name_is_listed(tmp_path):
    oulu_tree(tmp_path, users=1)
    path = "Protocols/Protocol_1/Train.txt"
    lines = (tmp_path / path).read_text().split()
    wrong = [f"-1,{line.split(',')[1]}" for line in lines if line.startswith("+1")][:2]
    kept = [line for line in lines if line.split(",")[1] not in {w.split(",")[1] for w in wrong}]
    write_lists(tmp_path, {path: kept + wrong})
    with pytest.raises(PolarityError, match="2 label") as caught:
        oulu_npu(tmp_path, protocol=1, partial=True)
    assert all(line in str(caught.value) for line in wrong)


@pytest.mark.parametrize("line", ["1,1_1_01_1", "+1,1_3_01_1", "+1,1_1_21_1", "0,1_1_01_2", "x"])
def test_lines_that_break_the_protocols_rule_are_refused(tmp_path, line):
    oulu_tree(tmp_path, users=1)
    path = tmp_path / "Protocols/Protocol_1/Train.txt"
    lines = [kept for kept in path.read_text().split() if kept.split(",")[1] not in line]
    path.write_text("\n".join([*lines, line]))
    with pytest.raises(LayoutError, match="1 line") as caught:
        oulu_npu(tmp_path, protocol=1, partial=True)
    assert line in str(caught.value)


def test_missing_files_lists_and_numbers(tmp_path):
    oulu_tree(tmp_path, users=1)
    with pytest.raises(CountError, match="Dev_files: 90 clips found, 1350 published"):
        oulu_npu(tmp_path)
    (tmp_path / "Dev_files/1_1_21_1.avi").unlink()
    (tmp_path / "Dev_files/1_1_21_2.avi").unlink()
    assert len(oulu_npu(tmp_path, partial=True)) == 60 + 58 + 30
    (tmp_path / "Protocols/Protocol_1/Dev.txt").unlink()
    with pytest.raises(MissingFilesError, match=r"Dev\.txt"):
        oulu_npu(tmp_path, partial=True)


def test_a_listed_clip_that_is_not_there_is_named(tmp_path, monkeypatch):
    for part in ("Train", "Dev", "Test"):
        monkeypatch.setitem(oulu_module.TOTALS, part, 90)
    oulu_tree(tmp_path, users=1)
    # The number of clips stays right, so that the names alone tell.
    (tmp_path / "Test_files/1_3_36_1.avi").rename(tmp_path / "Test_files/ABCDE.avi")
    with pytest.raises(MissingFilesError, match="1_3_36_1"):
        oulu_npu(tmp_path)


def test_unknown_names_are_listed(tmp_path):
    oulu_tree(tmp_path, users=1)
    strange = ["Train_files/7_1_01_1.avi", "Train_files/1_1_21_1.avi", "Dev_files/ABCDE.avi"]
    touch(tmp_path, strange)
    with pytest.raises(UnknownNameError, match="3 file") as caught:
        oulu_npu(tmp_path, partial=True)
    assert all(name in str(caught.value) for name in strange)


@pytest.mark.parametrize(("protocol", "fold"), [(5, 0), (1, 1), (3, 0), (4, 7), (2, -1), (3, -1)])
def test_protocols_and_folds_that_do_not_exist(tmp_path, protocol, fold):
    with pytest.raises(LayoutError, match="no protocol"):
        oulu_npu(tmp_path, protocol=protocol, fold=fold)
