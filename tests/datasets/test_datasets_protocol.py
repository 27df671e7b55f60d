"""What every loader ends with, the walk it starts with, and the names on the command line."""

import json
from dataclasses import replace

import pytest
from miniature import (
    casia_fasd_names,
    fill_with_media,
    folder_names,
    mipd_tree,
    msu_mfsd_names,
    oulu_tree,
    replay_attack_names,
    siw_names,
    surf_challenge,
    touch,
)

from bonafide.capture.sources import expand_sources, open_sources
from bonafide.datasets.errors import DatasetError, LayoutError, LeakError, MissingFilesError
from bonafide.datasets.loaders import LOADERS, Asked, load, record_path, write_record
from bonafide.datasets.protocol import check_rows, draw_splits, draw_subjects, rank_by_seed
from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.datasets.tree import media_below, read_list
from bonafide.types import Label, Presentation, Split


def make(root, name):
    """A miniature of every loader's layout; for "manifest" the path of its file."""
    if name == "replay-attack":
        return touch(root, replay_attack_names(1))
    if name == "casia-fasd":
        return touch(root, casia_fasd_names(3, 1))
    if name == "msu-mfsd":
        return touch(root, msu_mfsd_names("02 01 13"))
    if name == "oulu-npu":
        return oulu_tree(root, users=1)
    if name == "siw":
        return touch(root, siw_names(3, 1))
    if name == "casia-surf":
        return surf_challenge(root)
    if name == "folder":
        return touch(root, folder_names(3))
    mipd_tree(root, people=6)
    return root / "MIP-2D/manifest.csv" if name == "manifest" else root


@pytest.mark.parametrize("name", LOADERS)
def test_index_to_table_and_back_for_every_loader(tmp_path, name):
    indexed = load(name, make(tmp_path / "data", name), Asked(partial=True))
    table = tmp_path / "samples.csv"
    write_sample_table(table, indexed.rows)
    write_record(table, name, indexed)
    assert read_sample_table(table) == indexed.rows
    record = json.loads(record_path(table).read_text())
    assert record["settings"]["partial"] is True
    people = {row.capture_subject for row in indexed.rows if row.split is Split.DEVELOPMENT}
    assert record["capture_subjects"].get("development", []) == sorted(people)
    assert str(tmp_path) not in table.read_text()


@pytest.mark.parametrize("name", ["replay-attack", "casia-fasd", "msu-mfsd", "casia-surf"])
def test_the_rows_lead_to_media_that_capture_reads(tmp_path, name):
    root = make(tmp_path, name)
    fill_with_media(root)
    rows = load(name, root, Asked(partial=True)).rows
    paths = [row.path for row in rows[:: max(len(rows) // 6, 1)]]
    for _, opened in open_sources(expand_sources(paths)):
        assert not isinstance(opened, Exception), opened


def test_an_option_that_a_loader_does_not_take_is_refused(tmp_path):
    with pytest.raises(LayoutError, match="takes no option fold"):
        load("msu-mfsd", tmp_path, Asked(fold=1))
    with pytest.raises(LayoutError, match="no known data set"):
        load("mnist", tmp_path)
    with pytest.raises(LayoutError, match="no number"):
        load("oulu-npu", tmp_path, Asked(protocol="one"))
    with pytest.raises(LayoutError, match="is no folder"):
        load("siw", tmp_path / "nowhere")


def rows_of(people):
    """One bona fide and one attack row for (person, split)."""
    return [
        Presentation(
            presentation=f"{person}-{label.value}-{split.value}",
            path="x",
            label=label,
            pai_species="print" if label is Label.ATTACK else "bona_fide",
            capture_subject=person,
            split=split,
            dataset="d",
        )
        for person, split in people
        for label in Label
    ]


def test_every_overlapping_subject_is_listed():
    people = [(f"p{n:02d}", split) for n in range(12) for split in (Split.TRAIN, Split.TEST)]
    with pytest.raises(LeakError, match="12 capture subjects") as caught:
        check_rows(rows_of(people), published=None, partial=True, where="t")
    assert all(f"p{n:02d}: test, train" in str(caught.value) for n in range(12))


def test_a_split_needs_both_classes_ids_are_unique_and_rows_are_needed():
    people = [("a", Split.TRAIN), ("b", Split.DEVELOPMENT), ("c", Split.TEST)]
    rows = rows_of(people)
    check_rows(rows, published=None, partial=False, where="t")
    with pytest.raises(LayoutError, match="test holds bona_fide presentations only"):
        check_rows(rows[:-1], published=None, partial=True, where="t")
    with pytest.raises(DatasetError, match="stand twice:\n  a-attack-train"):
        check_rows([*rows, rows[1]], published=None, partial=True, where="t")
    with pytest.raises(DatasetError, match="no presentation is left"):
        check_rows([], published=None, partial=True, where="t")
    with pytest.raises(DatasetError, match="test: no presentation"):
        check_rows(rows[:4], published=None, partial=False, where="t")


def test_a_draw_moves_nobody_when_a_person_is_missing():
    names = [f"p{n}" for n in range(30)]
    ranked = rank_by_seed(names, 7)
    without = rank_by_seed(names[:10] + names[11:], 7)
    assert without == [name for name in ranked if name != "p10"]
    assert rank_by_seed(names, 8) != ranked
    assert len(draw_subjects(names, 0.25, 0, where="t")) == 8


def test_drawn_splits_keep_the_stated_shares():
    split_of = draw_splits({f"p{n}": frozenset(Label) for n in range(100)}, 0)
    shares = [list(split_of.values()).count(split) for split in Split]
    assert shares == [50, 20, 30]


def test_the_walk_leaves_out_documents_and_hidden_files_only(tmp_path):
    touch(tmp_path, ["b/x.avi", "a.JPG", ".git/y.avi", "._a.jpg", "README", "l.txt", "d.npy"])
    assert media_below(tmp_path) == ["a.JPG", "b/x.avi", "d.npy"]


def test_the_walk_follows_links_but_not_in_circles(tmp_path):
    touch(tmp_path, ["a/x.avi", "elsewhere/y.avi"])
    (tmp_path / "a/again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a/linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert media_below(tmp_path / "a") == ["linked/y.avi", "x.avi"]


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(MissingFilesError, match="cannot be read"):
        read_list(tmp_path / "no.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(LayoutError, match="no text"):
        read_list(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("\n \n")
    with pytest.raises(LayoutError, match="is empty"):
        read_list(tmp_path / "b.txt")


def test_rows_of_one_seed_are_equal(tmp_path):
    root = touch(tmp_path, casia_fasd_names(8, 2))
    first = load("casia-fasd", root, Asked(seed=5, partial=True))
    assert first.rows == load("casia-fasd", root, Asked(seed=5, partial=True)).rows
    assert first.settings["seed"] == 5
    assert [replace(row, split=Split.TRAIN) for row in first.rows] == [
        replace(row, split=Split.TRAIN)
        for row in load("casia-fasd", root, Asked(seed=6, partial=True)).rows
    ]
