"""An audit finds what was planted, and its page says so and loads nothing."""

import re
import shutil
from dataclasses import replace

import pytest
from miniature import folder_names, touch, write_clip, write_photo
from tests.verbs import run

from bonafide.datasets.audit import (
    audit,
    condition_counts,
    same_files,
    shared_subjects,
    species_counts,
    subject_balance,
)
from bonafide.datasets.audit_page import render_audit_page
from bonafide.datasets.folders import folders
from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.types import Label, Presentation, Split


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch):
    monkeypatch.setattr("bonafide.datasets.probes.SHUFFLES", 99)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Ten people with two photos of each of three labels, all different."""
    root = tmp_path_factory.mktemp("audit") / "faces"
    for number, name in enumerate(folder_names(10)):
        write_photo(root / name, seed=number, size=(64, 64))
    return root


def test_clean_data_have_no_findings(media):
    found = audit(folders(media))
    assert found.leaks == 0
    assert found.look_alikes == []
    assert found.unreadable == []
    assert found.flat == 0
    assert (found.rows, found.subjects) == (60, 10)


def test_planted_leaks_are_found(media, tmp_path):
    root = shutil.copytree(media, tmp_path / "faces")
    rows = folders(root)
    train = [row for row in rows if row.split is Split.TRAIN]
    test = [row for row in rows if row.split is Split.TEST]
    shutil.copy(train[0].path, test[0].path)
    number = folder_names(10).index(train[5].path.partition("/faces/")[2])
    write_photo(root / test[7].path.partition("/faces/")[2], number, size=(128, 96), quality=40)
    rows[rows.index(test[3])] = replace(test[3], capture_subject=train[0].capture_subject)
    found = audit(rows)
    assert [one.subject for one in found.shared_subjects] == [train[0].capture_subject]
    assert found.shared_subjects[0].presentations[Split.TEST] == 1
    (same,) = found.same_files
    assert {row.presentation for row in same.rows} == {train[0].presentation, test[0].presentation}
    assert same.across_splits
    assert found.leaks == 2
    pairs = {
        frozenset((pair.first.presentation, pair.second.presentation)) for pair in found.look_alikes
    }
    assert pairs == {
        frozenset((train[0].presentation, test[0].presentation)),
        frozenset((train[5].presentation, test[7].presentation)),
    }


def test_one_file_under_both_labels_is_a_finding(media):
    rows = folders(media)
    attack = next(row for row in rows if row.label is Label.ATTACK)
    twice = replace(
        attack, presentation="again", label=Label.BONA_FIDE, pai_species="bona_fide", pai_detail=""
    )
    (same,) = audit([*rows, twice]).same_files
    assert same.across_labels
    assert not same.across_splits


def test_damaged_and_missing_files_are_listed_and_the_rest_goes_on(media, tmp_path):
    root = shutil.copytree(media, tmp_path / "faces")
    rows = folders(root)
    (root / "print/p03/0.jpg").write_bytes(b"no photo")
    (root / "print/p04/0.jpg").unlink()
    found = audit(rows)
    assert [path.partition("/faces/")[2] for path, _ in found.unreadable] == [
        "print/p03/0.jpg",
        "print/p04/0.jpg",
    ]
    assert found.probes


def test_a_shortcut_in_the_length_of_clips_is_found(tmp_path):
    for number, name in enumerate(folder_names(8, labels=("bona_fide", "replay"))):
        frames = 3 if "bona_fide" in name else 5
        write_clip(tmp_path / name.replace(".jpg", ".avi"), seed=number, frames=frames)
    found = {one.name: one for one in audit(folders(tmp_path)).probes}
    assert found["length"].auc == 1.0
    assert found["length"].is_outside


def rows_by_hand():
    listed = [
        ("a", "bona_fide", Split.TRAIN, "day"),
        ("a", "print", Split.TRAIN, "night"),
        ("a", "print", Split.TRAIN, "night"),
        ("b", "print", Split.TRAIN, "night"),
        ("c", "bona_fide", Split.TEST, "day"),
        ("c", "bona_fide", Split.TEST, "dusk"),
        ("c", "mask_rigid", Split.TEST, "dusk"),
    ]
    return [
        Presentation(
            presentation=str(n),
            path=str(n),
            label=Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK,
            pai_species=species,
            capture_subject=person,
            split=split,
            dataset="d",
            light=light,
            sha256=f"{n % 6}",
        )
        for n, (person, species, split, light) in enumerate(listed)
    ]


def test_tables_of_balance_against_hand_counts():
    rows = rows_by_hand()
    assert [
        (c.split.value, c.species, c.presentations, c.subjects) for c in species_counts(rows)
    ] == [
        ("train", "bona_fide", 1, 1),
        ("train", "print", 3, 2),
        ("test", "bona_fide", 2, 1),
        ("test", "mask_rigid", 1, 1),
    ]
    train, test = subject_balance(rows)
    assert (train.subjects, train.with_both, train.fewest, train.middle, train.most) == (
        2,
        1,
        1,
        2,
        3,
    )
    assert (test.subjects, test.with_both, test.fewest) == (1, 1, 3)
    conditions = {one.value: one for one in condition_counts(rows)}
    assert (conditions["dusk"].bona_fide, conditions["dusk"].attacks) == (1, 1)
    assert [value for value, one in conditions.items() if one.is_one_sided] == ["day", "night"]
    assert shared_subjects(rows) == []
    (same,) = same_files(rows)
    assert [row.presentation for row in same.rows] == ["0", "6"]
    assert same.across_splits
    assert same.across_labels


def test_the_page_loads_nothing_and_escapes_names(media, tmp_path):
    root = tmp_path / "faces"
    shutil.copytree(media, root)
    evil = "<script>alert(1)</script>"
    rows = [replace(row, capture_subject=evil) for row in folders(root)]
    page = render_audit_page(audit(rows), title=evil, remarks=[evil], thumbnails=True)
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"<script|<link|https?://|url\(|@import", page)
    assert page.count("data:image") == 0


def test_thumbnails_show_the_look_alikes_only_when_asked(media, tmp_path):
    root = shutil.copytree(media, tmp_path / "faces")
    rows = folders(root)
    first = next(row for row in rows if row.split is Split.TRAIN)
    second = next(row for row in rows if row.split is Split.TEST)
    shutil.copy(first.path, second.path)
    found = audit(rows)
    assert render_audit_page(found, title="t").count("data:image") == 0
    assert render_audit_page(found, title="t", thumbnails=True).count("data:image") == 2


def test_index_and_audit_from_the_command_line(media, tmp_path):
    table, page = tmp_path / "out" / "samples.csv", tmp_path / "out" / "audit.html"
    result = run("index", f"folder:{media}", "-o", table)
    assert result.exit_code == 0
    assert "60 presentations" in result.output
    rows = read_sample_table(table)
    assert rows == [
        replace(row, sha256=read.sha256) for row, read in zip(folders(media), rows, strict=True)
    ]
    assert all(len(row.sha256) == 64 for row in rows)
    result = run("audit", table, "-o", page)
    assert result.exit_code == 0
    assert "0  people in more than one split" in result.output
    assert "samples.csv" in page.read_text()
    assert "BPCER moves in steps" in page.read_text()
    write_sample_table(table, [replace(row, capture_subject="one") for row in rows])
    assert run("audit", table, "-o", page).exit_code == 1


def test_manifest_options_from_the_command_line(tmp_path):
    names = [f"{n}{kind}.jpg" for n in range(4) for kind in "lp"]
    touch(tmp_path, names)
    lines = [f"{name},{'yes' if 'l' in name else 'no'},paper,{name[0]}" for name in names]
    (tmp_path / "m.csv").write_text("\n".join(["file,live,kind,who", *lines]))
    words = ["--column", "path=file", "--column", "label=live", "--column", "pai_species=kind"]
    words += ["--column", "capture_subject=who", "--label", "yes=bona_fide", "--label", "no=attack"]
    words += ["--species", "paper=print", "--dataset", "ours", "--no-digests"]
    table = tmp_path / "samples.csv"
    assert run("index", "manifest", tmp_path / "m.csv", "-o", table, *words).exit_code == 0
    assert {row.pai_species for row in read_sample_table(table)} == {"bona_fide", "print"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay-attack"], "has no root"),
        (["folder:x", "--species", "print"], "no pair"),
        (["oulu-npu", "x", "--light", "adverse"], "takes no option light"),
    ],
)
def test_wrong_use_is_said(words, message):
    with pytest.raises(Exception, match=message):
        run("index", *words)
