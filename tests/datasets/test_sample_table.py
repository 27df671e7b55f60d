"""A sample table says what it holds or says what is wrong with it."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest

from bonafide.datasets.sample_table import (
    check_protocol,
    digest_of,
    read_sample_table,
    write_sample_table,
)
from bonafide.types import BonafideError, Box, Label, Presentation, Split


def a_sample(**changes):
    base = Presentation(
        presentation="a",
        path="media/a.jpg",
        label=Label.ATTACK,
        pai_species="print",
        capture_subject="set/p1",
        split=Split.TRAIN,
        dataset="set (simulated)",
        box=Box(1.5, 2, 30, 40),
        rotation_deg=180,
        frame_rate_hz=25.0,
        sha256="ab",
    )
    return replace(base, **changes)


def bona_fide(**changes):
    return a_sample(label=Label.BONA_FIDE, pai_species="bona_fide", **changes)


def test_round_trip_keeps_every_field_and_makes_paths_absolute(tmp_path):
    table = tmp_path / "samples.csv"
    written = [
        a_sample(path=str(tmp_path.resolve() / "media" / "a.jpg")),
        bona_fide(presentation="b", path="/elsewhere/b.mov", box=None, light='dim, "red"'),
    ]
    write_sample_table(table, written)
    assert "media/a.jpg" in table.read_text()
    assert str(tmp_path) not in table.read_text()
    assert read_sample_table(table) == written


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("attack", "spoof", "line 2"),
        ("attack", "1", "label is one of"),
        ("train", "training", "split one of"),
        ("print", "", "pai_species"),
        ("attack,print", "bona_fide,print", "disagree"),
        ("attack,print", "attack,bona_fide", "disagree"),
        ("pai_species", "species", "missing columns"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(tmp_path, old, new, message):
    table = tmp_path / "samples.csv"
    write_sample_table(table, [a_sample()])
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(BonafideError, match=message):
        read_sample_table(table)


def test_an_id_that_stands_twice_is_refused(tmp_path):
    table = tmp_path / "samples.csv"
    write_sample_table(table, [a_sample(), a_sample(path="other.jpg")])
    with pytest.raises(BonafideError, match=r"line 3.*twice"):
        read_sample_table(table)


def test_missing_and_empty_tables_are_named(tmp_path):
    with pytest.raises(BonafideError, match=r"nothing\.csv"):
        read_sample_table(tmp_path / "nothing.csv")
    write_sample_table(tmp_path / "empty.csv", [])
    with pytest.raises(BonafideError, match="no rows"):
        read_sample_table(tmp_path / "empty.csv")


def test_subjects_in_two_splits_are_listed():
    samples = [a_sample(), bona_fide(presentation="b", split=Split.TEST)]
    with pytest.raises(BonafideError, match="set/p1"):
        check_protocol(samples, where="t")


def test_a_split_with_one_class_is_refused():
    samples = [
        a_sample(),
        bona_fide(presentation="b"),
        a_sample(presentation="c", capture_subject="set/p2", split=Split.TEST),
    ]
    with pytest.raises(BonafideError, match="test holds attack presentations only"):
        check_protocol(samples, where="t")


def test_the_digest_changes_with_label_split_and_content():
    base = [a_sample()]
    others = [
        [bona_fide()],
        [a_sample(split=Split.TEST)],
        [a_sample(sha256="cd")],
        [a_sample(), a_sample(presentation="b")],
    ]
    assert len({digest_of(rows) for rows in [base, *others]}) == 5
    assert digest_of(base) == digest_of([a_sample(path="moved.jpg")])


def _write_often(path):
    for _ in range(50):
        write_sample_table(path, [a_sample()])


def test_processes_that_write_one_table_at_once_leave_a_whole_one(tmp_path):
    path = tmp_path / "samples.csv"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_write_often, path) for _ in range(2)]:
            done.result()
    assert len(read_sample_table(path)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["samples.csv"]
