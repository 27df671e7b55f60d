"""CASIA-SURF: two families of lists with opposite labels, three modalities in one order."""

from pathlib import Path

import pytest
from miniature import surf_challenge, surf_release, touch, write_lists

from bonafide.datasets.casia_surf import FAMILIES, PUBLISHED, casia_surf, rows_of_lists
from bonafide.datasets.errors import (
    CountError,
    LayoutError,
    LeakError,
    MissingFilesError,
    PolarityError,
    UnknownNameError,
)
from bonafide.datasets.loaders import resolution_remarks
from bonafide.datasets.protocol import check_rows, count_rows
from bonafide.types import Label, Split


def flipped(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line[:-1]}{1 - int(line[-1])}" for line in lines))


def full_lists():
    """Lines of the complete challenge lists: 29 266, 9608 and 57 710 of them."""
    base = "Training/{}/CLKJ_AS{:04d}/{}.rssdk"
    lines = {split: [] for split in Split}
    for number in range(29266):
        real = number < 8942
        folder = base.format(
            "real_part" if real else "fake_part", number % 300, "real" if real else "06_enm_b"
        )
        paths = " ".join(f"{folder}/{m}/{number}.jpg" for m in ("color", "depth", "ir"))
        lines[Split.TRAIN].append(f"{paths} {int(real)}")
    for split, folder, total, bona_fide in (
        (Split.DEVELOPMENT, "Val", 9608, 2994),
        (Split.TEST, "Testing", 57710, 17458),
    ):
        for number in range(total):
            stem = f"{folder}/{number // 1000:04d}/{number:06d}"
            lines[split].append(
                f"{stem}-color.jpg {stem}-depth.jpg {stem}-ir.jpg {int(number < bona_fide)}"
            )
    return lines


@pytest.fixture(scope="module")
def complete():
    return rows_of_lists(full_lists(), FAMILIES["challenge"], Path("nowhere"))


def test_the_complete_lists_have_the_published_numbers(complete):
    rows = complete
    assert count_rows(rows) == {
        Split.TRAIN: (8942, 20324),
        Split.DEVELOPMENT: (2994, 6614),
        Split.TEST: (17458, 40252),
    }
    check_rows(rows, published=PUBLISHED, partial=False, where="lists")
    kept = [row for row in rows if not row.path.startswith("Val/0000/000000")]
    with pytest.raises(CountError, match="2993 bona fide and 6614 attacks found, 2994"):
        check_rows(kept, published=PUBLISHED, partial=False, where="lists")


@pytest.mark.parametrize("make", [surf_challenge, surf_release])
def test_three_registered_paths_that_exist(tmp_path, make):
    rows = casia_surf(make(tmp_path), partial=True)
    for row in rows:
        for path, word in (
            (row.path, "color"),
            (row.depth_path, "depth"),
            (row.infrared_path, "ir"),
        ):
            assert Path(path).is_file()
            assert word in path.rpartition("rssdk")[2].rpartition("/0000/")[2]


def test_trap_the_two_families_have_opposite_labels(tmp_path):
    challenge = casia_surf(surf_challenge(tmp_path / "a"), partial=True)
    release = casia_surf(surf_release(tmp_path / "b"), partial=True)
    for rows in (challenge, release):
        labels = {("real_part" in row.path): row.label for row in rows if "_part" in row.path}
        assert labels == {True: Label.BONA_FIDE, False: Label.ATTACK}
    assert (tmp_path / "a/train_list.txt").read_text().splitlines()[0].endswith(" 1")
    assert (tmp_path / "b/CASIA_SURF@p1_image_train.txt").read_text().split("\n")[0][-1] == "0"


@pytest.mark.parametrize(
    ("make", "name"),
    [(surf_challenge, "train_list.txt"), (surf_release, "CASIA_SURF@p1_image_test.txt")],
)
def test_trap_polarity_labels_against_the_folder_are_all_listed(tmp_path, make, name):
    make(tmp_path)
    flipped(tmp_path / name)
    lines = (tmp_path / name).read_text().splitlines()
    with pytest.raises(PolarityError, match=f"{len(lines)} label") as caught:
        casia_surf(tmp_path, partial=True)
    assert all(line in str(caught.value) for line in lines)


def test_trap_list_order_is_colour_depth_infrared(tmp_path):
    surf_challenge(tmp_path)
    row = casia_surf(tmp_path, partial=True)[0]
    assert "/depth/" in row.depth_path
    assert "/ir/" in row.infrared_path
    path = tmp_path / "val_private_list.txt"
    swapped = []
    for line in path.read_text().splitlines():
        color, depth, infrared, label = line.split()
        swapped.append(f"{color} {infrared} {depth} {label}")
    path.write_text("\n".join(swapped))
    with pytest.raises(LayoutError, match=f"{len(swapped)} line") as caught:
        casia_surf(tmp_path, partial=True)
    assert swapped[-1] in str(caught.value)


def test_trap_public_lists_have_no_labels(tmp_path):
    surf_challenge(tmp_path)
    private = tmp_path / "val_private_list.txt"
    (tmp_path / "val_public_list.txt").write_text(
        "\n".join(line.rpartition(" ")[0] for line in private.read_text().splitlines())
    )
    private.unlink()
    with pytest.raises(MissingFilesError, match="no labels"):
        casia_surf(tmp_path)
    private.write_text((tmp_path / "val_public_list.txt").read_text())
    with pytest.raises(LayoutError, match="not of this list"):
        casia_surf(tmp_path, partial=True)


def test_trap_no_false_positive_rate_below_one_attack_can_be_measured(tmp_path, complete):
    remarks = resolution_remarks(casia_surf(surf_challenge(tmp_path), partial=True))
    assert "no false positive rate below 50 %" in remarks[-1]
    assert "below 0.0025 %" in resolution_remarks(complete)[-1]


def test_people_are_never_made_up(tmp_path):
    rows = casia_surf(surf_challenge(tmp_path), partial=True)
    people = {split: {r.capture_subject for r in rows if r.split is split} for split in Split}
    assert people[Split.TRAIN] == {"casia_surf/CLKJ_AS0001", "casia_surf/CLKJ_BS0002"}
    assert people[Split.DEVELOPMENT] == {"casia_surf/unstated_val"}
    assert people[Split.TEST] == {"casia_surf/unstated_testing"}


def test_one_person_in_two_splits_is_listed(tmp_path):
    surf_release(tmp_path)
    base = "Data/Testing/real_part/CLKJ_CS0000/real.rssdk"
    touch(tmp_path, (f"{base}/{m}/0009.jpg" for m in ("color", "depth", "ir")))
    path = tmp_path / "CASIA_SURF@p1_image_test.txt"
    path.write_text(path.read_text() + f"CASIA_SURF/{base}/color/0009.jpg 0\n")
    with pytest.raises(LeakError, match="casia_surf/CLKJ_CS0000: test, train"):
        casia_surf(tmp_path, partial=True)


def test_attack_types_belong_to_their_split(tmp_path):
    surf_release(tmp_path)
    rows = casia_surf(tmp_path, partial=True)
    assert {row.pai_detail for row in rows if row.split is Split.TRAIN} == {"", "04_en_b"}
    path = tmp_path / "CASIA_SURF@p1_image_train.txt"
    path.write_text(path.read_text().replace("04_en_b", "09_hat_b"))
    with pytest.raises(UnknownNameError, match="09_hat_b"):
        casia_surf(tmp_path, partial=True)


def test_missing_depth_and_unknown_files_are_listed(tmp_path):
    surf_challenge(tmp_path)
    with pytest.raises(CountError, match="8942"):
        casia_surf(tmp_path)
    gone = ["Val/0000/000000-depth.jpg", "Val/0000/000001-ir.jpg"]
    for name in gone:
        (tmp_path / name).unlink()
    with pytest.raises(MissingFilesError) as caught:
        casia_surf(tmp_path)
    assert all(name in str(caught.value) for name in gone)
    assert len(casia_surf(tmp_path, partial=True)) == 14
    touch(tmp_path, ["Val/0000/000000-thermal.jpg"])
    with pytest.raises(UnknownNameError, match="thermal"):
        casia_surf(tmp_path, partial=True)


def test_both_families_in_one_root_must_be_told_apart(tmp_path):
    surf_challenge(tmp_path)
    surf_release(tmp_path)
    with pytest.raises(LayoutError, match="opposite"):
        casia_surf(tmp_path, partial=True)
    challenge = casia_surf(tmp_path, family="challenge", partial=True)
    release = casia_surf(tmp_path, family="release", partial=True)
    assert (len(challenge), len(release)) == (16, 12)
    with pytest.raises(LayoutError, match="no family"):
        casia_surf(tmp_path, family="other")
    with pytest.raises(LayoutError, match="no labelled list"):
        casia_surf(touch(tmp_path / "c", ["x.jpg"]))
    write_lists(tmp_path / "d", {"train_list.txt": ["x"]})
    with pytest.raises(LayoutError, match="holds no list of the family 'release'"):
        casia_surf(tmp_path / "d", family="release")
