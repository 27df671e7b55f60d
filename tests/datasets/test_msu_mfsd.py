"""MSU-MFSD: halves by person, rotated clips, ids of two and three digits."""

import pytest
from miniature import MSU_TEST, MSU_TRAIN, msu_mfsd_names, touch, write_lists

from bonafide.datasets.errors import LayoutError, MissingFilesError, UnknownNameError
from bonafide.datasets.msu_mfsd import complete_names, msu_mfsd
from bonafide.datasets.protocol import count_rows
from bonafide.types import Split


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    root = touch(tmp_path_factory.mktemp("msu"), msu_mfsd_names())
    write_lists(
        root, {"train_sub_list.txt": MSU_TRAIN.split(), "test_sub_list.txt": MSU_TEST.split()}
    )
    return touch(root, ["real/real_client001_android_SD_scene01.face"])


def test_the_loader_knows_the_280_names():
    assert complete_names() == sorted(msu_mfsd_names())
    assert len(msu_mfsd_names()) == 280


def test_published_numbers_and_the_two_halves_by_person(full):
    rows = msu_mfsd(full)
    assert count_rows(rows) == {
        Split.TRAIN: (30, 90),
        Split.DEVELOPMENT: (20, 60),
        Split.TEST: (20, 60),
    }
    people = {split: {row.capture_subject for row in rows if row.split is split} for split in Split}
    assert {split: len(names) for split, names in people.items()} == {
        Split.TRAIN: 15,
        Split.DEVELOPMENT: 10,
        Split.TEST: 10,
    }
    both = people[Split.DEVELOPMENT] | people[Split.TEST]
    assert both == {f"msu_mfsd/client0{number}" for number in MSU_TEST.split()}


def test_the_seed_draws_the_halves(full):
    def halves(seed):
        rows = msu_mfsd(full, seed=seed)
        return {row.capture_subject for row in rows if row.split is Split.TEST}

    assert halves(3) == halves(3)
    assert halves(3) != halves(4)


def test_trap_six_android_clips_are_upside_down_and_no_other(full):
    turned = {row.presentation for row in msu_mfsd(full) if row.rotation_deg}
    assert turned == {
        f"msu_mfsd/real/real_client00{n}_android_SD_scene01" for n in (3, 5, 6, 7, 8, 9)
    }
    after = [row for row in msu_mfsd(full) if "client003" in row.presentation]
    assert [row.rotation_deg for row in after if row.device == "laptop"] == [0] * 4


def test_trap_lists_have_two_digits_and_files_three(full):
    assert {row.capture_subject[-3:] for row in msu_mfsd(full)} == {
        f"0{number}" for number in f"{MSU_TRAIN} {MSU_TEST}".split()
    }


def test_a_subject_list_that_differs_is_refused(tmp_path):
    touch(tmp_path, msu_mfsd_names())
    write_lists(tmp_path, {"test_sub_list.txt": [*MSU_TEST.split()[1:], "02"]})
    with pytest.raises(LayoutError, match="differs in:\n  01\n  02"):
        msu_mfsd(tmp_path)


def test_unknown_people_suffixes_and_instruments_are_listed(tmp_path):
    touch(tmp_path, msu_mfsd_names("02 01 13"))
    strange = [
        "real/real_client004_android_SD_scene01.mp4",
        "real/real_client001_laptop_SD_scene01.mp4",
        "attack/attack_client001_laptop_SD_mask_scene01.mov",
        "attack/attack_client001_laptop_SD_scene01.mov",
    ]
    touch(tmp_path, strange)
    with pytest.raises(UnknownNameError, match="4 file") as caught:
        msu_mfsd(tmp_path, partial=True)
    assert all(name in str(caught.value) for name in strange)


def test_missing_files_are_listed_unless_partial(tmp_path):
    touch(tmp_path, msu_mfsd_names("02 01 13"))
    with pytest.raises(MissingFilesError, match="256 file"):
        msu_mfsd(tmp_path)
    assert len(msu_mfsd(tmp_path, partial=True)) == 24
