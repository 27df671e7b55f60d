"""Manifests: words are stated or refused, every faulty line is listed."""

import builtins

import pytest
from miniature import mipd_tree, touch, write_lists

from bonafide.datasets.errors import (
    DatasetError,
    LayoutError,
    LeakError,
    MissingFilesError,
    PolarityError,
    UnknownNameError,
)
from bonafide.datasets.manifest import ManifestForm, manifest, read_table
from bonafide.datasets.mipd import mipd
from bonafide.types import Label, Split

FORM = ManifestForm(
    dataset="ours",
    columns={"path": "file", "label": "is_live", "pai_species": "kind", "capture_subject": "who"},
    labels={"1": "bona_fide", "0": "attack"},
    species={"paper": "print"},
)


def write_manifest(root, rows, header="file,is_live,kind,who", name="m.csv"):
    touch(root, (row.split(",")[0] for row in rows))
    (root / name).write_text("\n".join([header, *rows]) + "\n")
    return root / name


def people(number=4):
    return [
        f"{n}-{kind or 'live'}.jpg,{int(not kind)},{kind},p{n}"
        for n in range(number)
        for kind in ("", "paper", "replay")
    ]


def test_words_and_columns_are_translated_as_stated(tmp_path):
    rows = manifest(write_manifest(tmp_path, people()), FORM)
    assert len(rows) == 12
    attack = next(row for row in rows if row.path.endswith("0-paper.jpg"))
    assert (attack.label, attack.pai_species, attack.pai_detail) == (Label.ATTACK, "print", "paper")
    assert attack.capture_subject == "ours/p0"
    assert attack.presentation == "ours/0-paper.jpg"
    assert {row.split for row in rows} == set(Split)


def test_trap_polarity_words_that_are_not_stated_are_refused_line_by_line(tmp_path):
    path = write_manifest(tmp_path, people(2))
    plain = ManifestForm(dataset="ours", columns=FORM.columns, species=FORM.species)
    with pytest.raises(UnknownNameError, match="6 line") as caught:
        manifest(path, plain)
    assert all(f"line {n}: label" in str(caught.value) for n in range(2, 8))


def test_unknown_attack_names_and_empty_subjects_are_listed(tmp_path):
    rows = [*people(), "a.jpg,0,hologram,p0", "b.jpg,1,,", "c.jpg,0,,p1"]
    with pytest.raises(UnknownNameError, match="3 line") as caught:
        manifest(write_manifest(tmp_path, rows), FORM)
    text = str(caught.value)
    assert "line 14: attack 'hologram'" in text
    assert "line 15: the subject is empty" in text
    assert "line 16: attack ''" in text


def test_missing_files_are_all_listed(tmp_path):
    path = write_manifest(tmp_path, people())
    for name in ("0-live.jpg", "3-replay.jpg"):
        (tmp_path / name).unlink()
    with pytest.raises(MissingFilesError, match="2 file") as caught:
        manifest(path, FORM)
    assert "0-live.jpg" in str(caught.value)
    assert "3-replay.jpg" in str(caught.value)
    assert len(manifest(path, FORM, partial=True)) == 10


def test_stated_splits_are_kept_and_overlapping_subjects_listed(tmp_path):
    header = "file,is_live,kind,who,split"
    rows = []
    for n, split in enumerate(("train", "devel", "test")):
        rows += [f"{n}a.jpg,1,,p{n},{split}", f"{n}b.jpg,0,paper,p{n},{split}"]
    form = ManifestForm(
        "ours", FORM.columns, FORM.labels, FORM.species, splits={"devel": "development"}
    )
    path = write_manifest(tmp_path, rows, header)
    assert [row.split for row in manifest(path, form)][2] is Split.DEVELOPMENT
    path = write_manifest(tmp_path, [*rows, "x.jpg,1,,p0,test", "y.jpg,1,,p1,test"], header)
    with pytest.raises(LeakError) as caught:
        manifest(path, form)
    assert "ours/p0: test, train" in str(caught.value)
    assert "ours/p1: development, test" in str(caught.value)


def test_parquet_reads_as_csv_does(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = write_manifest(tmp_path, people())
    table = read_table(path)
    columns = {name: [row[name] or None for row in table] for name in table[0]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "m.parquet")
    assert read_table(tmp_path / "m.parquet") == table
    assert manifest(tmp_path / "m.parquet", FORM) == manifest(path, FORM)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatasetError, match="Install pyarrow"):
        read_table(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.txt", "a", "suffix"),
        ("m.csv", "file,who\n", "no rows"),
        ("m.csv", "file,who\na,b\n", "is_live"),
        ("n.csv", None, "cannot be read"),
    ],
)
def test_files_that_are_no_manifest(tmp_path, name, text, message):
    if text:
        (tmp_path / name).write_text(text)
    with pytest.raises(LayoutError, match=message):
        manifest(tmp_path / name, FORM)


def test_forms_with_unknown_fields_or_labels_are_refused():
    with pytest.raises(LayoutError, match="colour"):
        ManifestForm("ours", columns={"colour": "x"})
    with pytest.raises(LayoutError, match="live"):
        ManifestForm("ours", labels={"1": "live"})


def test_trap_the_known_casia_dump_is_recognised_in_a_manifest(tmp_path):
    rows = [*people(), "s1vHR_1f9.png,0,paper,p1", "s2v1f3.png,1,,p2"]
    with pytest.raises(PolarityError, match="1 frame") as caught:
        manifest(write_manifest(tmp_path, rows), FORM)
    assert "s1vHR_1f9.png" in str(caught.value)


def test_mipd_reads_its_own_layout_and_makes_a_development_part(tmp_path):
    rows = mipd(mipd_tree(tmp_path))
    assert len(rows) == 2 * 10 * 4
    held_out = {row.capture_subject for row in rows if row.split is Split.DEVELOPMENT}
    assert len(held_out) == 1  # a fifth of seven train people, rounded
    assert {row.capture_subject for row in rows if row.split is Split.TEST} == {
        "mipd/007",
        "mipd/008",
        "mipd/009",
    }
    flat = mipd(tmp_path, protocol="mip-2d")
    assert {row.pai_species for row in flat} == {"bona_fide", "print", "print_warped", "replay"}
    assert all(row.depth_path and row.infrared_path for row in rows)


def test_mipd_refuses_species_of_the_other_part_and_missing_modalities(tmp_path):
    mipd_tree(tmp_path)
    path = tmp_path / "MIP-2D/manifest.csv"
    good = path.read_text()
    path.write_text(good.replace("print_warped,003", "head,003"))
    with pytest.raises(UnknownNameError, match="head"):
        mipd(tmp_path)
    path.write_text(good.replace(",003/live-depth.jpg,", ",,"))
    with pytest.raises(LayoutError, match="lack a depth"):
        mipd(tmp_path)
    path.write_text(good)
    (tmp_path / "MIP-2D/003/live-ir.jpg").unlink()
    with pytest.raises(MissingFilesError, match="live-ir"):
        mipd(tmp_path)
    with pytest.raises(LayoutError, match="not defined"):
        mipd(tmp_path, protocol="2d")
    write_lists(tmp_path / "MIP-3D", {"manifest.csv": ["path"]})
    with pytest.raises(LayoutError, match="no rows"):
        mipd(tmp_path, protocol="mip-3d")
