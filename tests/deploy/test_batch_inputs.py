"""A batch lists its inputs once, exactly: files, folders, patterns, URLs and tables."""

import csv
import os
import zipfile

import pytest

from bonafide.capture.errors import NothingFoundError
from bonafide.deploy.batch_inputs import (
    list_inputs,
    read_chunk_inputs,
    read_chunks,
    write_inputs,
)
from bonafide.deploy.batch_places import LocalPlace, is_url, place_at
from bonafide.types import BonafideError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.jpg", "b[1].jpg", "deep/c.jpg", ".hidden.jpg", "notes.txt"):
        (tmp_path / "in" / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*patterns):
    return list(list_inputs(patterns))


def test_folders_patterns_and_files_give_each_file_once(folder):
    whole = [str(folder / "in" / name) for name in ("a.jpg", "b[1].jpg", "deep/c.jpg", "notes.txt")]
    assert names("in") == whole
    assert names("in/*.jpg") == whole[:2]
    assert names("in/b[1].jpg", "in", "in/../in/a.jpg") == [whole[1], whole[0], *whole[2:]]


@pytest.mark.parametrize("pattern", ["in/*.png", "in/none.jpg", "file:///none/x", "nowhere/"])
def test_a_pattern_that_leads_nowhere_stops_before_anything_is_judged(folder, pattern):
    with pytest.raises(BonafideError):
        names(pattern)


def test_an_empty_folder_stops_too(folder):
    (folder / "empty").mkdir()
    with pytest.raises(NothingFoundError):
        names("empty")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_names_its_inputs_from_its_own_folder(folder, ending, monkeypatch):
    table = folder / "in" / f"list.{ending}"
    paths = ["a.jpg", "/elsewhere/b.jpg", "s3://bucket/c.jpg", "a.jpg"]
    if ending == "csv":
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([("id", "path"), *enumerate(paths)])
    else:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"id": range(4), "path": paths}), table)
    expected = [str(folder / "in" / "a.jpg"), "/elsewhere/b.jpg", "s3://bucket/c.jpg"]
    assert names(str(table)) == expected
    assert names(f"in/*.{ending}") == expected
    assert names(table.as_uri())[1:] == expected[1:]


@pytest.mark.parametrize(
    ("content", "said"), [("id\n1\n", "no column 'path'"), ("path\n''\n", "row without a path")]
)
def test_a_table_without_paths_is_refused(folder, content, said):
    (folder / "t.csv").write_text(content.replace("''", '""'))
    with pytest.raises(BonafideError, match=said):
        names("t.csv")


def test_urls_of_files_folders_patterns_and_archives(folder):
    with zipfile.ZipFile("x.zip", "w") as archive:
        for name in ("a.jpg", "d/b.jpg", "d/c.txt", "d/.hidden.jpg"):
            archive.writestr(name, name)
    here = folder.as_uri()
    assert names(f"{here}/in/a.jpg") == [f"{here}/in/a.jpg"]
    assert len(names(f"{here}/in")) == 4
    assert names(f"zip://**/*.jpg::{here}/x.zip") == [
        f"zip://a.jpg::{here}/x.zip",
        f"zip://d/.hidden.jpg::{here}/x.zip",
        f"zip://d/b.jpg::{here}/x.zip",
    ]
    assert names(f"zip://d::{here}/x.zip") == [
        f"zip://d/b.jpg::{here}/x.zip",
        f"zip://d/c.txt::{here}/x.zip",
    ]


def test_what_is_a_url():
    assert all(map(is_url, ("gs://bucket/a", "zip://*::memory://x")))
    assert not any(map(is_url, ("a.jpg", "/a/b", "C:\\a", "http:/a", "a::b")))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("url", [False, True])
def test_chunks_cut_the_list_without_a_gap_or_an_overlap(tmp_path, size, url):
    strange = ["line\nbreak", 'quo"te', "ünï", os.fsdecode(b"\xff\xfe.jpg"), "a", "b", "c"]
    place = place_at(f"memory://{tmp_path}") if url else LocalPlace(tmp_path)
    write_inputs(place, strange)
    chunks = list(read_chunks(place, size))
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    read = [read_chunk_inputs(place, chunk) for chunk in chunks]
    assert [name for part in read for name in part] == strange
    assert {len(part) for part in read[:-1]} <= {size}


@pytest.mark.parametrize("url", [False, True])
def test_a_file_of_a_place_is_there_whole_or_not_at_all(tmp_path, url):
    place = place_at(f"memory://{tmp_path}/run") if url else LocalPlace(tmp_path / "run")

    def broken():
        yield b"half"
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        place.write("parts/a", broken())
    assert not place.exists("parts/a")
    assert place.names("parts") == set()
    place.write("parts/a", [b"wh", b"ole"])
    place.write("parts/a", [b"whole"])
    assert place.names("parts") == {"a"}
    with place.open("parts/a") as stream:
        assert stream.read() == b"whole"
    with pytest.raises(FileNotFoundError):
        place.open("parts/b")


def test_what_killed_writers_left_is_tidied_and_never_counted(tmp_path):
    place = LocalPlace(tmp_path)
    place.write("parts/a", [b"whole"])
    (tmp_path / "parts" / ".x.partial").write_text("half")
    assert place.names("parts") == {"a"}
    place.tidy("parts")
    assert os.listdir(tmp_path / "parts") == ["a"]
