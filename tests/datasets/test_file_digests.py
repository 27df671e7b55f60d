"""A table's digest names the pictures: each file is read, and again only when it changed."""

import hashlib
import os
from dataclasses import replace

import pytest

from bonafide.datasets.file_digests import check_unchanged, with_digests
from bonafide.datasets.sample_table import digest_of, read_sample_table, write_sample_table
from bonafide.types import BonafideError, Label, Presentation, Split


@pytest.fixture
def row(tmp_path):
    for name in ("colour", "depth", "infrared"):
        (tmp_path / name).write_text(name)
    return Presentation(
        "a", str(tmp_path / "colour"), Label.BONA_FIDE, "bona_fide", "p", Split.TRAIN, "made up",
        depth_path=str(tmp_path / "depth"), infrared_path=str(tmp_path / "infrared"),
    )  # fmt: skip


def test_every_file_of_a_row_is_hashed_and_survives_the_table(row, tmp_path):
    [hashed] = with_digests([row])
    for digest, text in (("sha256", b"colour"), ("depth_sha256", b"depth")):
        assert getattr(hashed, digest) == hashlib.sha256(text).hexdigest()
    assert hashed.infrared_sha256 == hashlib.sha256(b"infrared").hexdigest()
    write_sample_table(tmp_path / "samples.csv", [hashed])
    assert read_sample_table(tmp_path / "samples.csv") == [hashed]
    [photo] = with_digests([replace(row, depth_path="", infrared_path="")])
    assert (photo.depth_sha256, photo.infrared_sha256) == ("", "")


@pytest.mark.parametrize("name", ["colour", "depth", "infrared"])
def test_a_change_of_any_file_changes_the_digest_of_the_data(row, tmp_path, name):
    before = digest_of(with_digests([row]))
    (tmp_path / name).write_text("other")
    assert digest_of(with_digests([row])) != before
    (tmp_path / name).write_text(name)
    assert digest_of(with_digests([row])) == before


def test_a_digest_of_depth_is_not_taken_for_one_of_infrared(row):
    depth, infrared = (replace(row, **{name: "1"}) for name in ("depth_sha256", "infrared_sha256"))
    assert len({digest_of([one]) for one in (row, depth, infrared)}) == 3


def test_a_file_is_read_again_only_when_its_length_or_time_changed(row, tmp_path):
    memory, colour = tmp_path / "memory.csv", tmp_path / "colour"
    [first] = with_digests([row], memory)
    state = os.stat(colour)
    colour.write_text("COLOUR")
    os.utime(colour, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert with_digests([row], memory) == [first], "was read again"
    os.utime(colour, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    [second] = with_digests([row], memory)
    assert second.sha256 == hashlib.sha256(b"COLOUR").hexdigest()
    assert second.depth_sha256 == first.depth_sha256


@pytest.mark.parametrize("text", ["", "path,bytes\n", "path,bytes,mtime_ns,sha256\na,1\n", "\x00"])
def test_a_damaged_memory_costs_time_and_nothing_else(row, tmp_path, text):
    memory = tmp_path / "memory.csv"
    memory.write_text(text)
    assert with_digests([row], memory) == with_digests([row])


def test_a_missing_file_is_named(row, tmp_path):
    (tmp_path / "depth").unlink()
    with pytest.raises(BonafideError, match="depth: cannot be read"):
        with_digests([row], tmp_path / "memory.csv")


def test_a_file_that_is_not_the_indexed_one_is_refused(row, tmp_path):
    [hashed] = with_digests([row])
    check_unchanged(hashed)
    (tmp_path / "infrared").write_text("other")
    check_unchanged(row)  # without digests nothing is claimed
    with pytest.raises(BonafideError, match=r"infrared: has changed since it was indexed.*again"):
        check_unchanged(hashed)


def test_each_row_is_told(row):
    told = []
    with_digests([row, replace(row, presentation="b")], None, lambda: told.append(1))
    assert len(told) == 2
