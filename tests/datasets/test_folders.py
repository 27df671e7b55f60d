"""A folder of folders: labels by stated names only, people kept whole."""

import pytest
from miniature import folder_names, touch

from bonafide.datasets.errors import LayoutError, LeakError, PolarityError, UnknownNameError
from bonafide.datasets.folders import FolderForm, folders
from bonafide.types import Label, Split


def test_label_folders_with_people_below(tmp_path):
    rows = folders(touch(tmp_path / "faces", folder_names()))
    assert len(rows) == 36
    assert {row.pai_species for row in rows} == {"bona_fide", "print", "replay"}
    assert {row.dataset for row in rows} == {"faces"}
    assert {row.split for row in rows} == set(Split)
    assert folders(tmp_path / "faces") == rows
    assert folders(tmp_path / "faces", seed=1) != rows


def test_split_folders_are_kept(tmp_path):
    names = [
        f"{split}/{label}/{split}{n}/1.jpg"
        for split in ("train", "development", "test")
        for label in ("bona_fide", "mask_rigid")
        for n in range(2)
    ]
    rows = folders(touch(tmp_path, names))
    assert all(row.capture_subject.rpartition("/")[2][:-1] == row.split for row in rows)
    assert {row.pai_detail for row in rows if row.label is Label.ATTACK} == {"mask_rigid"}


def test_a_person_in_two_split_folders_is_a_leak(tmp_path):
    names = [
        f"{split}/{label}/p1/1.jpg"
        for split in ("train", "test")
        for label in ("bona_fide", "print")
    ]
    with pytest.raises(LeakError, match=r"/p1: test, train"):
        folders(touch(tmp_path, names))


@pytest.mark.parametrize("word", ["real", "live", "fake", "spoof", "attack", "0", "1"])
def test_trap_polarity_folder_names_that_are_not_stated_are_refused(tmp_path, word):
    touch(tmp_path, folder_names(labels=("bona_fide", word, "print")))
    with pytest.raises(UnknownNameError, match=word):
        folders(tmp_path)


def test_names_that_the_caller_states_are_taken(tmp_path):
    touch(tmp_path, folder_names(labels=("live", "paper")))
    rows = folders(tmp_path, FolderForm(species={"live": "bona_fide", "paper": "print"}))
    assert {row.label for row in rows if "/live/" in row.path} == {Label.BONA_FIDE}
    assert {row.pai_detail for row in rows if "/paper/" in row.path} == {"paper"}


@pytest.mark.parametrize(
    ("labels", "people", "problem"),
    [
        (("bona_fide",), 6, "no attack presentation"),
        (("print", "replay"), 6, "no bona_fide presentation"),
        (("bona_fide", "print"), 2, "2 people with .* cannot be shared out"),
    ],
)
def test_a_missing_class_and_too_few_people_are_refused(tmp_path, labels, people, problem):
    with pytest.raises(LayoutError, match=problem):
        folders(touch(tmp_path, folder_names(people, labels)))


def test_people_by_a_pattern(tmp_path):
    names = [
        f"{label}/p{n}_{t}.jpg" for label in ("bona_fide", "print") for n in range(4) for t in "ab"
    ]
    touch(tmp_path, names)
    with pytest.raises(LayoutError, match="16 file") as caught:
        folders(tmp_path)
    assert all(name in str(caught.value) for name in names)
    rows = folders(tmp_path, FolderForm(subject_pattern=r"^(?P<subject>p\d)_"))
    assert len({row.capture_subject for row in rows}) == 4
    with pytest.raises(LayoutError, match="group called subject"):
        folders(tmp_path, FolderForm(subject_pattern="p"))
    with pytest.raises(LayoutError, match="no regular expression"):
        folders(tmp_path, FolderForm(subject_pattern="("))


def test_trap_the_casia_dump_that_files_hr_1_under_spoof_is_refused(tmp_path):
    touch(tmp_path, folder_names(labels=("bona_fide", "replay")))
    wrong = [f"replay/p01/s1vHR_1f{n}.png" for n in range(3)]
    touch(tmp_path, [*wrong, "replay/p01/s1vHR_4f1.png", "bona_fide/p01/s1vHR_1f8.png"])
    with pytest.raises(PolarityError, match="3 frame") as caught:
        folders(tmp_path)
    assert all(name in str(caught.value) for name in wrong)


def test_files_that_are_no_media_and_labels_at_the_top_are_listed(tmp_path):
    touch(tmp_path, [*folder_names(), "notes.doc", "print/p01/depth.npy"])
    with pytest.raises(UnknownNameError, match="2 file"):
        folders(tmp_path)
    touch(tmp_path / "b", [*folder_names(), "loose.jpg"])
    with pytest.raises(UnknownNameError, match=r"loose\.jpg"):
        folders(tmp_path / "b")


def test_people_of_one_class_are_shared_out_by_class(tmp_path):
    names = [f"bona_fide/a{n}/1.jpg" for n in range(6)] + [f"print/b{n}/1.jpg" for n in range(6)]
    for seed in range(20):
        rows = folders(touch(tmp_path, names), seed=seed)
        assert {(row.split, row.label) for row in rows} == {(s, x) for s in Split for x in Label}
